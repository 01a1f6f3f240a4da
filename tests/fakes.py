"""Small real stand-ins for the sandbox and the judge, and a run assembled from them."""

import re
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from judge import JudgeError, Verdict
from sandbox import Execution, Exit, SandboxError
from sandbox.screen import screen
from solver.config_file import check_config
from solver.errors import ModelError
from solver.models.scripted import Scripted
from solver.records import Problem, Turn
from solver.run.build import Parts
from solver.run.judging import Judging
from solver.run.loop import run
from solver.run.schedule import Endpoint, Gate
from solver.run.watch import Watch
from solver.store import Row, Store


def example(path: str) -> str:
    """The file that CONTRIBUTING.md shows under this path."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
    return text.partition(f"```python\n# {path}\n")[2].partition("\n```\n")[0] + "\n"


def program(text: str) -> str:
    """A reply that holds this program."""
    return f"```python\n{text}\n```"


class EchoSandbox:
    """Runs nothing: `print(x)` gives x, and a first line `# exit: crashed` another end.

    Further lines `# stderr: text` are what it says then. A session knows what `x = 1` means when
    a later program prints x.
    """

    kind = "echo"
    workers = 2

    def __init__(self, *, broken: int = 0) -> None:
        self.ran: deque[str] = deque(maxlen=100)
        self.sessions: list[EchoSession] = []
        self._broken = broken

    async def run(self, program: str) -> Execution:
        self.ran.append(program)
        if self._broken:
            self._broken -= 1
            raise SandboxError("the engine is away")
        return _echo(program, {})

    @asynccontextmanager
    async def session(self):
        self.sessions.append(EchoSession())
        yield self.sessions[-1]
        self.sessions[-1].closed = True

    async def describe(self) -> dict:
        return {"kind": self.kind}

    async def close(self) -> None:
        pass


class EchoSession:
    """Keeps the names that its programs give; one that runs out of time loses them all."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.restarts = 0
        self.closed = False
        self._names: dict[str, str] = {}

    async def run(self, program: str) -> Execution:
        self.ran.append(program)
        execution = _echo(program, self._names)
        self._names |= re.findall(r"^(\w+) = (\w+)$", program, re.MULTILINE)
        if execution.exit is Exit.TIMEOUT:
            self.restarts += 1
            self._names.clear()
        return execution


def _echo(program: str, names: dict[str, str]) -> Execution:
    printed = re.findall(r"print\(([^()]*)\)", program)
    said = "".join(f"{names.get(text, text)}\n" for text in printed)
    wanted = re.search(r"^# exit: (\w+)", program)
    exit_ = Exit(wanted.group(1)) if wanted else Exit.OK
    lines = re.findall(r"^# stderr: (.*)", program, re.MULTILINE)
    stderr = "" if exit_ is Exit.OK else "\n".join(lines) or f"it ended: {exit_}"
    return Execution(exit_, said, stderr, 0.01, 0.01, 10.0, False)


class ExactJudge:
    """Right is what reads the same; `maybe` cannot be decided."""

    def __init__(self, *, broken: int = 0) -> None:
        self.asked: deque[tuple[str, str]] = deque(maxlen=100)
        self._broken = broken

    async def grade(self, question: str, reference: str, answer: str) -> Verdict:
        self.asked.append((reference, answer))
        if self._broken:
            self._broken -= 1
            raise JudgeError("the judge is away")
        if answer == "maybe":
            return Verdict(None, "none", "undecided", "undecided", rules="undecided")
        same = reference == answer
        relation = "equal" if same else "different"
        return Verdict(5 if same else 1, "rules", "compared", relation, rules=relation)


class Mortal(Scripted):
    """Answers so many requests, and no more."""

    def __init__(self, *, requests: int, **script) -> None:
        super().__init__(**script)
        self._left = requests

    async def generate(self, *args, **kwargs):
        self._live()
        return await super().generate(*args, **kwargs)

    async def extend(self, *args, **kwargs):
        self._live()
        return await super().extend(*args, **kwargs)

    def _live(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ModelError("the model is gone", status=503, retryable=True)


PROBLEMS = tuple(
    Problem(id=f"p{n}", question=f"What is {n} plus 0?", answer=str(n), domain=domain, level=n)
    for n, domain in ((1, "algebra"), (2, "algebra"), (3, "geometry"))
)


def config_of(**content):
    """A config for a scripted model."""
    return check_config(
        {"model": "scripted/test", "providers": {"scripted": {"replies": ["x"]}}, **content},
        source="test",
    )


def parts_of(config, model, *, sandbox=None, judge=None, second_judge=None, watch=None) -> Parts:
    """Parts of fakes around one scripted model."""
    watch = watch or Watch()
    return Parts(
        endpoints=[Endpoint(model, config.patience, Gate(model.parallel), watch.traffic)],
        sandbox=sandbox or EchoSandbox(),
        screen=screen,
        judge=Judging(judge or ExactJudge(), {"name": "exact"}),
        second_judge=Judging(second_judge, {"name": "second"}) if second_judge else None,
    )


async def run_of(
    folder, replies, *, problems=PROBLEMS, scripts=(), watch=None, config=None, history=None,
    model=None, **fakes,
):  # fmt: skip
    """Run all problems once; returns the open store. The folder may hold an earlier run."""
    config = config or config_of()
    watch = watch or Watch()
    model = model or Scripted(replies=replies, scripts=scripts, history=history)
    store = Store.create_or_open(folder)
    store.add_problems(problems)
    await run(config, problems, parts_of(config, model, watch=watch, **fakes), store, watch)
    return store


@asynccontextmanager
async def finished_run(*args, **kwargs):
    """`run_of`, its store closed at the end."""
    store = await run_of(*args, **kwargs)
    try:
        yield store
    finally:
        store.close()


@dataclass(frozen=True)
class Told:
    """One trial, and what was asked and run for it."""

    row: Row
    turns: tuple[Turn, ...]
    history: list
    """The chat and the seed of each request that was answered."""
    sandbox: EchoSandbox


async def told(folder, replies, *, scripts=(), requests=None, problem=PROBLEMS[0], **content):
    """One problem solved; tells of the last mode. The model may answer so many `requests` alone.

    The folder may hold an earlier run. `content` is the config's.
    """
    history = []
    sandbox = EchoSandbox()
    said = {"replies": replies, "scripts": scripts, "history": history}
    model = Scripted(**said) if requests is None else Mortal(requests=requests, **said)
    config = config_of(patience={"attempts": 1}, **content)
    async with finished_run(
        folder, replies, problems=[problem], config=config, model=model, sandbox=sandbox
    ) as store:
        (row,) = (row for row in store.rows() if row.mode == config.modes[-1])
        return Told(row, store.turns(row.key), history, sandbox)
