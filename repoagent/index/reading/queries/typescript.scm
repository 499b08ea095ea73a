; TypeScript: JavaScript with types.

(function_declaration) @function
(generator_function_declaration) @function
(class_declaration) @class
(method_definition) @method
(program (lexical_declaration (variable_declarator name: (identifier)) @variable))
(program (variable_declaration (variable_declarator name: (identifier)) @variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier)) @variable)))
(variable_declarator name: (identifier) value: [(arrow_function) (function_expression) (generator_function)]) @function
(variable_declarator name: (identifier) value: (class)) @class
(assignment_expression left: (member_expression) right: [(arrow_function) (function_expression)]) @function
(pair key: (property_identifier) value: [(arrow_function) (function_expression)]) @function
(export_statement) @wrapper

(import_statement) @import
(export_statement source: (string)) @import

(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (property_identifier) @call))
(member_expression property: (property_identifier) @attribute)

(function_signature) @function
(abstract_class_declaration) @class
(abstract_method_signature) @method
(method_signature) @method
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
(internal_module) @module
(module) @module
(public_field_definition name: (property_identifier)) @variable

(type_identifier) @type_name
