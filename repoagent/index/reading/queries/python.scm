; What the index wants of a Python file. Captures only, no predicates: what belongs to what is worked out from the ranges,
; because walking to parents costs time in the depth of the tree. The names of the captures are those of `extract.py`.

(function_definition) @function
(class_definition) @class
(type_alias_statement) @type
(decorated_definition) @wrapper
(module (expression_statement (assignment left: (identifier)) @variable))
(class_definition body: (block (expression_statement (assignment left: (identifier)) @variable)))

(import_statement) @import
(import_from_statement) @import
(future_import_statement) @import

(call function: (identifier) @call)
; Called where an opening parenthesis follows: telling that here costs a capture for each call.
(attribute attribute: (identifier) @member)
