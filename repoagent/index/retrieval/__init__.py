"""Finding code by what is said about it: pieces of code as bags of words, and how well each answers a question."""
