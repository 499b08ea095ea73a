"""What somebody reported: where its text comes from, what is removed from it, and the document that all others read.

`sources` read the text, `sanitise` removes what a person would not see, `document` parses it once into blocks.
`proposals`, `snippets`, `claims` and `spec` are worked out from the document.
"""

from __future__ import annotations

from repoagent.issue.sources.reader import find_clone_url, read_issue

__all__ = ["find_clone_url", "read_issue"]
