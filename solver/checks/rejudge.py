"""Judge a run's stored answers again, with another judge or convention. No reply is requested."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solver.config import Config
from solver.config_file import check_config
from solver.records import Outcome, Problem
from solver.run.judging import Judging, build_judge
from solver.run.progress import show_progress
from solver.run.schedule import together
from solver.run.watch import Watch
from solver.store import Row, Store


@dataclass(frozen=True)
class Change:
    """The result of judging again."""

    judged: int
    moved: Counter[tuple[Outcome, Outcome]]
    """Trials whose outcome changed, by (before, after)."""


def rejudge(store: Store, overrides: Mapping[str, Any]) -> Change:
    """Add a new verdict to each stored answer; the earlier verdicts stay.

    `overrides` are keys of the config's `judge` section; the manifest then names the new judge.
    Raises ConfigError for a mistake in them, JudgeError where the judge's model does not answer.
    """
    manifest = store.manifest()
    content = dict(manifest["config"])
    content["judge"] = {**content["judge"], **overrides}
    config = check_config(content, source=f"{store.folder} (judge)")
    return asyncio.run(_rejudge(store, config))


async def _rejudge(store: Store, config: Config) -> Change:
    """Grade the answers, many at a time, and record the judge in the manifest."""
    watch = Watch(phase="judging")
    problems = store.problems()
    rows = [
        row
        for row in store.rows()
        if row.error is None and row.failure is None and row.answer is not None
    ]
    watch.total = len(rows)
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
    judge = config.model_dump(mode="json")["judge"]
    manifest = store.manifest()
    store.write_manifest(
        judge=facts,
        config={**manifest["config"], "judge": judge},
        identity={**manifest["identity"], "judge": judge},
    )
    return Change(judged=len(rows), moved=moved)


async def _grade(row: Row, problem: Problem, judging: Judging, store: Store) -> Outcome:
    """Store a new verdict on one answer, and return the outcome."""
    verdict = await judging.judge.grade(problem.question, problem.answer, row.answer or "")
    store.add_verdict(row.key, verdict, judge=judging.id)
    if not verdict.valid:
        return Outcome.JUDGE_INVALID
    return Outcome.CORRECT if verdict.correct else Outcome.WRONG
