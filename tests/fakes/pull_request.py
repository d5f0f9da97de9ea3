"""A pull request of dev's with one comment, asked without a network."""

from dataclasses import dataclass, replace

from gate.files import digest
from gate.model_config import ModelPair, load_config
from gate.policy import parse_policy
from gate.waiver_github import Case

HEAD = "a" * 40
POLICY = """\
version: 1
endpoints: {here: {protocol: openai-chat, base_url: "https://api.example.com/v1"}}
families: {sums: {severity: blocking, margin: 0.05}}
waivers: {}
"""
FILES = {"p.yml": POLICY, "models/a.yml": "endpoint: here\nmodel: m\n"}


class FakeFiles:
    def read(self, path, *, limit):
        return FILES[path].encode()[:limit]


@dataclass(frozen=True)
class FakeGitHub:
    author: str
    body: str
    repository: str = "o/r"

    def comments(self, number):
        times = {"created_at": "2026-11-24T12:00:00Z", "updated_at": "2026-11-24T12:00:00Z"}
        user = {"login": self.author, "type": "User"}
        yield {"user": None, "body": None, "html_url": "https://x/1", **times}
        yield {"user": user, "body": self.body, "html_url": "https://x/2", **times}

    def pull(self, number):
        end = {"ref": "b", "repo": {"full_name": "o/r"}}
        return {"user": {"login": "dev"}, "base": end, "head": end}

    def commit(self, sha):
        return {"author": {"login": "dev"}, "committer": {"login": "dev"}, "commit": {"message": ""}}

    def permission(self, login):
        return {"permission": "write", "role_name": "maintain"} if login == "alice" else {"permission": "read"}

    def pushes(self, branch):
        return [{"after": HEAD, "timestamp": "2026-11-24T11:00:00Z", "actor": {"login": "dev"}}]

    def files_at(self, sha):
        return FakeFiles()


def case(**parts):
    policy, _ = parse_policy(POLICY, file="p.yml")
    config = load_config(FakeFiles(), "models/a.yml", endpoints=policy.endpoints, check=lambda *_: ())
    found = Case(
        number=7,
        head_sha=HEAD,
        policy=policy,
        policy_path="p.yml",
        policy_digest=digest(POLICY),
        pairs=(ModelPair(path="models/a.yml", baseline=config, candidate=replace(config, digest="d" * 64)),),
        written=(),
    )
    return replace(found, **parts)
