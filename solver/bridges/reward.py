r"""The judge and the sandbox as reward functions: 1.0 for a right completion, 0.0 for a wrong one.

    from solver.reward import reward, code_reward, compute_score, compute_code_score, reward_func

    GRPOTrainer(reward_funcs=reward, ...)            # TRL; or code_reward, or both with weights
    reward.custom_reward_function.path=pkg://solver.reward    reward.custom_reward_function.name=\
        compute_score                                # verl; or compute_code_score
    --reward.remote_url /path/to/solver/reward.py    # OpenRLHF calls reward_func
    compute_score("", trace.last_reply, answer)      # verifiers, in a function under @vf.reward

An answer is read and judged as in a run. `judge.extract_answer` reads it from words, without the
thoughts of a reasoning model; a program is screened and run in the sandbox, and
`judge.extract_output` reads its output. Only the rules judge. A list of references means that any
of them is right. An answer that the rules cannot decide gets None where the trainer takes it (TRL
leaves such a row out of its group's advantage), else 0.0. A completion without text gets 0.0. A
failure on our side raises SandboxError or JudgeError; it never becomes a reward.

`configure` sets the kind of sandbox, the seconds of a program and the workers. The rules' worker
processes and the sandbox start at the first call and are shared by all threads; a forked process
starts its own. They end with the process, or with `close`, and a call that this cuts short raises
Closed, which is both of these errors. A model as judge and partial credit are not supported.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from judge import JudgeError, Policy, extract_answer, extract_output
from judge.grade import Judge
from judge.workers.pool import Pool
from sandbox import Exit, Level, Limits, Sandbox, SandboxClosed, SandboxError, open_sandbox, screen
from solver.bridges.reward_columns import Completion, after, begun, references, text_of
from solver.extract import extract_program

T = TypeVar("T")

Reward = float | None


def reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[Reward]:
    """Return 1.0 for each completion whose text gives the reference as its answer. For TRL.

    The references are in COLUMNS: answers, solutions that box or declare an answer, or lists of
    either. The reward is None, "not applicable", where no column has a reference for the row, and
    where the rules cannot decide. Raises JudgeError.
    """
    return _rewards(begun(prompts, completions), columns, _answer_in_words)


def code_reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[Reward]:
    """Return 1.0 for each completion whose last program prints the reference. For TRL.

    References are given as to `reward`. Programs run in the sandbox, many at a time, with the time
    that `configure` sets, unless the screen refuses them. Raises SandboxError, JudgeError.
    """
    return _rewards(begun(prompts, completions), columns, _answer_of_program)


def compute_score(
    data_source: Any,
    solution_str: Completion,
    ground_truth: Any,
    extra_info: Any = None,
    **options: Any,
) -> float:
    """Return 1.0 where the text gives the ground truth as its answer. For verl.

    An answer that cannot be decided gets 0.0, since verl takes numbers alone. `options` are those
    of `configure`. Raises JudgeError.
    """
    return _one(solution_str, ground_truth, _answer_in_words, options)


def compute_code_score(
    data_source: Any,
    solution_str: Completion,
    ground_truth: Any,
    extra_info: Any = None,
    **options: Any,
) -> float:
    """Return 1.0 where the text's last program prints the ground truth. For verl.

    Else as `compute_score`. Raises SandboxError, JudgeError.
    """
    return _one(solution_str, ground_truth, _answer_of_program, options)


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
) -> dict[str, Any]:
    """Return the rewards of texts that begin with their prompts. For OpenRLHF.

    A prompt is cut off first: an answer that stands in it, as in a worked example, earns nothing.
    Undecided is 0.0. Raises JudgeError, and ValueError for a text that does not hold its prompt.
    """
    import torch  # the trainer has it

    found = _of_queries(queries, prompts, labels)
    scores = torch.tensor([each or 0.0 for each in found])
    undecided = torch.tensor([float(each is None) for each in found])
    return {
        "rewards": scores,
        "scores": scores,
        "extra_logs": {"correct": scores, "undecided": undecided},
    }


@dataclass(frozen=True)
class Options:
    """How programs are run and answers judged."""

    sandbox: str = "auto"
    """`auto`, `docker`, `docker-strict`, `native` or `reduced`."""
    seconds: float = 10.0
    """Time of one program, without that in which a busy machine keeps it waiting."""
    wall_seconds: float | None = None
    """Wall time of one program, waiting included; None is three times `seconds`. With W workers, N
    programs that never end hold a batch up for at most ceil(N / W) times this long."""
    workers: int | None = None
    """Programs at the same time; None chooses by cores and memory."""
    judge_workers: int = max(1, min(4, (os.cpu_count() or 1) // 2))
    """Processes that compare answers."""

    @property
    def limits(self) -> Limits:
        """Return what one program may use. Raises ValueError for a time that is not above 0."""
        return Limits(seconds=self.seconds, wall_seconds=self.wall_seconds)


def configure(**options: Any) -> None:
    """Set the options of this process, by their names in `Options`; others get their defaults.

    What is open with other options is closed, once the calls that use it are done. Raises TypeError
    for an unknown name, ValueError for a time that is not above 0.
    """
    global _options
    chosen = _checked(options)
    with _lock:
        _options = chosen
    _close_unused()


def close() -> None:
    """End the worker processes and the sandbox of this process; the next call starts new ones.

    Calls that other threads wait for raise Closed at once.
    """
    for opened in _taken(lambda opened: True):
        opened.close()


class Closed(SandboxError, JudgeError):
    """There is no reward, since `close` was called meanwhile or the process is ending."""

    def __init__(
        self, message: str = "no reward: `close` was called meanwhile, or the process is ending"
    ) -> None:
        super().__init__(message)


# --- one batch ---------------------------------------------------------------------------------

Finds = Callable[["Opened", str], Awaitable[str | None]]
"""Finds the answer of a completion, or None where it gives none."""


def _one(text: Completion, truth: Any, find: Finds, options: dict[str, Any]) -> float:
    """Return the reward of one text; set the options first, if there are any."""
    chosen = _checked(options) if options else None
    [score] = _rewards([text], {"ground_truth": [truth]}, find, chosen)
    return score or 0.0


def _rewards(
    completions: Sequence[Completion],
    columns: dict[str, Any],
    find: Finds,
    chosen: Options | None = None,
) -> list[Reward]:
    """Score the completions of a batch at the same time."""
    accepted_by_row = references(columns, len(completions))

    async def score(opened: Opened, completion: Completion, accepted: tuple[str, ...]) -> Reward:
        if not accepted:
            return None
        text = text_of(completion)
        answer = None if text is None else await find(opened, text)
        if answer is None:
            return 0.0
        verdict = await opened.judge.grade_any("", accepted, answer)
        return float(verdict.correct) if verdict.valid else None

    async def score_all(opened: Opened) -> list[Reward]:
        rows = zip(completions, accepted_by_row, strict=True)
        return await asyncio.gather(*(score(opened, *row) for row in rows))

    return _do(score_all, chosen)


def _of_queries(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
) -> list[Reward]:
    """Return the reward of what follows the prompt in each text."""
    said = [after(query, prompt) for query, prompt in zip(queries, prompts, strict=True)]
    return _rewards(begun(prompts, said), {"answer": list(labels)}, _answer_in_words)


async def _answer_in_words(opened: "Opened", text: str) -> str | None:
    """Return the answer that a text states."""
    return extract_answer(text).answer


async def _answer_of_program(opened: "Opened", text: str) -> str | None:
    """Return the answer that the last program in a text prints, if the screen lets it run."""
    program = extract_program(text)
    if program is None or any(found.level is Level.REFUSE for found in screen(program)):
        return None
    execution = await (await opened.sandbox()).run(program)
    return extract_output(execution.stdout).answer if execution.exit is Exit.OK else None


# --- what is opened ----------------------------------------------------------------------------


@dataclass
class Opened:
    """The judge and the sandbox of one process, on an event loop in a thread of its own."""

    pool: Pool
    judge: Judge
    loop: asyncio.AbstractEventLoop
    options: Options
    calls: set[Future[Any]] = field(default_factory=set, init=False)
    """What threads wait for."""
    _opening: asyncio.Task[Sandbox] | None = field(default=None, init=False)

    async def sandbox(self) -> Sandbox:
        """Return the sandbox, opened once; if that failed, try again."""
        opening = self._opening
        if opening is None or (opening.done() and opening.exception()):
            chosen = self.options
            opened = open_sandbox(
                chosen.sandbox, limits=chosen.limits, workers=chosen.workers, owner="reward"
            )
            opening = self._opening = asyncio.ensure_future(opened)
        return await asyncio.shield(opening)

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start `work` on the loop. The caller holds the lock, so that nothing closes meanwhile."""
        call = asyncio.run_coroutine_threadsafe(work, self.loop)
        self.calls.add(call)
        return call

    def close(self) -> None:
        """End the calls, the sandbox, the workers and the loop. Nothing may be started any more."""
        self._cancel_calls()
        asyncio.run_coroutine_threadsafe(self._close_sandbox(), self.loop).result()
        self.end()

    def end(self) -> None:
        """End the calls, the workers and the loop; the sandbox ends by itself with this process."""
        self._cancel_calls()
        self.pool.close()
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _cancel_calls(self) -> None:
        """End what threads wait for: nothing would ever come from a loop that has stopped."""
        for call in tuple(self.calls):
            call.cancel()

    async def _close_sandbox(self) -> None:
        """Close the sandbox, open or half open, and wait for the end of what was cancelled."""
        opening = self._opening
        if opening is not None:
            opening.cancel()  # does nothing if it is open; else this closes what is half open
            await asyncio.wait([opening])
            if not opening.cancelled() and not opening.exception():
                await opening.result().close()
        cancelled = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*cancelled, return_exceptions=True)


_lock = threading.Lock()
"""Held to change what follows and to start a call, never while anything is waited for."""
_options = Options()
_opened: dict[Options, Opened] = {}
"""What is open: with the current options, and with others for the calls that still use it."""
_inherited: list[dict[Options, Opened]] = []
"""What the parent of a forked process had open, kept so that it is not destroyed in the child."""


def _checked(options: dict[str, Any]) -> Options:
    """Return options by their names. Raises TypeError, ValueError."""
    chosen = Options(**options)
    _ = chosen.limits  # a mistake is the caller's, not that of the first program
    return chosen


def _do(work: Callable[[Opened], Coroutine[Any, Any, T]], chosen: Options | None) -> T:
    """Do `work` with what is open for the chosen options, and wait for it. Raises Closed."""
    global _options
    with _lock:
        _options = chosen or _options
        opened = _open()
        call = opened.start(work(opened))
    try:
        _close_unused()
        return call.result()
    except (CancelledError, SandboxClosed):
        raise Closed from None
    except RuntimeError as error:
        if "cannot schedule new futures" in str(error):  # so thread pools say while Python ends
            raise Closed from error
        raise
    finally:
        call.cancel()  # after Ctrl-C the rest of the batch need not run
        with _lock:
            opened.calls.discard(call)
        _close_unused()


def _open() -> Opened:
    """Return the judge and sandbox of the current options; open them at the first call."""
    if not threading.main_thread().is_alive():
        raise Closed
    if _options not in _opened:
        _watch_this_process()
        pool = Pool(_options.judge_workers)
        judge = Judge(
            pool=pool, model=None, preset="rules-then-model", policy=Policy(), threshold=4
        )
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="reward", daemon=True).start()
        _opened[_options] = Opened(pool, judge, loop, _options)
    return _opened[_options]


def _close_unused() -> None:
    """Close what is open with other options than the current ones and serves no call."""
    for opened in _taken(lambda opened: opened.options != _options and not opened.calls):
        opened.close()


def _taken(unwanted: Callable[[Opened], bool]) -> list[Opened]:
    """Return what is unwanted, to be closed by the caller alone: no other can find it any more."""
    with _lock:
        found = [opened for opened in _opened.values() if unwanted(opened)]
        for opened in found:
            del _opened[opened.options]
    return found


@cache
def _watch_this_process() -> None:
    """Close everything when this process ends, and start with nothing open in a forked one."""
    atexit.register(_ended)
    os.register_at_fork(after_in_child=_forked)


def _ended() -> None:
    """End what is open, as the process ends."""
    for opened in _taken(lambda opened: True):
        opened.end()


def _forked() -> None:
    """Start with nothing open in a forked process."""
    global _lock, _opened
    for opened in _opened.values():
        opened.pool.let_go()
    _inherited.append(_opened)
    _lock, _opened = threading.Lock(), {}  # a thread left in the parent may hold the old lock
