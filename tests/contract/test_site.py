"""docs/website: every page has its place, the lock is whole, and what would be wrong with a built site is found."""

import re
import tomllib
from pathlib import Path

import pytest

from docs.website import check, navigation

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_navigation__has_every_page_once():
    there = sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))
    placed = [page for pages in navigation.PAGES.values() for page in pages]
    assert sorted(["index", *placed]) == there, "add new pages to docs/website/navigation.py"


def test_lock__pins_what_the_group_names():
    lock = (ROOT / "requirements-docs.lock").read_text()
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["docs"]:
        assert re.search(rf"^{name}==[\d.]+.*\\\n    --hash=sha256:", lock, re.MULTILINE), name


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("<a href='b.html'>b</a>", "links to b.html, which is not there"),
        ("<a href='#deep'>b</a>", "links to #deep, which has no such heading"),
        ("<a href='deep/c.html#no'>b</a>", "links to deep/c.html#no, which has no such heading"),
        ("<script src='https://cdn.example/x.js'></script>", "loads https://cdn.example/x.js; nothing may come"),
        ("<img src='//cdn.example/x.png'>", "loads //cdn.example/x.png; nothing may come"),
        ("<link rel='stylesheet' href='https://fonts.example/f'>", "loads https://fonts.example/f; nothing may come"),
        ("<img src='gone.svg'>", "links to gone.svg, which is not there"),
    ],
)
def test_check__finds(tmp_path, page, says):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/c.html").write_text("<h1 id='yes'>c</h1>")
    (tmp_path / "a.html").write_text(page)
    (problem,) = check.problems(tmp_path)
    assert problem.startswith(f"a.html: {says}")


def test_check__finds_nothing_in_a_sound_site_and_something_in_an_empty_one(tmp_path):
    (problem,) = check.problems(tmp_path)
    assert "holds no page" in problem
    (tmp_path / "a.html").write_text("<h1 id='x'>a</h1><a href='#x'>x</a><a href='https://example.org'>out</a>")
    (tmp_path / "a.css").write_text("@import url(b.css); p { background: url('data:image/png;base64,aa//') }")
    assert list(check.problems(tmp_path)) == []
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/f.woff2') }")
    (problem,) = check.problems(tmp_path)
    assert problem == "a.css: loads https://fonts.example/f.woff2; nothing may come from another host"
