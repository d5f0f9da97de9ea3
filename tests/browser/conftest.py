"""The HTML report in a real browser. Nothing of it leaves the machine: each request is caught and counted."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")


@dataclass
class Opened:
    """A page that is open, and what went wrong in it: none of these lists may grow."""

    page: object
    file: Path
    requests: list = field(default_factory=list)
    messages: list = field(default_factory=list)

    def show(self, html):
        self.file.write_text(html, encoding="utf-8")
        self.page.goto(self.file.as_uri())

    def clean(self):
        return not self.requests and not self.messages and self.page.evaluate("window.pwned") is None


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    contexts = []

    def start(html, **settings):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        made = Opened(page=context.new_page(), file=tmp_path / "report.html")

        def caught(route):
            if route.request.url.split("#")[0] == made.file.as_uri():
                return route.continue_()
            made.requests.append(route.request.url)
            return route.abort()

        context.route("**/*", caught)
        made.page.on("console", lambda message: made.messages.append(message.text))
        made.page.on("pageerror", lambda error: made.messages.append(str(error)))
        made.page.on("dialog", lambda dialog: (made.messages.append(dialog.message), dialog.dismiss()))
        made.show(html)
        return made

    yield start
    for context in contexts:
        context.close()
