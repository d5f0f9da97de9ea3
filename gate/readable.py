"""L2: a Python that a uid without rights can run, and the files that it needs: its libraries, and nobody's packages.

What is not listed here cannot be read in the sandbox. Datasets lie among installed packages; so `site-packages` and
`dist-packages` are left out, and folders are listed entry by entry where one of them is within.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROGRAMS = ("/usr/local/bin/python3", "/usr/bin/python3")
_OLDEST = (3, 11)
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_TOOLS = ("/bin", "/usr/bin", "/etc/ld.so.cache")
_ASK = (
    "import json, sys, sysconfig; paths = sysconfig.get_paths(); "
    "print(json.dumps([list(sys.version_info[:2]), sys.base_prefix, paths['stdlib'], paths['platstdlib']]))"
)
_NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    path: str
    readable: tuple[str, ...]


@cache
def interpreter() -> Interpreter | str:
    """The first Python that another uid can run; or why there is none."""
    for path in dict.fromkeys((os.path.realpath(sys.executable), *_PROGRAMS)):
        if found := _asked(path):
            return Interpreter(path=path, readable=tuple(dict.fromkeys(_readable(path, found))))
    return f"found no Python {_OLDEST[0]}.{_OLDEST[1]} or later that another uid may run (looked in /usr)"


def _asked(path: str) -> list[str]:
    """The folders of a Python's library; empty where it cannot be run or is too old."""
    try:
        done = subprocess.run(  # noqa: S603 - a Python of this machine, and our own text
            [path, "-I", "-S", "-c", _ASK],
            capture_output=True,
            timeout=30,
            check=True,
            cwd="/",
            env={},
            user=_NOBODY,
            group=_NOBODY,
            extra_groups=[],
        )
        version, *folders = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return folders[1:] if tuple(version) >= _OLDEST else []


def _readable(program: str, libraries: list[str]) -> Iterator[str]:
    yield program
    for folder in libraries:
        yield from _entries(Path(folder))
    for name in _TOOLS:
        if Path(name).exists():
            yield os.path.realpath(name)
    for name in _LIBRARIES:
        yield from _entries(Path(os.path.realpath(name)))


def _entries(folder: Path) -> Iterator[str]:
    """What lies in a folder, but packages and other Pythons."""
    if folder.is_dir():
        for one in sorted(folder.iterdir()):
            if not one.name.endswith("-packages") and not one.name.startswith(("python", "pypy")) and one.exists():
                yield str(one)
