"""Where tasks are carried out: on this machine, on a Ray cluster, or nowhere for tests."""
