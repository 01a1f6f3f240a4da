"""What the safety screen refused in a run, by rule, and what would have become of it.

The refused programs run afterwards in the sealed sandbox, so the price of the screen is a number:
programs that would have given the right answer. The trials themselves are not changed.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import judge
from judge import Relation
from sandbox import Exit, Limits, Sandbox, open_sandbox
from solver.config import Config, make_config
from solver.run.schedule import together
from solver.store import Refused, Store


@dataclass
class RuleAudit:
    """The programs one rule refused."""

    programs: int = 0
    trials: set[str] = field(default_factory=set)
    exits: Counter[Exit] = field(default_factory=Counter)
    """How they ended when they ran after all."""
    right: int = 0
    """Of those, how many printed the right answer, by the judge's rules."""
    lost: set[str] = field(default_factory=set)
    """Trials that ended without a right answer although a refused program of theirs had it."""


@dataclass(frozen=True)
class ScreenAudit:
    """The screen's account for one run."""

    programs: int
    """Programs written in the run."""
    rules: dict[str, RuleAudit]
    sandbox: str
    """The kind of sandbox the refused programs ran in."""


def audit_screen(store: Store) -> ScreenAudit:
    """Run every refused program, and count by rule.

    Raises SandboxError where no sandbox is to be had.
    """
    config = make_config(store.manifest()["config"])
    return asyncio.run(_audit(store, config))


async def _audit(store: Store, config: Config) -> ScreenAudit:
    rules: dict[str, RuleAudit] = defaultdict(RuleAudit)
    rows = {row.key: row for row in store.rows()}
    problems = store.problems()
    limits = Limits(seconds=config.sandbox.seconds, memory_mb=config.sandbox.memory_mb)
    sandbox = await open_sandbox(config.sandbox.kind, limits=limits, owner=store.folder.name)
    waiting = (refused for refused in store.refused() if refused.key in rows)

    async def worker() -> None:
        for refused in waiting:
            row = rows[refused.key]
            reference = problems[row.problem_id].answer
            exit_, right = await _run(refused, reference, sandbox)
            audit = rules[refused.rule]
            audit.programs += 1
            audit.trials.add(refused.key)
            audit.exits[exit_] += 1
            audit.right += right
            if right and not row.correct:
                audit.lost.add(refused.key)

    try:
        await together([worker() for _ in range(sandbox.workers)])
    finally:
        await sandbox.close()
    written = sum(row.programs for row in rows.values())
    return ScreenAudit(programs=written, rules=dict(rules), sandbox=sandbox.kind)


async def _run(refused: Refused, reference: str, sandbox: Sandbox) -> tuple[Exit, bool]:
    execution = await sandbox.run(refused.program)
    answer = judge.extract_output(execution.stdout).answer
    if execution.exit is not Exit.OK or answer is None:
        return execution.exit, False
    compared = await asyncio.to_thread(judge.compare, reference, answer)
    return execution.exit, compared.relation is Relation.EQUAL
