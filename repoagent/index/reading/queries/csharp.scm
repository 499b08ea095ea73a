; C#.

(class_declaration) @class
(record_declaration) @class
(interface_declaration) @interface
(struct_declaration) @struct
(enum_declaration) @enum
(delegate_declaration) @type
(namespace_declaration) @module
(file_scoped_namespace_declaration) @module
(method_declaration) @method
(constructor_declaration) @method
(destructor_declaration) @method
(property_declaration) @method
(operator_declaration) @method
(local_function_statement) @function
(field_declaration (variable_declaration (variable_declarator) @variable))
(event_field_declaration (variable_declaration (variable_declarator) @variable))
(enum_member_declaration) @variable

(using_directive) @import

(invocation_expression function: (identifier) @call)
(invocation_expression function: (generic_name (identifier) @call))
(invocation_expression function: (member_access_expression name: (identifier) @call))
(invocation_expression function: (member_access_expression name: (generic_name (identifier) @call)))
(invocation_expression function: (conditional_access_expression (member_binding_expression name: (identifier) @call)))
(object_creation_expression type: (identifier) @call)
(object_creation_expression type: (generic_name (identifier) @call))
(member_access_expression name: (identifier) @attribute)
(base_list (identifier) @type_name)
(base_list (generic_name (identifier) @type_name))
(parameter type: (identifier) @type_name)
(variable_declaration type: (identifier) @type_name)
(variable_declaration type: (generic_name (identifier) @type_name))
(method_declaration returns: (identifier) @type_name)
(type_argument_list (identifier) @type_name)
