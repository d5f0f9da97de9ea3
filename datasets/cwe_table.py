"""Build gate/families/cwe.tsv: `make cwe-table`. Weaknesses, their parents and their names, from MITRE's own list.

The list comes with the PyPI package cwe2, which is pinned in requirements-dev.lock; only its XML file is read. A name
in any form that has meant more than one weakness is left out: who writes it means either, and nobody can say which.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from gate.families.cwe import words

OUT = Path(__file__).resolve().parents[1] / "gate" / "families" / "cwe.tsv"
RESEARCH_VIEW = "1000"
NICKNAME = re.compile(r"\((?:aka )?['\"]?([^()]*?)['\"]?\)")
# Names that everybody says and MITRE's list does not have.
EVERYDAY = {
    "79": ["stored xss", "reflected xss", "dom xss", "dom based xss", "persistent xss"]
    + [f"{kind} cross site scripting" for kind in ("stored", "reflected", "persistent", "dom based")],
    "117": ["log injection"],
    "121": ["stack buffer overflow"],
    "122": ["heap buffer overflow", "heap overflow"],
    "125": ["out of bounds read", "oob read"],
    "134": ["format string", "format string injection"],
    "190": ["integer overflow"],
    "193": ["off by one"],
    "284": ["broken access control"],
    "287": ["authentication bypass", "broken authentication"],
    "306": ["missing authentication"],
    "312": ["cleartext storage"],
    "319": ["cleartext transmission"],
    "327": ["weak cryptography", "broken cryptography"],
    "328": ["weak hash"],
    "330": ["insufficient randomness", "weak randomness"],
    "409": ["zip bomb", "decompression bomb"],
    "434": ["arbitrary file upload"],
    "444": ["request smuggling"],
    "476": ["null pointer dereference", "null dereference"],
    "502": ["insecure deserialization", "unsafe deserialization"],
    "611": ["xml external entity", "xml external entity injection", "xxe injection"],
    "639": ["idor", "insecure direct object reference"],
    "787": ["out of bounds write", "oob write"],
    "798": ["hard coded credentials", "hardcoded credentials", "use of hardcoded credentials"],
    "862": ["missing authorization", "missing access control"],
    "915": ["mass assignment"],
    "943": ["nosql injection"],
    "1336": ["template injection"],
}
HEAD = """\
# CWE {version} ({date}): id, abstraction, parents in the research view (CWE-1000, ChildOf), name, other names.
# Made by datasets/cwe_table.py. Copyright (c) 2006-2024, The MITRE Corporation. CWE and the CWE logo are trademarks of
# The MITRE Corporation. CWE Usage: MITRE hereby grants you a non-exclusive, royalty-free license to use CWE for
# research, development, and commercial purposes. Any copy you make for such purposes is authorized on the condition
# that you reproduce MITRE's copyright designation and this license in any such copy. DISCLAIMERS: ALL DOCUMENTS AND THE
# INFORMATION CONTAINED IN THE CWE ARE PROVIDED ON AN "AS IS" BASIS AND THE CONTRIBUTOR, THE ORGANIZATION HE/SHE
# REPRESENTS OR IS SPONSORED BY (IF ANY), THE MITRE CORPORATION, ITS BOARD OF TRUSTEES, OFFICERS, AGENTS, AND EMPLOYEES,
# DISCLAIM ALL WARRANTIES, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO ANY WARRANTY THAT THE USE OF THE INFORMATION
# THEREIN WILL NOT INFRINGE ANY RIGHTS OR ANY IMPLIED WARRANTIES OF MERCHANTABILITY OR FITNESS FOR A PARTICULAR PURPOSE
# AND NONINFRINGEMENT. IN NO EVENT SHALL THE CONTRIBUTOR, THE ORGANIZATION HE/SHE REPRESENTS OR IS SPONSORED BY (IF
# ANY), THE MITRE CORPORATION, ITS BOARD OF TRUSTEES, OFFICERS, AGENTS, AND EMPLOYEES BE LIABLE FOR ANY CLAIM, DAMAGES
# OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
# INFORMATION OR THE USE OR OTHER DEALINGS IN THE CWE.
"""


def source() -> Path:
    """MITRE's XML in the installed package. The package itself is not imported: it opens sixty files when it is."""
    spec = importlib.util.find_spec("cwe2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("cwe2 is not installed: pip install --require-hashes -r requirements-dev.lock")
    return next(Path(spec.submodule_search_locations[0]).glob("database_*/cwec_v*.xml"))


def table(xml: Path) -> str:
    root = ET.parse(xml).getroot()  # noqa: S314 - the file of a package that is pinned by hash
    space = {"c": root.tag[1:].partition("}")[0]}
    found = [one for kind in ("Weakness", "Category") for one in root.iterfind(f".//c:{kind}", space)]
    alive = (one for one in found if not one.get("Name", "").startswith("DEPRECATED"))
    entries = sorted(alive, key=lambda one: int(one.get("ID", "0")))
    names = unambiguous(entries, space)
    lines = [row(one, space, names) for one in entries]
    return HEAD.format(version=root.get("Version"), date=root.get("Date")) + "".join(lines)


def row(one: ET.Element, space: dict[str, str], names: dict[str, str]) -> str:
    ident = one.get("ID", "")
    parents = [
        relation.get("CWE_ID", "")
        for relation in one.iterfind(".//c:Related_Weakness", space)
        if relation.get("Nature") == "ChildOf" and relation.get("View_ID") == RESEARCH_VIEW
    ]
    known = sorted(name for name, owner in names.items() if owner == ident)
    cells = [ident, one.get("Abstraction", "Category"), ",".join(parents), one.get("Name", ""), "|".join(known)]
    return "\t".join(cells) + "\n"


def unambiguous(entries: list[ET.Element], space: dict[str, str]) -> dict[str, str]:
    """Every name that means one entry → its id. A better kind of name wins over a worse one; a tie is nobody's."""
    names: dict[str, str] = {}
    for kind in range(4):
        claims: dict[str, set[str]] = {}
        for one in entries:
            for name in said(one, space)[kind]:
                if key := words(name):
                    claims.setdefault(" ".join(key), set()).add(one.get("ID", ""))
        fresh = {name: owners for name, owners in claims.items() if name not in names}
        names |= {name: next(iter(owners)) if len(owners) == 1 else "" for name, owners in fresh.items()}
    return names


def said(one: ET.Element, space: dict[str, str]) -> list[list[str]]:
    """The names of an entry, from the best kind to the worst: today's, short ones, earlier ones, a category's."""
    name, ident = one.get("Name", ""), one.get("ID", "")
    if one.get("Abstraction") is None:
        return [[], [], [], [name]]
    terms = [term.text or "" for term in one.iterfind(".//c:Alternate_Term/c:Term", space)]
    earlier = [past.text or "" for past in one.iterfind(".//c:Previous_Entry_Name", space)]
    short = [part for term in terms for part in [*re.split(r" / | \(|\)", term), term]]
    return [
        [name],
        [*parts(name), *short, *EVERYDAY.get(ident, [])],
        [part for past in earlier for part in [past, *parts(past)]],
        [],
    ]


def parts(name: str) -> Iterator[str]:
    """A name without its nickname, and the nickname: "… ('Path Traversal')"."""
    nicknames = NICKNAME.findall(name)
    if nicknames:
        yield NICKNAME.sub(" ", name)
    yield from nicknames


if __name__ == "__main__":
    OUT.write_text(table(source()), encoding="utf-8")
