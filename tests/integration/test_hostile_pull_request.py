"""What a pull request may not do: each test is one that tries."""

import base64
import json
import re
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from gate.simulated import SimulatedEndpoint
from tests.fakes.github import FakeGitHub, Symlink
from tests.fakes.models import FakeModels, Fault, Reply
from tests.integration.conftest import ROOT
from tests.integration.test_entrypoint import CONFIG, MARKER, POLICY, act, respond, tree  # noqa: F401 - `act` is a fixture

KEY = "sk-very-secret"
FIXED = "risk: {design: fixed}\n"
DOWN = "http://127.0.0.1:9/v1"


@pytest.fixture
def judged(act):  # noqa: F811
    """`judged(head, …)`: the process that judged a pull request, all that it wrote, and GitHub."""

    def run(head, *, base=None, url=None, prepare=lambda github: None, rules="", **more):
        with SimulatedEndpoint(respond) as endpoint:
            url = url or endpoint.base_url
            policy = POLICY.format(url=url, budget="") + FIXED + rules
            base = tree(url, **{".github/driftgate.yml": policy}, **(base or {}))
            after = {**base, **head(policy)} if callable(head) else {**base, **head}
            with FakeGitHub(base, {path: text for path, text in after.items() if text is not None}) as github:
                prepare(github)
                done = act(github, **more)
        outputs = [done.stdout, done.stderr, act.summary(), act.output(), *(one["body"] for one in github.comments)]
        outputs += [
            path.read_text() for path in (act.folder / "work/driftgate-report").iterdir() if path.suffix != ".sqlite"
        ]
        assert not any("Traceback" in text for text in outputs)
        return done, outputs, github

    run.report = act.report
    run.summary = lambda: act.summary().replace("\\", "")
    return run


# Change what judges it


def test_policy_of_the_head__judges_nothing_and_what_it_would_loosen_is_told_line_by_line(judged):
    def head(policy):
        weak = policy.replace("severity: blocking, margin: 0.05", "severity: advisory, margin: 0.9")
        return {"models/a.yml": CONFIG.format("worse"), ".github/driftgate.yml": weak}

    done, _, github = judged(head)
    assert done.returncode == 1
    said = github.comments[0]["body"].replace("\\", "")
    assert "this change edits .github/driftgate.yml; it was judged by the files of the base branch" in said
    assert "the policy would be looser: .github/driftgate.yml:7: families.sums.margin: 0.05 → 0.9" in said
    assert "families.sums.severity: blocking → advisory: it would no longer block" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, ".github/driftgate.yml: is removed: nothing would be judged any more"),
        ("families: [", "is no valid policy any more"),
        ("a: &a [*a]\n", "is no valid policy any more"),
        (Symlink("/etc/passwd"), ".github/driftgate.yml: is a symbolic link"),
        ("x" * 300_000, ".github/driftgate.yml: is larger than 256 KiB"),
    ],
)
def test_policy_of_the_head__that_is_none_is_told(judged, text, says):
    done, _, _ = judged({"models/a.yml": CONFIG.format("worse"), ".github/driftgate.yml": text})
    assert done.returncode == 1
    assert says in judged.summary()


@pytest.mark.parametrize(
    "edited",
    [
        "evals/sums.jsonl",
        ".github/gate-waivers.yml",
        ".github/workflows/gate.yml",
        ".github/workflows/new.yml",
        "anchor.jsonl",
    ],
)
def test_judging_files_of_the_head__judge_nothing_and_an_edit_is_told(judged, edited):
    anchor = '{"family": "sums", "sample_id": "s0", "score": 1}\n'
    base = {
        ".github/workflows/gate.yml": "on: push",
        "anchor.jsonl": anchor,
        ".github/gate-waivers.yml": "version: 1\nwaivers: []\n",
    }
    head = {"models/a.yml": CONFIG.format("worse"), edited: '{"id": "s1", "input": {"prompt": "1+1"}, "target": "3"}\n'}
    done, _, _ = judged(head, base=base, rules="waivers: {}\nanchor: anchor.jsonl\n")
    assert done.returncode == 1, done.stderr
    assert f"this change edits {edited}" in judged.summary()


# Send a key elsewhere, name what is not a file of the repository, be executed


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("base_url: http://127.0.0.1:{port}/v1\n", "base_url: is not a known key"),
        ("headers: {{x: z1}}\n", "headers: is not a known key"),
        ("api_key_env: GITHUB_TOKEN\n", "api_key_env: is not a known key"),
        ("endpoint: http://127.0.0.1:{port}/v1\n", "endpoint: is not an endpoint of the policy"),
        ("endpoint: ${{THE_KEY}}\n", "endpoint: is not an endpoint of the policy"),
    ],
)
def test_key__goes_to_no_other_host(judged, config, says):
    with FakeModels(lambda request: Reply(text="got it")) as elsewhere:
        port = elsewhere.base_url("openai-chat").split(":")[2].split("/")[0]
        text = config.format(port=port)
        text = text if "endpoint" in text else "endpoint: here\n" + text
        done, _, _ = judged({"models/a.yml": f"model: m\n{text}"}, url=elsewhere.base_url("openai-chat"))
        assert elsewhere.seen == []
    assert done.returncode == 2
    assert says in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "~/.ssh/id",
        "https://evil.example/x",
        "file:///etc/passwd",
        "prompts/../../x",
        "C:\\\\x",
        "${HOME}",
        "prompts/none.md",
    ],
)
def test_prompt_file__outside_the_repository_is_refused(judged, name):
    done, outputs, _ = judged({"models/a.yml": f'endpoint: here\nmodel: m\nsystem_prompt_file: "{name}"\n'})
    assert done.returncode == 2
    assert "::error file=models/a.yml,line=3::system_prompt_file" in done.stdout
    assert not any("root:" in text for text in outputs)


def test_watched_folder__that_becomes_a_link_does_not_pass_as_removed(judged):
    head = {"models/a.yml": None, "models": Symlink("elsewhere"), "elsewhere/a.yml": CONFIG.format("worse")}
    done, _, _ = judged(head)
    assert done.returncode == 2, done.stdout
    assert "is a symbolic link (or lies behind one)" in done.stdout


@pytest.mark.parametrize("path", ["models/a.yml", "prompts/system.md"])
@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_symlinks_and_submodules__are_not_followed(judged, path, mode):
    def prepare(github):
        for entry in (found for listing in github.trees.values() for found in listing.values()):
            if entry["path"] == path:
                entry["mode"] = mode
        for folder in (found["tree"] for found in github.objects.values() if isinstance(found, dict)):
            for entry in folder:
                if entry["path"] == path.rpartition("/")[2]:
                    entry["mode"] = mode

    done, _, _ = judged({path: "other", "models/a.yml": CONFIG.format("worse")}, prepare=prepare)
    assert done.returncode == 2
    assert "symbolic link" in done.stdout if mode == "120000" else "submodule" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "endpoint: !!python/object/apply:os.system ['touch /tmp/driftgate-owned']\nmodel: m\n",
        "endpoint: here\nmodel: !include /etc/passwd\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "endpoint: here\nendpoint: here\nmodel: m\n",
        "x: " + "[" * 10_000 + "\n",
        "x: " + "{a: " * 2_000 + "\n",
        "endpoint: here\nmodel: m\nsystem_prompt: '" + "x" * 300_000 + "'\n",
        "endpoint: here\nmodel: " + "m" * 300 + "\n",
        "endpoint: here\nmodel: 'm\\u0000'\n",
        "\ufffe",
        "- a\n- b\n",
        "",
    ],
)
def test_config__that_is_a_bomb_or_no_config_is_one_clear_line(judged, text):
    done, _, _ = judged({"models/a.yml": text})
    assert done.returncode == 2
    assert "::error file=models/a.yml" in done.stdout
    assert len(done.stdout) < 20_000


def test_prompt__is_sent_as_it_is_written_and_never_filled_in(judged):
    prompt = "{{ 7 * 7 }} ${THE_KEY} $(id) `id` %(x)s {0.__class__}"
    with FakeModels(lambda request: Reply(text="0")) as models:
        head = {"models/a.yml": CONFIG.format("worse"), "prompts/system.md": prompt}
        judged(head, url=models.base_url("openai-chat"))
        systems = {text for one in models.seen for role, text in one.messages if role == "system"}
    assert prompt in systems


# Blow it up


def test_ten_thousand_files__do_not_hide_the_config_that_counts(judged):
    many = {f"aaa/{number // 100}/{number}.txt": str(number) for number in range(10_000)}
    done, _, github = judged({**many, "models/a.yml": CONFIG.format("worse")})
    assert done.returncode == 1, done.stderr
    assert len(github.requests) < 100


NAME = "models/a\n::error::owned ##[error]owned <img src=x onerror=alert(1)> @everyone.yml"


def test_names_with_control_characters__are_refused_and_harmless(judged):
    done, outputs, _ = judged({NAME: CONFIG.format("worse")})
    assert done.returncode in (0, 2)
    harmless(done, outputs)


@pytest.mark.parametrize(
    "name",
    [
        "models/<img src=x onerror=alert(1)>.yml",
        "models/[x](http:evil.example).yml",
        "models/@everyone `x` | y.yml",
        "models/::error::x##[error]y.yml",
        "models/www.evil.example.yml",
        "models/<!-- driftgate:v1:ci-gate -->.yml",
    ],
)
def test_names__inject_nothing(judged, name):
    done, outputs, github = judged({name: CONFIG.format("worse")}, rules="new_model_baseline: models/a.yml\n")
    assert done.returncode == 1, done.stderr
    harmless(done, outputs)
    assert github.comments[0]["body"].count(MARKER) == 1
    assert github.comments[0]["body"].endswith(MARKER)


SCRIPT = (ROOT / "gate/templates/report.js").read_text()
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
OURS = re.compile(r"</?(details|summary|sub)>|<!-- driftgate:v1:ci-gate -->")


def harmless(done, outputs):
    """No command that is not ours in the log; no tag, link, picture or mention of theirs in comment, summary or page."""
    for line in (*done.stdout.splitlines(), *done.stderr.splitlines()):
        assert re.match(r"::(add-mask|error|warning)( file=[^:]*)?::", line) or "::" not in line, line
        assert "##[" not in line
        assert not line.strip().startswith("::error::owned")
    for text in outputs:
        if text.startswith("### "):
            renders_harmless(text)
    page = next(text for text in outputs if "<html" in text)
    assert "<img" not in page
    scripts = re.findall(r"<script.*?</script", page, re.DOTALL | re.IGNORECASE)
    assert [one for one in scripts if "application/json" not in one[:40]] == [f"<script>{SCRIPT}</script"]
    assert len(scripts) <= 2, "ours, and the samples as data"
    (xml,) = [text for text in outputs if text.startswith("<?xml")]
    assert {one.tag for one in ET.fromstring(xml).iter()} <= JUNIT_TAGS
    (log,) = [json.loads(text) for text in outputs if '"runs": [' in text]
    for text in texts_of(log):
        assert not re.search(r"(?<!\\)\[|@\w|www\.\w", text), text


JUNIT_TAGS = {
    *("testsuites", "testsuite", "properties", "property", "testcase"),
    *("failure", "error", "skipped", "system-out", "system-err"),
}


def texts_of(node):
    """What viewers of SARIF show: each message's and description's text, and each justification."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("text", "justification") if key in node)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from texts_of(child)


def renders_harmless(markdown):
    for token in (one for block in MARKDOWN.parse(markdown) for one in (block, *(block.children or ()))):
        if token.type in ("html_block", "html_inline"):
            assert "<" not in OURS.sub("", token.content), token.content
        assert token.type != "image", token.attrs
        if token.type == "link_open":
            assert token.attrs["href"].startswith("https://github.example/o/r/actions/runs/"), token.attrs
        if token.type == "text":
            assert not re.search(r"@\w|://\w|www\.\w", token.content), token.content


HOSTILE = "<img src=x onerror=alert(1)> @everyone www.evil.example [x](http://evil.example) ::error::owned ##[error]owned <!-- driftgate:v1:ci-gate -->"


def test_model_output__and_names_that_endpoints_give_inject_nothing(judged):
    reply = Reply(text=HOSTILE, model=HOSTILE, fingerprint=HOSTILE)
    with FakeModels(lambda request: reply) as models:
        samples = "".join(
            json.dumps(
                {
                    "id": f"{HOSTILE[:150]}{i}",
                    "input": {"prompt": f"{i}+{i}"},
                    "target": "x",
                    "slices": {"kind": HOSTILE},
                }
            )
            + "\n"
            for i in range(40)
        )
        head = {"models/a.yml": CONFIG.format("worse")}
        done, outputs, _ = judged(head, base={"evals/sums.jsonl": samples}, url=models.base_url("openai-chat"))
    assert done.returncode in (0, 3)
    harmless(done, outputs)


# Read a secret


FORMS = {
    "plain": KEY,
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 in a sentence": base64.b64encode(f"the key is {KEY}!".encode()).decode(),
    "URL": quote(KEY + "/+ ?", safe=""),
    "JSON": json.dumps(KEY),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["model", "error"])
def test_secrets__are_in_no_output_whatever_an_endpoint_says(judged, form, where):
    key = KEY + "/+ ?" if form == "URL" else KEY
    said = FORMS[form]
    reply = (
        Reply(text=said, model=said, fingerprint=said)
        if where == "model"
        else Fault(status=400, body=json.dumps({"error": {"message": said}}).encode())
    )
    with FakeModels(lambda request: reply) as models:
        head = {"models/a.yml": CONFIG.format("worse")}
        done, outputs, _ = judged(head, url=models.base_url("openai-chat"), THE_KEY=key)
    assert done.returncode in (0, 3)
    outputs[0] = "".join(line for line in outputs[0].splitlines() if not line.startswith("::add-mask::"))
    assert not [text[:200] for text in outputs if said in text or KEY in text]


@pytest.mark.parametrize("form", ["plain", "base64 in a sentence"])
def test_secrets__are_in_no_sample_that_was_lost(judged, form):
    said = FORMS[form]

    def answer(asked):
        left = int(asked.prompt.partition("+")[0])
        return Reply(text=f"{left}: {said}" if asked.model == "worse" else str(2 * left))

    with FakeModels(answer) as models:
        head = {"models/a.yml": CONFIG.format("worse")}
        done, outputs, _ = judged(head, url=models.base_url("openai-chat"))
    assert done.returncode == 1
    (flips,) = [text for text in outputs if text.startswith('{"schema_version"')]
    assert "***" in json.loads(flips)["flips"][0]["candidate"]["answers"][0]["text"]
    outputs[0] = "".join(line for line in outputs[0].splitlines() if not line.startswith("::add-mask::"))
    assert not [text[:200] for text in outputs if said in text or KEY in text]
