"""GitHub, and GitHub Enterprise: one repository's issues, comments, branches and pull requests, by its REST API.

The client is githubkit, which is generated from GitHub's OpenAPI description; replies are read with lenient models of
our own, because an Enterprise server answers with fewer fields, and tomorrow's with more.
"""

from __future__ import annotations

from repoagent.github.repository import Repository

__all__ = ["Repository"]
