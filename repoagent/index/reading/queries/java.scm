; Java.

(class_declaration) @class
(record_declaration) @class
(interface_declaration) @interface
(annotation_type_declaration) @interface
(enum_declaration) @enum
(method_declaration) @method
(constructor_declaration) @method
(compact_constructor_declaration) @method
(field_declaration declarator: (variable_declarator) @variable)
(constant_declaration declarator: (variable_declarator) @variable)
(enum_constant) @variable

(import_declaration) @import

(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(object_creation_expression type: (generic_type (type_identifier) @call))
(method_reference (identifier) @call .)
(field_access field: (identifier) @attribute)
(type_identifier) @type_name
