"""L7: how far a run is: a bar a family on a terminal, a line every 15 seconds in a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gate.budget import Spent
from gate.runner import Progress, Standing
from gate.tools import Tools
from gate.wording import count, duration, listed, usd

_EVERY = 15.0


def progress(tools: Tools) -> Progress:
    return bars(tools) if tools.err.isatty() else lines(tools)


def lines(tools: Tools, *, every: float = _EVERY) -> Progress:
    """One line of plain text every `every` seconds; nothing for a run that is shorter."""
    begun = tools.clock()
    last = [begun]

    def say(standings: Sequence[Standing], spent: Spent) -> None:
        now = tools.clock()
        if now - last[0] >= every:
            last[0] = now
            tools.err.write(f"{summary(standings, spent, now - begun)}\n")
            tools.err.flush()

    return say


def tell_look(tools: Tools, number: int, spent: Spent, still: Sequence[str]) -> None:
    """A line in a log at each look; on a terminal the bars, which grow only where more is asked, say it."""
    if not tools.err.isatty():
        tools.err.write(f"look {number}: {count(spent.calls, 'call')} made; asking more of {listed(still)}\n")
        tools.err.flush()


def summary(standings: Sequence[Standing], spent: Spent, seconds: float) -> str:
    """``1,200 of 4,000 calls done (60.1 a second, 46.6 s left), 3 failed, $0.42 so far``, then each open family."""
    done, failed, total = (sum(getattr(one, name) for one in standings) for name in ("done", "failed", "total"))
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {duration((total - done) / rate)} left" if rate and done < total else ""
    text = f"{done:,} of {count(total, 'call')} done ({rate:.1f} a second{left}), {failed:,} failed"
    text += f", {usd(spent.usd)} so far" if spent.usd else ""
    families = ", ".join(f"{one.family} {one.done:,}/{one.total:,}" for one in standings if one.done < one.total)
    return f"{text}; {families}" if families and len(standings) > 1 else text


def bars(tools: Tools) -> Progress:
    """A bar a family with its failures, and one line for rate, time left and cost of the whole run."""
    from tqdm import tqdm

    shown: dict[str, Any] = {}

    def bar(one: Standing) -> Any:
        made = shown.get(one.family)
        if made is None:
            made = tqdm(total=one.total, file=tools.err, leave=False, mininterval=0, position=len(shown))
            made.set_description_str(one.family[:24], refresh=False)
            shown[one.family] = made
        return made

    def say(standings: Sequence[Standing], spent: Spent) -> None:
        for one in standings:
            found = bar(one)
            found.total = one.total
            cost = f", {usd(spent.usd)}" if spent.usd else ""
            found.set_postfix_str(f"{one.failed:,} failed{cost}", refresh=False)
            found.update(one.done - found.n)
        if all(one.done >= one.total for one in standings):
            _close(shown)

    return say


def _close(shown: dict[str, Any]) -> None:
    for made in shown.values():
        made.close()
    shown.clear()
