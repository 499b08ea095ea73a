"""Where issues come from: GitHub, a file, standard input."""
