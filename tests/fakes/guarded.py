"""A fake GitHub that shows how one branch is guarded: its rules, its files, who owns them."""

from tests.fakes.github import FakeGitHub


class GuardedGitHub(FakeGitHub):
    """`rules`: as a ruleset has them. `required`: checks of an old branch protection. `hidden`: paths that answer 403."""

    def __init__(self, files, *, rules=(), required=(), errors=(), hidden=(), branch="main"):
        super().__init__(files, files)
        self.rules, self.required, self.errors = list(rules), list(required), list(errors)
        self.hidden, self.branch = hidden, branch

    def answer(self, method, path, query, body):
        name = self.branch.replace("/", "%2F")
        if path in self.hidden:
            return 403, {"message": "Resource not accessible by integration"}
        if path == "":
            return 200, {"full_name": "o/r", "default_branch": self.branch}
        if path == f"/branches/{name}":
            protection = {"required_status_checks": {"contexts": self.required}}
            return 200, {"name": self.branch, "commit": {"sha": self.head_sha}, "protection": protection}
        if path == f"/rules/branches/{name}":
            return 200, [rule | {"ruleset_id": 1} for rule in self.rules]
        if path == "/codeowners/errors":
            return 200, {"errors": [{"line": line, "kind": "Invalid owner"} for line in self.errors]}
        return super().answer(method, path, query, body)
