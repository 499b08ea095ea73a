"""Read the bytes of one file into facts: each language by its tree-sitter grammar and a query of ours."""
