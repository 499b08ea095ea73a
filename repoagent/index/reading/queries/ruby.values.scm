; Names used as values, for the files that `ruby.scm` is for.

(body_statement (identifier) @name)
(program (identifier) @name)
(argument_list (identifier) @name)
(binary (identifier) @name)
(call receiver: (identifier) @name)
(assignment right: (identifier) @name)
