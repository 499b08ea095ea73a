; Names used as values, for the files that `rust.scm` is for.

(scoped_identifier path: (identifier) @name)
(scoped_identifier name: (identifier) @name)
(arguments (identifier) @name)
(binary_expression (identifier) @name)
(reference_expression (identifier) @name)
(return_expression (identifier) @name)
