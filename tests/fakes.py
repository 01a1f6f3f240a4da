"""Small real stand-ins for the sandbox and the judge, and a run assembled from them."""

import re
from collections import deque
from contextlib import asynccontextmanager

from judge import JudgeError, Verdict
from sandbox import Execution, Exit, SandboxError
from sandbox.screen import screen
from solver.build import Judging, Parts
from solver.config import check_config
from solver.models.scripted import Scripted
from solver.records import Problem
from solver.run import run
from solver.schedule import Endpoint, Gate
from solver.store import Store
from solver.watch import Watch


def program(text: str) -> str:
    """A reply that holds this program."""
    return f"```python\n{text}\n```"


class EchoSandbox:
    """Runs nothing: `print(x)` gives x, and a first line `# exit: crashed` another end."""

    kind = "echo"
    workers = 2

    def __init__(self, *, broken: int = 0) -> None:
        self.ran: deque[str] = deque(maxlen=100)
        self._broken = broken

    async def run(self, program: str) -> Execution:
        self.ran.append(program)
        if self._broken:
            self._broken -= 1
            raise SandboxError("the engine is away")
        wanted = re.search(r"^# exit: (\w+)", program)
        said = "".join(f"{text}\n" for text in re.findall(r"print\(([^()]*)\)", program))
        exit_ = Exit(wanted.group(1)) if wanted else Exit.OK
        stderr = "" if exit_ is Exit.OK else f"it ended: {exit_}"
        return Execution(exit_, said, stderr, 0.01, 0.01, 10.0, False)

    async def describe(self) -> dict:
        return {"kind": self.kind}

    async def close(self) -> None:
        pass


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
    folder, replies, *, problems=PROBLEMS, scripts=(), watch=None, config=None, **fakes
):
    """Run all problems once; returns the open store. The folder may hold an earlier run."""
    config = config or config_of()
    watch = watch or Watch()
    model = Scripted(replies=replies, scripts=scripts, history=fakes.pop("history", None))
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
