"""Set side by side, problem by problem, signs of memory, stability over repeats, and accuracy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from solver.analysis.completion import match
from solver.modes import stored_mode
from solver.records import Problem
from solver.store import Row


class Standing(StrEnum):
    """What can be said of one problem and one mode."""

    MASTERED = "mastered"
    """Every repeat is right, and every variant."""
    SOLVED = "solved"
    """Every repeat is right, and nothing speaks for memory; variants are lacking or mixed."""
    RECITED = "recited"
    """Right in some repeat, and completed word for word or answered at once, but no variant is."""
    UNSTABLE = "unstable"
    """Right in some repeats."""
    UNSOLVED = "unsolved"


@dataclass(frozen=True)
class Recited:
    """One problem in one mode of one model."""

    model: str
    set: str
    mode: str
    problem_id: str
    right: int
    repeats: int
    """All right is G-Pass at τ = 1."""
    variants_right: int
    variants: int
    """Trials on its variants, in the same mode."""
    rouge: float | None
    """Of its leading completion; None where none was asked."""
    completed: bool | None
    """Completed exactly, in at least half of the samples."""
    at_once: bool | None
    """Answered right without reasoning, while no variant was; None where that was not asked."""

    @property
    def standing(self) -> Standing:
        """Say what this amounts to."""
        if not self.right:
            return Standing.UNSOLVED
        if (self.completed or self.at_once) and not self.variants_right and self.variants:
            return Standing.RECITED
        if self.right < self.repeats:
            return Standing.UNSTABLE
        mastered = self.variants and self.variants_right == self.variants
        return Standing.MASTERED if mastered else Standing.SOLVED


def recited(
    model: str,
    rows: Iterable[Row],
    problems: Mapping[str, Problem],
    controls: Sequence[str],
    texts: Mapping[str, str],
    lead: str | None,
) -> list[Recited]:
    """Return a line for each original and each mode that shows the whole question but `bare`.

    `texts` are the continuations by key, `lead` the mode of those that count.
    """
    seen = _Seen(problems)
    for row in rows:
        if row.model == model and row.error is None:
            seen.add(row, lead, texts)
    chosen = [p for p in problems.values() if not p.variant_of and p.set not in controls]
    full = [mode for mode in seen.modes if not stored_mode(mode).at_once] or list(seen.modes)
    return [
        seen.line(model, problem, mode)
        for mode in full
        for problem in chosen
        if (problem.id, mode) in seen.right
    ]


class _Seen:
    """What the trials of one model say of each problem."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self.right: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.modes: dict[str, None] = {}
        self._problems = problems
        self._rated: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._variants: dict[str, list[str]] = defaultdict(list)
        for problem in problems.values():
            if problem.variant_of:
                self._variants[problem.variant_of].append(problem.id)

    def add(self, row: Row, lead: str | None, texts: Mapping[str, str]) -> None:
        """Add one trial that did not end in an error of ours."""
        shown = stored_mode(row.mode).shown
        if shown is None and row.outcome.scored:
            self.right[row.problem_id, row.mode].append(row.correct)
            self.modes.setdefault(row.mode)
        elif shown is not None and row.mode == lead and row.key in texts:
            found = match(self._problems[row.problem_id].question, shown, texts[row.key])
            if found is not None:
                self._rated[row.problem_id].append((found.rouge, found.exact))

    def line(self, model: str, problem: Problem, mode: str) -> Recited:
        """Return the line of one problem and mode."""
        own, changed = self.right[problem.id, mode], self._of_variants(problem.id, mode)
        rated = self._rated.get(problem.id)
        return Recited(
            model, problem.set, mode, problem.id, sum(own), len(own), sum(changed), len(changed),
            rouge=sum(rouge for rouge, _ in rated) / len(rated) if rated else None,
            completed=sum(exact for _, exact in rated) / len(rated) >= 0.5 if rated else None,
            at_once=self._at_once(problem.id),
        )  # fmt: skip

    def _of_variants(self, id_: str, mode: str) -> list[bool]:
        return [each for other in self._variants[id_] for each in self.right.get((other, mode), ())]

    def _at_once(self, id_: str) -> bool | None:
        known = [
            mode
            for mode in self.modes
            if stored_mode(mode).at_once
            and (id_, mode) in self.right
            and self._of_variants(id_, mode)
        ]
        if not known:
            return None
        return any(any(self.right[id_, m]) and not any(self._of_variants(id_, m)) for m in known)
