; Elements of JSX: a component is used where it is written. Appended to JavaScript and TSX.

(jsx_opening_element name: (identifier) @call)
(jsx_self_closing_element name: (identifier) @call)
