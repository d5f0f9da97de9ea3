"""Look through the built site: every link leads somewhere on it, and no page loads anything from another host.

Sphinx checks the links of pages; this also sees those of the theme, and what a page makes a browser fetch.

    python docs/website/check.py .site/html
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
_ADDRESS = re.compile(r"(?:url\(|@import )\s*[\"']?((?:https?:)?//[^)\"']+)")  # of another host, in a style sheet


class Page(HTMLParser):
    """What a page can be linked by (`anchors`), links to, and makes a browser fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") != "canonical":
            self.fetched.append(given.get("href", ""))
        elif tag in _FETCHED:
            self.fetched.append(given.get(_FETCHED[tag], ""))


def problems(site: Path) -> Iterator[str]:
    """One line for each link to nowhere and each thing that comes from another host."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    if not pages:
        yield f"{site}: holds no page; build it first: make docs"
    for path in site.rglob("*.css"):
        for address in _ADDRESS.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads {address}; nothing may come from another host"
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for address in (one for one in page.fetched if urlsplit(one).netloc):
            yield f"{name}: loads {address}; nothing may come from another host"
        for address in dict.fromkeys(one for one in (*page.links, *page.fetched) if one):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not aim.is_file():
                yield f"{name}: links to {address}, which is not there"
            elif parts.fragment and aim in pages and parts.fragment not in pages[aim].anchors:
                yield f"{name}: links to {address}, which has no such heading"


def main() -> int:
    found = list(problems(Path(sys.argv[1])))
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
