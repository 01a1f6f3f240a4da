"""Judge the replies of a log by the rules, and print them beside the log's own verdicts."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from judge.grade import PRESETS, Judge
from judge.logs import answer_of, read_log
from judge.logs.changes import Change, Tally
from judge.logs.records import Logged, Theirs
from judge.policy import Policy
from judge.verdict import Verdict
from judge.workers.pool import Pool

_BATCH = 500
_LONGEST = 60
"""Characters of an answer in the list of disagreements."""


async def judged(
    judge: Judge, replies: Iterable[Logged]
) -> AsyncIterator[tuple[Logged, Verdict | None]]:
    """Yield each reply with its verdict, in their order; None where there is no answer.

    Raises JudgeError as `Judge.grade` does, and LogError where `replies` comes from `read_log`.
    """

    async def grade(logged: Logged) -> Verdict | None:
        answer = answer_of(logged).answer
        if answer is None or logged.error is not None:
            return None
        return await judge.grade_any(logged.question, logged.references, answer)

    waiting = iter(replies)
    while batch := list(islice(waiting, _BATCH)):
        for pair in zip(batch, await asyncio.gather(*map(grade, batch)), strict=True):
            yield pair


@dataclass
class _Counted:
    """The replies of one model to one task."""

    replies: set[tuple[str, int]] = field(default_factory=set)
    right: int = 0
    open: int = 0
    no_answer: int = 0
    errors: int = 0
    scorers: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))


def print_log(path: Path, pool: Pool, policy: Policy) -> Iterator[str]:
    """Yield lines: a table of the log's models and tasks, then each reply judged otherwise.

    Raises LogError and JudgeError.
    """
    judge = Judge(pool=pool, model=None, preset=PRESETS[0], policy=policy, threshold=4)
    counted, differing = asyncio.run(_count(judge, path))
    for (model, task), found in counted.items():
        n, scored = len(found.replies), len(found.replies) - found.errors - found.open
        yield f"{model or 'a model that the log does not name'} · {task}"
        share = f" ({100 * found.right / scored:.1f} %)" if scored else ""
        yield (
            f"  {n} replies · right {found.right} of {scored} scored{share}"
            f" · no answer {found.no_answer} · undecided {found.open} · errors {found.errors}"
        )
        for name, tally in found.scorers.items():
            yield f"  {name}: {_line(tally)}"
    yield from differing


def _line(tally: Tally) -> str:
    mean = f"mean {tally.theirs / tally.replies:.3f}, ours {tally.ours / tally.replies:.3f}"
    if not tally.single:
        return f"{mean} (it is of several replies together, so no single one can be compared)"
    changes = " · ".join(f"{tally.changes[change]} {change}" for change in Change)
    return f"{mean} on {tally.replies} replies · changed by the judge: {changes}"


async def _count(judge: Judge, path: Path) -> tuple[dict[tuple[str, str], _Counted], list[str]]:
    counted: dict[tuple[str, str], _Counted] = defaultdict(_Counted)
    differing: list[str] = []
    async for logged, verdict in judged(judge, read_log(path)):
        found = counted[logged.model, logged.task]
        correct = (
            None
            if logged.error or (verdict and not verdict.valid)
            else bool(verdict and verdict.correct)
        )
        if (logged.id, logged.repeat) not in found.replies:  # else another filter's line
            found.replies.add((logged.id, logged.repeat))
            found.right += correct is True
            found.errors += logged.error is not None
            found.open += verdict is not None and not verdict.valid
            found.no_answer += verdict is None and logged.error is None
        for theirs in logged.theirs:
            change = found.scorers[theirs.name].add(theirs, correct)
            if change is not None:
                differing.append(_difference(logged, theirs, verdict, change))
    return counted, differing


def _difference(logged: Logged, theirs: Theirs, verdict: Verdict | None, change: Change) -> str:
    read = answer_of(logged).answer
    ours = "no answer" if read is None else f"read {_short(read)}"
    reading = "" if theirs.reading is None else f", read by it as {_short(theirs.reading)}"
    why = f": {verdict.reason}" if verdict else ""
    return (
        f"{theirs.name}: {change} · {logged.id} · repeat {logged.repeat} · reference"
        f" {_short(logged.references[0])} · {ours}{reading}{why} ({logged.place})"
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")
