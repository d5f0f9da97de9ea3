"""L1: reading a repository's files as data, wherever they are (a folder here, a commit on GitHub).

A path in a policy or a model config is always relative to the repository's root and never leaves it:
no absolute path, no ``..``, no symlink on the way, no submodule, no URL.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gate.errors import FileProblem, UsageError

DATASET_LIMIT = 32 * 1024 * 1024
TEXT_LIMIT = 256 * 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Files(Protocol):
    """A repository at one state."""

    def read(self, path: str, *, limit: int) -> bytes:
        """The bytes of a regular file.

        Raises
        ------
        FileProblem
            Absent (`missing` is true), not a regular file, outside the repository, or over `limit` bytes.
        """
        ...


def path_problem(path: str) -> str:
    """What is wrong with a repository path, in words; empty when nothing is."""
    if not path or _CONTROL.search(path):
        return "is not a usable file name"
    if "://" in path:
        return "is a URL; only files of the repository can be named"
    if path.startswith(("/", "~")) or "\\" in path or re.match(r"[A-Za-z]:", path):
        return "must be relative to the repository's root, with forward slashes"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "must stay inside the repository (no '.', '..' or empty parts)"
    return ""


def read_text(files: Files, path: str, *, limit: int = TEXT_LIMIT) -> str:
    """A UTF-8 text file; raises FileProblem also when it is not UTF-8."""
    data = files.read(path, limit=limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(f"is not UTF-8 text (byte {error.start})") from None


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The files below a folder."""

    root: Path

    def read(self, path: str, *, limit: int) -> bytes:
        if problem := path_problem(path):
            raise FileProblem(problem)
        target = self._regular_file(path)
        if target.stat().st_size > limit:
            raise FileProblem(f"is larger than {limit // 1024:,} KiB")
        try:
            return target.read_bytes()
        except OSError as error:
            raise FileProblem(f"cannot be read: {error.strerror}") from None

    def _regular_file(self, path: str) -> Path:
        current = self.root
        for part in path.split("/"):
            current = current / part
            try:
                mode = current.lstat().st_mode
            except (FileNotFoundError, NotADirectoryError):
                raise FileProblem("does not exist", missing=True) from None
            except OSError as error:
                raise FileProblem(f"cannot be read: {os.strerror(error.errno or 0)}") from None
            if stat.S_ISLNK(mode):
                raise FileProblem("is a symbolic link (or lies behind one); links are not followed")
        if not stat.S_ISREG(mode):
            raise FileProblem("is not a regular file")
        return current


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def repository_root(file: Path) -> Path:
    """The root that a file's relative paths are meant from, when a command line names the file.

    The nearest folder above it that holds ``.git`` or ``.github``; else the file's own folder.
    """
    folder = file.resolve().parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists() or (candidate / ".github").is_dir():
            return candidate
    return folder


def write_text(path: Path, content: str) -> None:
    """A file that a command writes, and its folder. Raises UsageError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
