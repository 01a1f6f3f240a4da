"""Do `solver vary`: make variants of problems, from templates or from programs that solved them.

From programs: at least two that were written apart must agree on the answer, and every problem that
is not used is counted under the first rule that refused it, since badly posed variants would pass
for signs of memory.
"""

import asyncio
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import judge
from sandbox import Exit, Limits, Sandbox, open_sandbox
from solver.analysis.numbers import form
from solver.bridges.normal_form import normal_form
from solver.contamination.redraw import (
    Refused,
    Slots,
    draws,
    fill,
    literals,
    rewritten,
    slots,
)
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.outputs import replacing
from solver.problems.templates.tex import number as latex
from solver.records import Problem
from solver.run.schedule import together
from solver.store import Store
from solver.text import say

MOST_PROGRAMS = 3
"""Programs of a problem that are run; all of them must agree."""
TRIES = 24
"""Draws of numbers before a problem is given up, for each variant that is wanted."""
MOST_FAILURES = 3
"""Draws with which a program may fail; it may take all its time to do so."""
LONGEST = 10.0
"""Seconds for one program."""
LONGEST_ANSWER = 60
"""Characters of an answer that is not a number."""
SHOWN_EVERY = 10.0
"""Seconds between two lines of progress."""
_FAILS = "a program fails with other numbers"
_SHAPE = re.compile(r"[\d\s+\-*/().]|sqrt|pi")


@dataclass(frozen=True)
class Solved:
    """A problem and the programs that solved it, no two alike but for names and layout."""

    problem: Problem
    programs: tuple[str, ...]


@dataclass(frozen=True)
class Rejection:
    """A problem of which no variant was made."""

    problem: Problem
    reason: str


@dataclass
class Funnel:
    """What became of the problems, step by step."""

    with_program: int = 0
    redrawable: int = 0
    """Whose text and programs keep to the rules."""
    verified: int = 0
    """Whose programs print the reference when they are run again."""
    varied: int = 0
    variants: list[Problem] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def reasons(self) -> Counter[str]:
        """Count the rejections by reason."""
        return Counter(each.reason for each in self.rejections)


def solved_in(folders: Sequence[Path]) -> list[Solved]:
    """Return the problems of runs that a program solved, in their order. Raises ConfigError."""
    problems: dict[str, Problem] = {}
    programs: dict[str, dict[str, str]] = defaultdict(dict)
    for folder in folders:
        store = Store.open(folder)
        problems |= store.problems()
        for row in store.rows():
            if row.correct and stored_mode(row.mode).runs_code:
                for turn in store.turns(row.key):
                    ran = turn.execution is not None and turn.execution.exit is Exit.OK
                    if turn.program is not None and ran and turn.answer == row.answer:
                        programs[row.problem_id].setdefault(normal_form(turn.program), turn.program)
    found = [
        Solved(p, tuple(programs[p.id].values())) for p in problems.values() if p.id in programs
    ]
    if not found:
        raise ConfigError(
            f"{', '.join(map(str, folders))}: no program solved a problem; variants are made of the"
            " programs of correct trials, so run a mode such as code first"
        )
    return found


def vary(
    solved: Sequence[Solved], *, wanted: int, seed: int, agree: int, sandbox: str = "auto"
) -> Funnel:
    """Make `wanted` variants of each problem. Raises SandboxError where there is no sandbox."""
    return asyncio.run(_vary(solved, wanted, seed, agree, sandbox))


async def _vary(solved: Sequence[Solved], wanted: int, seed: int, agree: int, kind: str) -> Funnel:
    funnel = Funnel(with_program=len(solved))
    made: dict[str, list[Problem]] = {}
    refused: dict[str, str] = {}
    shown = time.monotonic()
    box = await open_sandbox(kind, limits=Limits(seconds=LONGEST, memory_mb=1024), owner="vary")
    rules = judge.open_judge()
    waiting = iter(solved)

    async def worker() -> None:
        nonlocal shown
        for each in waiting:
            maker = _Maker(each, box, rules, seed, agree, funnel)
            try:
                made[each.problem.id] = await maker.variants(wanted)
            except Refused as reason:
                refused[each.problem.id] = str(reason)
            if time.monotonic() - shown > SHOWN_EVERY:
                shown = time.monotonic()
                done = len(made) + len(refused)
                say(f"{done}/{len(solved)} problems · {len(made)} with a variant", error=True)

    try:
        await together([worker() for _ in range(2 * box.workers)])
    finally:
        await box.close()
        await rules.close()
    for each in solved:
        if each.problem.id in refused:
            funnel.rejections.append(Rejection(each.problem, refused[each.problem.id]))
        else:
            funnel.varied += 1
            funnel.variants += made[each.problem.id]
    return funnel


class _Maker:
    """Makes the variants of one problem."""

    def __init__(
        self,
        solved: Solved,
        box: Sandbox,
        rules: judge.Judge,
        seed: int,
        agree: int,
        funnel: Funnel,
    ) -> None:
        self._problem = solved.problem
        self._programs = solved.programs
        self._box = box
        self._judge = rules
        self._seed = seed
        self._agree = agree
        self._funnel = funnel

    async def variants(self, wanted: int) -> list[Problem]:
        """Return at least one variant. Raises Refused."""
        found = slots(self._problem.question)
        places = self._redrawable(found)
        self._funnel.redrawable += 1
        places = await self._verified(places)
        self._funnel.verified += 1
        draw = random.Random(f"{self._seed} {self._problem.id}")
        made: dict[str, Problem] = {}
        reasons: Counter[str] = Counter()
        for numbers, _ in zip(draws(found, draw), range(TRIES * wanted), strict=False):
            if len(made) == wanted or reasons[_FAILS] == MOST_FAILURES:
                break
            question = fill(self._problem.question, found, numbers)
            try:
                answer = await self._answer(places, numbers)
            except Refused as reason:
                reasons[str(reason)] += 1
                continue
            made.setdefault(question, self._variant(len(made), question, answer))
        if not made:
            none = "no other numbers keep the order of size"
            raise Refused(reasons.most_common(1)[0][0] if reasons else none)
        return list(made.values())

    def _redrawable(self, found: Slots) -> dict[str, tuple[tuple[int, int, int], ...]]:
        """Return the literals of each program that keeps to the rules. Raises Refused."""
        places, reasons = {}, Counter[str]()
        for program in self._programs:
            try:
                places[program] = literals(program, found)
            except Refused as reason:
                reasons[str(reason)] += 1
        self._refuse_few(places, reasons)
        return places

    async def _verified(
        self, places: Mapping[str, tuple[tuple[int, int, int], ...]]
    ) -> dict[str, tuple[tuple[int, int, int], ...]]:
        """Return the programs that print the reference. Raises Refused."""
        right, reasons = {}, Counter[str]()
        for program in places:
            printed = await self._printed(program)
            if printed is not None and await self._equal(self._problem.answer, printed):
                right[program] = places[program]
            else:
                reasons["the program does not print the reference when it is run again"] += 1
            if len(right) == MOST_PROGRAMS:
                break
        self._refuse_few(right, reasons)
        return right

    def _refuse_few(self, left: Mapping[str, object], reasons: Counter[str]) -> None:
        """Refuse the problem where too few programs are left to agree."""
        if not left and reasons:
            raise Refused(reasons.most_common(1)[0][0])
        if len(left) < self._agree:
            raise Refused(f"fewer than {self._agree} programs keep to the rules")

    async def _answer(
        self, places: Mapping[str, tuple[tuple[int, int, int], ...]], numbers: Mapping[int, int]
    ) -> str:
        """Return the answer on which all programs agree. Raises Refused."""
        first = answer = ""
        for program, where in places.items():
            output = await self._printed(rewritten(program, where, numbers))
            if output is None:
                raise Refused(_FAILS)
            if not answer:
                first, answer = output, checked_answer(self._problem.answer, output)
            elif not await self._equal(first, output):
                raise Refused("the programs disagree with other numbers")
        return answer

    async def _equal(self, reference: str, printed: str) -> bool:
        """Compare numbers, and roots of them by the judge's rules; nothing else is used.

        The rules run in a process of their own, which one answer cannot hang.
        """
        one, other = form(reference), form(printed)
        if isinstance(one, Fraction) and isinstance(other, Fraction):
            return one == other
        if _SHAPE.sub("", printed) or len(printed) > LONGEST_ANSWER:
            return False
        verdict = await self._judge.grade(self._problem.question, reference, printed)
        return verdict.rules == "equal"

    async def _printed(self, program: str) -> str | None:
        """Run a program; return the answer that it prints."""
        execution = await self._box.run(program)
        if execution.exit is not Exit.OK:
            return None
        return judge.extract_output(execution.stdout).answer

    def _variant(self, turn: int, question: str, answer: str) -> Problem:
        return self._problem.model_copy(
            update={
                "id": f"{self._problem.id}~{self._seed}" + (f".{turn}" if turn else ""),
                "question": question,
                "answer": answer,
                "variant_of": self._problem.id,
                "set": f"{self._problem.set or 'problems'}~{self._seed}",
                "published": "",
            }
        )


def checked_answer(original: str, printed: str) -> str:
    """Return the answer of a variant, if it is of the original's kind, exact, changed and sound.

    Raises Refused.
    """
    before, after = form(original), form(printed)
    if isinstance(before, Fraction) != isinstance(after, Fraction):
        raise Refused("the answer is of another kind")
    if isinstance(before, str) or isinstance(after, str):
        if _SHAPE.sub("", str(after)) or "." in str(after):
            raise Refused("the answer is neither a number nor a root of one")
        return printed
    if len(str(after.denominator)) > 4:
        raise Refused("the answer is not exact")
    if (before.denominator == 1) != (after.denominator == 1):
        raise Refused("the answer is of another kind")
    if before == after:
        raise Refused("the answer does not change")
    if after == 0 or (after > 0) != (before > 0):
        raise Refused("the answer is degenerate")
    if not Fraction(1, 20) < abs(after / before if before else Fraction(0)) < 20:
        raise Refused("the answer is far from the original's")
    return latex(after)


def write_variants(path: Path, variants: Iterable[Problem]) -> None:
    """Write problems as JSONL, one a line. Raises ConfigError where that fails."""
    lines = [
        json.dumps(p.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False) + "\n"
        for p in variants
    ]
    _write(path, lines)


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Write each rejected problem with the reason. Raises ConfigError where that fails."""
    lines = [
        json.dumps(
            {"id": each.problem.id, "reason": each.reason, "question": each.problem.question},
            ensure_ascii=False,
        )
        + "\n"
        for each in rejections
    ]
    _write(path, lines)


def _write(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as part:
        part.write_text("".join(lines), encoding="utf-8")
