"""Flaws of parsing, of forms of text, and of what a request may cost."""

from __future__ import annotations

from datasets.remediation_parts import Flaw, attack, works

FLAWS = [
    Flaw(
        name="eval",
        cwe="CWE-95",
        rarity="common",
        difficulty="hard",
        says="a formula from a user is evaluated as code",
        at="eval(",
        imports="import ast\nimport operator",
        words=[("tariff", "use"), ("dose", "weight"), ("score", "hits")],
        code='''_ACTIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def @a@(formula, @b@):
    """The value of a formula of numbers, + - * / and brackets, in which `@b@` is a number."""
    tree = ast.parse(formula, mode="eval")
    return eval(compile(tree, "@a@", "eval"), {"@b@": @b@, "actions": tuple(_ACTIONS)})
''',
        fix=[
            (
                """    return eval(compile(tree, "@a@", "eval"), {"@b@": @b@, "actions": tuple(_ACTIONS)})
""",
                """    return _value(tree.body, @b@)


def _value(node, @b@):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.Name) and node.id == "@b@":
        return @b@
    if isinstance(node, ast.BinOp) and type(node.op) in _ACTIONS:
        return _ACTIONS[type(node.op)](_value(node.left, @b@), _value(node.right, @b@))
    raise ValueError("not a formula")
""",
            )
        ],
        open_=[('{"@b@": @b@, "actions": tuple(_ACTIONS)}', '{"__builtins__": {}, "@b@": @b@}')],
        broken=[
            (
                """    return eval(compile(tree, "@a@", "eval"), {"@b@": @b@, "actions": tuple(_ACTIONS)})
""",
                """    return ast.literal_eval(tree)
""",
            )
        ],
        tests=[
            works("computes", "@a@", ["2 * (@b@ + 1)", 4], returns=10),
            works("divides", "@a@", ["@b@ / 4 - 1", 2], returns=-0.5),
            attack("reads a file", "@a@", ["open('private.txt').read()", 1], lacks="key-{nonce}"),
            attack("asks an object", "@a@", ["().__class__.__name__", 1], lacks="tuple"),
        ],
        fixtures={"private.txt": "key-{nonce}"},
    ),
    Flaw(
        name="entities",
        cwe="CWE-776",
        rarity="rare",
        difficulty="medium",
        says="entities that a document declares are expanded",
        at="fromstring",
        imports="from xml.etree import ElementTree",
        words=[("playlist", "song"), ("menu", "dish"), ("register", "plant")],
        code='''def read_@a@(text):
    """The texts of all <@b@> of a document."""
    root = ElementTree.fromstring(text)
    return [one.text or "" for one in root.iter("@b@")]
''',
        fix=[
            (
                """    root =""",
                """    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a @a@ declares nothing")
    root =""",
            )
        ],
        open_=[
            (
                """    root =""",
                """    if "SYSTEM" in text or "PUBLIC" in text:
        raise ValueError("a @a@ declares nothing")
    root =""",
            )
        ],
        broken=[
            (
                """    root =""",
                """    if "<!" in text:
        raise ValueError("a @a@ declares nothing")
    root =""",
            )
        ],
        tests=[
            works("reads", "read_@a@", ["<x><@b@>{nonce}</@b@><@b@/></x>"], returns=["{nonce}", ""]),
            works("reads past a comment", "read_@a@", ["<x><!-- 1 --><@b@>a</@b@></x>"], returns=["a"]),
            attack(
                "expands",
                "read_@a@",
                ['<!DOCTYPE x [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;">]><x><@b@>&b;&b;</@b@></x>'],
                lacks="boomboom",
            ),
        ],
    ),
    Flaw(
        name="slow-pattern",
        cwe="CWE-1333",
        rarity="rare",
        difficulty="hard",
        says="a pattern can take time without end on a short text",
        at="re.compile",
        imports="import re",
        words=[("hashtag", "-"), ("callsign", "."), ("label", "_")],
        code='''_@a@ = re.compile(r"^([a-z0-9]+[@b@]?)+$")


def is_@a@(text):
    """Small letters and digits, with single '@b@' between or after them."""
    return _@a@.match(text) is not None
''',
        fix=[('''r"^([a-z0-9]+[@b@]?)+$"''', '''r"^[a-z0-9]+([@b@][a-z0-9]+)*[@b@]?$"''')],
        open_=[('''r"^([a-z0-9]+[@b@]?)+$"''', '''r"^([a-z0-9]+[@b@]?){1,99}$"''')],
        broken=[('''r"^([a-z0-9]+[@b@]?)+$"''', '''r"^[a-z0-9]+[@b@]?$"''')],
        tests=[
            works("knows one", "is_@a@", ["ab@b@c1@b@d@b@"], returns=True),
            works("knows what is none", "is_@a@", ["ab@b@@b@c"], returns=False),
            works("knows what is none by a sign", "is_@a@", ["Ab"], returns=False),
            attack("takes for ever", "is_@a@", ["a" * 60 + "!"], returns=False),
        ],
    ),
    Flaw(
        name="allocation",
        cwe="CWE-789",
        rarity="common",
        difficulty="medium",
        says="memory is taken as a request asks",
        at="bytearray(",
        imports="import zlib",
        words=[("badge", "3", "2400"), ("stamp", "4", "3200"), ("tile", "1", "800")],
        code='''_MOST = 1_000_000  # pixels that anyone may have drawn


def blank_@a@(width, height):
    """The size in bytes and the checksum of an empty picture, @b@ bytes a pixel."""
    pixels = bytearray(@b@ * int(width) * int(height))
    return [len(pixels), zlib.crc32(pixels)]
''',
        fix=[
            (
                """    pixels =""",
                """    if not 0 < int(width) * int(height) <= _MOST or int(width) < 0:
        raise ValueError("too large")
    pixels =""",
            )
        ],
        open_=[
            (
                """    pixels =""",
                """    if not 0 < int(width) <= _MOST or not 0 < int(height) <= _MOST:
        raise ValueError("too large")
    pixels =""",
            )
        ],
        broken=[
            (
                """    pixels =""",
                """    if not 0 < int(width) <= 100 or not 0 < int(height) <= 100:
        raise ValueError("too large")
    pixels =""",
            )
        ],
        tests=[
            works("draws", "blank_@a@", [400, 2], contains="@c@"),
            works("draws a small one", "blank_@a@", [1, 1], contains="@b@"),
            attack("takes all memory", "blank_@a@", [900000, 900000], raises=[]),
        ],
    ),
    Flaw(
        name="recursion",
        cwe="CWE-674",
        rarity="rare",
        difficulty="hard",
        says="nesting in the input is followed without a limit",
        at="inner, at = ",
        imports="import string",
        words=[("query", "("), ("layout", "["), ("outline", "{")],
        code='''_CLOSE = {"(": ")", "[": "]", "{": "}"}


def depth_of_@a@(text):
    """How deep a @a@ nests '@b@'; up to 100 levels are in use. ValueError where one is not closed."""
    deepest, at = 0, 0
    while at < len(text):
        if text[at] not in string.whitespace + "@b@":
            raise ValueError("not closed")
        inner, at = (_level(text, at + 1) if text[at] == "@b@" else (0, at + 1))
        deepest = max(deepest, inner)
    return deepest


def _level(text, at):
    deepest = 1
    while at < len(text) and text[at] != _CLOSE["@b@"]:
        inner, at = _level(text, at + 1) if text[at] == "@b@" else (0, at + 1)
        deepest = max(deepest, inner + 1)
    if at == len(text):
        raise ValueError("not closed")
    return deepest, at + 1
''',
        fix=[
            (
                """    deepest, at = 0, 0
""",
                """    if text.count("@b@") > 900 and _too_deep(text):
        raise ValueError("nested too deep")
    deepest, at = 0, 0
""",
            ),
            (
                """def _level(text, at):
""",
                """def _too_deep(text):
    level = 0
    for sign in text:
        level += (sign == "@b@") - (sign == _CLOSE["@b@"])
        if level > 100:
            return True
    return False


def _level(text, at):
""",
            ),
        ],
        open_=[
            (
                """    deepest, at = 0, 0
""",
                """    if len(text) > 10_000:
        raise ValueError("too long")
    deepest, at = 0, 0
""",
            )
        ],
        broken=[
            (
                """    deepest, at = 0, 0
""",
                """    if text.count("@b@") > 50:
        raise ValueError("nested too deep")
    deepest, at = 0, 0
""",
            )
        ],
        tests=[
            works("counts", "depth_of_@a@", ["@b@ @b@@d@@d@ @b@@d@"], returns=2),
            works("counts many side by side", "depth_of_@a@", ["@b@@d@" * 80], returns=1),
            works("refuses what is open", "depth_of_@a@", ["@b@@b@@d@"], raises=["ValueError"]),
            attack("goes down without end", "depth_of_@a@", ["@b@" * 4000 + "@d@" * 4000], differs=4000),
        ],
    ),
    Flaw(
        name="log-line",
        cwe="CWE-117",
        rarity="common",
        difficulty="easy",
        says="input goes into a log with its line breaks",
        at="return f",
        imports="import time",
        words=[("door", "user"), ("ship", "captain"), ("lab", "chemist")],
        code='''def @a@_log(@b@, action, at=0):
    """One line of the @a@ log, without its end."""
    clock = time.strftime("%H:%M", time.gmtime(at))
    return f"{clock} {@b@}: {action}"
''',
        fix=[
            (
                '''    return f"{clock} {@b@}: {action}"''',
                """    line = f"{clock} {@b@}: {action}"
    return "".join(sign if sign.isprintable() else " " for sign in line)""",
            )
        ],
        open_=[
            (
                '''    return f"{clock} {@b@}: {action}"''',
                '''    @b@ = @b@.replace("\\n", " ").replace("\\r", " ")
    return f"{clock} {@b@}: {action}"''',
            )
        ],
        broken=[
            (
                '''    return f"{clock} {@b@}: {action}"''',
                """    line = f"{clock} {@b@}: {action}"
    return "".join(sign for sign in line if sign.isalnum() or sign in ": ")""",
            )
        ],
        tests=[
            works(
                "writes a line",
                "@a@_log",
                ["Zoë {nonce}", "came in (2nd time)", 3600],
                returns="01:00 Zoë {nonce}: came in (2nd time)",
            ),
            attack("forges a line", "@a@_log", ["ann\n00:00 root", "left"], lacks="\n"),
            attack(
                "forges a line by the action", "@a@_log", ["ann", "left\r\n00:00 root: came in"], lacks=["\n", "\r"]
            ),
        ],
    ),
    Flaw(
        name="mail-header",
        cwe="CWE-93",
        rarity="common",
        difficulty="medium",
        says="a header of a mail takes line breaks from a form",
        at="Subject",
        imports="import textwrap",
        words=[("ticket", "sender"), ("booking", "guest"), ("repair", "client")],
        code='''def @a@_mail(@b@, subject, body):
    """A mail as it goes over the wire: headers, an empty line, the body, which may have lines."""
    headers = ["To: @a@@office.example", f"From: {@b@}", f"Subject: {subject}"]
    return "\\r\\n".join([*headers, "", textwrap.dedent(body)])
''',
        fix=[
            (
                '''    return "''',
                '''    if any(sign in text for text in headers for sign in "\\r\\n"):
        raise ValueError("a header is one line")
    return "''',
            )
        ],
        open_=[
            (
                '''    return "''',
                '''    if any("\\r\\n" in text for text in headers):
        raise ValueError("a header is one line")
    return "''',
            )
        ],
        broken=[
            (
                '''    return "''',
                '''    if any(sign in text for text in [*headers, body] for sign in "\\r\\n"):
        raise ValueError("a header is one line")
    return "''',
            )
        ],
        tests=[
            works(
                "writes a mail",
                "@a@_mail",
                ["a@x.example", "Hi {nonce}", "one\ntwo"],
                returns="To: @a@@office.example\r\nFrom: a@x.example\r\nSubject: Hi {nonce}\r\n\r\none\ntwo",
            ),
            attack("adds a copy", "@a@_mail", ["a@x.example", "Hi\r\nBcc: all@x.example", "one"], lacks=["\nBcc:"]),
            attack(
                "adds a copy with half a break",
                "@a@_mail",
                ["a@x.example\nBcc: all@x.example", "Hi", "one"],
                lacks=["\nBcc:"],
            ),
        ],
    ),
    Flaw(
        name="format-string",
        cwe="CWE-134",
        rarity="rare",
        difficulty="hard",
        says="a template from a user is formatted with an object",
        at=".format(",
        imports="import string",
        words=[("newsletter", "reader"), ("reminder", "patient"), ("ticket", "fan")],
        code='''class _@b@:
    def __init__(self, name, city, secret):
        self.name, self.city, self.secret = name, city, secret


def @a@(template, name, city, secret):
    """A text for one @b@: {name} and {city} stand for what they say."""
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    if len(fields) > 9:
        raise ValueError("too many fields")
    one = _@b@(name, city, secret)
    return template.format(one, name=one.name, city=one.city, @b@=one)
''',
        fix=[
            (
                """    one = _@b@(""",
                """    if not set(fields) <= {"name", "city"}:
        raise ValueError("no such field")
    one = _@b@(""",
            ),
            (
                "template.format(one, name=one.name, city=one.city, @b@=one)",
                "template.format(name=one.name, city=one.city)",
            ),
        ],
        open_=[
            (
                """    one = _@b@(""",
                """    if any("_" in field for field in fields):
        raise ValueError("no such field")
    one = _@b@(""",
            )
        ],
        broken=[
            (
                """    one = _@b@(""",
                """    if not set(fields) <= {"name"}:
        raise ValueError("no such field")
    one = _@b@(""",
            )
        ],
        tests=[
            works("fills in", "@a@", ["Dear {name} of {city}", "Ann", "x{nonce}", "s"], returns="Dear Ann of x{nonce}"),
            attack("asks for the secret", "@a@", ["{@b@.secret}", "Ann", "Rome", "s-{nonce}"], lacks="s-{nonce}"),
            attack("asks by place", "@a@", ["{0.secret}", "Ann", "Rome", "s-{nonce}"], lacks="s-{nonce}"),
        ],
    ),
    Flaw(
        name="amount",
        cwe="CWE-1284",
        rarity="common",
        difficulty="easy",
        says="quantities of an order are not checked",
        at="total +=",
        imports="from decimal import Decimal",
        words=[("basket", "pieces"), ("order", "crates"), ("booking", "nights")],
        code='''def @a@_total(lines):
    """What [price, @b@] lines cost, in cents; @b@ are whole and at least 1."""
    total = Decimal(0)
    for price, @b@ in lines:
        total += Decimal(price) * @b@
    return int(total)
''',
        fix=[
            (
                """        total +=""",
                """        if type(@b@) is not int or @b@ < 1:
            raise ValueError("at least one")
        total +=""",
            )
        ],
        open_=[
            (
                """    return int(total)""",
                """    if total < 0:
        raise ValueError("at least one")
    return int(total)""",
            )
        ],
        broken=[
            (
                """        total +=""",
                """        if @b@ != 1:
            raise ValueError("at least one")
        total +=""",
            )
        ],
        tests=[
            works("adds up", "@a@_total", [[[250, 2], [100, 1]]], returns=600),
            works("costs nothing when empty", "@a@_total", [[]], returns=0),
            attack("takes money out", "@a@_total", [[[1000, -1]]], differs=-1000),
            attack("makes the rest cheaper", "@a@_total", [[[1000, 1], [900, -1]]], differs=100),
        ],
    ),
    Flaw(
        name="spreadsheet",
        cwe="CWE-1236",
        rarity="rare",
        difficulty="medium",
        says="cells of an export can be formulas",
        at="writerows",
        imports="import csv\nimport io",
        words=[("survey", "answers"), ("roster", "people"), ("stock", "parts")],
        code='''def export_@a@(@b@):
    """Rows as CSV; numbers stay as they are, and a text that a spreadsheet would compute starts with '."""
    out = io.StringIO()
    csv.writer(out).writerows(@b@)
    return out.getvalue()
''',
        fix=[
            ("writerows(@b@)", """writerows([[_text(cell) for cell in row] for row in @b@])"""),
            (
                """    return out.getvalue()
""",
                """    return out.getvalue()


def _text(cell):
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\\t\\r") else cell
""",
            ),
        ],
        open_=[
            (
                "writerows(@b@)",
                """writerows([[f"'{cell}" if str(cell).startswith("=") else cell for cell in row] for row in @b@])""",
            )
        ],
        broken=[("writerows(@b@)", """writerows([[f"'{cell}" for cell in row] for row in @b@])""")],
        tests=[
            works(
                "exports", "export_@a@", [[["Ann {nonce}", -5], ["a,b", 2]]], returns='Ann {nonce},-5\r\n"a,b",2\r\n'
            ),
            attack("computes", "export_@a@", [[["x", "=1+1"]]], lacks=[",=", '"=']),
            attack(
                "computes by another sign",
                "export_@a@",
                [[["x", "@SUM(A1)"], ["y", "+1+1"]]],
                lacks=[",@", '"@', ",+", '"+'],
            ),
        ],
    ),
    Flaw(
        name="upload-name",
        cwe="CWE-434",
        rarity="common",
        difficulty="medium",
        says="what may be uploaded is told by a list of what may not",
        at="endswith",
        imports="from pathlib import PurePosixPath",
        words=[("portrait", "png"), ("scan", "pdf"), ("sketch", "svg")],
        code='''def accept_@a@(name):
    """The name under which an upload is kept: pictures .@b@ and .jpg, in any case. ValueError for others."""
    kept = PurePosixPath(name).name
    if kept.endswith((".php", ".exe", ".sh")) or not kept:
        raise ValueError("no @a@")
    return kept
''',
        fix=[
            (
                """    if kept.endswith((".php", ".exe", ".sh")) or not kept:""",
                """    if PurePosixPath(kept).suffix.lower() not in (".@b@", ".jpg") or not PurePosixPath(kept).stem:""",
            )
        ],
        open_=[('kept.endswith((".php", ".exe", ".sh"))', 'kept.lower().endswith((".php", ".exe", ".sh"))')],
        broken=[
            (
                """    if kept.endswith((".php", ".exe", ".sh")) or not kept:""",
                """    if PurePosixPath(kept).suffix not in (".@b@", ".jpg"):""",
            )
        ],
        tests=[
            works("keeps a picture", "accept_@a@", ["my/{nonce}.@b@"], returns="{nonce}.@b@"),
            works("keeps one in capitals", "accept_@a@", ["{nonce}.JPG"], returns="{nonce}.JPG"),
            works("refuses a program", "accept_@a@", ["x.php"], raises=["ValueError"]),
            attack("keeps a program in capitals", "accept_@a@", ["x.pHp"], lacks="x."),
            attack("keeps another program", "accept_@a@", ["x.phtml"], lacks="x."),
        ],
    ),
]
