"""Show the progress of a run: a live line in a terminal, elsewhere a line every 30 seconds."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from solver.records import Outcome
from solver.report.runs import short_names
from solver.run.pace import Count, Pace
from solver.run.watch import Watch
from solver.text import duration, plain, say_wrapped

LIVE_EVERY = 0.5
"""Seconds between two updates of the live line."""
LOG_EVERY = 30.0
"""Seconds between two lines where the output is not a terminal."""
MOST_ARMS = 3
"""So many arms are shown by name in the progress line; more would not fit."""
SLOW = 120.0
"""Seconds after which a request in flight is reported as slow."""


@asynccontextmanager
async def show_progress(watch: Watch) -> AsyncIterator[None]:
    """Show progress on stderr until the block ends."""
    console = Console(stderr=True)
    showing = asyncio.create_task(_live(watch, console) if console.is_terminal else _log(watch))
    try:
        yield
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing


def headline(watch: Watch) -> str:
    """Return the progress as one line of plain text."""
    done, traffic = watch.before + watch.done, watch.traffic
    if not watch.total:
        parts = [watch.phase, f"{watch.judge_traffic.answered} replies", *_loading(watch)]
        return " · ".join(parts)
    parts = [f"{done}/{watch.total} trials"]
    parts += _accuracies(watch.pace)
    if traffic.output_tokens:
        parts.append(f"{traffic.output_tokens / max(watch.seconds(), 1e-9):.0f} tokens/s")
    if watch.retries:
        parts.append(f"{watch.retries} retries")
    if traffic.started:
        parts.append(f"{len(traffic.started)} asking")
    parts += _loading(watch)
    if (left := watch.seconds_left()) is not None and not watch.stopping:
        parts.append(f"{duration(left)} left")
    if watch.phase != "solving":
        parts.append(watch.phase)
    return " · ".join(parts)


def _accuracies(pace: Pace) -> Iterator[str]:
    """Yield how many scored trials of each arm are correct; of all where the arms are many."""
    names = short_names([("", model, mode) for model, mode in pace.arms])
    counts = [(names["", *arm], count) for arm, count in pace.arms.items()]
    if len(counts) > MOST_ARMS:
        counts = [("correct", Count(
            scored=sum(count.scored for _, count in counts),
            correct=sum(count.correct for _, count in counts),
        ))]  # fmt: skip
    for name, count in counts:
        if count.scored:
            word = name if len(counts) > 1 else "correct"
            share = count.correct / count.scored
            yield f"{word} {count.correct}/{count.scored} ({share:.0%})"


def estimate(watch: Watch) -> str | None:
    """Say how long the run takes, once a trial of every arm has ended; None before that."""
    left = watch.seconds_left()
    if not watch.pace.all_seen() or left is None or watch.before + watch.done >= watch.total:
        return None
    rate = watch.traffic.output_tokens / max(watch.seconds(), 1e-9)
    speed = f" at {rate:.0f} tokens/s" if rate else ""
    whole = watch.seconds() + left
    return f"{watch.total - watch.before} trials take about {duration(whole)}{speed}"


def _loading(watch: Watch) -> list[str]:
    """Name the models whose weights a server is loading, and for how long it has been doing so."""
    begun = {**watch.traffic.loading, **watch.judge_traffic.loading}
    now = time.monotonic()
    return [f"loading {name} for {duration(now - start)}" for name, start in begun.items()]


def troubles(watch: Watch) -> str:
    """Return what goes wrong at the moment, as one line of plain text; empty where nothing does."""
    parts = []
    if watch.stopping:
        parts.append("stopping")
    if watch.outcomes[Outcome.ERROR]:
        parts.append(f"{watch.outcomes[Outcome.ERROR]} errors of ours (will run again on resume)")
    for who, traffic in (("", watch.traffic), ("judge: ", watch.judge_traffic)):
        if traffic.waiting:
            parts.append(f"{who}{traffic.waiting} waiting to ask again: {traffic.last_trouble}")
        if (slowest := traffic.slowest()) > SLOW:
            parts.append(f"{who}a request has taken {duration(slowest)}")
    return plain(" · ".join(parts))


async def _live(watch: Watch, console: Console) -> None:
    expected = None
    with Live(_picture(watch), console=console, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(LIVE_EVERY)
            if expected is None and (expected := estimate(watch)) is not None:
                console.print(Text(plain(expected)))
            live.update(_picture(watch), refresh=True)


def _picture(watch: Watch) -> Table:
    picture = Table.grid(padding=(0, 1))
    done = watch.before + watch.done
    line = Table.grid(padding=(0, 1))
    line.add_row(ProgressBar(total=max(watch.total, 1), completed=done, width=24), headline(watch))
    picture.add_row(line)
    if trouble := troubles(watch):
        picture.add_row(Text(trouble, style="yellow"))
    return picture


async def _log(watch: Watch) -> None:
    said = time.monotonic() - LOG_EVERY + 5  # the first line after 5 seconds
    expected = None
    while True:
        await asyncio.sleep(1)
        if expected is None and (expected := estimate(watch)) is not None:
            say_wrapped(expected, error=True)
        if time.monotonic() - said >= LOG_EVERY:
            said = time.monotonic()
            print(" · ".join(filter(None, (headline(watch), troubles(watch)))), file=sys.stderr)
