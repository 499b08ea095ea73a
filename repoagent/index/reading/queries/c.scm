; C, and what C++ has of it.

(function_definition) @function
(declaration declarator: (function_declarator declarator: (identifier))) @prototype
(declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier)))) @prototype
(struct_specifier name: (type_identifier) body: (_)) @struct
(union_specifier name: (type_identifier) body: (_)) @struct
(enum_specifier name: (type_identifier) body: (_)) @enum
(type_definition) @type
(preproc_def) @macro
(preproc_function_def) @macro
(translation_unit (declaration declarator: (init_declarator) @variable))
(translation_unit (declaration declarator: (identifier) @variable))
(translation_unit (declaration declarator: (pointer_declarator declarator: (identifier)) @variable))
(translation_unit (declaration declarator: (array_declarator declarator: (identifier)) @variable))
(enumerator) @variable

(preproc_include) @import

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(field_expression field: (field_identifier) @attribute)
(type_identifier) @type_name
