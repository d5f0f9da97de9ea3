"""Branches of the fake GitHub that are written to: files with their commits, one writer at a time."""

import base64
import hashlib
import threading
from urllib.parse import unquote

from gate.github import blob_sha


class Branches:
    def __init__(self, commit):
        self.commit, self.tips, self.history = commit, {}, {}
        self.trees, self.commits = {}, {}  # sha → files; sha → (files, parents)
        self.lock, self.before = threading.Lock(), []  # `before`: what happens ahead of the next writes
        self.refused = []  # statuses of the next writes; 0: written, and the answer is lost (as a 502)

    def files(self, branch):
        """What stands on a branch, by path; and what stood there before."""
        return self.history[branch][-1]

    def put(self, branch, files, parents=()):
        sha = self.commit(files)
        self.commits[sha] = (files, parents)
        self.tips[branch] = sha
        self.history.setdefault(branch, []).append(files)
        return sha

    def answer(self, method, path, body):
        """(status, payload) for what concerns branches; None for the rest."""
        if method == "GET" and path.startswith("/git/ref/heads/"):
            name = unquote(path.removeprefix("/git/ref/heads/"))
            found = self.tips.get(name)
            return (
                (200, {"ref": f"refs/heads/{name}", "object": {"sha": found, "type": "commit"}}) if found else (404, {})
            )
        if path in ("/git/trees", "/git/commits", "/git/refs") or path.startswith("/contents/"):
            return self._write(path, body)
        return None

    def _write(self, path, body):
        if path == "/git/refs" or path.startswith("/contents/"):
            while self.before:
                self.before.pop()()
            status = self.refused.pop(0) if self.refused else 200
            if status >= 300:
                return status, {"message": "no"}
            with self.lock:
                answer = self._ref(body) if path == "/git/refs" else self._put(unquote(path[10:]), body)
            return answer if status else (502, {})
        if path == "/git/trees":
            files = {one["path"]: one["content"] for one in body["tree"]}
            sha = hashlib.sha1(repr(files).encode()).hexdigest()
            self.trees[sha] = files
            return 201, {"sha": sha}
        sha = hashlib.sha1(repr(body).encode()).hexdigest()
        self.commits[sha] = (self.trees[body["tree"]], body.get("parents", []))
        return 201, {"sha": sha}

    def _ref(self, body):
        name = body["ref"].removeprefix("refs/heads/")
        if name in self.tips:
            return 422, {"message": "Reference already exists"}
        self.put(name, *self.commits[body["sha"]])
        return 201, {"ref": body["ref"], "object": {"sha": self.tips[name], "type": "commit"}}

    def _put(self, path, body):
        branch = body["branch"]
        if branch not in self.tips:
            return 404, {"message": f"Branch {branch} not found"}
        files = self.files(branch)
        known = blob_sha(files[path].encode(), like="") if path in files else None
        if body.get("sha") != known:
            return (409 if "sha" in body else 422), {"message": "does not match"}
        text = base64.b64decode(body["content"], validate=True).decode()
        sha = self.put(branch, {**files, path: text}, (self.tips[branch],))
        return (200 if known else 201), {"commit": {"sha": sha}}
