"""A small stateful GitHub on loopback: commits as trees and blobs, one pull request, comments with authors and pages."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.fakes.openapi import answer_problems, request_problems

BOT = "github-actions[bot]"


class Symlink(str):
    """A tree entry that is a symbolic link."""

    __slots__ = ()


class FakeGitHub:
    def __init__(self, base, head, *, writes=201):
        self.objects, self.comments, self.requests, self.writes, self.longest = {}, [], [], writes, 65536
        self.problems = []  # what GitHub's own description has against the requests made, and against our answers
        self.base_sha, self.head_sha = self._commit(base), self._commit(head)
        self.files = [
            {"filename": path, "status": "removed" if path not in head else "modified" if path in base else "added"}
            for path in sorted({*base, *head})
            if base.get(path) != head.get(path)
        ]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
        assert error[0] or not self.problems, self.problems

    def say(self, login, body):
        number = len(self.comments) + 1
        self.comments.append({"id": number, "user": {"login": login}, "body": body, "html_url": f"https://x/{number}"})
        return self.comments[-1]

    def _commit(self, files):
        tree = {}
        for path, content in files.items():
            *folders, name = path.split("/")
            node = tree
            for folder in folders:
                node = node.setdefault(folder, {})
            node[name] = content
        sha = self._tree(tree)
        commit = hashlib.sha1(f"commit {sha}".encode()).hexdigest()
        self.objects[commit] = self.objects[sha]
        return commit

    def _tree(self, tree):
        entries = []
        for name, node in tree.items():
            if isinstance(node, dict):
                entries.append({"path": name, "mode": "040000", "type": "tree", "sha": self._tree(node)})
                continue
            data = node if isinstance(node, bytes) else node.encode()
            sha = hashlib.sha1(b"blob" + data).hexdigest()
            self.objects[sha] = data
            mode = "120000" if isinstance(node, Symlink) else "100644"
            entries.append({"path": name, "mode": mode, "type": "blob", "sha": sha, "size": len(data)})
        sha = hashlib.sha1(json.dumps(entries).encode()).hexdigest()
        self.objects[sha] = {"sha": sha, "tree": entries, "truncated": False}
        return sha

    def answer(self, method, path, query, body):
        """(status, payload) for a request below /repos/o/r."""
        page = int(query.get("page", ["1"])[0])
        size = int(query.get("per_page", ["30"])[0])
        if match := re.fullmatch(r"/git/(trees|blobs)/(\w+)", path):
            return (200, self.objects[match[2]]) if match[2] in self.objects else (404, {})
        if path == "/pulls/7":
            return 200, {"number": 7, "head": {"sha": self.head_sha}}
        if path == "/pulls/7/files":
            return 200, self.files[(page - 1) * size : page * size]
        if path == "/issues/7/comments" and method == "GET":
            return 200, self.comments[(page - 1) * size : page * size]
        if self.writes != 201:
            return self.writes, {}
        if body and len(body["body"]) > self.longest:
            return 422, {"message": "Validation Failed"}
        if path == "/issues/7/comments":
            return 201, self.say(BOT, body["body"])
        if match := re.fullmatch(r"/issues/comments/(\d+)", path):
            mine = next(one for one in self.comments if one["id"] == int(match[1]))
            if method == "DELETE":
                self.comments.remove(mine)
                return 204, {}
            mine.update(body)
            return 200, mine
        return 404, {}

    def _handler(fake):  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                fake.requests.append((self.command, url.path))
                if url.path == "/user":
                    status, payload = 403, {}
                else:
                    path = url.path.removeprefix("/repos/o/r")
                    status, payload = fake.answer(self.command, path, parse_qs(url.query), body)
                fake.problems += request_problems(self.command, self.path, body)
                fake.problems += answer_problems(self.command, self.path, status, payload)
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                data = b"" if status == 204 else data
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _any

            def log_message(self, *args):
                pass

        return Handler
