"""Judge a run's stored answers again, with another judge or convention. No reply is requested."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judge import Verdict
from solver.config import DEFAULT_JUDGE, JudgingConfig
from solver.config_file import check_judging, judging_part
from solver.errors import ConfigError
from solver.records import Outcome, Problem, outcome_of
from solver.run.judging import Judging, build_judge
from solver.run.progress import show_progress
from solver.run.schedule import together
from solver.run.watch import Watch
from solver.store import Row, Store, judge_id


@dataclass(frozen=True)
class Change:
    """The result of judging again."""

    judged: int
    moved: Counter[tuple[Outcome, Outcome]]
    """Trials whose outcome changed, by (before, after)."""


def rejudge(store: Store, overrides: Mapping[str, Any]) -> Change:
    """Add a new verdict to each stored answer; the earlier verdicts stay.

    `overrides` are keys of the config's `judge` section; the manifest then names the new judge, and
    keeps the first one. Raises ConfigError for a mistake in them, JudgeError where the judge's
    model does not answer.
    """
    stored = store.manifest().get("config", {}).get("judge")
    if not isinstance(stored, dict):
        raise ConfigError(f"{store.folder}: nothing to judge: its config is not stored")
    config = _config(store, stored, overrides)
    return asyncio.run(_rejudge(store, config, _answered(store)))


def rejudge_as_first(store: Store) -> Change:
    """Let the verdicts of the run's first judge count again.

    Answers that it has not judged are judged with its settings. Raises as `rejudge` does.
    """
    first = store.manifest().get("first_judge")
    if first is None:
        raise ConfigError(f"{store.folder}: it has not been judged again since it ran")
    answered = _answered(store)
    first_id = judge_id(first["facts"])
    moved: Counter[tuple[Outcome, Outcome]] = Counter()
    unjudged = []
    for row in answered:
        verdicts = [verdict for judge, verdict in store.verdicts(row.key) if judge == first_id]
        if not verdicts:
            unjudged.append(row)
            continue
        store.add_verdict(row.key, verdicts[-1], judge=first_id)
        moved[row.outcome, _outcome(verdicts[-1])] += 1
    if unjudged:
        rest = asyncio.run(_rejudge(store, _config(store, first["config"]), unjudged))
        moved += rest.moved
    _name_judge(store, first["facts"], first["config"])
    changed = Counter({move: count for move, count in moved.items() if move[0] is not move[1]})
    return Change(judged=len(answered), moved=changed)


def _config(
    store: Store, stored: Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> JudgingConfig:
    """Return what judging needs of the run's config, with a stored `judge` section and overrides.

    A stored config names the default judge where nobody asked for one. It is left out, so that
    without its key the rules decide alone, as when the run was made.
    """
    unasked = ("model", DEFAULT_JUDGE)
    judge = {key: value for key, value in stored.items() if (key, value) != unasked}
    content = judging_part(store.manifest()["config"])
    content["judge"] = {**judge, **(overrides or {})}
    typed = {"judge": overrides or {}}
    return check_judging(content, source=f"{store.folder} (judge)", typed=typed)


def _answered(store: Store) -> list[Row]:
    return [
        row
        for row in store.rows()
        if row.error is None and row.failure is None and row.answer is not None
    ]


async def _rejudge(store: Store, config: JudgingConfig, rows: Sequence[Row]) -> Change:
    """Grade the answers, many at a time, and record the judge in the manifest."""
    watch = Watch(phase="judging", total=len(rows))
    problems = store.problems()
    moved: Counter[tuple[Outcome, Outcome]] = Counter()
    async with (
        build_judge(config, cache=store.folder, watch=watch) as judging,
        show_progress(watch),
    ):
        waiting = iter(rows)

        async def worker() -> None:
            for row in waiting:
                after = await _grade(row, problems[row.problem_id], judging, store)
                watch.outcomes[after] += 1
                if row.outcome is not after:
                    moved[row.outcome, after] += 1

        await together([worker() for _ in range(64)])
        facts = judging.facts
    _name_judge(store, facts, config.model_dump(mode="json")["judge"])
    return Change(judged=len(rows), moved=moved)


def _name_judge(store: Store, facts: Mapping[str, Any], judge: Mapping[str, Any]) -> None:
    """Record who judged last, and keep who judged first."""
    manifest = store.manifest()
    first = {"facts": manifest["judge"], "config": manifest["config"]["judge"]}
    store.write_manifest(
        judge=facts,
        config={**manifest["config"], "judge": judge},
        identity={**manifest["identity"], "judge": judge},
        first_judge=manifest.get("first_judge", first),
    )


async def _grade(row: Row, problem: Problem, judging: Judging, store: Store) -> Outcome:
    """Store a new verdict on one answer, and return the outcome."""
    verdict = await judging.judge.grade_any(problem.question, problem.references, row.answer or "")
    store.add_verdict(row.key, verdict, judge=judging.id)
    return _outcome(verdict)


def _outcome(verdict: Verdict) -> Outcome:
    correct = verdict.correct if verdict.valid else None
    return outcome_of(error=False, failure=None, correct=correct)
