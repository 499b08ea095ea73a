; PHP.

(function_definition) @function
(method_declaration) @method
(class_declaration) @class
(interface_declaration) @interface
(trait_declaration) @trait
(enum_declaration) @enum
(namespace_definition name: (_) body: (_)) @module
(const_element) @variable
(property_element) @variable
(enum_case) @variable

(namespace_use_declaration) @import
(require_once_expression) @import
(require_expression) @import
(include_expression) @import
(include_once_expression) @import

(function_call_expression function: (name) @call)
(function_call_expression function: (qualified_name (name) @call .))
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(scoped_call_expression scope: (name) @type_name)
(object_creation_expression (name) @call)
(object_creation_expression (qualified_name (name) @call .))
(member_access_expression name: (name) @attribute)
(class_constant_access_expression . (name) @type_name)
(class_constant_access_expression (name) @attribute .)
(named_type (name) @type_name)
(named_type (qualified_name (name) @type_name .))
(base_clause (name) @type_name)
(class_interface_clause (name) @type_name)
(use_declaration (name) @type_name)
