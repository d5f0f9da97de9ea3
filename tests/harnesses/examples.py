"""The worked examples of docs/harnesses.md: taken from the page, run as they stand, with the tools themselves.

The model `base` gets one sample wrong, `tuned` every fifth; one call of `tuned` fails for good.
"""

import fcntl
import json
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.models import FakeModels, Fault, Reply
from tests.harnesses import install

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/harnesses.md").read_text(encoding="utf-8")
TOOLS = {"Inspect": "inspect", "lm-evaluation-harness": "lm-eval", "promptfoo": "promptfoo", "DeepEval": "deepeval"}
N, GAINED, FAILS = 60, 3, 7
LOST = set(range(0, N, 5))
LIMIT_S = 240
SILENT = {
    "OPENAI_API_KEY": "none",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_NO_INSPECT_PROMPT": "1",
    "INSPECT_DISPLAY": "none",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A section of the page: its files and its commands, the last of which is Driftgate's."""

    tool: str
    text: str
    files: dict[str, str]
    commands: list[str]


def example(name):
    """The worked example of a harness, by its heading."""
    introduction, *sections = re.split(r"^### ", PAGE.split("\n## Worked examples\n")[1], flags=re.MULTILINE)
    section = next(one for one in sections if one.startswith(f"{name}\n"))
    files = dict(re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", introduction + section, re.MULTILINE | re.DOTALL))
    return Example(
        tool=TOOLS[name], text=section, files=files, commands=re.findall(r"^\$ (.*)$", section, re.MULTILINE)
    )


def respond(asked, *, fails, gate=None):
    """`gate`: an event that the second half of the questions waits for."""
    left, right = (int(part) for part in asked.prompt.split("+"))
    tuned = asked.model == "tuned"
    if gate is not None and left >= N // 2:
        gate.wait(LIMIT_S)
    if tuned and fails and left == FAILS:
        return Fault(status=400)
    wrong = left in LOST if tuned else left == GAINED
    return Reply(text=str(left + right + wrong))


@contextmanager
def place(folder, name, *, fails=True, gate=None):
    """A folder with the example's files and a model server: yields `run(command)`, which gives the ended process."""
    one = example(name)
    with FakeModels(lambda asked: respond(asked, fails=fails, gate=gate)) as server:
        own = server.base_url("openai-chat")
        _write(folder, {file: text.replace("http://localhost:8000/v1", own) for file, text in one.files.items()})
        environ = SILENT | {"PATH": f"{_bin(folder, one.tool)}:/usr/bin:/bin", "HOME": str(folder / "home")}

        def start(command):
            line = command.replace("http://localhost:8000/v1", own)
            pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
            line = ["bash", "-c", f"exec {line}" if "=" not in line.split()[0] else line]
            return subprocess.Popen(line, cwd=folder, env=environ, text=True, start_new_session=True, **pipe)

        def run(command):
            with start(command) as process:
                try:
                    out, _ = process.communicate(timeout=LIMIT_S)
                finally:
                    process.kill()
            return subprocess.CompletedProcess(command, process.returncode, out)

        run.start, run.server = start, server
        yield run


def made(name, shared):
    """The folder of an example that was run; once for all workers of a test session, in `shared`."""
    folder = shared / f"harness-{TOOLS[name]}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            with place(folder, name, fails=name != "lm-evaluation-harness") as run:
                ended = [run(command) for command in example(name).commands]
            told = [{"command": one.args, "code": one.returncode, "out": one.stdout} for one in ended]
            (folder / "done").write_text(json.dumps(told))
    return folder


def _write(folder, files):
    samples = [{"id": f"s{i}", "input": f"{i}+{i}", "target": str(2 * i)} for i in range(N)]
    lines = "".join(f"{json.dumps(one)}\n" for one in samples)
    table = "\n".join(["id,input,target", *(",".join(one.values()) for one in samples)])
    for file, text in {**files, "sums.jsonl": lines, "sums.csv": f"{table}\n"}.items():
        (folder / file).write_text(text)


def _bin(folder, tool):
    """The commands of the page, and nothing else of the environments they live in."""
    commands = {
        "driftgate": f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m gate",
        "inspect": f"{install.FOLDER}/inspect/bin/inspect",
        "lm-eval": f"{install.python('lm-eval')} {Path(__file__).parent}/lm_eval_quickly.py",
        "python": str(install.python("deepeval")),
        "promptfoo": " ".join(install.promptfoo()),
    }
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, command in commands.items():
        file = bin_folder / name
        file.write_text(f'#!/bin/sh\nexec env {command} "$@"\n')
        file.chmod(0o755)
    return bin_folder
