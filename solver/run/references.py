"""Grade every reference against itself: what the rules cannot read, they cannot score."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from judge import Judge, open_judge
from solver.records import Problem
from solver.text import first_of

MOST_NAMED = 10
"""So many problems are named in a warning; the manifest has them all."""


async def unread_references(problems: Iterable[Problem], judge: Judge) -> dict[str, str]:
    """Return the problems whose reference the rules cannot read, each with the reason.

    That is one that they do not find equal to itself, or compare only letter by letter.
    """
    ids: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        ids[problem.answer].append(problem.id)
    return {name: why for text, why in await judge.self_check(ids) for name in ids[text]}


def check_references(problems: Iterable[Problem]) -> dict[str, str]:
    """Do the same outside of a run, with the rules as a run has them by default."""

    async def check() -> dict[str, str]:
        judge = open_judge()
        try:
            return await unread_references(problems, judge)
        finally:
            await judge.close()

    return asyncio.run(check())


def unread_warning(unread: dict[str, str]) -> list[str]:
    """Return a warning that names such problems, if there are any."""
    if not unread:
        return []
    names = list(unread)
    return [
        f"judge: the rules cannot read the references of {len(names)} problems,"
        f" so only a judge model could score them: {first_of(names, MOST_NAMED)}"
    ]
