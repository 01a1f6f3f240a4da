r"""The judge as a reward function: 1.0 for a right completion, 0.0 for any other.

    from solver.reward import reward, code_reward, compute_score

    GRPOTrainer(reward_funcs=reward, ...)          # TRL; or code_reward, or both with weights
    python -m verl.trainer.main_ppo ... custom_reward_function.path=/path/to/solver/reward.py \
        custom_reward_function.name=compute_score                                         # verl

An answer is read and judged as in a run. `judge.extract_answer` reads it from words; a program is
screened and run in the sandbox, and `judge.extract_output` reads its output. Only the rules judge.
An answer that they cannot decide gets 0.0, and so does a completion without text. A failure on our
side raises SandboxError or JudgeError; it never becomes a reward. (None would not be safe: where
this is the only reward function, TRL counts None as 0.)

The rules' worker processes and the sandbox start at the first call and are shared by all threads;
a forked process starts its own. They end with the process, or with `close`. A model as judge and
partial credit are not supported.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

from judge import Policy, extract_answer, extract_output
from judge.grade import Judge
from judge.workers.pool import Pool
from sandbox import Exit, Level, Limits, Sandbox, open_sandbox, screen
from solver.extract import extract_program

T = TypeVar("T")

Completion = str | Sequence[dict[str, Any]]
"""A text, or the messages of a conversation."""
Reward = float | None

COLUMNS = ("answer", "reference", "ground_truth", "solution")
"""Columns that may hold the references; the first that is present is used."""


def reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[Reward]:
    """Return 1.0 for each completion whose text gives the reference as its answer. For TRL.

    The references are in one of COLUMNS: answers, or solutions that box or declare an answer. Where
    the reference is None, so is the reward: "not applicable". Raises JudgeError.
    """
    return _rewards(completions, columns, _answer_in_words)


def code_reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[Reward]:
    """Return 1.0 for each completion whose last program prints the reference. For TRL.

    References are given as to `reward`. Programs run in `sandbox.open_sandbox("auto")`, many at a
    time, each for 10 s at most (30 s on a busy machine, see `code_reward_within`), unless the
    screen refuses them. Raises SandboxError, JudgeError.
    """
    return _rewards(completions, columns, partial(_answer_of_program, Limits()))


def code_reward_within(
    seconds: float, wall_seconds: float | None = None
) -> Callable[..., list[Reward]]:
    """Return a `code_reward` that gives each program so many seconds.

    Time in which a busy machine keeps a program waiting is added, up to `wall_seconds` in all; None
    means three times `seconds`. With W workers, N programs that hang hold a call for at most
    ceil(N / W) × `wall_seconds`. Raises ValueError for a limit that is not above 0.
    """
    limits = Limits(seconds=seconds, wall_seconds=wall_seconds)

    def code_reward(
        prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
    ) -> list[Reward]:
        """Return 1.0 for each completion whose last program prints the reference. For TRL."""
        return _rewards(completions, columns, partial(_answer_of_program, limits))

    return code_reward


def compute_score(
    data_source: Any,
    solution_str: Completion,
    ground_truth: Any,
    extra_info: Any = None,
    **options: Any,
) -> float:
    """Return 1.0 where the text gives the ground truth as its answer. For verl.

    Raises JudgeError.
    """
    [score] = _rewards([solution_str], {"ground_truth": [ground_truth]}, _answer_in_words)
    return score or 0.0


def close() -> None:
    """End the worker processes and the sandbox of this process; the next call starts new ones."""
    global _opened
    with _lock:
        opened, _opened = _opened, None
    if opened is not None:
        opened.close()


# --- one batch ---------------------------------------------------------------------------------

Finds = Callable[["Opened", str], Awaitable[str | None]]
"""Finds the answer of a completion, or None where it gives none."""


def _rewards(
    completions: Sequence[Completion], columns: dict[str, Any], find: Finds
) -> list[Reward]:
    """Score the completions of a batch at the same time."""
    references = _references(columns, len(completions))
    opened = _open()

    async def score(completion: Completion, reference: str | None) -> Reward:
        if reference is None:
            return None
        text = _text(completion)
        answer = None if text is None else await find(opened, text)
        if answer is None:
            return 0.0
        return float((await opened.judge.grade("", reference, answer)).correct)

    async def score_all() -> list[Reward]:
        return await asyncio.gather(*map(score, completions, references))

    return opened.wait(score_all())


def _references(columns: dict[str, Any], wanted: int) -> list[str | None]:
    """Return one reference for each completion. Raises TypeError where no column holds them."""
    name = next((name for name in COLUMNS if columns.get(name) is not None), None)
    if name is None:
        raise TypeError(f"no reference answers: name a column of the data {', '.join(COLUMNS)}")
    values = columns[name]
    if isinstance(values, str) or len(values) != wanted:
        raise TypeError(f"{name}: should be a list of {wanted} references, one a completion")
    return [None if value is None else _reference(str(value)) for value in values]


def _reference(text: str) -> str:
    """Return the answer that a solution boxes or declares; a text without one is the answer."""
    found = extract_answer(text)
    declared = found.rule in ("boxed", "boxes", "declared")
    return found.answer if declared and found.answer is not None else text


def _text(completion: Any) -> str | None:
    """Return a completion's text; for a conversation, its last reply. None where there is none."""
    if isinstance(completion, list | tuple):
        messages = [one for one in completion if isinstance(one, dict)]
        said = [one.get("content") for one in messages if one.get("role") == "assistant"]
        completion = said[-1] if said else None
        if isinstance(completion, list):
            parts = [part.get("text") for part in completion if isinstance(part, dict)]
            completion = "".join(part for part in parts if isinstance(part, str))
    return completion if isinstance(completion, str) else None


async def _answer_in_words(opened: "Opened", text: str) -> str | None:
    """Return the answer that a text states."""
    return extract_answer(text).answer


async def _answer_of_program(limits: Limits, opened: "Opened", text: str) -> str | None:
    """Return the answer that the last program in a text prints, if the screen lets it run."""
    program = extract_program(text)
    if program is None or any(found.level is Level.REFUSE for found in screen(program)):
        return None
    execution = await (await opened.sandbox(limits)).run(program)
    return extract_output(execution.stdout).answer if execution.exit is Exit.OK else None


# --- what is opened ----------------------------------------------------------------------------


@dataclass
class Opened:
    """The judge and the sandbox of one process, on an event loop in a thread of its own."""

    pool: Pool
    judge: Judge
    loop: asyncio.AbstractEventLoop
    _opening: dict[Limits, asyncio.Task[Sandbox]] = field(default_factory=dict, init=False)

    async def sandbox(self, limits: Limits) -> Sandbox:
        """Return the sandbox of these limits, opened once; if that failed, try again."""
        opening = self._opening.get(limits)
        if opening is None or (opening.done() and opening.exception()):
            opening = asyncio.ensure_future(open_sandbox("auto", limits=limits, owner="reward"))
            self._opening[limits] = opening
        return await asyncio.shield(opening)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for it, from any other thread."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # after Ctrl-C the rest of the batch need not run
            raise

    def close(self) -> None:
        """End the sandboxes, the workers and the loop."""
        self.wait(self._close_sandboxes())
        self.end()

    def end(self) -> None:
        """End the workers and the loop; the sandboxes end by themselves with this process."""
        self.pool.close()
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _close_sandboxes(self) -> None:
        """Close the sandboxes that were opened."""
        for opening in self._opening.values():
            if opening.done() and not opening.exception():
                await opening.result().close()


_lock = threading.Lock()
_opened: Opened | None = None
_inherited: list[Opened | None] = []
"""What the parent of a forked process had open, kept so that it is not destroyed in the child."""


def _open() -> Opened:
    """Return the judge and sandbox of this process; open them at the first call."""
    global _opened
    with _lock:
        if _opened is None:
            _watch_this_process()
            pool = Pool(max(1, min(4, (os.cpu_count() or 1) // 2)))
            judge = Judge(
                pool=pool, model=None, preset="rules-then-model", policy=Policy(), threshold=4
            )
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="reward", daemon=True).start()
            _opened = Opened(pool, judge, loop)
        return _opened


@cache
def _watch_this_process() -> None:
    """Close everything when this process ends, and start with nothing open in a forked one."""
    atexit.register(_ended)
    os.register_at_fork(after_in_child=_forked)


def _ended() -> None:
    """End what is open, as the process ends."""
    if _opened is not None:
        _opened.end()


def _forked() -> None:
    """Start with nothing open in a forked process."""
    global _lock, _opened
    _inherited.append(_opened)
    _lock, _opened = (
        threading.Lock(),
        None,
    )  # a thread left in the parent may hold the old lock
