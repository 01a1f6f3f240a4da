"""Do `solver judge audit`: measure a judging model on a run's answers or on labelled pairs.

For a run's answers the decisions of the rules are the labels: the audit shows how often the model
agrees with them, and the bounds how much of each arm's accuracy depends on the model.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from judge.audit import AuditReport, audit, read_pairs
from judge.model.probes import Probe, planted
from solver.analysis.arms import stored_rows
from solver.analysis.bounds import Bounds, bounds_of
from solver.config import JudgingConfig
from solver.config_file import check_judging, judging_part
from solver.errors import ConfigError
from solver.problems import load
from solver.run.judging import CACHE, ask_through, connect_judge, policy_of
from solver.run.progress import show_progress
from solver.run.schedule import Endpoint, gate_of
from solver.run.watch import Watch
from solver.store import Store


@dataclass(frozen=True)
class JudgeAudit:
    """The result of an audit."""

    report: AuditReport
    bounds: Sequence[Bounds]
    """The lowest and highest accuracy that each arm could have under any judge; none without a
    run."""


def audit_judge(
    store: Store | None, *, model: str | None, pairs: Path | None, sample: int, seed: int = 0
) -> JudgeAudit:
    """Measure the judge's model: that of the run, or the one called `model`.

    Raises ConfigError where there is no model or no pair, JudgeError where it does not answer.
    """
    content = judging_part(store.manifest()["config"]) if store is not None else {}
    if model is not None:
        content["judge"] = {**content.get("judge", {}), "model": model}
    config = check_judging(content, source="judge audit", typed={"judge": {"model": model}})
    chosen, rows = _pairs(store, pairs), stored_rows(store) if store else []
    if not chosen:
        raise ConfigError(
            "judge audit: no answer of the run was decided by the rules; give --pairs"
        )
    drawn = random.Random(seed).sample(chosen, min(sample, len(chosen)))
    folder = store.folder if store else None
    return JudgeAudit(asyncio.run(_audit(config, drawn, folder)), bounds_of(rows))


def _pairs(store: Store | None, path: Path | None) -> list[Probe]:
    """Return labelled pairs: a file's, a run's, or the starter set's answers, right and altered."""
    if path is not None:
        try:
            return read_pairs(path)
        except (OSError, ValueError) as failure:
            raise ConfigError(f"--pairs: {failure}") from failure
    found: list[Probe] = []
    if store is not None:
        problems = store.problems()
        for row in store.rows():
            rules = row.verdict.rules if row.verdict is not None else ""
            problem = problems[row.problem_id]
            alone = not problem.other_answers  # else nothing says which reference the rules took
            if row.answer is not None and alone and rules in ("equal", "different"):
                asked = problem.question, problem.answer
                found.append(Probe(*asked, row.answer, rules == "equal", problem.domain))
    else:
        for problem in load("starter").problems:
            asked = problem.question, problem.answer
            found.append(Probe(*asked, problem.answer, True, "the reference itself"))
            found += [
                Probe(*asked, slip, False, kind) for kind, slip in planted(problem.answer)[:1]
            ]
    return found


async def _audit(config: JudgingConfig, pairs: Sequence[Probe], folder: Path | None) -> AuditReport:
    """Ask the judge's model about each pair."""
    model = connect_judge(config, [])
    if model is None:
        raise ConfigError("judge audit: no model to audit; name one with --model provider/name")
    watch = Watch(phase="auditing the judge")
    gate = gate_of({}, model, config.patience)
    endpoint = Endpoint(model, config.patience, gate, watch.judge_traffic)
    try:
        async with show_progress(watch):
            return await audit(
                ask_through(endpoint),
                pairs,
                model_name=model.name,
                policy=policy_of(config.judge),
                cache=folder / CACHE if folder else None,
                at_once=gate.limit,
            )
    finally:
        await model.close()
