; Names used as values, for the files that `jsx.scm` is for.

(jsx_expression (identifier) @name)
