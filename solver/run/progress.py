"""Show the progress of a run: a live line in a terminal, elsewhere a line every 30 seconds."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from solver.records import Outcome
from solver.run.watch import Watch
from solver.text import plain

LIVE_EVERY = 0.5
"""Seconds between two updates of the live line."""
LOG_EVERY = 30.0
"""Seconds between two lines where the output is not a terminal."""
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
    if watch.scored:
        correct = watch.outcomes[Outcome.CORRECT]
        parts.append(f"correct {correct}/{watch.scored} ({correct / watch.scored:.0%})")
    if traffic.output_tokens:
        parts.append(f"{traffic.output_tokens / max(watch.seconds(), 1e-9):.0f} tokens/s")
    if watch.retries:
        parts.append(f"{watch.retries} retries")
    if traffic.started:
        parts.append(f"{len(traffic.started)} asking")
    parts += _loading(watch)
    if (left := watch.seconds_left()) is not None and not watch.stopping:
        parts.append(f"{_duration(left)} left")
    if watch.phase != "solving":
        parts.append(watch.phase)
    return " · ".join(parts)


def _loading(watch: Watch) -> list[str]:
    """Name the models whose weights a server is loading, and for how long it has been doing so."""
    begun = {**watch.traffic.loading, **watch.judge_traffic.loading}
    now = time.monotonic()
    return [f"loading {name} for {_duration(now - start)}" for name, start in begun.items()]


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
            parts.append(f"{who}a request has taken {_duration(slowest)}")
    return plain(" · ".join(parts))


async def _live(watch: Watch, console: Console) -> None:
    with Live(_picture(watch), console=console, auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(LIVE_EVERY)
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
    while True:
        await asyncio.sleep(1)
        if time.monotonic() - said >= LOG_EVERY:
            said = time.monotonic()
            print(" · ".join(filter(None, (headline(watch), troubles(watch)))), file=sys.stderr)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
