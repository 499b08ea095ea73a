"""Read what runners of tests write; all of it comes out of a sandbox, and is hostile."""
