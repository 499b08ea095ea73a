; Kotlin.

(class_declaration) @class
(object_declaration) @class
(companion_object) @scope
(function_declaration) @function
(secondary_constructor) @method
(type_alias) @type
(source_file (property_declaration) @variable)
(class_body (property_declaration) @variable)
(enum_entry) @variable

(import) @import

(call_expression . (identifier) @call)
(call_expression . (navigation_expression (identifier) @call .))
(constructor_invocation (user_type (identifier) @call))
(navigation_expression (identifier) @attribute .)
(user_type (identifier) @type_name)
