int tally(const char *marks);
