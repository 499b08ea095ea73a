; Ruby.

(method) @function
(singleton_method) @function
(class) @class
(module) @module
(assignment left: (constant)) @variable

(call method: (identifier) @call)
(call method: (constant) @call)
(constant) @type_name
