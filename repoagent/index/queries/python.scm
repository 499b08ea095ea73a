; What the index wants of a Python file. Captures only: what belongs to what is worked out from the ranges,
; because walking to parents costs time in the depth of the tree.

(function_definition) @function
(class_definition) @class
(decorated_definition) @decorated

(import_statement) @import
(import_from_statement) @import
(future_import_statement) @import

(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
(attribute attribute: (identifier) @attribute)

; Names used as values. Plain `(identifier)` would also match every parameter and local variable.
(attribute object: (identifier) @name)
(argument_list (identifier) @name)
(keyword_argument value: (identifier) @name)
(default_parameter value: (identifier) @name)
(typed_default_parameter value: (identifier) @name)
(decorator (identifier) @name)
(assignment right: (identifier) @name)
(return_statement (identifier) @name)
(raise_statement (identifier) @name)
(except_clause (identifier) @name)
(subscript (identifier) @name)
(type (identifier) @name)
(list (identifier) @name)
(tuple (identifier) @name)
(set (identifier) @name)
(pair value: (identifier) @name)
(expression_list (identifier) @name)
(comparison_operator (identifier) @name)
(boolean_operator (identifier) @name)
(not_operator (identifier) @name)
(conditional_expression (identifier) @name)
