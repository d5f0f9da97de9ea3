"""Flaws by which input becomes a path, a command, a query or a page."""

from __future__ import annotations

from datasets.remediation_parts import Flaw, attack, works

FLAWS = [
    Flaw(
        name="read-by-name",
        cwe="CWE-22",
        rarity="common",
        difficulty="easy",
        says="a file is opened by a name from the request",
        at="open(",
        imports="import os",
        words=[("avatar", "avatars", "owner"), ("invoice", "invoices", "ref"), ("recipe", "recipes", "title")],
        code='''def read_@a@(@c@):
    """The stored @a@ of that name; it may lie in a folder of @b@."""
    path = os.path.join("@b@", @c@)
    with open(path, encoding="utf-8") as file:
        return file.read()
''',
        fix=[
            (
                """    path = os.path.join("@b@", @c@)
""",
                """    path = os.path.realpath(os.path.join("@b@", @c@))
    if not path.startswith(os.path.realpath("@b@") + os.sep):
        raise ValueError("no such @a@")
""",
            )
        ],
        open_=[('os.path.join("@b@", @c@)', 'os.path.join("@b@", @c@.replace("../", ""))')],
        broken=[('os.path.join("@b@", @c@)', 'os.path.join("@b@", os.path.basename(@c@))')],
        fixtures={
            "@b@/one.txt": "one {nonce}",
            "@b@/2031/two.txt": "two {nonce}",
            "private.txt": "key {nonce}",
            "@b@-old/three.txt": "old {nonce}",
        },
        tests=[
            works("reads what is there", "read_@a@", ["one.txt"], returns="one {nonce}"),
            works("reads from a folder within", "read_@a@", ["2031/two.txt"], returns="two {nonce}"),
            attack("climbs out", "read_@a@", ["../private.txt"], lacks="{nonce}"),
            attack("climbs out in another spelling", "read_@a@", ["....//private.txt"], lacks="{nonce}"),
            attack("goes to a folder with a like name", "read_@a@", ["../@b@-old/three.txt"], lacks="{nonce}"),
        ],
    ),
    Flaw(
        name="unpack",
        cwe="CWE-23",
        rarity="rare",
        difficulty="medium",
        says="an archive's entries are written where their names say",
        at="file.write",
        imports="from pathlib import Path",
        words=[("theme", "themes", "entries"), ("plugin", "plugins", "members"), ("lesson", "lessons", "parts")],
        code='''def unpack_@a@(@c@):
    """Write [name, text] of each entry below the @b@ folder; returns how many."""
    root = Path("@b@")
    for name, text in @c@:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8") as file:
            file.write(text)
    return len(@c@)
''',
        fix=[
            (
                """        target = root / name
""",
                """        target = root / name
        if not target.resolve().is_relative_to(root.resolve()):
            raise ValueError("an entry leaves the folder")
""",
            )
        ],
        open_=[
            (
                """        target = root / name
""",
                """        target = root / name.lstrip("/").removeprefix("../")
""",
            )
        ],
        broken=[("target = root / name", "target = root / Path(name).name")],
        fixtures={"@b@/keep.txt": "kept", "settings.txt": "mine {nonce}"},
        tests=[
            works(
                "unpacks what is inside",
                "unpack_@a@",
                [[["read/me.txt", "text {nonce}"]]],
                returns=1,
                files={"@b@/read/me.txt": "text {nonce}"},
            ),
            attack(
                "writes beside the folder",
                "unpack_@a@",
                [[["../settings.txt", "theirs"]]],
                files={"settings.txt": "mine {nonce}"},
            ),
            attack(
                "goes in and out again",
                "unpack_@a@",
                [[["a/../../settings.txt", "theirs"]]],
                files={"settings.txt": "mine {nonce}"},
            ),
        ],
    ),
    Flaw(
        name="shell",
        cwe="CWE-78",
        rarity="common",
        difficulty="easy",
        says="a shell command is built from input",
        at="shell=True",
        imports="import subprocess",
        words=[("orders", "word", "lines"), ("visits", "needle", "hits"), ("events", "pattern", "entries")],
        code='''def count_@c@(@b@):
    """How many lines of the @a@ log hold a text."""
    done = subprocess.run(
        f"grep -c -F '{@b@}' @a@.log", shell=True, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
''',
        fix=[
            (
                """        f"grep -c -F '{@b@}' @a@.log", shell=True, capture_output=True""",
                """        ["grep", "-c", "-F", "-e", @b@, "@a@.log"], capture_output=True""",
            )
        ],
        open_=[
            (
                """    done = subprocess.run(
""",
                """    @b@ = @b@.replace(";", "").replace("&", "")
    done = subprocess.run(
""",
            )
        ],
        broken=[
            (
                """        f"grep -c -F '{@b@}' @a@.log", shell=True, capture_output=True""",
                """        ["grep", "-c", "-x", "-F", "-e", @b@, "@a@.log"], capture_output=True""",
            )
        ],
        fixtures={"@a@.log": "red one\nred-hot two\nblue three\n", "private.txt": "key-{nonce}\n"},
        tests=[
            works("counts", "count_@c@", ["red"], returns="2"),
            works("counts words with other signs", "count_@c@", ["red-hot two"], returns="1"),
            attack("adds a command", "count_@c@", ["x'; cat private.txt; '"], lacks="{nonce}"),
            attack("adds a command by a pipe", "count_@c@", ["x' /dev/null | cat private.txt - '"], lacks="{nonce}"),
            attack("adds a command by a line", "count_@c@", ["x' /dev/null\ncat private.txt '"], lacks="{nonce}"),
        ],
    ),
    Flaw(
        name="option",
        cwe="CWE-88",
        rarity="rare",
        difficulty="hard",
        says="an argument of a program comes from input and may be an option",
        at='["sort"',
        imports="import subprocess",
        words=[("list", "lists"), ("score", "scores"), ("roll", "rolls")],
        code='''def sorted_@a@(name):
    """The lines of one file among the @b@, sorted."""
    command = ["sort", name]
    done = subprocess.run(command, cwd="@b@", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ValueError(f"no such @a@: {name}")
    return done.stdout.splitlines()
''',
        fix=[('["sort", name]', '["sort", "--", name]')],
        open_=[
            (
                """    command = ["sort", name]
""",
                """    if name.startswith("--"):
        raise ValueError(f"no such @a@: {name}")
    command = ["sort", name]
""",
            )
        ],
        broken=[
            (
                """    command = ["sort", name]
""",
                """    if "-" in name:
        raise ValueError(f"no such @a@: {name}")
    command = ["sort", name]
""",
            )
        ],
        fixtures={"@b@/to-do": "b {nonce}\na {nonce}\n", "private.txt": "mine {nonce}"},
        tests=[
            works("sorts", "sorted_@a@", ["to-do"], returns=["a {nonce}", "b {nonce}"]),
            attack(
                "overwrites by an option",
                "sorted_@a@",
                ["--output=../private.txt"],
                files={"private.txt": "mine {nonce}"},
            ),
            attack(
                "overwrites by a short option",
                "sorted_@a@",
                ["-o../private.txt"],
                files={"private.txt": "mine {nonce}"},
            ),
        ],
    ),
    Flaw(
        name="query",
        cwe="CWE-89",
        rarity="common",
        difficulty="easy",
        says="an SQL statement is put together from input",
        at="db.execute(f",
        imports="import sqlite3",
        words=[("customer", "city", "pin"), ("patient", "ward", "chart"), ("member", "club", "card")],
        code='''def _database(rows):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE @a@ (name TEXT, @b@ TEXT, @c@ TEXT)")
    db.executemany("INSERT INTO @a@ VALUES (?, ?, ?)", rows)
    return db


def find_@a@(rows, name, @b@):
    """[name, @c@] of everyone in a @b@ whose name holds a text."""
    db = _database(rows)
    found = db.execute(f"SELECT name, @c@ FROM @a@ WHERE name LIKE '%{name}%' AND @b@ = '{@b@}' ORDER BY name")
    return [list(row) for row in found]
''',
        fix=[
            (
                """db.execute(f"SELECT name, @c@ FROM @a@ WHERE name LIKE '%{name}%' AND @b@ = '{@b@}' ORDER BY name")""",
                """db.execute(
        "SELECT name, @c@ FROM @a@ WHERE name LIKE ? AND @b@ = ? ORDER BY name", (f"%{name}%", @b@)
    )""",
            )
        ],
        open_=[
            (
                """db.execute(f"SELECT name, @c@ FROM @a@ WHERE name LIKE '%{name}%' AND @b@ = '{@b@}' ORDER BY name")""",
                """db.execute(
        f"SELECT name, @c@ FROM @a@ WHERE name LIKE ? AND @b@ = '{@b@}' ORDER BY name", (f"%{name}%",)
    )""",
            )
        ],
        broken=[
            (
                """db.execute(f"SELECT name, @c@ FROM @a@ WHERE name LIKE '%{name}%' AND @b@ = '{@b@}' ORDER BY name")""",
                """db.execute(
        "SELECT name, @c@ FROM @a@ WHERE name = ? AND @b@ = ? ORDER BY name", (name, @b@)
    )""",
            )
        ],
        tests=[
            works(
                "finds by a part of the name",
                "find_@a@",
                [[["Ann", "x", "a-{nonce}"], ["Hanna", "x", "b-{nonce}"], ["Ann", "y", "c"]], "ann", "x"],
                returns=[["Ann", "a-{nonce}"], ["Hanna", "b-{nonce}"]],
            ),
            attack(
                "shows everyone",
                "find_@a@",
                [[["Ann", "x", "a"], ["Bob", "y", "s-{nonce}"]], "%' OR '1'='1' --", "x"],
                lacks="s-{nonce}",
            ),
            attack(
                "shows everyone by the second field",
                "find_@a@",
                [[["Ann", "x", "a"], ["Bob", "y", "s-{nonce}"]], "zz", "x' OR '1'='1"],
                lacks="s-{nonce}",
            ),
        ],
    ),
    Flaw(
        name="order-by",
        cwe="CWE-89",
        rarity="common",
        difficulty="hard",
        says="the column to sort by comes from the request and stands in the statement",
        at="ORDER BY",
        imports="import sqlite3",
        words=[("parcel", "weight"), ("ticket", "urgency"), ("album", "length")],
        code='''def list_@a@s(rows, column):
    """Ids of the @a@s, by id, name or @b@."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE @a@ (id INTEGER, name TEXT, @b@ INTEGER)")
    db.executemany("INSERT INTO @a@ VALUES (?, ?, ?)", rows)
    return [row[0] for row in db.execute(f"SELECT id FROM @a@ ORDER BY {column}")]
''',
        fix=[
            (
                """    return [row[0]""",
                """    if column not in ("id", "name", "@b@"):
        raise ValueError("no such column")
    return [row[0]""",
            )
        ],
        open_=[
            (
                """    return [row[0]""",
                """    if ";" in column or "--" in column or " " in column:
        raise ValueError("no such column")
    return [row[0]""",
            )
        ],
        broken=[
            (
                """    return [row[0]""",
                """    if column not in ("id", "name"):
        raise ValueError("no such column")
    return [row[0]""",
            )
        ],
        tests=[
            works("sorts by name", "list_@a@s", [[[1, "c", 5], [2, "a", 9], [3, "b", 7]], "name"], returns=[2, 3, 1]),
            works("sorts by @b@", "list_@a@s", [[[1, "c", 5], [2, "a", 9], [3, "b", 7]], "@b@"], returns=[1, 3, 2]),
            attack(
                "asks what it may not",
                "list_@a@s",
                [
                    [[1, "c", 5], [2, "a", 9], [3, "b", 7]],
                    "(CASE WHEN (SELECT count(*) FROM sqlite_master) > 0 THEN -id ELSE id END)",
                ],
                differs=[3, 2, 1],
            ),
            attack(
                "asks without blanks",
                "list_@a@s",
                [[[1, "c", 5], [2, "a", 9], [3, "b", 7]], "(id*-(SELECT(count(*))FROM(sqlite_master)))"],
                differs=[3, 2, 1],
            ),
        ],
    ),
    Flaw(
        name="page",
        cwe="CWE-79",
        rarity="common",
        difficulty="easy",
        says="text of users is written into a page as it is",
        at="<h2>",
        imports="import html",
        words=[("review", "author"), ("comment", "nick"), ("offer", "seller")],
        code='''def show_@a@(title, @b@):
    """A @a@ as a piece of a page."""
    year = html.unescape("&copy; 2031")
    return f'<h2>{title}</h2><a title="{@b@}">by {@b@}</a><small>{year}</small>'
''',
        fix=[
            (
                """    return f'<h2>""",
                """    title, @b@ = html.escape(title), html.escape(@b@)
    return f'<h2>""",
            )
        ],
        open_=[
            (
                """    return f'<h2>""",
                """    title, @b@ = html.escape(title), html.escape(@b@, quote=False)
    return f'<h2>""",
            )
        ],
        broken=[
            (
                """    return f'<h2>{title}</h2><a title="{@b@}">by {@b@}</a><small>{year}</small>\'""",
                """    return html.escape(f'<h2>{title}</h2><a title="{@b@}">by {@b@}</a><small>{year}</small>')""",
            )
        ],
        tests=[
            works(
                "shows plain text",
                "show_@a@",
                ["Good {nonce}", "Ann"],
                returns='<h2>Good {nonce}</h2><a title="Ann">by Ann</a><small>© 2031</small>',
            ),
            attack("brings a script", "show_@a@", ["<script>1</script>", "Ann"], lacks="<script"),
            attack("brings an element by the second field", "show_@a@", ["Good", "<img src=x>"], lacks="<img"),
            attack("leaves the attribute", "show_@a@", ["Good", 'x" onclick="y'], lacks='" onclick'),
        ],
    ),
    Flaw(
        name="next-url",
        cwe="CWE-601",
        rarity="common",
        difficulty="medium",
        says="the browser is sent to an address from the request",
        at="return target",
        imports="from urllib.parse import unquote",
        words=[("login", "goal"), ("logout", "back"), ("checkout", "onward")],
        code='''def after_@a@(@b@):
    """Where to go after @a@: a page of ours, the front page when none is named."""
    target = unquote(@b@).strip() or "/"
    return target
''',
        fix=[
            (
                """    return target""",
                """    if not target.startswith("/") or target[1:2] in ("/", "\\\\"):
        return "/"
    return target""",
            )
        ],
        open_=[
            (
                """    return target""",
                """    if not target.startswith("/"):
        return "/"
    return target""",
            )
        ],
        broken=[
            (
                """    return target""",
                """    if not target.startswith("/") or not target.strip("/").isalnum():
        return "/"
    return target""",
            )
        ],
        tests=[
            works("goes to a page of ours", "after_@a@", ["/account/{nonce}?tab=2"], returns="/account/{nonce}?tab=2"),
            works("goes to the front page", "after_@a@", [""], returns="/"),
            attack("goes elsewhere", "after_@a@", ["https://evil.example/"], lacks="evil"),
            attack("goes elsewhere without a scheme", "after_@a@", ["//evil.example/"], lacks="evil"),
            attack("goes elsewhere with the other slash", "after_@a@", ["/%5Cevil.example"], lacks="evil"),
        ],
    ),
    Flaw(
        name="fetch",
        cwe="CWE-918",
        rarity="common",
        difficulty="hard",
        says="the server fetches an address that a user gives",
        at="fetch(",
        imports="from urllib.parse import urlsplit",
        words=[("preview", "partner.example"), ("import_feed", "news.example"), ("thumbnail", "images.example")],
        code='''def @a@(address, fetch):
    """What lies at an address of @b@ or a host below it. `fetch` is called with the address."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("not a web address")
    if "@b@" not in address:
        raise ValueError("not one of our partners")
    return fetch(address)
''',
        fix=[
            (
                """    if "@b@" not in address:
""",
                """    host = urlsplit(address).hostname or ""
    if host != "@b@" and not host.endswith(".@b@"):
""",
            )
        ],
        open_=[
            (
                """    if "@b@" not in address:
""",
                """    host = urlsplit(address).hostname or ""
    if not host.endswith("@b@"):
""",
            )
        ],
        broken=[
            (
                """    if "@b@" not in address:
""",
                """    if urlsplit(address).netloc != "@b@":
""",
            )
        ],
        probes={"fetch": {"value": "page {nonce}"}},
        tests=[
            works(
                "fetches from the partner",
                "@a@",
                ["https://@b@/a", {"$probe": "fetch"}],
                returns="page {nonce}",
                calls={"fetch": [["https://@b@/a"]]},
            ),
            works(
                "fetches from a host below",
                "@a@",
                ["http://cdn.@b@:8080/a", {"$probe": "fetch"}],
                returns="page {nonce}",
                calls={"fetch": [["http://cdn.@b@:8080/a"]]},
            ),
            attack(
                "names the partner in the query",
                "@a@",
                ["http://169.254.169.254/?@b@", {"$probe": "fetch"}],
                uncalled=["fetch"],
            ),
            attack(
                "names the partner as a user", "@a@", ["http://@b@@10.0.0.7/", {"$probe": "fetch"}], uncalled=["fetch"]
            ),
            attack(
                "owns a host with a like name", "@a@", ["http://evil-@b@/", {"$probe": "fetch"}], uncalled=["fetch"]
            ),
        ],
    ),
    Flaw(
        name="pickle",
        cwe="CWE-502",
        rarity="common",
        difficulty="medium",
        says="bytes from a client are deserialised with pickle",
        at="pickle.loads",
        imports="import json\nimport pickle",
        words=[("cart", "items"), ("draft", "fields"), ("session", "values")],
        code='''def save_@a@(@b@):
    """A @a@ as bytes, for the client to keep."""
    return pickle.dumps({"kind": "@a@", "@b@": @b@})


def load_@a@(data):
    """The @b@ of a @a@ that a client sends back."""
    found = pickle.loads(data)
    return found["@b@"] if isinstance(found, dict) else json.loads("[]")
''',
        fix=[
            ('pickle.dumps({"kind": "@a@", "@b@": @b@})', 'json.dumps({"kind": "@a@", "@b@": @b@}).encode()'),
            ("pickle.loads(data)", "json.loads(data)"),
        ],
        open_=[
            (
                """    found = pickle.loads(data)
""",
                """    if b"os" in data or b"system" in data:
        raise ValueError("a @a@ holds no code")
    found = pickle.loads(data)
""",
            )
        ],
        broken=[("pickle.loads(data)", "json.loads(data)")],
        fixtures={"private.txt": "key-{nonce}"},
        tests=[
            works("saves", "save_@a@", [{"a": [1, 2], "b": "{nonce}"}], contains=[]),
            works("loads what it saved", "load_@a@", [{"$result": "saves"}], returns={"a": [1, 2], "b": "{nonce}"}),
            attack(
                "calls a function",
                "load_@a@",
                [{"$pickle": 'cbuiltins\neval\n(S\'{"@b@": open("private.txt").read()}\'\ntR.'}],
                lacks="key-{nonce}",
            ),
            attack(
                "calls a function of io",
                "load_@a@",
                [{"$pickle": "cio\nopen\n(S'owned.txt'\nS'w'\ntR."}],
                files={"owned.txt": None},
            ),
        ],
    ),
]
