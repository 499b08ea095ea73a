; Names used as values, for the files that `csharp.scm` is for.

(attribute name: (identifier) @name)
(member_access_expression expression: (identifier) @name)
(argument (identifier) @name)
(binary_expression (identifier) @name)
(assignment_expression right: (identifier) @name)
(return_statement (identifier) @name)
