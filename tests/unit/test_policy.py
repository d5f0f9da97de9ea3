import pytest

from gate.errors import Problems
from gate.policy import judging_files, parse_policy, problems_for_run
from gate.reach import url_problem

MINIMAL = "version: 1\nrisk: {alpha: 0.05}\nfamilies:\n  f: {severity: blocking, margin: 0.05}\n"


def problems(text):
    with pytest.raises(Problems) as caught:
        parse_policy(text, file="p.yml")
    return [str(problem) for problem in caught.value.problems]


def test_parse_policy__compare_needs_little():
    policy, _ = parse_policy(MINIMAL, file="p.yml")
    assert policy.families["f"].margin == 0.05


def test_parse_policy__all_problems_at_once_each_with_its_place():
    text = MINIMAL.replace("version: 1", "version: 2").replace("0.05}\nfam", "9}\nfam").replace("margin", "margins")
    found = problems(text)
    assert [line.split(" ")[0] for line in found] == ["p.yml:1:10:", "p.yml:2:15:", "p.yml:4:3:", "p.yml:4:36:"]
    assert "did you mean margin?" in found[3]


def test_problems_for_run__asks_for_what_a_live_run_needs():
    policy, document = parse_policy(MINIMAL, file="p.yml")
    assert [problem.path for problem in problems_for_run(policy, document)] == [
        "endpoints",
        "families.f.kind",
        "families.f.dataset",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "https://user:pw@api.example.com",
        "https://api.example.com/?a=1",
        "ftp://x",
        "https://",
        "https://a b",
    ],
)
def test_url_problem__refuses(url):
    assert url_problem(url)


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "http://127.0.0.1:8000/v1", "http://[::1]:1/v1"])
def test_url_problem__accepts(url):
    assert url_problem(url) == ""


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "[fd00::1]"])
def test_endpoint__private_address_only_when_allowed(host):
    endpoint = f'endpoints:\n  e: {{protocol: openai-chat, base_url: "https://{host}/v1"}}\n'
    assert any("private address" in problem for problem in problems(MINIMAL + endpoint))
    parse_policy(MINIMAL + endpoint.replace("}", ", allow_private: true}"), file="p.yml")


@pytest.mark.parametrize("dataset", ["/etc/passwd", "../x.jsonl", "https://x/y", "a/../../b", "a\\b"])
def test_dataset__stays_in_the_repository(dataset):
    text = MINIMAL.replace("margin", f'dataset: "{dataset}", margin') if "\\" not in dataset else None
    if text is None:
        text = MINIMAL.replace("margin", "dataset: 'a\\b', margin")
    assert any("families.f.dataset" in problem for problem in problems(text))


def test_judging_files__a_starter_dataset_is_no_file_of_the_repository():
    text = MINIMAL.replace("{severity", '{dataset: "builtin:starter", severity')
    policy, _ = parse_policy(text + "  g: {dataset: evals/g.jsonl, severity: advisory, margin: 0.1}\n", file="p.yml")
    assert judging_files(policy) == {"evals/g.jsonl"}
