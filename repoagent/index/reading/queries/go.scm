; Go.

(function_declaration) @function
(method_declaration) @method
(type_spec type: (struct_type)) @struct
(type_spec type: (interface_type)) @interface
(type_spec) @type
(type_alias) @type
(interface_type (method_elem) @method)
(source_file (const_declaration (const_spec) @variable))
(source_file (var_declaration (var_spec) @variable))
(source_file (var_declaration (var_spec_list (var_spec) @variable)))

(import_spec) @import

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(selector_expression field: (field_identifier) @attribute)
(type_identifier) @type_name
