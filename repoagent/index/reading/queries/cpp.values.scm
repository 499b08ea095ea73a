; Names used as values in files of `cpp.scm`.

(namespace_identifier) @name
