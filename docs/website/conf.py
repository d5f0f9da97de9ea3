"""Sphinx's settings: the pages of docs/ as a site. Why Sphinx: docs/design/site.md."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/driftgate/driftgate"
COLOURS = {
    "color-sidebar-link-text": "var(--color-foreground-secondary)",
    "color-sidebar-link-text--top-level": "var(--color-foreground-secondary)",
}

project = "Driftgate"
author = "The Driftgate authors"
project_copyright = author
(version,) = re.findall(r'^__version__ = "(.+)"', (ROOT / "gate/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
release = version

extensions = ["myst_parser", "sphinx_copybutton", "outside"]
exclude_patterns = ["website"]
myst_heading_anchors = 4  # as GitHub has them: a link to a heading is right in both places, or fails
myst_enable_extensions = ["colon_fence"]
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # a JSON example may have an ellipsis in it

linkcheck_retries = 2
linkcheck_timeout = 20
linkcheck_anchors_ignore_for_url = [r"https://github\.com/"]  # headings there are made by a script

html_theme = "furo"
html_title = "Driftgate"
html_static_path = ["static"]
html_css_files = ["driftgate.css"]
html_logo = "static/driftgate.svg"
html_favicon = "static/driftgate.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "source_repository": f"{REPOSITORY}/",
    "source_branch": "main",
    "source_directory": "docs/",
    "light_css_variables": COLOURS | {"color-brand-primary": "#b3440a", "color-brand-content": "#b3440a"},
    "dark_css_variables": COLOURS | {"color-brand-primary": "#ff9a62", "color-brand-content": "#ff9a62"},
}
copybutton_prompt_text = "$ "  # of a console block the commands are copied, without what they print
