; C++, beside what it has of C.

(class_specifier name: (_) body: (_)) @class
(struct_specifier name: (template_type) body: (_)) @struct
(namespace_definition name: (_)) @module
(concept_definition) @type
(alias_declaration) @type
(template_declaration) @wrapper
(field_declaration declarator: (function_declarator)) @method
(field_declaration declarator: (field_identifier)) @variable
(namespace_definition body: (declaration_list (declaration declarator: (init_declarator) @variable)))

(using_declaration) @import

(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(call_expression function: (field_expression field: (template_method name: (field_identifier) @call)))
(new_expression type: (type_identifier) @call)
