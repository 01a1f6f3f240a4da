"""Do `solver screen-audit`: count the programs that the screen refused in a run, by rule.

The refused programs are run in the sandbox now, which shows how many of them would have printed the
right answer. The stored trials are not changed.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import judge
from judge import Relation
from sandbox import Exit, Limits, Sandbox, open_sandbox
from solver.config import Config, make_config
from solver.modes import stored_mode
from solver.run.schedule import together
from solver.store import FILE, Refused, Store, damage


@dataclass
class RuleAudit:
    """The programs one rule refused."""

    programs: int = 0
    trials: set[str] = field(default_factory=set)
    exits: Counter[Exit] = field(default_factory=Counter)
    """How the programs ended when they were run for the audit."""
    right: int = 0
    """Programs that printed the right answer, by the judge's rules."""
    lost: set[str] = field(default_factory=set)
    """Trials without a right answer although one of their refused programs printed it."""


@dataclass(frozen=True)
class ScreenAudit:
    """The effect of the screen on one run."""

    programs: int
    """Programs written in the run."""
    rules: dict[str, RuleAudit]
    sandbox: str
    """The kind of sandbox the refused programs ran in."""


def audit_screen(store: Store) -> ScreenAudit:
    """Run the programs that the screen refused in a run, and count them by rule.

    Raises SandboxError where there is no sandbox, ConfigError where the run's config is not whole.
    """
    with damage(store.folder / FILE):
        config = make_config(store.manifest()["config"])
    return asyncio.run(run_refused(store, config))


async def run_refused(store: Store, config: Config) -> ScreenAudit:
    """Run the refused programs, as many at a time as the sandbox takes, and count by rule."""
    rules: dict[str, RuleAudit] = defaultdict(RuleAudit)
    rows = {row.key: row for row in store.rows()}
    problems = store.problems()
    limits = Limits(seconds=config.sandbox.seconds, memory_mb=config.sandbox.memory_mb)
    sandbox = await open_sandbox(config.sandbox.kind, limits=limits, owner=store.folder.name)
    waiting = (
        refused
        for refused in store.refused()
        if refused.key in rows and stored_mode(rows[refused.key].mode).audited(refused.turn)
    )

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
    """Run one program; return how it ended and whether it printed the right answer."""
    execution = await sandbox.run(refused.turn.program or "")
    answer = judge.extract_output(execution.stdout).answer
    if execution.exit is not Exit.OK or answer is None:
        return execution.exit, False
    compared = await asyncio.to_thread(judge.compare, reference, answer)
    return execution.exit, compared.relation is Relation.EQUAL
