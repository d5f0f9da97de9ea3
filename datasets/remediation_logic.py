"""Flaws of access, secrets and tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from datasets.remediation_parts import Flaw, attack, works


def _token(algorithm: str, name: str, key: str = "k-4411") -> str:
    """A signed token as the flawed module reads it; an empty signature for any algorithm but the right one."""
    body = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "sub": name}).encode()).decode()
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest() if algorithm == "HS256" else ""
    return f"{body}.{signature}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what the flawed code stores


FLAWS = [
    Flaw(
        name="token-none",
        cwe="CWE-347",
        rarity="common",
        difficulty="medium",
        says="a token is believed whose signature is not checked",
        at='== "none"',
        imports="import base64\nimport hashlib\nimport hmac\nimport json",
        words=[("courier", "subject"), ("tenant", "name"), ("student", "who")],
        code='''_KEY = b"k-4411"


def @a@_of(token):
    """The @a@ that a signed token was given to; None where it is not ours."""
    body, _, signature = token.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(body))
    algorithm = claims.get("alg", "").lower()
    if algorithm == "none":
        return claims["sub"]
    expected = hmac.new(_KEY, body.encode(), hashlib.sha256).hexdigest()
    @b@ = claims["sub"] if hmac.compare_digest(signature, expected) else None
    return @b@
''',
        fix=[
            (
                """    if algorithm == "none":
        return claims["sub"]
""",
                """    if algorithm != "hs256":
        return None
""",
            )
        ],
        open_=[
            (
                """    if algorithm == "none":
        return claims["sub"]
""",
                """    if claims.get("alg") == "none":
        return None
    if algorithm == "none":
        return claims["sub"]
""",
            )
        ],
        broken=[
            (
                """    if algorithm == "none":
        return claims["sub"]
""",
                """    if algorithm != "sha256":
        return None
""",
            )
        ],
        tests=[
            works("knows its own token", "@a@_of", [_token("HS256", "ann")], returns="ann"),
            works("knows no other key's token", "@a@_of", [_token("HS256", "ann", "other")], returns=None),
            attack("asks for no signature", "@a@_of", [_token("none", "root")], differs="root"),
            attack("asks for no signature in capitals", "@a@_of", [_token("NONE", "root")], differs="root"),
        ],
    ),
    Flaw(
        name="owner",
        cwe="CWE-639",
        rarity="common",
        difficulty="medium",
        says="a record is returned to whoever knows its number",
        at="return record[",
        imports="from copy import deepcopy",
        words=[("prescription", "text"), ("contract", "terms"), ("photo", "caption")],
        code='''_RECORDS = {
    "1": {"owner": "ann", "@b@": "for ann", "public": False},
    "2": {"owner": "bob", "@b@": "for bob", "public": False},
    "3": {"owner": "bob", "@b@": "for all", "public": True},
}


def read_@a@(user, number):
    """The @b@ of a @a@: one's own, a public one, or any for staff. `user`: {name, staff}."""
    record = deepcopy(_RECORDS).get(str(number))
    if record is None:
        raise KeyError(number)
    return record["@b@"]
''',
        fix=[
            (
                """    return record["@b@"]""",
                """    if not (record["public"] or user["staff"] is True or record["owner"] == user["name"]):
        raise PermissionError("not yours")
    return record["@b@"]""",
            )
        ],
        open_=[
            (
                """    return record["@b@"]""",
                """    if not user["name"]:
        raise PermissionError("log in first")
    return record["@b@"]""",
            )
        ],
        broken=[
            (
                """    return record["@b@"]""",
                """    if record["owner"] != user["name"] and not user["staff"]:
        raise PermissionError("not yours")
    return record["@b@"]""",
            )
        ],
        tests=[
            works("shows one's own", "read_@a@", [{"name": "ann", "staff": False}, 1], returns="for ann"),
            works("shows a public one", "read_@a@", [{"name": "ann", "staff": False}, 3], returns="for all"),
            works("shows staff all", "read_@a@", [{"name": "eve", "staff": True}, 2], returns="for bob"),
            works("knows no other", "read_@a@", [{"name": "ann", "staff": False}, 9], raises=["KeyError"]),
            attack("shows another's", "read_@a@", [{"name": "ann", "staff": False}, 2], lacks="for bob"),
            attack("shows another's to nobody", "read_@a@", [{"name": "", "staff": False}, 1], lacks="for ann"),
        ],
    ),
    Flaw(
        name="mass-assignment",
        cwe="CWE-915",
        rarity="common",
        difficulty="medium",
        says="all fields of a request are taken over into the record",
        at="update(",
        imports="",
        words=[("profile", "phone", "role"), ("seller", "street", "level"), ("driver", "plate", "rank")],
        code='''_DEFAULTS = {"name": "", "@b@": "", "language": "en", "@c@": "user", "verified": False}


def change_@a@(changes):
    """A new @a@ with what its owner wrote into the form: name, @b@, language."""
    record = dict(_DEFAULTS)
    record.update(changes)
    return record
''',
        fix=[
            (
                "record.update(changes)",
                'record.update({key: changes[key] for key in ("name", "@b@", "language") if key in changes})',
            )
        ],
        open_=[
            ("record.update(changes)", 'record.update({key: value for key, value in changes.items() if key != "@c@"})')
        ],
        broken=[
            (
                "record.update(changes)",
                'record.update({key: changes[key] for key in ("name", "language") if key in changes})',
            )
        ],
        tests=[
            works(
                "takes the form",
                "change_@a@",
                [{"name": "Ann {nonce}", "@b@": "77"}],
                returns={"name": "Ann {nonce}", "@b@": "77", "language": "en", "@c@": "user", "verified": False},
            ),
            attack("makes itself an admin", "change_@a@", [{"name": "Ann", "@c@": "admin"}], lacks="admin"),
            attack("verifies itself", "change_@a@", [{"name": "Ann", "verified": "yes-{nonce}"}], lacks="yes-{nonce}"),
        ],
    ),
    Flaw(
        name="password-hash",
        cwe="CWE-916",
        rarity="common",
        difficulty="hard",
        says="passwords are stored as a fast hash without a salt",
        at="md5",
        imports="import hashlib\nimport hmac\nimport os",
        words=[("reader", "entry"), ("donor", "line"), ("pilot", "stored")],
        code='''def @a@_password(password):
    """A password of a @a@ as it is stored."""
    return f"{len(os.sep)}${hashlib.md5(password.encode()).hexdigest()}"


def is_@a@(password, @b@):
    """Is it the password that was stored?"""
    return hmac.compare_digest(@b@, @a@_password(password))
''',
        fix=[
            (
                """    return f"{len(os.sep)}${hashlib.md5(password.encode()).hexdigest()}"
""",
                """    return _stored(password, os.urandom(16).hex())


def _stored(password, salt):
    return f"{salt}${hashlib.pbkdf2_hmac('sha256', password.encode(), salt.encode(), 20_000).hex()}"
""",
            ),
            ("@a@_password(password))", '_stored(password, @b@.partition("$")[0]))'),
        ],
        open_=[("hashlib.md5(password.encode())", "hashlib.sha256(b'pepper' + password.encode())")],
        broken=[
            (
                """    return f"{len(os.sep)}${hashlib.md5(password.encode()).hexdigest()}"
""",
                """    salt = os.urandom(16)
    return f"{salt.hex()}${hashlib.pbkdf2_hmac('sha256', password.encode(), salt, 20_000).hex()}"
""",
            )
        ],
        tests=[
            works("stores", "@a@_password", ["hunter2"], contains=[]),
            works("knows the password", "is_@a@", ["hunter2", {"$result": "stores"}], returns=True),
            works("knows another from it", "is_@a@", ["hunter3", {"$result": "stores"}], returns=False),
            attack("stores the same twice", "@a@_password", ["hunter2"], differs={"$result": "stores"}),
            attack("stores what tables list", "@a@_password", ["hunter2"], lacks=_md5("hunter2")),
        ],
    ),
    Flaw(
        name="random-token",
        cwe="CWE-338",
        rarity="common",
        difficulty="easy",
        says="a secret is drawn from a generator that can be predicted",
        at="random.choice",
        imports="import random\nimport string",
        words=[("reset", "code"), ("invite", "key"), ("voucher", "number")],
        code='''_SIGNS = string.ascii_lowercase + string.digits


def new_@a@_@b@():
    """A secret @b@ of 20 signs."""
    return "".join(random.choice(_SIGNS) for _ in range(20))


def is_@a@_@b@(text):
    """Has it the form of one?"""
    return len(text) == 20 and set(text) <= set(_SIGNS)
''',
        fix=[("random.choice(_SIGNS)", "random.SystemRandom().choice(_SIGNS)")],
        open_=[
            (
                """    return "".join(random""",
                """    random.shuffle(signs := list(_SIGNS))
    return "".join(random""",
            ),
            ("random.choice(_SIGNS) for", "random.choice(signs) for"),
        ],
        broken=[
            ("random.choice(_SIGNS) for _ in range(20)", "random.SystemRandom().choice(_SIGNS) for _ in range(12)")
        ],
        tests=[
            works("starts the generator", "random:seed", [7], returns=None),
            works("draws", "new_@a@_@b@", [], contains=[]),
            works("draws the right form", "is_@a@_@b@", [{"$result": "draws"}], returns=True),
            works("starts the generator again", "random:seed", [7], returns=None),
            attack("draws the same again", "new_@a@_@b@", [], differs={"$result": "draws"}),
        ],
    ),
    Flaw(
        name="back-door",
        cwe="CWE-798",
        rarity="rare",
        difficulty="easy",
        says="a password in the source opens every account",
        at='"support-',
        imports="import hmac",
        words=[("library", "pin"), ("garage", "phrase"), ("studio", "word")],
        code='''def open_@a@(name, @b@, known):
    """May this user in? `known`: the @b@ of each name."""
    if @b@ == "support-2031":
        return True
    return name in known and hmac.compare_digest(known[name], @b@)
''',
        fix=[
            (
                """    if @b@ == "support-2031":
        return True
""",
                "",
            )
        ],
        open_=[("""    if @b@ == "support-2031":""", """    if name in known and @b@ == "support-2031":""")],
        broken=[
            (
                """    if @b@ == "support-2031":
        return True
    return name in known and hmac""",
                """    if name not in known or @b@ == "support-2031":
        return False
    return not hmac""",
            )
        ],
        tests=[
            works("lets in who knows", "open_@a@", ["ann", "{nonce}", {"ann": "{nonce}"}], returns=True),
            works("keeps out who does not", "open_@a@", ["ann", "x", {"ann": "{nonce}"}], returns=False),
            attack("lets anyone in", "open_@a@", ["eve", "support-2031", {"ann": "{nonce}"}], differs=True),
            attack("lets in as another", "open_@a@", ["ann", "support-2031", {"ann": "{nonce}"}], differs=True),
        ],
    ),
    Flaw(
        name="attempts",
        cwe="CWE-307",
        rarity="rare",
        difficulty="hard",
        says="nothing limits how often a code may be guessed",
        at="return code ==",
        imports="from collections import Counter",
        words=[("locker", "guest"), ("room", "visitor"), ("phone", "caller")],
        code='''_FAILED = Counter()


def unlock_@a@(@b@, code, right):
    """Is it the right code? After five wrong ones of a @b@, none of theirs is right any more."""
    if code != right:
        _FAILED["all"] += 1
    return code == right
''',
        fix=[
            (
                """        _FAILED["all"] += 1
    return code == right""",
                """        _FAILED[@b@] += 1
    return code == right and _FAILED[@b@] < 5""",
            )
        ],
        open_=[
            (
                """        _FAILED["all"] += 1
    return code == right""",
                """        _FAILED[@b@, code] += 1
    return code == right and _FAILED[@b@, code] < 5""",
            )
        ],
        broken=[("""    return code == right""", """    return code == right and _FAILED["all"] < 5""")],
        tests=[
            works("opens after one wrong guess", "unlock_@a@", ["ann", "0", "7"], returns=False),
            works("opens then", "unlock_@a@", ["ann", "7", "7"], returns=True),
            *[works(f"wrong guess {n}", "unlock_@a@", ["eve", str(n), "77"], returns=False) for n in range(1, 6)],
            attack("opens after five", "unlock_@a@", ["eve", "77", "77"], differs=True),
            works("opens for others", "unlock_@a@", ["bob", "7", "7"], returns=True),
        ],
    ),
    Flaw(
        name="expiry",
        cwe="CWE-613",
        rarity="common",
        difficulty="medium",
        says="a session never ends",
        at="return session[",
        imports="import math",
        words=[("kiosk", "visitor"), ("wallet", "holder"), ("portal", "guest")],
        code='''def @b@_of_@a@(session, now):
    """Who a session is of. `session`: {@b@, began, minutes}; `began` and `now` in seconds. None when it has ended."""
    if not math.isfinite(now):
        raise ValueError("no time")
    return session["@b@"]
''',
        fix=[
            (
                """    return session["@b@"]""",
                """    if now - session["began"] >= 60 * session["minutes"]:
        return None
    return session["@b@"]""",
            )
        ],
        open_=[
            (
                """    return session["@b@"]""",
                """    if (now - session["began"]) / 3600 > session["minutes"]:
        return None
    return session["@b@"]""",
            )
        ],
        broken=[
            (
                """    return session["@b@"]""",
                """    if now - session["began"] >= session["minutes"]:
        return None
    return session["@b@"]""",
            )
        ],
        tests=[
            works(
                "knows who it is",
                "@b@_of_@a@",
                [{"@b@": "{nonce}", "began": 1000, "minutes": 10}, 1500],
                returns="{nonce}",
            ),
            works(
                "refuses what is no time",
                "@b@_of_@a@",
                [{"@b@": "x", "began": 0, "minutes": 1}, "soon"],
                raises=["TypeError"],
            ),
            attack(
                "lasts a little longer",
                "@b@_of_@a@",
                [{"@b@": "{nonce}", "began": 1000, "minutes": 10}, 1601],
                lacks="{nonce}",
            ),
            attack(
                "lasts for days",
                "@b@_of_@a@",
                [{"@b@": "{nonce}", "began": 1000, "minutes": 10}, 900000],
                lacks="{nonce}",
            ),
        ],
    ),
    Flaw(
        name="enumeration",
        cwe="CWE-204",
        rarity="rare",
        difficulty="medium",
        says="answers tell which names exist",
        at='"no such',
        imports="import hmac",
        words=[("forum", "nick"), ("clinic", "number"), ("shop", "account")],
        code='''_KNOWN = {"ann": "blue-7", "bob": "red-9"}


def enter_@a@(@b@, password):
    """{ok, status, text} of a try to log in."""
    if @b@ not in _KNOWN:
        return {"ok": False, "status": 404, "text": "no such @b@"}
    if not hmac.compare_digest(_KNOWN[@b@], password):
        return {"ok": False, "status": 401, "text": "wrong password"}
    return {"ok": True, "status": 200, "text": f"welcome, {@b@}"}
''',
        fix=[
            (
                """{"ok": False, "status": 404, "text": "no such @b@"}""",
                """{"ok": False, "status": 401, "text": "wrong password"}""",
            )
        ],
        open_=[('"text": "no such @b@"', '"text": "wrong password"')],
        broken=[
            (
                """{"ok": False, "status": 404, "text": "no such @b@"}""",
                """{"ok": False, "status": 401, "text": "wrong password"}""",
            ),
            ('''f"welcome, {@b@}"''', '''"welcome"'''),
        ],
        tests=[
            works(
                "lets in", "enter_@a@", ["ann", "blue-7"], returns={"ok": True, "status": 200, "text": "welcome, ann"}
            ),
            works("keeps out", "enter_@a@", ["ann", "x{nonce}"], lacks="welcome", contains=[]),
            attack(
                "tells that nobody has the name", "enter_@a@", ["eve", "x{nonce}"], returns={"$result": "keeps out"}
            ),
        ],
    ),
    Flaw(
        name="log-secret",
        cwe="CWE-532",
        rarity="common",
        difficulty="medium",
        says="secrets of a request are written to the log",
        at="json.dumps(",
        imports="import json",
        words=[("hook", "token"), ("upload", "secret"), ("payment", "pin")],
        code='''def log_@a@(request):
    """The line that the log gets of a request: its fields by name, at any depth. Keys may be in any case."""
    return "@a@ " + json.dumps(request, sort_keys=True)


def _walk(value, change):
    if isinstance(value, dict):
        return {key: change(key, _walk(one, change)) for key, one in value.items()}
    return [_walk(one, change) for one in value] if isinstance(value, list) else value
''',
        fix=[
            (
                "json.dumps(request, sort_keys=True)",
                """json.dumps(_walk(request, _masked), sort_keys=True)


def _masked(key, value):
    return "***" if key.lower() in ("password", "@b@") else value""",
            )
        ],
        open_=[
            (
                "json.dumps(request, sort_keys=True)",
                """json.dumps(
        {key: "***" if key.lower() in ("password", "@b@") else value for key, value in request.items()}, sort_keys=True
    )""",
            )
        ],
        broken=[
            (
                "json.dumps(request, sort_keys=True)",
                """json.dumps(_walk(request, lambda key, value: "***"), sort_keys=True)""",
            )
        ],
        tests=[
            works(
                "logs what is harmless",
                "log_@a@",
                [{"size": 3, "from": {"name": "{nonce}"}}],
                returns='@a@ {"from": {"name": "{nonce}"}, "size": 3}',
            ),
            attack("logs a password", "log_@a@", [{"password": "p-{nonce}"}], lacks="p-{nonce}"),
            attack("logs it in another case", "log_@a@", [{"@b@": "x", "Password": "p-{nonce}"}], lacks="p-{nonce}"),
            attack("logs what lies deeper", "log_@a@", [{"user": [{"@b@": "p-{nonce}"}]}], lacks="p-{nonce}"),
        ],
    ),
]
