"""A small stateful GitHub on loopback: commits as trees and blobs, one pull request, comments with authors and pages."""

import hashlib
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from gate.github import blob_sha
from tests.fakes.branches import Branches
from tests.fakes.openapi import answer_problems, request_problems

BOT = "github-actions[bot]"


def ago(hours):
    """A moment as GitHub writes it."""
    return f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def made_by(author, committer=None, message="Change"):
    """A commit as GitHub answers it; None: an account that it does not know."""
    author, committer = ({"login": one} if one else None for one in (author, committer or author))
    return {"author": author, "committer": committer, "commit": {"message": message}}


class Symlink(str):
    """A tree entry that is a symbolic link."""

    __slots__ = ()


class FakeGitHub:
    def __init__(self, base, head, *, writes=201, before=None):
        self.objects, self.comments, self.requests, self.writes, self.longest = {}, [], [], writes, 65536
        self.problems = []  # what GitHub's own description has against the requests made, and against our answers
        self.trees, self.checks = {}, []  # by sha of a tree or a commit, all paths below it; the check runs posted
        self.branches = Branches(self._commit)
        self.base_sha, self.head_sha = self._commit(base), self._commit(head)
        self.merge_base = self._commit(before or base)
        self.refs = {"main": self.base_sha, "release": self.head_sha}
        self.most = 100_000  # entries that one listing of a tree holds
        self.home, self.state = "o/r", "open"  # of the pull request's head
        self.down = set()  # paths that only fail
        self.broken = {}  # method and path → bytes that are answered instead
        self.stalls, self.stalled, self.released = "", threading.Event(), threading.Event()  # what nobody answers
        self.author, self.roles, self.commits, self.pushes = "dev", {}, {}, {}
        self.commits[self.head_sha] = made_by("dev")
        self.push("main", self.base_sha, "lead", ago(72))
        self.push("topic", self.head_sha, "dev", ago(48))
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
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        assert error[0] or not self.problems, self.problems

    def pull(self):
        """The pull request, as the API and the payloads show it."""
        return {
            "number": 7,
            "state": self.state,
            "user": {"login": self.author},
            "base": {"ref": "main", "sha": self.base_sha, "repo": {"full_name": "o/r"}},
            "head": {"ref": "topic", "sha": self.head_sha, "repo": {"full_name": self.home}},
        }

    def say(self, login, body, at=None):
        number, at = len(self.comments) + 1, at or ago(1)
        user = {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}
        times = {"created_at": at, "updated_at": at}
        self.comments.append({"id": number, "user": user, "body": body, "html_url": f"https://x/{number}", **times})
        return self.comments[-1]

    def push(self, branch, sha, login, at):
        """The newest push of a branch."""
        one = {"after": sha, "ref": f"refs/heads/{branch}", "timestamp": at, "actor": {"login": login}}
        self.pushes.setdefault(branch, []).insert(0, {"activity_type": "push", **one})

    def _commit(self, files):
        tree = {}
        for path, content in files.items():
            *folders, name = path.split("/")
            node = tree
            for folder in folders:
                node = node.setdefault(folder, {})
            node[name] = content
        sha = self._tree(tree)
        self._list(sha, "", sha)
        commit = hashlib.sha1(f"commit {sha}".encode()).hexdigest()
        self.objects[commit], self.trees[commit] = self.objects[sha], self.trees[sha]
        return commit

    def _list(self, root, folder, sha):
        """All that is below a tree, as `recursive` gives it."""
        found = self.trees.setdefault(root, {})
        for entry in self.objects[sha]["tree"]:
            path = f"{folder}{entry['path']}"
            found[path] = entry | {"path": path}
            if entry["type"] == "tree":
                self._list(entry["sha"], "", entry["sha"])
                self._list(root, f"{path}/", entry["sha"])

    def _tree(self, tree):
        entries = []
        for name, node in tree.items():
            if isinstance(node, dict):
                entries.append({"path": name, "mode": "040000", "type": "tree", "sha": self._tree(node)})
                continue
            data = node if isinstance(node, bytes) else node.encode()
            sha = blob_sha(data, like="")
            self.objects[sha] = data
            mode = "120000" if isinstance(node, Symlink) else "100644"
            entries.append({"path": name, "mode": mode, "type": "blob", "sha": sha, "size": len(data)})
        sha = hashlib.sha1(json.dumps(entries).encode()).hexdigest()
        self.objects[sha] = {"sha": sha, "tree": entries, "truncated": False}
        return sha

    def answer(self, method, path, query, body):
        """(status, payload) for a request below /repos/o/r."""
        if self.writes == 201 and (found := self.branches.answer(method, path, body)):
            return found
        return self._found(path, query) if method == "GET" else self._changed(method, path, body)

    def _found(self, path, query):
        page, size = (int(query.get(name, [usual])[0]) for name, usual in (("page", "1"), ("per_page", "30")))
        part = slice((page - 1) * size, page * size)
        kind, _, name = path.removeprefix("/git/").rpartition("/")
        if kind == "trees" and "recursive" in query and name in self.trees:
            whole = list(self.trees[name].values())
            return 200, {"sha": name, "tree": whole[: self.most], "truncated": len(whole) > self.most}
        if kind in ("trees", "blobs"):
            return (200, self.objects[name]) if name in self.objects else (404, {})
        if path.startswith("/commits/"):
            sha = self.refs.get(unquote(name), unquote(name))
            known = sha in self.objects or sha in self.commits
            return (200, {"sha": sha, **self.commits.get(sha, {})}) if known else (422, {"message": "No commit found"})
        if path.startswith("/compare/"):
            return 200, {"merge_base_commit": {"sha": self.merge_base}}
        if match := re.fullmatch(r"/collaborators/([^/]+)/permission", path):
            role = self.roles.get(match[1], "none")
            return 200, {"permission": {"maintain": "write", "triage": "read"}.get(role, role), "role_name": role}
        known = {
            "/activity": self.pushes.get(query.get("ref", [""])[0].removeprefix("refs/heads/"), []),
            "": {"default_branch": "main"},
            "/pulls/7": self.pull(),
            "/pulls/7/files": self.files[part],
            "/issues/7/comments": self.comments[part],
        }
        return (200, known[path]) if path in known else (404, {})

    def _changed(self, method, path, body):
        if self.writes != 201:
            return self.writes, {}
        if path == "/check-runs":
            self.checks.append(body)
            return 201, {"id": len(self.checks)}
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
                asked = f"{self.command} {url.path.removeprefix('/repos/o/r')}"
                if asked == fake.stalls:
                    fake.stalled.set()
                    fake.released.wait(60)
                if url.path == "/user":
                    status, payload = 403, {}
                else:
                    path = url.path.removeprefix("/repos/o/r")
                    status, payload = fake.answer(self.command, path, parse_qs(url.query), body)
                    status = 404 if path in fake.down else status
                fake.problems += request_problems(self.command, self.path, body)
                fake.problems += answer_problems(self.command, self.path, status, payload)
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                data = b"" if status == 204 else data
                status, data = (200, fake.broken[asked]) if asked in fake.broken else (status, data)
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *args):
                pass

        return Handler
