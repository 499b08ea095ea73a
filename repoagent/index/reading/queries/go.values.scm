; Names used as values, for the files that `go.scm` is for.

(selector_expression operand: (identifier) @name)
(argument_list (identifier) @name)
(expression_list (identifier) @name)
(binary_expression (identifier) @name)
(unary_expression (identifier) @name)
(index_expression (identifier) @name)
