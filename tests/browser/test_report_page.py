"""What models and attackers write never runs, and the page works by mouse, keyboard, on a phone and on paper."""

import itertools
from dataclasses import replace

import pytest

from gate.domain import SliceKey
from gate.evidence import Evidence
from gate.html_page import page
from gate.report import Change
from tests.fakes.evidence import arm, flip, shown
from tests.fakes.reports import BASE, MANY, REPORTS, WAIVER

ATTACKS = {
    "script": "</script><script>window.pwned=1</script>",
    "comment": "<!--<script>window.pwned=1</script>",
    "image": "<img src=http://127.0.0.1:9/x onerror=window.pwned=1>",
    "svg": "\"'><svg/onload=window.pwned=1><style>*{background:url(http://127.0.0.1:9/css)}</style>",
    "link": "javascript:window.pwned=1 [x](javascript:window.pwned=1) <a href='javascript:window.pwned=1'>x</a>",
    "frame": "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe><base href=//127.0.0.1:9/>",
    "cdata": "<![CDATA[ ]]><script>window.pwned=1</script> ]]>",
    "refresh": "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><form action=//127.0.0.1:9>",
    "template": "{{ 7*7 }} {% raw %} ${window.pwned=1} #{1} <%= 1 %>",
    "css": "\\3c script\\3e expression(alert(1)) url(http://127.0.0.1:9/) }</style>",
    "json": '","flips":[],"x":"\\u003c/script\\u003e\\',
    "signs": "a\x00b\x1b[31m\u202ecod\u2066\u2028\u2029\ufeff \ud800 \x85",
    "prototype": "__proto__ constructor toString",
}


def hostile(text):
    """Flips that hold `text` in each place that data comes to."""
    bad, good = arm(shown(text, 0.0, reason=text, finish=text)), arm(shown(f"well, {text}", 1.0, reason=text))
    parts = {"config": text, "family": text, "slices": {text: text, "__proto__": "x"}, "cluster": text, "prompt": text}
    return [
        flip(**parts, sample_id=text, target=text, baseline=good, candidate=bad),
        flip(
            **parts, sample_id=f"{text}2", target=None, baseline=bad, candidate=good, direction="gained", harmful=True
        ),
    ]


def hostile_report():
    """A report that holds each attack in each place that data comes to. (A report is read from UTF-8: no half letters.)"""
    texts = [text.encode("utf-8", "replace").decode() for text in ATTACKS.values()]
    rows = [
        replace(one, config=text, family=text, reason=text, slice=slice_)
        for text, one in zip(texts, MANY, strict=False)
        for slice_ in (None, SliceKey(name=text, value=text))
    ]
    looks = REPORTS["sequential"].comparisons[0]
    return replace(
        REPORTS["waived"],
        comparisons=(*rows, *(replace(looks, config=text, family=text) for text in texts)),
        changes=tuple(Change(config=text, what=text, before=text, after=text) for text in texts),
        reasons=tuple(texts),
        notices=tuple(texts),
        waivers=tuple(replace(WAIVER, because=text, where=text, approver=text) for text in texts),
        provenance=replace(BASE.provenance, run_url=texts[4], dataset_digests={text: text for text in texts}),
    )


def walk(page):
    """Meet each sample, open what is hidden, search, and print."""
    page.evaluate("""() => {
        const list = document.querySelector(".list");
        for (let left = Number(list.querySelector("[role=option]").getAttribute("aria-setsize")); left; left -= 1) {
            for (const button of document.querySelectorAll(".warn button, .askings button")) button.click();
            list.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}));
        }
    }""")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.keyboard.press("/")
    page.keyboard.type("script")
    for chooser in page.locator("select").all():
        chooser.evaluate(
            "one => { one.selectedIndex = one.options.length - 1; one.dispatchEvent(new Event('change')) }"
        )
    page.get_by_label("Search the samples").fill("")
    for chooser in page.locator("select").all():
        chooser.evaluate("one => { one.selectedIndex = 0; one.dispatchEvent(new Event('change')) }")


def test_page__hostile_text_neither_runs_nor_calls_home(opened):
    flips = tuple(one for text in ATTACKS.values() for one in hostile(text))
    place = opened(page(hostile_report(), Evidence(flips=flips)))
    walk(place.page)
    assert place.clean(), (place.requests, place.messages)
    made = "main script:not([type='application/json']), main img, main iframe, main style, main base, main form, [href^='javascript']"
    assert place.page.locator(made).count() == 0
    assert place.page.locator(".told").inner_text().startswith(f"{len(flips)} samples")


def test_page__shows_hostile_text_as_it_is(opened):
    place = opened(page(BASE, Evidence(flips=tuple(hostile(ATTACKS["image"])))))
    assert place.page.locator(".arms .text").nth(1).inner_text() == ATTACKS["image"]
    place = opened(page(BASE, Evidence(flips=tuple(hostile("a\u202eb\x00\u061c\U000e0041")))))
    assert place.page.locator(".detail .text").first.inner_text() == "a⟨202e⟩b⟨0000⟩⟨061c⟩⟨e0041⟩"


def test_page__a_word_of_a_million_letters_is_cut(opened):
    word = "x" * 1_000_000
    one = flip(sample_id=word, prompt=word, baseline=arm(shown(word)), candidate=arm(shown("y", 0.0)))
    place = opened(page(BASE, Evidence(flips=(one,))))
    text = place.page.locator(".arms .text").first.inner_text()
    assert (text.count("x"), "flips.json" in text) == (20_000, True)
    assert place.page.evaluate("document.documentElement.scrollWidth") == 1280
    assert place.clean()


def test_page__its_policy_holds_even_where_markup_comes_in(opened):
    markup = [
        "<script>window.pwned=1</script>",
        "<img src=x onerror=window.pwned=1>",
        "<style>body{background:url(http://127.0.0.1:9/)}</style>",
        "<iframe src=http://127.0.0.1:9></iframe>",
        "<svg onload=window.pwned=1>",
    ]
    html = page(BASE, Evidence(flips=(flip(),)))
    place = opened(html.replace("</main>", f"{''.join(markup)}</main>"))
    assert place.page.evaluate("window.pwned") is None
    assert not place.requests
    assert place.page.locator(".arms").count() == 1, "the page's own script runs"
    with pytest.raises(Exception, match="TrustedHTML"):
        place.page.evaluate("document.body.innerHTML = '<b>x</b>'")


def three():
    words = "The flaw is in the parser of dates and lets a caller read past the end."
    return Evidence(
        flips=(
            flip(
                sample_id="first",
                prompt="Say why.",
                baseline=arm(shown(words)),
                candidate=arm(shown(words.replace("dates", "names"), 0.0)),
            ),
            flip(sample_id="second", family="remediation", slices={"cwe": "CWE-79"}),
            flip(
                sample_id="third",
                family="remediation",
                slices={"cwe": "CWE-89"},
                direction="gained",
                baseline=arm(shown("no", 0.0)),
                candidate=arm(shown("yes"), shown("perhaps")),
            ),
        ),
    )


def ids(place):
    return place.page.locator(".row .id").all_inner_texts()


def test_samples__both_answers_side_by_side_with_the_words_that_differ(opened):
    place = opened(page(BASE, three()))
    assert place.page.locator(".arms del").all_inner_texts() == ["dates"]
    assert place.page.locator(".arms ins").all_inner_texts() == ["names"]
    assert place.page.locator(".arms .reason").all_inner_texts() == ["right", "right"]
    assert place.page.locator(".arms .text").first.inner_text() == three().flips[0].baseline.answers[0].text
    assert place.clean()


def test_samples__are_filtered_by_family_slice_direction_and_search(opened):
    place = opened(page(BASE, three()))
    assert ids(place) == ["first", "second", "third"]
    place.page.get_by_label("Family").select_option("remediation")
    assert ids(place) == ["second", "third"]
    place.page.get_by_label("Slice", exact=True).select_option("cwe: CWE-89")
    assert ids(place) == ["third"]
    place.page.get_by_label("Slice", exact=True).select_option("")
    place.page.get_by_role("radio", name="Lost").check()
    assert ids(place) == ["second"]
    place.page.get_by_role("radio", name="All").check()
    place.page.get_by_label("Search the samples").fill("PERHAPS cwe-89")
    assert ids(place) == ["third"]
    place.page.get_by_label("Search the samples").fill("nowhere")
    assert ids(place) == []
    assert "0 of 3 samples" in place.page.get_by_role("status").inner_text()
    assert place.clean()


def test_samples__of_prompts_that_begin_alike_the_list_shows_what_tells_them_apart(opened):
    prompts = ["Summarise this note. It is on dates.", "Summarise this note. It was on names."]
    place = opened(page(BASE, Evidence(flips=tuple(flip(prompt=prompt) for prompt in prompts))))
    assert place.page.locator(".row .second").all_inner_texts() == [
        "advisory-summary · is on dates.",
        "advisory-summary · was on names.",
    ]


def test_samples__by_keyboard_alone(opened):
    place = opened(page(BASE, three()))
    keys, focused = (
        place.page.keyboard,
        lambda: place.page.evaluate("document.activeElement.className || document.activeElement.tagName"),
    )

    def chosen():
        return place.page.locator(".row[aria-selected=true] .id").inner_text()

    keys.press("j")
    assert (chosen(), focused()) == ("second", "list")
    keys.press("ArrowDown")
    keys.press("k")
    keys.press("End")
    assert chosen() == "third"
    assert place.page.locator(".list").get_attribute("aria-activedescendant") == "flip-2"
    keys.press("Enter")
    assert focused() == "H3"
    keys.press("Escape")
    assert focused() == "list"
    keys.press("/")
    keys.type("first")
    assert chosen() == "first"
    keys.press("Escape")
    assert ids(place) == ["first", "second", "third"]
    assert place.clean()


def test_samples__a_harmful_one_is_read_only_after_a_click(opened):
    place = opened(page(BASE, Evidence(flips=(flip(harmful=True, prompt="a poisonous prompt"), flip(sample_id="s-2")))))
    assert "poisonous" not in place.page.locator("#flips-app").inner_text()
    place.page.get_by_role("button", name="Show it all the same").click()
    assert "poisonous" in place.page.locator(".detail").inner_text()


def test_samples__on_a_phone_one_after_the_other(opened):
    place = opened(
        page(REPORTS["pass-with-many-slices"], three()), viewport={"width": 390, "height": 844}, has_touch=True
    )
    assert place.page.evaluate("document.documentElement.scrollWidth") == 390
    assert place.page.locator(".forest .slice:visible").count() == 1
    assert not place.page.locator(".arms").is_visible()
    place.page.locator(".row").nth(1).tap()
    assert place.page.locator(".detail h3").inner_text() == "second"
    assert place.page.locator(".arms").is_visible()
    place.page.get_by_role("button", name="All samples").tap()
    assert place.page.locator(".row").first.is_visible()


def test_samples__of_thousands_only_the_rows_in_sight_exist(opened):
    many = Evidence(flips=tuple(flip(sample_id=f"s-{number}") for number in range(5000)))
    place = opened(page(BASE, many))
    assert 5 < place.page.locator(".row").count() < 40
    place.page.locator(".list").focus()
    place.page.keyboard.press("End")
    assert place.page.locator(".row[aria-selected=true] .id").inner_text() == "s-4999"
    assert place.page.locator(".row").count() < 40


def test_page__without_script_has_all_but_the_samples(opened):
    place = opened(page(REPORTS["pass-with-many-slices"], three()), java_script_enabled=False)
    assert place.page.locator(".forest .slice:visible").count() == 12
    assert "did not run" in place.page.locator("#flips").inner_text()


def test_page__slices_are_folded_but_for_the_worst(opened):
    place = opened(page(REPORTS["pass-with-many-slices"]))
    assert place.page.locator(".forest .slice:visible").count() == 1
    place.page.get_by_role("button", name="11 more slices").click()
    assert place.page.locator(".forest .slice:visible").count() == 12


def test_page__on_paper_has_all_slices_and_the_samples_as_a_table(opened):
    place = opened(page(REPORTS["pass-with-many-slices"], three()), color_scheme="dark")
    place.page.emulate_media(media="print")
    place.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert place.page.locator(".forest .slice:visible").count() == 12
    assert place.page.locator("#flips-print td").all_inner_texts()[:4] == [
        "first",
        "advisory-summary",
        "cwe: CWE-787",
        "lost",
    ]
    assert not place.page.locator("#flips-app").is_visible()
    assert place.page.locator(".decided dd").first.is_visible(), "what is folded on a screen is printed"
    assert place.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_page__an_outcome_colours_its_row_and_no_verdict_the_whole_page(opened):
    place = opened(page(REPORTS["inconclusive"]))
    colour = "(one) => getComputedStyle(one).color"
    ink = place.page.locator("h1").evaluate(colour)
    assert place.page.locator(".forest .family .name").first.evaluate(colour) == ink
    assert place.page.locator(".forest .delta.inconclusive").first.evaluate(colour) != ink


def test_page__of_each_situation_opens_without_a_message_and_fits_a_phone(opened):
    place = opened(page(BASE), viewport={"width": 390, "height": 844}, color_scheme="dark")
    for name, report in REPORTS.items():
        place.show(page(report))
        assert place.clean(), (name, place.messages)
        assert place.page.locator("h1").count() == 1, name
        assert place.page.evaluate("document.documentElement.scrollWidth") == 390, name


def test_page__is_read_by_headings_and_landmarks_and_each_control_has_a_name(opened):
    place = opened(page(REPORTS["blocked"], three()))
    levels = place.page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert [place.page.get_by_role(role).count() for role in ("banner", "main", "contentinfo", "navigation")] == [1] * 4
    nameless = "(all) => all.filter((one) => !one.getAttribute('aria-labelledby')).length"
    assert place.page.locator("main section").evaluate_all(nameless) == 0
    controls = place.page.locator("#flips-app").get_by_role("combobox").all()
    assert [one.get_attribute("aria-label") for one in controls] == ["Family", "Slice"]
    assert place.page.locator(".list").get_by_role("option", selected=True).get_attribute("aria-setsize") == "3"
    assert place.page.get_by_role("img", name="delta −8.0, interval [−10.0, −6.0], margin −5.0").count() == 1
    place.page.keyboard.press("Tab")
    assert place.page.evaluate("document.activeElement.className") == "skip"
