"""Languages that are read with tree-sitter's grammars, all by the same code: a language is a row of `table`."""
