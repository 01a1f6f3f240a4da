"""The main loop: every problem, in every mode, with every model, for each of the repeats.

Read down: `run` does the trials that the store does not hold yet, `work` does one after the other,
`solve` does one trial.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from judge import JudgeError
from sandbox import SandboxError
from solver.config import Config
from solver.errors import ModelError, Scope, StoreError
from solver.modes import mode_of
from solver.records import Problem, Trial, Turn
from solver.run.build import Parts
from solver.run.judging import grade_undecided
from solver.run.loading import load_first
from solver.run.log import TRIAL
from solver.run.resume import Replay, todo_of
from solver.run.schedule import Endpoint, Stopped, together
from solver.run.sink import Sink
from solver.run.tasks import Todo, tasks_of
from solver.run.watch import Watch
from solver.store import Store

ERRORS_IN_A_ROW = 25
"""After this many trials in a row with an error of ours the run stops: something is down."""

logger = logging.getLogger(__name__)


async def run(
    config: Config, problems: Sequence[Problem], parts: Parts, store: Store, watch: Watch
) -> None:
    """Do every trial that the store does not hold yet.

    Models on one endpoint take turns, so that weights load once; endpoints work side by side.
    Raises ModelError where the run cannot go on, and StoreError where it cannot be stored: what is
    in flight is finished and stored first, unless the run's folder is gone. Raises JudgeError where
    a judge that has waited fails.
    """
    finished, unfinished = store.finished(), store.unfinished()
    watch.begin(parts.share.trials_of_arms(config, problems, parts.cannot), store.ends())

    async def do_trials(endpoint: Endpoint) -> None:
        tasks = tasks_of(config, problems, parts.cannot, only=endpoint.model.name)
        todos = (
            todo_of(task, store, begun=task.key in unfinished)
            for task in finished.lacking(parts.share.of(tasks))
        )

        async def take() -> Todo | None:
            return next(todos, None)  # one iterator for all workers: each takes the next trial

        workers = endpoint.gate.ceiling + parts.programs_at_once
        await together([work(take, endpoint, config, parts, store, watch) for _ in range(workers)])

    async def in_turn(endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            await do_trials(endpoint)

    await together([in_turn(group) for group in parts.endpoint_groups()])
    watch.raise_end()
    if parts.second_judge is not None and not watch.stopping:
        watch.phase = "judging"
        await grade_undecided(parts.second_judge, store)


async def work(
    take: Callable[[], Awaitable[Todo | None]],
    endpoint: Endpoint,
    config: Config,
    parts: Parts,
    sink: Sink,
    watch: Watch,
) -> None:
    """Do one trial after the other, until `take` has no more or the run stops.

    Raises StoreError where nothing can be stored any more.
    """
    while (todo := await take()) is not None:
        await load_first(endpoint, sink, watch)
        if watch.stopping:
            return
        try:
            trial = await solve(todo, endpoint, config, parts, sink, watch)
            sink.add_trial(todo.task.key, trial, judge=parts.judge.id)
        except Stopped:
            return
        except (ModelError, StoreError) as failure:
            if isinstance(failure, StoreError) and failure.gone:
                raise
            watch.end_by(failure)
            return
        note(trial, watch)
        if watch.errors_in_a_row >= ERRORS_IN_A_ROW:
            watch.end_by(ModelError(f"{ERRORS_IN_A_ROW} trials in a row failed: {trial.error}"))


async def solve(
    todo: Todo,
    endpoint: Endpoint,
    config: Config,
    parts: Parts,
    sink: Sink,
    watch: Watch,
) -> Trial:
    """Do one trial, continuing after its stored turns, and store each new turn as it ends.

    A failure of ours is recorded on the trial. Raises ModelError where the run cannot go on,
    StoreError where a turn cannot be stored, and Stopped after Ctrl-C.
    """
    task, stored = todo.task, todo.turns
    TRIAL.set(str(task))
    started, clock = time.time(), time.monotonic()
    turns: list[Turn] = []
    verdict = error = None
    try:
        async with Replay(todo, endpoint, parts, sink, watch) as replay:
            solving = mode_of(task.mode).solve(task.problem, replay.tools(), config, task.seed)
            async for turn in solving:
                if len(turns) >= len(stored):
                    sink.add_turn(task.key, len(turns), turn)
                turns.append(turn)
        last = turns[-1]
        if last.answer is not None and last.failure is None:
            verdict = await parts.judge.judge.grade(
                task.problem.question, task.problem.answer, last.answer
            )
    except ModelError as failure:
        if failure.scope is Scope.RUN:
            raise
        error = f"ModelError: {failure}"
    except (SandboxError, JudgeError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    return Trial(
        problem_id=task.problem.id,
        model=task.model,
        mode=task.mode,
        repeat=task.repeat,
        seed=task.seed,
        turns=tuple(turns),
        verdict=verdict,
        error=error,
        started=started,
        seconds=time.monotonic() - clock,
    )


def note(trial: Trial, watch: Watch) -> None:
    """Log and count a trial that is stored."""
    judged = f", score {trial.verdict.score} by {trial.verdict.by}" if trial.verdict else ""
    logger.info("ended: %s after %d turns%s", trial.outcome, len(trial.turns), judged)
    watch.ended(trial)
