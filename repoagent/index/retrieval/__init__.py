"""Find code by a description of it: units of code as bags of words, and how well each matches a question."""
