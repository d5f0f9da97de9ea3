import io

from gate.budget import Spent
from gate.progress import bars, lines, summary, tell_look
from gate.runner import Standing
from gate.tools import Tools

SPENT = Spent(calls=30, tokens=1, usd=0.42, minutes=0.5)


def standing(family, done, total, failed=0):
    return Standing(family=family, done=done, total=total, failed=failed)


def test_summary__rate_time_left_failures_cost_and_the_open_families():
    text = summary([standing("a", 20, 20), standing("b", 10, 40, failed=2)], SPENT, 10.0)
    assert text == "30 of 60 calls done (3.0 a second, 10.0 s left), 2 failed, $0.42 so far; b 10/40"


def test_lines__one_every_fifteen_seconds():
    now, err = [0.0], io.StringIO()
    say = lines(Tools(environ={}, err=err, clock=lambda: now[0]))
    for second in (1, 14.9, 15, 20, 29.9, 30):
        now[0] = second
        say([standing("a", int(second), 100)], SPENT)
    assert [line.split(" calls")[0] for line in err.getvalue().splitlines()] == ["15 of 100", "30 of 100"]


def test_tell_look__a_line_in_a_log_and_none_on_a_terminal():
    log, terminal = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True
    for err in (log, terminal):
        tell_look(Tools(environ={}, err=err), 2, SPENT, ["a", "b"])
    assert log.getvalue() == "look 2: 30 calls made; asking more of a and b\n"
    assert terminal.getvalue() == ""


def test_bars__one_a_family_with_failures_and_cost():
    err = io.StringIO()
    say = bars(Tools(environ={}, err=err))
    say([standing("first", 1, 4), standing("second", 0, 2)], SPENT)
    say([standing("first", 4, 4, failed=1), standing("second", 2, 2)], SPENT)
    shown = err.getvalue()
    assert "first" in shown
    assert "second" in shown
    assert "1 failed, $0.42" in shown
