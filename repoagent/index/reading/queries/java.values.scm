; Names used as values, for the files that `java.scm` is for.

(marker_annotation name: (identifier) @name)
(annotation name: (identifier) @name)
(method_invocation object: (identifier) @name)
(field_access object: (identifier) @name)
(argument_list (identifier) @name)
(binary_expression (identifier) @name)
(assignment_expression right: (identifier) @name)
(return_statement (identifier) @name)
