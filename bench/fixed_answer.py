"""An endpoint that gives one answer after a fixed delay: nginx with the echo module, so that the client is measured.

Its log says when the server saw each request begin and end, so that no client is asked how fast it was.
"""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ANSWER = "The answer is 42."
MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
MISSING = "nginx with the echo module is needed: apt-get install nginx libnginx-mod-http-echo"

_CONFIG = """\
load_module {module};
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  log_format seen '$msec $request_time $status';
  access_log {folder}/seen.log seen;
  keepalive_requests 1000000; keepalive_timeout 600s; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
{locations}
  }}
}}
"""
_LOCATION = """\
    location /{delay_ms}ms/v1/chat/completions {{
      default_type application/json; echo_read_request_body; echo_sleep {delay_s}; echo '{body}';
    }}"""
_BODY = (
    '{"id":"x","object":"chat.completion","created":0,"model":"m","system_fingerprint":"fp","choices":[{"index":0,'
    f'"finish_reason":"stop","message":{{"role":"assistant","content":"{ANSWER}"}}}}],'
    '"usage":{"prompt_tokens":150,"completion_tokens":6,"total_tokens":156}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server saw of one run. Times are of the clock of the machine, in seconds."""

    calls: int
    refused: int
    """Answered with another status than 200 (499: the client hung up)."""
    first: float | None
    last: float | None
    median_ms: float
    """Of the server's own time for an answer: the delay, and what the server adds to it."""


class FixedAnswer:
    """A context manager; one path for each delay in milliseconds, so that one server serves all runs."""

    def __init__(self, folder: Path, delays_ms: tuple[int, ...]) -> None:
        if not MODULE.is_file() or shutil.which("nginx") is None:
            raise SystemExit(MISSING)
        self._log = folder / "seen.log"
        self._port = _free_port()
        self._config = folder / "nginx.conf"
        locations = "\n".join(_LOCATION.format(delay_ms=ms, delay_s=ms / 1000, body=_BODY) for ms in delays_ms)
        text = _CONFIG.format(module=MODULE, folder=folder, port=self._port, locations=locations)
        self._config.write_text(text, encoding="utf-8")

    def base_url(self, delay_ms: int) -> str:
        return f"http://127.0.0.1:{self._port}/{delay_ms}ms/v1"

    def __enter__(self) -> Self:
        command = ["nginx", "-c", str(self._config), "-p", str(self._config.parent)]
        self._server = subprocess.Popen(command, start_new_session=True)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return self
            time.sleep(0.05)
        self._server.kill()
        raise SystemExit("nginx did not start: see the lines above")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:
            self._server.kill()

    def mark(self) -> int:
        """A place in the log; give it to `seen` to leave out what came before."""
        return self._log.stat().st_size

    def seen(self, mark: int) -> Seen:
        with self._log.open(encoding="ascii") as log:
            log.seek(mark)
            lines = [(float(end), float(took), status) for end, took, status in map(str.split, log)]
        took = sorted(one for _, one, _ in lines)
        return Seen(
            calls=len(lines),
            refused=sum(status != "200" for _, _, status in lines),
            first=min((end - one for end, one, _ in lines), default=None),
            last=max((end for end, _, _ in lines), default=None),
            median_ms=took[len(took) // 2] * 1000 if took else 0.0,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
