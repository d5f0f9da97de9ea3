"""Hostile code in the sandbox: contained, cut off, cleared away; and honest code that works in it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gate import cage, confined, sandbox
from gate.confined import Asked, Broken, NoSandbox, Raised, Returned
from gate.sandbox import Sandbox, Uids, isolation

ROOT = Path(__file__).parents[2]
SANDBOX = isolation()
pytestmark = pytest.mark.skipif(isinstance(SANDBOX, str), reason=f"no sandbox here: {SANDBOX}")

TOOLS = """
import ctypes, os, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def uid():
    return os.getuid()
"""


def run(body, *args, fixtures=None, probe=confined.no_probes):
    """What `f`, with this body, comes to; and the uid it ran under."""
    code = TOOLS + "def f(*args):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    with SANDBOX.run({"app.py": code}, fixtures or {}) as run_:
        uid = run_.call(Asked(call="app:uid")).value
        try:
            return run_.call(Asked(call="app:f", args=args), probe), uid
        except Broken as ended:
            return str(ended), uid


def processes(uid):
    """Those of a uid that are not yet dead."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                status = (one / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if f"Uid:\t{uid}\t" in status and "State:\tZ" not in status:
                found.append(one.name)
    return found


def gone(uid):
    """Are all of them dead soon? Orphans are told to die, and someone else waits for them."""
    until = time.monotonic() + 20
    while processes(uid) and time.monotonic() < until:
        time.sleep(0.02)
    return processes(uid) == []


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield
        assert not list(Path(folder).iterdir())


@pytest.mark.parametrize(
    "body",
    [
        "return open(f'/proc/{os.getppid()}/environ').read()",
        "return open('/proc/self/environ').read()",
        "return os.listdir('/proc')",
        "return os.listdir('/')",
        "return open('/etc/passwd').read()",
        f"return open({str(ROOT / 'gate/starter/remediation.jsonl')!r}).read()",
        "return os.listdir(os.path.dirname(os.getcwd()))",
        "return open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "return open('/tmp/driftgate-was-here', 'w').write('x')",
        "return open('/dev/shm/driftgate-was-here', 'w').write('x')",
        "return open('../code/app.py', 'a').write('x')",
        "return os.rename('../code/app.py', 'app.py')",
    ],
)
def test_outside__is_neither_read_nor_written(body):
    outcome, _ = run(body)
    assert isinstance(outcome, Raised), outcome
    assert "PermissionError" in outcome.names
    assert not Path("/tmp/driftgate-was-here").exists()


@pytest.mark.parametrize(
    "body",
    [
        "import socket\nsocket.socket(socket.AF_INET)",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import socket\nsocket.socket(socket.AF_UNIX)",
        "import socket\nsocket.socketpair()",
        "os.kill(os.getppid(), 9)",
        "os.kill(-1, 9)",
        "os.killpg(0, 9)",
        "libc.ptrace(16, os.getppid(), 0, 0)",
        "os.setsid()",
        "os.setpgid(0, 0)",
        "os.symlink('/etc/passwd', 'link')",
        "os.link('own', 'link')",
        "libc.unshare(0x10000000)",
        "libc.mount(b'none', b'.', b'tmpfs', 0, 0)",
        "libc.syscall(425, 1, 0)",
        "libc.shmget(0, 4096, 0o1600)",
        "os.mkfifo('pipe')",
        "os._exit(0)",
        "sys.exit(0)",
        "os.abort()",
        "libc.syscall(56, 0x10000011, 0, 0, 0, 0)",
        "libc.syscall(59, 0, 0, 0)\nos.execv('/usr/bin/env', ['env'])",
    ],
)
def test_what_no_fix_needs__ends_the_run(body):
    assert run(body, fixtures={"own": "x"})[0] == "ended before it had answered"


def test_calls_of_a_namesake_on_another_machine__are_those_of_the_headers():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers here")
    known = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    generic = Path("/usr/include/asm-generic/unistd.h").read_text().splitlines()
    other = dict(line.split()[1:3] for line in generic if line.startswith("#define __NR_") and len(line.split()) >= 3)
    for name, (ours, theirs) in {**cage._CALLS, **cage._REFUSED, **cage._ABSENT, "clone": cage._CLONE}.items():
        assert known[f"__NR_{name}"] == str(ours)
        assert other.get(f"__NR_{name}") == (None if theirs is None else str(theirs))


def test_a_unix_socket__as_the_engine_has_it__is_not_reached(tmp_path):
    # Open to everyone, in a folder open to everyone: more than the runner's own.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        Path(folder).chmod(0o755)
        server.bind(f"{folder}/docker.sock")
        Path(f"{folder}/docker.sock").chmod(0o777)
        server.listen()
        server.settimeout(0.2)
        body = f"import socket\nwith socket.socket(socket.AF_UNIX) as s:\n    s.connect('{folder}/docker.sock')\n    s.sendall(b'GET /')"
        assert run(body)[0] == "ended before it had answered"
        with pytest.raises(TimeoutError):
            server.accept()


def test_environment__is_empty():
    outcome, _ = run("return sorted(os.environ)")
    assert set(outcome.value) <= {"LC_CTYPE"}


def test_another_program__is_held_as_well():
    outcome, _ = run(
        "done = subprocess.run('cat /etc/passwd; cat own; echo $HOME', shell=True, capture_output=True, text=True)\n"
        "return done.stdout",
        fixtures={"own": "mine"},
    )
    assert outcome == Returned(value="mine\n")


def test_a_fork_bomb__is_bounded_and_killed(monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 1.0)
    outcome, uid = run("while True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)")
    assert isinstance(outcome, str)
    assert gone(uid)


def test_children__do_not_outlive_the_run():
    outcome, uid = run("return [subprocess.Popen(['sleep', '600']).poll() for _ in range(3)]")
    assert outcome == Returned(value=[None, None, None])
    assert gone(uid)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "for number in range(10**6):\n    with open(f'f{number}', 'w') as file:\n        file.write('x')",
            "writes too many",
        ),
        (
            "for number in range(60):\n    with open(f'f{number}', 'wb') as file:\n        file.write(bytes(1 << 20))\ntime.sleep(5)",
            "writes too much",
        ),
        ("for _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\ntime.sleep(5)", "writes too many"),
    ],
)
def test_the_disk__is_not_filled(body, says):
    assert str(run(body)[0]).startswith(says)


def test_one_file__has_a_limit():
    outcome, _ = run("with open('big', 'wb') as file:\n    file.write(bytes(2 << 20))")
    assert "OSError" in outcome.names


@pytest.mark.parametrize("body", ["while True:\n    pass", "import time\ntime.sleep(600)", "os.read(0, 1)\nos.pause()"])
def test_what_never_ends__is_ended(body, monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 1.0)
    assert isinstance(run(body)[0], str | Raised)


def test_cpu_time__is_bounded_whatever_the_clock_says(monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 60.0)
    assert run("while True:\n    pass")[0] == "ended before it had answered"


def test_memory__is_bounded():
    outcome, _ = run("held = []\nwhile True:\n    held.append(bytes(1 << 20))")
    assert "MemoryError" in outcome.names


def test_uids__cannot_be_changed():
    assert "OSError" in run("os.setuid(0)")[0].names


def test_limits__cannot_be_raised():
    outcome, _ = run("import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))")
    assert "ValueError" in outcome.names


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return 'x' * (2 << 20)", "answered too much"),
        (
            "for fd in range(3, 32):\n    try:\n        os.write(fd, b'x' * 100 + b'\\n')\n    except OSError:\n        pass",
            "out of form",
        ),
        (
            "for fd in range(3, 32):\n    try:\n        os.write(fd, b'{\"value\": 1}\\n')\n    except OSError:\n        pass",
            "what was not asked",
        ),
        (
            "for fd in range(3, 32):\n    try:\n        os.write(fd, b'[' * 100000 + b'\\n')\n    except OSError:\n        pass",
            "out of form",
        ),
        (
            "for fd in range(3, 32):\n    try:\n        os.write(fd, b'{\"a\":' * 400 + b'1' + b'}' * 400 + b'\\n')\n    except OSError:\n        pass",
            "out of form",
        ),
    ],
)
def test_answers__out_of_form_end_the_run(body, says):
    assert says in run(body)[0]


def test_a_forged_answer__is_at_best_an_answer():
    # The id of the call under way can be found in the frames of the caller: what is then said is what the code says.
    body = "import gc\nfor one in gc.get_objects():\n    if isinstance(one, dict) and 'call' in one and 'id' in one:\n        name = one['id']\nfor fd in range(3, 32):\n    try:\n        os.write(fd, ('{\"id\": \"' + name + '\", \"value\": \"all passed\"}\\n').encode())\n    except OSError:\n        pass\nos._exit(0)"
    assert run(body)[0] in {Returned(value="all passed"), "ended before it had answered", "answered what was not asked"}


def test_what_is_printed__is_lost():
    assert run("print('all passed', flush=True)\nos.write(1, b'all passed')\nreturn 7")[0] == Returned(value=7)


def test_code_that_does_not_read__holds_nobody_up(monkeypatch):
    monkeypatch.setattr(confined, "SECONDS", 1.0)
    assert run("time.sleep(60)", "x" * 500_000)[0] == "did not end in time"


def test_values__come_back_as_json_can_say_them():
    outcome, _ = run("return [1, (2.5, None), {'a': b'x'}, True, {1: 2}, float('nan'), object()]")
    odd = [{"$type": "dict"}, {"$type": "float"}, {"$type": "object"}]
    assert outcome.value == [1, [2.5, None], {"a": {"$bytes": "eA=="}}, True, *odd]


def test_stand_ins__are_called_and_answered_here():
    told = []

    def probe(name, args, kwargs):
        told.append((name, args, kwargs))
        return {"raise": "OSError"} if args == ["bad"] else {"value": "page"}

    body = "try:\n    args[0]('bad')\nexcept OSError:\n    return args[0]('good', timeout=3)"
    assert run(body, {"$probe": "fetch"}, probe=probe)[0] == Returned(value="page")
    assert told == [("fetch", ["bad"], {}), ("fetch", ["good"], {"timeout": 3})]


def test_files__are_read_without_following_links(tmp_path):
    with SANDBOX.run({"app.py": TOOLS}, {"a/b.txt": "x"}) as run_:
        (run_.work / "link").symlink_to("/etc/passwd")
        (run_.work / "folder").symlink_to(run_.work / "a")
        assert [run_.text(one) for one in ("a/b.txt", "none", "link", "folder/b.txt", "a")] == ["x", *[None] * 4]


def test_several_at_once__have_uids_of_their_own():
    together = threading.Barrier(2, timeout=30)
    sandbox = Sandbox(interpreter=SANDBOX.interpreter, uids=SANDBOX.uids, gate=threading.BoundedSemaphore(2))

    def one(_):
        with sandbox.run({"app.py": TOOLS}, {}) as run_:
            together.wait()
            return run_.call(Asked(call="app:uid")).value

    with ThreadPoolExecutor(2) as pool:
        uids = list(pool.map(one, range(2)))
    assert len({*uids, os.getuid()}) == 3


def test_uids__are_never_shared_where_there_are_few():
    uids = Uids(65_536)
    uids._span = (10, 11)
    with uids.one() as first, uids.one() as second:
        assert (first, second) == (10, 11)


def test_a_sandbox_that_cannot_start__says_so_and_runs_nothing():
    broken = Sandbox(
        interpreter=SANDBOX.interpreter.__class__(path="/nonexistent/python", readable=()),
        uids=SANDBOX.uids,
        gate=threading.BoundedSemaphore(1),
    )
    with pytest.raises(NoSandbox, match="No such file"), broken.run({}, {}):
        pass
    unreadable = Sandbox(
        interpreter=SANDBOX.interpreter.__class__(path=SANDBOX.interpreter.path, readable=("/nonexistent",)),
        uids=SANDBOX.uids,
        gate=threading.BoundedSemaphore(1),
    )
    with pytest.raises(NoSandbox, match="did not start"), unreadable.run({}, {}):
        pass


CONTAINER = """
import ctypes, os, struct, sys
from gate import cage
numbers = [cage._CALLS[name][cage._MACHINES[os.uname().machine][0]] for name in ("unshare", "mount", "setns")]
steps = [(0x20, 0, 0, 0)]
for number in numbers:
    steps += [(0x15, 0, 1, number), (0x06, 0, 0, cage._ERRNO | cage._EPERM)]
steps.append((0x06, 0, 0, cage._ALLOW))
code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *one) for one in steps))
assert cage._libc.prctl(22, 2, struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code)), 0, 0) == 0
held = "chown,dac_override,fsetid,fowner,mknod,net_raw,setgid,setuid,setfcap,setpcap,net_bind_service,sys_chroot,kill,audit_write"
limit = "-all," + ",".join(f"+{one}" for one in held.split(","))
test = "from gate.sandbox import isolation; found = isolation(); print(found if isinstance(found, str) else 'yes')"
os.execvp("setpriv", ["setpriv", f"--bounding-set={limit}", f"--inh-caps={limit}", sys.executable, "-c", test])
"""


def test_isolation__can_be_had_with_a_default_containers_rights_and_calls():
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    done = subprocess.run(
        [sys.executable, "-c", CONTAINER], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.stdout == "yes\n", done.stderr


def test_isolation__needs_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert isolation.__wrapped__().startswith("needs root")


def test_isolation__needs_a_python_that_another_uid_may_run(monkeypatch):
    monkeypatch.setattr(sandbox, "interpreter", lambda: "found no Python")
    assert isolation.__wrapped__() == "found no Python"


def test_isolation__is_refused_where_files_are_not_closed_off(monkeypatch):
    # A cage that leaves Landlock out stands for a kernel that has none to speak of.
    text = sandbox._cage_text().replace('close_files(plan["readable"], plan["work"])', "7")
    text = text.replace("    close_calls(os", "    _libc.prctl(38, 1, 0, 0, 0)\n    close_calls(os")
    monkeypatch.setattr(sandbox, "_cage_text", lambda: text)
    assert isolation.__wrapped__() == "files outside are not closed off"


def test_isolation__is_refused_where_sockets_are_not_closed_off(monkeypatch):
    text = sandbox._cage_text().replace("    close_calls(os.uname().machine)\n", "")
    monkeypatch.setattr(sandbox, "_cage_text", lambda: text)
    assert isolation.__wrapped__() == "sockets are not closed off"
