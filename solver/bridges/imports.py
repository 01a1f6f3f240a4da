"""Make a run of replies that stand in other tools' logs; nothing is asked or run again.

The run is written beside its place and moved there when all of it is stored, so that nothing is
ever half imported. The rules judge every answer; the verdicts of the tool's own scorers are kept
apart from ours.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import solver
from judge import Judge, JudgeError, Verdict, open_judge
from judge.logs import LogError, Logged, Theirs, read_log
from solver.bridges.imported_trials import Questions, trial_of
from solver.errors import ConfigError, reason_of
from solver.problems import ProblemSet
from solver.records import Problem, Trial, digest
from solver.secrets import without_secrets
from solver.store import Imported, Store, judge_id
from solver.text import first_of, say

_BATCH = 400
_SAY_EVERY = 5.0
"""Seconds between two lines that say how far it is."""


@dataclass
class Counts:
    """What was found while the logs were read."""

    trials: int = 0
    again: int = 0
    """Replies that stood there before, and were dropped."""
    several: set[str] = field(default_factory=set)
    """Problems with more than one reference."""
    lost: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What logs do not tell, each with the files."""
    tools: Counter[str] = field(default_factory=Counter)
    repeats: int = 1
    kept: list[dict[str, Any]] = field(default_factory=list)
    """The judges of exported runs of ours, each once."""
    restored: int = 0
    """Trials whose verdict an export of ours kept."""
    arms: dict[tuple[str, str], None] = field(default_factory=dict)


def import_logs(
    files: Sequence[Path],
    folder: Path,
    *,
    problems: ProblemSet | None = None,
    model: str | None = None,
    judge: Judge | None = None,
) -> Counts:
    """Import logs as the run `folder`, and return what was found.

    `problems` gives questions, references, domains and levels; without it the logs' own count.
    `model` names the model of logs that do not. Without `judge`, one is opened that has the rules
    alone. Raises ConfigError where the folder is there
    already, and for a file that is no log, or holds something else for a reply that stood before.
    """
    if folder.exists():
        raise ConfigError(f"{folder}: is there already; give another --name, or delete it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".import-", dir=folder.parent))
    except OSError as failure:
        raise ConfigError(f"{folder}: cannot be written: {reason_of(failure)}") from failure
    try:
        store = Store.create_or_open(beside)
        try:
            found = asyncio.run(_Import(store, problems, model).whole(files, judge))
            store.checkpoint()
        finally:
            store.close()
        os.rename(beside, folder)
    except LogError as wrong:
        raise ConfigError(f"{wrong}; nothing was imported") from wrong
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return found


class _Import:
    """One import, as it goes on."""

    def __init__(self, store: Store, problems: ProblemSet | None, model: str | None) -> None:
        self._store = store
        self._source = problems
        self._questions = Questions(problems)
        self._model = model
        self._counts = Counts()
        self._seen: dict[str, tuple[str, str]] = {}
        """By key, a hash of the replies that stood there, and the place."""
        self._graded: dict[tuple[str, ...], Verdict] = {}
        self._named: set[tuple[str, str]] = set()
        """The scorers whose verdict on a trial is known, by its key."""
        self._later: list[tuple[str, Theirs]] = []
        """Verdicts of further scorers on replies that stood there before."""

    async def whole(self, files: Sequence[Path], judge: Judge | None) -> Counts:
        """Read, judge and store all replies, then write what the run is."""
        used = judge or open_judge(workers=max(1, min(4, (os.cpu_count() or 1) // 2)))
        try:
            facts = await used.describe()
            await self._store_all(self._new(files), used, facts)
        except JudgeError as failure:
            raise ConfigError(f"the judge failed: {failure}; nothing was imported") from failure
        finally:
            if judge is None:
                await used.close()
        if not self._counts.trials:
            raise ConfigError(f"{', '.join(map(str, files))}: no reply in it")
        self._write_manifest(files, facts)
        return self._counts

    async def _store_all(
        self, trials: Iterator[tuple[Logged, Trial, str]], judge: Judge, facts: dict[str, Any]
    ) -> None:
        """Judge and store the trials, some hundred at a time, and say now and then how many."""
        told = time.monotonic()
        while batch := list(islice(trials, _BATCH)):
            await self._store_batch(batch, judge, facts)
            if time.monotonic() - told > _SAY_EVERY:
                told = time.monotonic()
                say(f"{self._counts.trials:,} replies judged", error=True)

    def _new(self, files: Sequence[Path]) -> Iterator[tuple[Logged, Trial, str]]:
        """Yield every reply that did not stand there before, as a trial with its key."""
        for path in files:
            for logged in read_log(path):
                problem = self._questions.problem_of(logged)
                trial = trial_of(logged, problem, self._name_of(logged))
                asked = [problem.id, problem.hash, trial.model, trial.mode]
                key = digest(["imported", *asked, trial.repeat])
                self._note(logged, path, problem, trial)
                said = digest([[step.text, step.thoughts, step.output] for step in logged.steps])
                before = self._seen.get(key)
                if before is None:
                    self._seen[key] = said, logged.place
                    yield logged, trial, key
                elif before[0] != said:
                    raise LogError(
                        f"{logged.place}: another reply of {trial.model} to {problem.id}, repeat"
                        f" {trial.repeat}, stands at {before[1]}; import the two as two runs"
                    )
                else:
                    more = [each for each in _theirs(logged) if (key, each.name) not in self._named]
                    self._later += [(key, each) for each in more]
                    self._counts.again += not more  # else it is the line of another filter
                self._named.update((key, each.name) for each in logged.theirs)

    def _name_of(self, logged: Logged) -> str:
        """Return the model's name, with the tool's before it where it names no provider."""
        name = logged.model or self._model or "unnamed"
        return name if "/" in name else f"{logged.tool}/{name}"

    def _note(self, logged: Logged, path: Path, problem: Problem, trial: Trial) -> None:
        """Count what the import will say of itself."""
        counts = self._counts
        for what in logged.lost:
            if what != "model's name" or not self._model:
                counts.lost[what].add(path.name)
        if problem.other_answers:
            counts.several.add(problem.id)
        counts.repeats = max(counts.repeats, trial.repeat + 1)
        counts.arms[trial.model, trial.mode] = None

    async def _store_batch(
        self, batch: Sequence[tuple[Logged, Trial, str]], judge: Judge, facts: dict[str, Any]
    ) -> None:
        judged = await asyncio.gather(*(self._judged(*one, judge, facts) for one in batch))
        self._store.add_imported(judged)
        self._store.add_other_verdicts(self._later)
        self._later.clear()
        self._counts.trials += len(batch)
        self._counts.tools.update(logged.tool for logged, _, _ in batch)

    async def _judged(
        self, logged: Logged, trial: Trial, key: str, judge: Judge, facts: dict[str, Any]
    ) -> Imported:
        """Give a trial its verdict: the one that an export of ours kept, else that of the rules."""
        if logged.kept:
            kept = logged.kept.get("judge")
            kept = kept if isinstance(kept, dict) else {}
            if kept not in self._counts.kept:
                self._counts.kept.append(kept)
            self._counts.restored += 1
            return Imported(key, trial, judge_id(kept), ())
        if trial.error is None and trial.answer is not None and trial.turns[-1].failure is None:
            problem = self._questions.problems[trial.problem_id]
            case = (problem.question, trial.answer, *problem.references)
            if case not in self._graded:
                self._graded[case] = await judge.grade_any(
                    problem.question, problem.references, trial.answer
                )
            trial = trial.model_copy(update={"verdict": self._graded[case]})
        return Imported(key, trial, judge_id(facts), tuple(_theirs(logged)))

    def _write_manifest(self, files: Sequence[Path], facts: dict[str, Any]) -> None:
        """Write what the run is: where it comes from, who judged, and what was lost."""
        counts, problems = self._counts, self._questions.problems
        ours = counts.restored == counts.trials and len(counts.kept) == 1
        if ours:
            facts = counts.kept[0]
        source = self._source.facts if self._source else {
            "name": ", ".join(sorted({path.stem for path in files}))[:200],
            "problems": len(problems),
            "source": {"kind": "imported"},
        }  # fmt: skip
        models = list(dict.fromkeys(model for model, _ in counts.arms))
        self._store.add_problems(list(problems.values()))
        self._store.write_manifest(
            imported={
                "files": [without_secrets(str(path)) for path in files],
                "tools": dict(counts.tools),
            },
            config={
                "model": [{"name": model} for model in models],
                "mode": list(dict.fromkeys(mode for _, mode in counts.arms)),
                "problems": str(source["name"]),
                "repeats": counts.repeats,
                "judge": {"model": facts.get("model"), "preset": facts.get("preset")}
                if ours
                else {"model": None},
            },
            identity={"model": [{"name": model} for model in models], "judge": {"model": None}},
            judge=facts,
            problems=source,
            models={model: {} for model in models},
            sandbox={"kind": "none"},
            versions={"solver": solver.__version__},
            trials=counts.trials,
            warnings=list(notes_of(counts)),
        )


def notes_of(counts: Counts) -> Iterator[str]:
    """Say what was lost, dropped or left out on the way."""
    tools = ", ".join(f"{tool} {count:,}" for tool, count in counts.tools.most_common())
    yield f"imported, not run: {tools} replies; the rules alone judged them"
    for what, files in sorted(counts.lost.items()):
        hint = "; --model NAME sets it" if what == "model's name" else ""
        yield f"no {what} in {first_of(sorted(files), 3)}{hint}"
    if counts.again:
        yield f"{counts.again:,} replies stood there twice and count once"
    if counts.several:
        yield f"{len(counts.several):,} problems have several references, of which any is right"


def _theirs(logged: Logged) -> Iterator[Theirs]:
    """Yield the verdicts of the tool's scorers, each once; not ours that an export carried."""
    if not logged.kept:
        yield from {each.name: each for each in logged.theirs}.values()
