"""L2: the program that runs untrusted code, seen from inside. It is handed to a bare interpreter as text (`python -c`).

It starts under the run's own uid with an empty environment, takes away from itself what is left (limits, files,
system calls), says so, and only then imports the code it is to call. From there on nothing it says can be trusted but
as an answer: see gate/sandbox.py, which holds the other end of the pipes and all that is expected.

One JSON object a line. In: ``{"id", "call": "module:function", "args", "kwargs"}``. Out: ``{"id", "value"}`` or
``{"id", "raised": [names of the class and its bases]}``; and, while a call runs, ``{"id", "probe", "args", "kwargs"}``
for a call of a stand-in, which is answered by ``{"value"}`` or ``{"raise": name}``.
"""

from __future__ import annotations

import base64
import builtins
import ctypes
import importlib
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any

# What Landlock knows, one bit each (linux/landlock.h).
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE, _TRUNCATE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 14
_IN_WORK = _READ | _WRITE | _LIST | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _TRUNCATE
_HANDLED = {1: 13, 2: 14, 3: 15, 4: 15}  # by ABI: how many of the bits it knows; 16 from ABI 5 on
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on all machines
_NEW_USER, _NEW_NETWORK, _NEW_IPC, _CAPABILITIES_3 = 0x10000000, 0x40000000, 0x08000000, 0x20080522
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER, _DEATH_SIGNAL = 38, 22, 2, 1

_CALLS: dict[str, tuple[int, int | None]] = {
    # system calls that end the process: no fix needs one. Name → (x86_64, aarch64); from asm/unistd.h.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "setsid": (112, 157),  # else a child could leave the group that is killed
    "setpgid": (109, 154),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "link": (86, None),
    "linkat": (265, 37),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "shmget": (29, 194),  # System V and POSIX queues outlive their maker
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "fanotify_init": (300, 262),
    "seccomp": (317, 277),
    "process_madvise": (440, 440),
}
_REFUSED: dict[str, tuple[int, int | None]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "prctl": (157, 167),
    "personality": (135, 92),
}
_ABSENT: dict[str, tuple[int, int | None]] = {
    "clone3": (435, 435)
}  # its flags cannot be read by a filter: the C library falls back to clone
_CLONE, _NEW_NAMESPACES = (56, 220), 0x7E020000
_NEWEST = 463  # numbers from here on are of calls that nobody has looked at
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the tables, AUDIT_ARCH
_KILL, _ALLOW, _ERRNO, _ENOSYS, _EPERM = 0x80000000, 0x7FFF0000, 0x00050000, 38, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(what: str, result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def limit(limits: dict[str, int]) -> None:
    """Resource limits by name (`AS`, `CPU`, …), which nothing can raise again."""
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def leave_namespaces() -> None:
    """No network devices and no one else's IPC, where the machine allows it; a default container does not."""
    uid = os.getuid()
    if _libc.unshare(_NEW_USER | _NEW_NETWORK | _NEW_IPC) == 0:
        with open("/proc/self/uid_map", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is slow to import
            file.write(f"{uid} {uid} 1")
        _checked("capset", _libc.capset(struct.pack("<Ii", _CAPABILITIES_3, 0), bytes(24)))


def close_files(readable: list[str], work: str) -> int:
    """Landlock: only `readable` can be read and executed, only `work` be written to. Returns the ABI."""
    _checked("no_new_privs", _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    abi = _checked("landlock", _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    handled = (1 << _HANDLED.get(abi, 16)) - 1
    # Files; TCP ports from ABI 4 on; abstract sockets and signals from ABI 6 on. Nothing of the last two is allowed.
    attributes = struct.pack("<QQQ", handled, 3, 3)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _checked("landlock", _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path in readable:
        _allow(ruleset, path, (_EXECUTE | _READ | _LIST) & handled)
    _allow(ruleset, "/dev/null", _READ | _WRITE)
    _allow(ruleset, work, _IN_WORK & handled)
    _checked("landlock", _libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return abi


def _allow(ruleset: int, path: str, access: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rights = access if os.path.isdir(path) else access & (_EXECUTE | _READ | _WRITE)  # noqa: PTH112 - pathlib is slow to import
    rule = struct.pack("<Qi", rights, fd)
    _checked(f"landlock {path}", _libc.syscall(_ADD_RULE, ruleset, 1, rule, 0))
    os.close(fd)


def close_calls(machine: str) -> None:
    """seccomp: the calls above end the process, are refused or look absent; so do calls of another machine's form."""
    column, audit = _MACHINES[machine]
    program = _program(column, audit)
    code = b"".join(struct.pack("<HBBI", *one) for one in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    _checked("seccomp", _libc.prctl(_SECCOMP, _FILTER, header, 0, 0))


def _program(column: int, audit: int) -> list[tuple[int, int, int, int]]:
    """The filter, in classic BPF: (code, jump if true, jump if false, operand)."""
    load, equal, at_least, any_bit, end = 0x20, 0x15, 0x35, 0x45, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), (end, 0, 0, _KILL), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, _NEWEST), (end, 0, 0, _ERRNO | _ENOSYS)]  # x32's numbers are above it as well
    verdicts = [(_CALLS, _KILL), (_REFUSED, _ERRNO | _EPERM), (_ABSENT, _ERRNO | _ENOSYS)]
    for table, verdict in verdicts:
        for numbers in table.values():
            if (number := numbers[column]) is not None:
                program += [(equal, 0, 1, number), (end, 0, 0, verdict)]
    program += [(equal, 0, 3, _CLONE[column]), (load, 0, 0, 16), (any_bit, 0, 1, _NEW_NAMESPACES), (end, 0, 0, _KILL)]
    return [*program, (end, 0, 0, _ALLOW)]


class Line:
    """The pipes. Standard output and error lead nowhere, so that what code prints is lost, not mixed in."""

    def __init__(self) -> None:
        self._in, out = os.fdopen(os.dup(0), "rb"), os.dup(1)
        nowhere = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        self._out = out

    def tell(self, **message: Any) -> None:
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._out, data) :]

    def hear(self) -> Any:
        line = self._in.readline()
        return json.loads(line) if line else None


def serve(line: Line, code: str) -> None:
    """Answer calls until there are no more."""
    sys.path.insert(0, code)
    while (asked := line.hear()) is not None:
        try:
            module, _, name = asked["call"].partition(":")
            function = getattr(importlib.import_module(module), name)
            given = _given(asked["args"], line, asked["id"]), _given(asked["kwargs"], line, asked["id"])
            value = _plain(function(*given[0], **given[1]), 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            line.tell(id=asked["id"], raised=[one.__name__ for one in type(error).__mro__])
        else:
            line.tell(id=asked["id"], value=value)


def _given(value: Any, line: Line, asked: str) -> Any:
    """An argument as the code gets it: bytes and stand-ins in place of their marks."""
    if isinstance(value, list):
        return [_given(one, line, asked) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$bytes"}:
        return base64.b64decode(value["$bytes"])
    if set(value) == {"$probe"}:
        return _stand_in(value["$probe"], line, asked)
    return {key: _given(one, line, asked) for key, one in value.items()}


def _stand_in(name: str, line: Line, asked: str) -> Callable[..., Any]:
    """A function whose calls are told to the other end, and answered by it."""

    def probe(*args: Any, **kwargs: Any) -> Any:
        line.tell(id=asked, probe=name, args=_plain(list(args), 0), kwargs=_plain(kwargs, 0))
        answer = line.hear()
        if "raise" in answer:
            raise getattr(builtins, answer["raise"])
        return _given(answer["value"], line, asked)

    return probe


def _plain(value: Any, depth: int) -> Any:
    """A result as JSON can say it; what it cannot is named by its type."""
    if depth > 20:
        return {"$type": "too deep"}
    if value is None or type(value) in {bool, int, str} or (type(value) is float and value - value == 0):
        return value
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: _plain(one, depth + 1) for key, one in value.items()}
    return {"$type": type(value).__name__}


def main() -> None:
    plan = json.loads(sys.argv[1])
    line = Line()
    _libc.prctl(_DEATH_SIGNAL, 9, 0, 0, 0)  # dies with the thread that started it
    limit(plan["limits"])
    leave_namespaces()
    abi = close_files(plan["readable"], plan["work"])
    close_calls(os.uname().machine)
    line.tell(ready=True, abi=abi)
    serve(line, plan["code"])


if __name__ == "__main__":
    main()
