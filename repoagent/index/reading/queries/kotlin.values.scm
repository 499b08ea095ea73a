; Names used as values, for the files that `kotlin.scm` is for.

(navigation_expression . (identifier) @name)
(value_argument (identifier) @name)
(binary_expression (identifier) @name)
