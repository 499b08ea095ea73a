"""The documentation site: Sphinx with MyST (Markdown) and the theme Furo. Why: docs/contributing/documentation.md.

`make docs` builds it; `make check` builds it with every warning an error, dead links and anchors among them. The site
loads nothing from other hosts, and building it needs no network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util.logging import getLogger

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from repoagent import __version__  # noqa: E402  # the checkout's own

project = "repoagent"
author = "The authors of repoagent"
version = release = __version__
language = "en"

extensions = ["myst_parser"]
smartquotes = False  # two hyphens in an option stay two hyphens
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 4  # headings can be linked to, by the names that GitHub gives them
nitpicky = True

html_theme = "furo"
html_title = "repoagent"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    """Look at the built pages: what they load has to lie beside them."""
    app.connect("build-finished", warn_of_outside_resources)


def warn_of_outside_resources(app: Sphinx, error: Exception | None) -> None:
    """Warn of every page or style sheet that loads something from another host; a plain link is none."""
    loads = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//|<link[^>]+href=\"?(?:https?:)?//|url\(['\"]?(?:https?:)?//"
    )
    for path in () if error else sorted(Path(app.outdir).rglob("*")):
        if path.suffix in {".html", ".css"} and loads.search(path.read_text(encoding="utf-8")):
            getLogger(__name__).warning("%s loads something from another host", path.relative_to(app.outdir))
