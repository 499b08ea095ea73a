"""The command line: parse, call, print. No module here imports anything heavy before a command runs."""
