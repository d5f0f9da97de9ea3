"""The pages in the order of the side bar. A page that is not here does not build (`make docs`)."""

PAGES = {
    "Start here": [
        "guide/start",
        "guide/policy",
        "guide/comment",
        "guide/statistics",
        "guide/families",
        "guide/comparison",
        "guide/faq",
    ],
    "Use it": [
        "planning",
        "waivers",
        "forks",
        "release-branch",
        "store",
        "batch",
        "harnesses",
        "outputs",
        "ledger",
        "notes",
    ],
    "Families": [
        "families/exploit-hypothesis",
        "families/remediation",
        "families/advisory-summary",
        "families/finding-correlation",
        "families/adversarial-resistance",
        "datasets",
        "judges",
    ],
    "Endpoints": ["protocols", "endpoints"],
    "Trust": ["security", "benchmarks", "dependencies"],
    "Reference": [
        "reference/cli",
        "reference/action",
        "reference/policy",
        "reference/model-config",
        "reference/waiver-file",
        "reference/report",
    ],
    "Design": [
        "design/decisions",
        "design/running",
        "design/github",
        "design/waivers",
        "design/judges",
        "design/ledger",
        "design/sandbox",
        "design/site",
    ],
}


def toctrees() -> str:
    """The side bar as MyST."""
    parts = (f":caption: {caption}\n:hidden:\n\n" + "\n".join(pages) for caption, pages in PAGES.items())
    return "".join(f"\n```{{toctree}}\n{part}\n```\n" for part in parts)
