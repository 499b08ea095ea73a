; Names used as values, for the files that `c.scm` is for.

(argument_list (identifier) @name)
(binary_expression (identifier) @name)
(pointer_expression (identifier) @name)
(init_declarator value: (identifier) @name)
(initializer_list (identifier) @name)
(initializer_pair value: (identifier) @name)
(assignment_expression right: (identifier) @name)
(return_statement (identifier) @name)
