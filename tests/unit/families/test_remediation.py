"""Patches that fix, that do not, that cheat and that attack."""

import json
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.remediation_check import problems
from gate import confined, sandbox
from gate.datasets import load_builtin, parse_dataset
from gate.domain import Completion, Sample, Score, Unscored
from gate.families import trials
from gate.families.remediation import Remediation
from gate.sandbox import isolation

SANDBOX = isolation()
NEEDS_SANDBOX = pytest.mark.skipif(isinstance(SANDBOX, str), reason=f"no sandbox here: {SANDBOX}")

CODE = '''import os


def read(name):
    """The text of an upload."""
    if not name:
        raise ValueError("no name")
    with open(os.path.join("uploads", name)) as file:
        return file.read()


def size(name):
    return len(read(name))
'''
FIX = """    if os.path.basename(name) != name:
        raise ValueError("bad name")
"""
AFTER = CODE.replace("    with open", FIX + "    with open")


def diff(after, before=CODE, path="app/store.py"):
    """The whole file replaced, as a model may do it."""
    old, new = before.splitlines(), after.splitlines()
    body = [f"-{line}" for line in old] + [f"+{line}" for line in new]
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", f"@@ -1,{len(old)} +1,{len(new)} @@", *body]) + "\n"


PATCH = (
    "--- a/app/store.py\n+++ b/app/store.py\n@@ -6,4 +6,6 @@\n     if not name:\n"
    '         raise ValueError("no name")\n' + "".join(f"+{line}\n" for line in FIX.splitlines())
    + '     with open(os.path.join("uploads", name)) as file:\n         return file.read()\n'
)  # fmt: skip
SAMPLE = Sample(
    id="own-1",
    input={
        "finding": "CWE-22 at app/store.py:8: a file is opened by a name from the request",
        "files": {"app/store.py": CODE, "tests/test_store.py": "def test_read():\n    assert True\n"},
        "allowed": ["app/store.py"],
    },
    target={
        "patch": PATCH,
        "fixtures": {"uploads/a.txt": "text {nonce}", "secret.txt": "secret {nonce}"},
        "tests": [
            {
                "name": "reads",
                "kind": "function",
                "call": "app.store:read",
                "args": ["a.txt"],
                "expect": {"returns": "text {nonce}"},
            },
            {
                "name": "refuses no name",
                "kind": "kept",
                "call": "app.store:read",
                "args": [""],
                "expect": {"raises": ["ValueError"]},
            },
            {
                "name": "climbs out",
                "kind": "exploit",
                "call": "app.store:read",
                "args": ["../secret.txt"],
                "expect": {"lacks": "secret {nonce}"},
            },
        ],
    },
)


def score(answer, sample=SAMPLE, **changes):
    return Remediation(**changes).score(sample, Completion(text=answer))


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    ("answer", "value", "says"),
    [
        (PATCH, 1.0, "fixed, and nothing broken"),
        (f"```diff\n{PATCH}```", 1.0, "fixed, and nothing broken"),
        (PATCH.replace("-6,4 +6,6", "-1,4 +1,6"), 0.9, "did not stand where it said"),
        (diff(AFTER), 0.82, "changes 28 lines where 10 are plenty"),
        (diff(AFTER + "".join(f"\n# {n}" for n in range(90)) + "\n"), 0.7, "plenty"),
        (diff(CODE.replace("    with open", '    assert "/" not in name\n    with open')), 0.83, "fixed, and nothing broken"),  # as the page admits
        (PATCH.replace("os.path.basename(name) != name", '"/../" in name'), 0.0, "leaves it exploitable: climbs out"),
        (PATCH.replace("os.path.basename(name) != name", '"." in name'), 0.0, "breaks what worked: reads"),
        (diff(AFTER.replace('    if not name:\n        raise ValueError("no name")\n', "")), 0.0, "weakens a check that was there: refuses no name"),
        (diff(CODE.replace("    with open", "    undefined(name)\n    with open")), 0.0, "breaks what worked: reads"),
        (diff(CODE.replace("    with open", '    if "/" in name:\n        undefined(name)\n    with open')), 0.0, "leaves it exploitable"),
        ("", 0.0, "holds no unified diff"),
        ("I'm sorry, but I can't help with that.", 0.0, "holds no unified diff"),
        (PATCH.replace("+    if", "+    iff"), 0.0, "leaves a file that does not parse"),
        (diff("def test_read():\n    pass\n", "def test_read():\n    assert True\n", "tests/test_store.py"), 0.0, "touches a file that is not allowed"),
        (PATCH + diff("x = 1\n", "def test_read():\n    assert True\n", "tests/test_store.py"), 0.0, "touches a file that is not allowed"),
        (diff(AFTER.replace("\n\ndef size(name):\n    return len(read(name))\n", "")), 0.0, "removes a function or class"),
    ],
)  # fmt: skip
def test_score__right_partly_right_wrong_and_refused(answer, value, says):
    found = score(answer)
    assert (found.value, says in found.reason) == (value, True), found


HOSTILE = {
    "the parent's environment": 'open(f"/proc/{os.getppid()}/environ").read()',
    "the parent's environment, hidden": 'return open("/pr" + "oc/1/environ").read()',
    "its own environment": "return str(dict(os.environ))",
    "a socket": 'import socket; socket.create_connection(("127.0.0.1", 80))',
    "a socket, hidden": 'getattr(__import__("soc" + "ket"), "soc" + "ket")()',
    "the engine's socket": 'import socket; socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock")',
    "a fork bomb": "while True: os.fork()",
    "a fork bomb, hidden": 'f = getattr(os, "fo" + "rk")\n    while True: f()',
    "the disk": 'for n in range(10**6): open(f"f{n}", "w").write("x" * 10**6)',
    "a file outside": 'open("/tmp/driftgate-hostile", "w").write("x")',
    "the code": 'open(__file__, "a").write("x")',
    "a link": 'os.symlink("/etc/passwd", "uploads/b")',
    "a link, hidden": 'getattr(os, "sym" + "link")("/etc/passwd", "uploads/b")',
    "a fake": 'print("3 passed", flush=True); os._exit(0)',
    "a fake, hidden": 'print("all passed", flush=True); raise SystemExit(0)',
    "no end": "while True: pass",
    "no end in sleep": "import time; time.sleep(3600)",
    "huge output": 'return "x" * 10**8',
    "huge print": 'import sys; sys.stdout.write("x" * 10**8); return ""',
    "the parent": "os.kill(os.getppid(), 9)",
    "the parent, hidden": 'getattr(os, "ki" + "ll")(getattr(os, "getp" + "pid")(), 9)',
    "the group, hidden": 'getattr(os, "ki" + "ll")(0, 9)',
    "a debugger": "import ctypes; ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)",
    "memory": "held = []\n    while True: held.append(bytearray(10**7))",
    "recursion": "return read(name)",
    "the harness": 'import sys; sys.modules["__main__"].__dict__["serve"] = None; return "text"',
    "the harness, hidden": 'm = __import__("s" + "ys").modules["__main__"]; m._plain = lambda *a: "text"; return "text"',
    "the harness's frame": 'import sys; frame = sys._getframe(1); frame.f_locals.clear(); return "text"',
    "a value that lies": 'class A(str):\n        __eq__ = lambda *a: True\n        __hash__ = str.__hash__\n    return A("text")',
    "json": 'import json; json.dumps = lambda *a, **k: "{}"; return "text"',
    "another's answer": 'for fd in range(3, 9):\n        try: os.write(fd, b\'{"id": "0", "value": "text"}\\n\')\n        except OSError: pass',
    "everything swallowed": "try:\n        return open(os.path.join('uploads', name)).read()\n    except BaseException: return ''",
}  # fmt: skip


@NEEDS_SANDBOX
@pytest.mark.parametrize("attack", HOSTILE)
def test_score__of_hostile_patches_is_zero_and_nothing_comes_of_them(attack, monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 1.0)
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", "text secret")
    at = AFTER.index("    with open")
    found = score(diff(AFTER[:at] + f"    {HOSTILE[attack]}\n" + AFTER[at:]))
    assert isinstance(found, Score)
    assert found.value == 0, found
    assert not Path("/tmp/driftgate-hostile").exists()
    assert "secret" not in found.reason


@NEEDS_SANDBOX
@pytest.mark.parametrize("attack", [name for name in HOSTILE if "hidden" in name])
def test_score__of_hostile_patches_is_zero_when_the_module_is_loaded(attack, monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 1.0)
    line = HOSTILE[attack].replace("\n    ", "\n").replace("return ", "")
    found = score(diff(f"import os\n{line}\n{AFTER}"))
    assert isinstance(found, Score)
    assert found.value == 0, found


@NEEDS_SANDBOX
def test_score__one_answer_is_run_once(monkeypatch):
    runs = []
    family = Remediation(isolated=lambda: SANDBOX, nonce=lambda: runs.append(1) or "n0")
    scores = [family.score(SAMPLE, Completion(text=PATCH)) for _ in range(3)]
    assert scores == [scores[0]] * 3
    assert len(runs) == 1


def test_score__where_nothing_can_be_run_every_answer_is_unscored():
    for answer in (PATCH, "", "I'm sorry"):
        found = score(answer, isolated=lambda: "needs Linux")
        assert found == Unscored(reason="patches cannot be run apart from this machine: needs Linux")


@NEEDS_SANDBOX
def test_score__what_is_not_the_patchs_fault_is_unscored():
    broken = replace(SANDBOX, interpreter=replace(SANDBOX.interpreter, path="/nonexistent"))
    found = score(PATCH, isolated=lambda: broken)
    assert isinstance(found, Unscored)
    assert "did not start" in found.reason


@NEEDS_SANDBOX
def test_score__many_at_once_from_many_threads():
    family, barrier = Remediation(), threading.Barrier(6)

    def one(number):
        barrier.wait()
        return family.score(SAMPLE, Completion(text=PATCH + "\n" * number)).value

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(6))) == [1.0] * 6


@NEEDS_SANDBOX
@pytest.mark.parametrize("sample", random.Random(os.environ.get("DRIFTGATE_SEED", "5")).sample(load_builtin("remediation").samples, 10), ids=lambda one: one.cluster)  # fmt: skip
def test_starter__patches_do_what_is_said_of_them(sample):
    assert problems(sample) == []


def test_starter__covers_enough_and_says_little():
    samples = load_builtin("remediation").samples
    family = Remediation()
    assert len(samples) >= 72
    assert len({one.slices["cwe"] for one in samples}) >= 25
    rare = [one for one in samples if one.slices["rarity"] == "rare"]
    assert 0.2 < len(rare) / len(samples) < 0.4
    for one in samples:
        shown = family.prompt(one)[0].content
        assert one.input["finding"] in shown
        assert "exploit" not in shown
        assert one.target["patch"] not in shown


PAGE = (Path(__file__).parents[3] / "docs/families/remediation.md").read_text(encoding="utf-8")
SHOWN = {
    "the two lines": PATCH,
    "the two lines, at a wrong line number": PATCH.replace("-6,4 +6,6", "-1,4 +1,6"),
    "the whole file anew, fixed": diff(AFTER),
    "refuses `/../` only": PATCH.replace("os.path.basename(name) != name", '"/../" in name'),
    "refuses every name with a dot": PATCH.replace("os.path.basename(name) != name", '"." in name'),
    "fixed, but the check for an empty name is gone": diff(AFTER.replace('    if not name:\n        raise ValueError("no name")\n', "")),
    "I'm sorry, but I can't help with that.": "I'm sorry, but I can't help with that.",
}  # fmt: skip


@NEEDS_SANDBOX
def test_page__examples_score_as_it_says():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.count("|") == 5]
    shown = {row[1]: row[2:] for row in rows if row[1] in SHOWN}
    assert set(shown) == set(SHOWN)
    for name, (value, says) in shown.items():
        found = score(SHOWN[name])
        assert (f"{found.value:.2f}", says in found.reason) == (value, True), found


@NEEDS_SANDBOX
def test_page__its_own_sample_is_one():
    text = PAGE.partition("```json")[2].partition("```")[0]
    (sample,) = parse_dataset(json.dumps(json.loads(text)).encode(), source="page").samples
    assert Remediation().check(sample) == []
    assert score(sample.target["patch"], sample).value == 1
    with pytest.raises(trials.Failed, match="exploitable"):
        Remediation().try_out(sample, {}, SANDBOX)


def test_page__states_the_limits_and_the_set():
    samples = load_builtin("remediation").samples
    rare = sum(one.slices["rarity"] == "rare" for one in samples)
    classes = len({one.slices["cwe"] for one in samples})
    assert (
        f"{len(samples)} small modules: {len({one.cluster for one in samples})} flaws in {classes} weakness classes, {rare} samples"
        in PAGE
    )
    assert f"{sandbox.LIMITS['CPU']} seconds of CPU a process, {confined.SECONDS:.0f} seconds in all" in PAGE
    assert (
        f"{sandbox.LIMITS['AS'] >> 20} MiB, {sandbox.LIMITS['NPROC']} processes, files of {sandbox.LIMITS['FSIZE'] >> 20} MiB"
        in PAGE
    )


def changed(**target):
    return replace(SAMPLE, target={**SAMPLE.target, **target})


TEST = SAMPLE.target["tests"][0]


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (replace(SAMPLE, input={}), "input needs files"),
        (replace(SAMPLE, input={**SAMPLE.input, "files": {"../x.py": "x"}}), "input.files: a path must stay inside"),
        (replace(SAMPLE, input={**SAMPLE.input, "allowed": ["other.py"]}), "input needs allowed"),
        (replace(SAMPLE, input={**SAMPLE.input, "finding": None}), "input needs finding"),
        (replace(SAMPLE, target="x"), "target needs patch"),
        (changed(patch="no diff"), "target.patch holds no unified diff"),
        (changed(tests=[]), "target.tests must list"),
        (changed(tests=["x"]), "target.tests[0] is not an object"),
        (changed(tests=[TEST, TEST]), "two tests of one name"),
        (changed(tests=[TEST]), "no test of kind exploit"),
        (changed(tests=[{**TEST, "kind": "unit"}]), "has a kind that is none of"),
        (changed(tests=[{**TEST, "call": "read"}]), "module:function"),
        (changed(tests=[{**TEST, "args": "a.txt"}]), "args that are no list"),
        (changed(tests=[{**TEST, "expect": {"equals": 1}}]), "needs expect with some of"),
        (changed(fixtures={"/etc/x": "y"}), "target.fixtures must be"),
        (changed(probes=[]), ""),
        (changed(probes={"fetch": "x"}), "target.probes must be"),
        (SAMPLE, ""),
    ],
)  # fmt: skip
def test_check__says_what_is_wrong_with_a_sample(sample, says):
    found = Remediation().check(sample)
    assert any(says in one for one in found) if says else not found


def held(kind, expect, *, value=None, raised=None, calls=(), files=None):
    """Does a test hold of an outcome?"""

    class Run:
        def call(self, asked, probe):
            for name, args in calls:
                probe(name, args, {})
            return confined.Raised(names=raised) if raised else confined.Returned(value=value)

        def text(self, path):
            return (files or {}).get(path)

    test = {"name": "t", "kind": kind, "call": "m:f", "expect": expect}
    try:
        trials.Hearing(trials=trials.parse({"tests": [test]}, "n1"), run=Run()).hold()
    except trials.Failed:
        return False
    return True


VALUE_ERROR = ("ValueError", "Exception", "BaseException", "object")
NAME_ERROR = ("UnboundLocalError", "NameError", "Exception", "BaseException", "object")


@pytest.mark.parametrize(
    ("kind", "expect", "outcome", "expected"),
    [
        ("function", {"returns": 1}, {"value": 1}, True),
        ("function", {"returns": 1}, {"value": True}, False),
        ("function", {"returns": "n1 {nonce}"}, {"value": "n1 n1"}, True),
        ("function", {"returns": {"a": 1, "b": 2}}, {"value": {"b": 2, "a": 1}}, True),
        ("function", {"returns": None}, {"raised": VALUE_ERROR}, False),
        ("function", {"raises": ["ValueError"]}, {"raised": VALUE_ERROR}, True),
        ("function", {"raises": ["KeyError"]}, {"raised": VALUE_ERROR}, False),
        ("function", {"raises": ["ValueError"]}, {"value": 1}, False),
        ("function", {"raises": []}, {"raised": VALUE_ERROR}, True),
        ("function", {"raises": []}, {"raised": NAME_ERROR}, False),
        ("function", {"contains": "b"}, {"value": ["abc"]}, True),
        ("function", {"contains": "b"}, {"value": ["ac"]}, False),
        ("function", {"contains": "x\ny"}, {"value": "x\\ny"}, False),
        ("exploit", {"lacks": "s"}, {"value": "abc"}, True),
        ("exploit", {"lacks": "s"}, {"value": {"k": ["yes"]}}, False),
        ("exploit", {"lacks": "s"}, {"value": {"yes": 1}}, False),
        ("exploit", {"lacks": "s"}, {"raised": VALUE_ERROR}, True),
        ("exploit", {"lacks": "s"}, {"raised": NAME_ERROR}, False),
        ("exploit", {"lacks": "evil"}, {"value": None, "calls": [("fetch", ["http://evil"])]}, False),
        ("exploit", {"differs": True}, {"value": False}, True),
        ("exploit", {"differs": True}, {"value": True}, False),
        ("exploit", {"returns": False}, {"raised": VALUE_ERROR}, False),
        ("exploit", {"uncalled": ["fetch"]}, {"value": 1}, True),
        ("exploit", {"uncalled": ["fetch"]}, {"value": 1, "calls": [("fetch", [])]}, False),
        ("exploit", {"uncalled": ["fetch"]}, {"raised": VALUE_ERROR, "calls": [("fetch", [])]}, False),
        ("function", {"calls": {"fetch": [["a"]]}}, {"value": 1, "calls": [("fetch", ["a"])]}, True),
        ("function", {"calls": {"fetch": [["a"]]}}, {"value": 1, "calls": [("fetch", ["a"])] * 2}, False),
        ("exploit", {"files": {"x": None}}, {"value": 1}, True),
        ("exploit", {"files": {"x": "mine"}}, {"value": 1, "files": {"x": "theirs"}}, False),
    ],
)
def test_hearing__holds_a_test_to_what_it_expects(kind, expect, outcome, expected):
    assert held(kind, expect, **outcome) is expected


def test_hearing__knows_results_of_earlier_tests():
    seen = []

    class Run:
        def call(self, asked, probe):
            seen.append(asked.args)
            return confined.Returned(value="v")

    tests = [
        {"name": "one", "kind": "function", "call": "m:f", "expect": {"contains": []}},
        {"name": "two", "kind": "function", "call": "m:f", "args": [[{"$result": "one"}]], "expect": {"returns": {"$result": "one"}}},
    ]  # fmt: skip
    trials.Hearing(trials=trials.parse({"tests": tests}, "n"), run=Run()).hold()
    assert seen == [[], [["v"]]]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"value": 1}, {"value": 1}),
        ({"by": {"a": 2}, "value": 1}, {"value": 2}),
        ({"by": {"b": 2}}, {"value": None}),
        ({"raise": "OSError"}, {"raise": "OSError"}),
    ],
)
def test_hearing__answers_for_stand_ins(rule, answer):
    target = {"tests": [], "probes": {"fetch": rule}}
    hearing = trials.Hearing(trials=trials.parse(target, "n"), run=None)
    assert hearing._probe("fetch", ["a"], {}) == answer
