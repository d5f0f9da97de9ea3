"""What flaws of the remediation set are made of, and the functions that stand beside a flaw in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Change = Sequence[tuple[str, str]]
"""(old, new): each old text stands exactly once in the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A flawed piece of a module. ``@a@`` … in all texts are the words of a variant.

    `fix` is the reference; `open_` leaves it exploitable, `broken` breaks what worked.
    """

    name: str
    cwe: str
    rarity: str
    difficulty: str
    says: str  # what the scanner says
    at: str  # a text of the line that the scanner points at
    imports: str
    code: str
    fix: Change
    open_: Change
    broken: Change
    tests: list[dict]
    words: list[tuple[str, ...]]
    fixtures: dict[str, str] = field(default_factory=dict)
    probes: dict[str, dict] = field(default_factory=dict)


def _test(kind: str, name: str, call: str, args: list, expect: dict) -> dict:
    return {"name": name, "kind": kind, "call": call, "args": args, "expect": expect}


def works(name: str, call: str, args: list, **expect: object) -> dict:
    return _test("function", name, call, args, expect)


def attack(name: str, call: str, args: list, **expect: object) -> dict:
    return _test("exploit", name, call, args, expect)


def kept(name: str, call: str, args: list, **expect: object) -> dict:
    return _test("kept", name, call, args, expect or {"raises": ["ValueError"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """A function that has nothing to do with the flaw. `guard`: the check that a careless patch takes away."""

    code: str
    guard: str
    tests: list[dict]
    imports: str = ""


BYSTANDERS = [
    Bystander(
        code='''def page(items, number, size=10):
    """One page of a list, counted from 1."""
    if number < 1 or size < 1:
        raise ValueError("pages count from 1")
    start = (number - 1) * size
    return items[start : start + size]
''',
        guard="""    if number < 1 or size < 1:
        raise ValueError("pages count from 1")
""",
        tests=[
            works("turns pages", "page", [[1, 2, 3, 4, 5], 2, 2], returns=[3, 4]),
            kept("page 0 is refused", "page", [[1], 0]),
        ],
    ),
    Bystander(
        code='''def slug(title):
    """A title as it stands in an address."""
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    if not words:
        raise ValueError("a title needs a letter")
    return "-".join(words)
''',
        guard="""    if not words:
        raise ValueError("a title needs a letter")
""",
        tests=[
            works("makes a slug", "slug", ["Hello, big World"], returns="hello-big-world"),
            kept("an empty title is refused", "slug", ["!?"]),
        ],
    ),
    Bystander(
        code='''def minutes(text):
    """Minutes of a duration such as 2h15."""
    hours, _, rest = text.partition("h")
    if not hours.isdigit() or not (rest or "0").isdigit():
        raise ValueError(f"no duration: {text!r}")
    if int(rest or 0) > 59:
        raise ValueError("an hour has 60 minutes")
    return 60 * int(hours) + int(rest or 0)
''',
        guard="""    if int(rest or 0) > 59:
        raise ValueError("an hour has 60 minutes")
""",
        tests=[
            works("reads a duration", "minutes", ["2h15"], returns=135),
            kept("61 minutes are refused", "minutes", ["1h61"]),
        ],
    ),
    Bystander(
        code='''def euros(cents):
    """An amount as people write it."""
    if not isinstance(cents, int) or cents < 0:
        raise ValueError("an amount is whole cents")
    return f"{cents // 100:,}.{cents % 100:02d} EUR"
''',
        guard="""    if not isinstance(cents, int) or cents < 0:
        raise ValueError("an amount is whole cents")
""",
        tests=[
            works("shows an amount", "euros", [123456], returns="1,234.56 EUR"),
            kept("a negative amount is refused", "euros", [-1]),
        ],
    ),
    Bystander(
        code='''def chunks(items, size):
    """Cut a list into pieces of one size; the last may be shorter."""
    if size <= 0:
        raise ValueError("size must be positive")
    return [items[at : at + size] for at in range(0, len(items), size)]
''',
        guard="""    if size <= 0:
        raise ValueError("size must be positive")
""",
        tests=[
            works("cuts a list", "chunks", [[1, 2, 3], 2], returns=[[1, 2], [3]]),
            kept("pieces of a negative size are refused", "chunks", [[1], -1]),
        ],
    ),
    Bystander(
        code='''def hide_address(address):
    """An e-mail address as a stranger may see it."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        raise ValueError("no e-mail address")
    return f"{local[0]}***@{domain}"
''',
        guard="""    if not (local and at and domain):
        raise ValueError("no e-mail address")
""",
        tests=[
            works("hides an address", "hide_address", ["anna@mail.example"], returns="a***@mail.example"),
            kept("an address without a domain is refused", "hide_address", ["anna@"]),
        ],
    ),
    Bystander(
        code='''def mean(numbers, digits=2):
    """The rounded mean of numbers."""
    values = [float(one) for one in numbers]
    if any(one != one for one in values):
        raise ValueError("holds what is no number")
    return round(sum(values) / max(len(values), 1), digits)
''',
        guard="""    if any(one != one for one in values):
        raise ValueError("holds what is no number")
""",
        tests=[
            works("takes a mean", "mean", [[1, 2, 4]], returns=2.33),
            kept("not-a-number is refused", "mean", [["nan", 1]]),
        ],
    ),
    Bystander(
        code='''def tags(text):
    """Distinct tags of a comma-separated text, in order."""
    found = list(dict.fromkeys(one.strip().lower() for one in text.split(",") if one.strip()))
    if len(found) > 5:
        raise ValueError("at most five tags")
    return found
''',
        guard="""    if len(found) > 5:
        raise ValueError("at most five tags")
""",
        tests=[
            works("reads tags", "tags", ["Red, blue,red ,"], returns=["red", "blue"]),
            kept("a sixth tag is refused", "tags", ["a,b,c,d,e,f"]),
        ],
    ),
    Bystander(
        code='''def check_digit(digits):
    """The last digit of a number by Luhn's rule."""
    if not digits.isdigit():
        raise ValueError("digits only")
    total = 0
    for place, one in enumerate(reversed(digits)):
        value = int(one, 36) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10
''',
        guard="""    if not digits.isdigit():
        raise ValueError("digits only")
""",
        tests=[
            works("computes the digit", "check_digit", ["7992739871"], returns=3),
            kept("letters are refused", "check_digit", ["79a"]),
        ],
    ),
    Bystander(
        code='''def clip(text, most=20):
    """A text cut at a word, with an ellipsis where something is missing."""
    if most < 2:
        raise ValueError("too short to say anything")
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0] + "…"
''',
        guard="""    if most < 2:
        raise ValueError("too short to say anything")
""",
        tests=[
            works("cuts at a word", "clip", ["one two three four", 10], returns="one two…"),
            kept("a length of 1 is refused", "clip", ["abc", 1]),
        ],
    ),
    Bystander(
        code='''def settings(text):
    """Lines of key=value as a table; # starts a comment."""
    table = {}
    for line in text.splitlines():
        key, _, value = line.split("#", 1)[0].partition("=")
        if not key.strip():
            continue
        if key.strip() in table:
            raise ValueError(f"{key.strip()} is set twice")
        table[key.strip()] = value.strip()
    return table
''',
        guard="""        if key.strip() in table:
            raise ValueError(f"{key.strip()} is set twice")
""",
        tests=[
            works("reads settings", "settings", ["a = 1\n# x\nb=2"], returns={"a": "1", "b": "2"}),
            kept("a key set twice is refused", "settings", ["a=1\na=2"]),
        ],
    ),
    Bystander(
        code='''def percent(part, whole):
    """A share in whole percent."""
    if not 0 <= part <= whole:
        raise ValueError("a part is at most the whole")
    return 100 * part // whole if whole else 0
''',
        guard="""    if not 0 <= part <= whole:
        raise ValueError("a part is at most the whole")
""",
        tests=[
            works("takes a share", "percent", [1, 3], returns=33),
            kept("more than the whole is refused", "percent", [4, 3]),
        ],
    ),
    Bystander(
        code='''def merge(first, second):
    """Two tables in one; both may say the same, but nothing different."""
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(f"two values of {key}")
    return {**first, **second}
''',
        guard="""    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(f"two values of {key}")
""",
        tests=[
            works("merges tables", "merge", [{"a": 1}, {"b": 2}], returns={"a": 1, "b": 2}),
            kept("two values of one key are refused", "merge", [{"a": 1}, {"a": 2}]),
        ],
    ),
    Bystander(
        code='''def roman(number):
    """A number from 1 to 39 in Roman letters."""
    if not 1 <= number <= 39:
        raise ValueError("1 to 39")
    ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    return "X" * (number // 10) + ones[number % 10]
''',
        guard="""    if not 1 <= number <= 39:
        raise ValueError("1 to 39")
""",
        tests=[works("writes Roman numbers", "roman", [24], returns="XXIV"), kept("40 is refused", "roman", [40])],
    ),
    Bystander(
        code='''def initials(name):
    """The first letters of a name."""
    parts = name.replace("-", " ").split()
    if len(parts) < 2:
        raise ValueError("a full name has two parts")
    return "".join(one[0].upper() for one in parts)
''',
        guard="""    if len(parts) < 2:
        raise ValueError("a full name has two parts")
""",
        tests=[
            works("takes initials", "initials", ["ada king-noel"], returns="AKN"),
            kept("half a name is refused", "initials", ["ada"]),
        ],
    ),
    Bystander(
        code='''def overlap(first, second):
    """The days that two spans [from, to] have in common."""
    for start, end in (first, second):
        if end < start:
            raise ValueError("a span ends after it starts")
    return max(0, min(first[1], second[1]) - max(first[0], second[0]) + 1)
''',
        guard="""    for start, end in (first, second):
        if end < start:
            raise ValueError("a span ends after it starts")
""",
        tests=[
            works("counts common days", "overlap", [[1, 5], [4, 9]], returns=2),
            kept("a span that runs backwards is refused", "overlap", [[5, 1], [1, 9]]),
        ],
    ),
    Bystander(
        code='''def version(text):
    """The numbers of a version such as 1.20.3."""
    parts = text.split(".")
    if len(parts) != 3 or not all(one.isdigit() for one in parts):
        raise ValueError("a version is three numbers")
    return [int(one) for one in parts]
''',
        guard="""    if len(parts) != 3 or not all(one.isdigit() for one in parts):
        raise ValueError("a version is three numbers")
""",
        tests=[
            works("reads a version", "version", ["1.20.3"], returns=[1, 20, 3]),
            kept("two numbers are refused", "version", ["1.2"]),
        ],
    ),
    Bystander(
        code='''def bars(counts, width=10):
    """A text chart: one line of # for each count."""
    most = max(counts, default=0)
    if min(counts, default=0) < 0:
        raise ValueError("counts start at 0")
    return ["#" * (width * one // most if most else 0) for one in counts]
''',
        guard="""    if min(counts, default=0) < 0:
        raise ValueError("counts start at 0")
""",
        tests=[
            works("draws bars", "bars", [[1, 2], 4], returns=["##", "####"]),
            kept("a negative count is refused", "bars", [[-1, 2]]),
        ],
    ),
]
