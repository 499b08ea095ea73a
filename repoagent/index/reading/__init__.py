"""From the bytes of one file to facts: each language by its tree-sitter grammar and a query of ours."""
