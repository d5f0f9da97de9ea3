"""What a page says for GitHub, said for the site: the side bar, and links to files that are no pages.

A link such as ``../examples/ruleset.json`` is right where GitHub shows the page. On the site it goes to the file on
GitHub. A file that is not there is an error.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from navigation import toctrees
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LINK = re.compile(r"\]\((\.\./[^()\s]+)\)")
_LOG = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    def linked(found: re.Match[str]) -> str:
        path, _, anchor = found[1].partition("#")
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(docname), path))
        if path.startswith("docs/") and path.endswith((".md", ".svg", ".png")):
            return found[0]  # a page or a picture of the site
        whole = app.srcdir.parent / path
        if not whole.exists():
            _LOG.warning("link to %s, which is not there", found[1], location=docname)
        view = "tree" if whole.is_dir() else "blob"
        repository = app.config.html_theme_options["source_repository"]
        return f"]({repository}{view}/main/{path}{'#' if anchor else ''}{anchor})"

    source[0] = _LINK.sub(linked, source[0])
    if docname == app.config.root_doc:
        source[0] += toctrees()
