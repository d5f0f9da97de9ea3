"""The history page in a real browser: hostile text does nothing, marks lead to their release, a phone shows it all."""

from dataclasses import replace

import pytest

from gate.history import history
from tests.browser.test_report_page import ATTACKS
from tests.fakes.ledgers import YEAR, line
from tests.fakes.reports import BAD, WAIVER


def hostile():
    texts = [text.encode("utf-8", "replace").decode() for text in ATTACKS.values()]
    for text in texts:
        bad = replace(BAD, config=text, family=text, waiver=text, reason=text)
        waiver = replace(WAIVER, config=text, family=text, approver=text, because=text, until=text, where=text)
        one = line("waived", bad, tag=text)
        yield replace(one, time=text, run_url=text, waivers=(waiver,), reasons=(text,), notices=(text,))


def test_history__hostile_text_neither_runs_nor_calls_home(opened):
    place = opened(history(list(hostile())))
    assert place.clean(), (place.requests, place.messages)
    assert place.page.locator("script, img, iframe, base, form, [href^='javascript']").count() == 0
    assert place.page.locator("figure").count() == len(ATTACKS)


@pytest.mark.parametrize("width", [390, 1280])
def test_history__fits_its_window_and_a_sign_leads_to_its_release_by_keyboard(opened, width):
    from gate.ledger_line import line_of

    place = opened(
        history([line_of(one, tag=tag, previous=None) for one, tag in YEAR]), viewport={"width": width, "height": 800}
    )
    assert place.page.evaluate("document.documentElement.scrollWidth") <= width
    place.page.locator("a.sign.waived").focus()
    place.page.keyboard.press("Enter")
    assert place.page.evaluate("location.hash") == "#r2"
    assert "alice" in place.page.locator("tr:target").inner_text()
    assert place.clean(), (place.requests, place.messages)
