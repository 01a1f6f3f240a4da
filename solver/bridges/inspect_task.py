"""The task `solver/math_code` of inspect_ai: our mode `code` on one of our problem sets.

    inspect eval solver/math_code --model openai/gpt-4o -T problems=math500 -T limit=50

The model writes a program, sees why it failed, and writes another, as in `solver run`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentReasoning,
    Model,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import sandbox
from pydantic import TypeAdapter

from sandbox import Execution, screen
from solver.bridges.inspect_sandbox import SolverSandbox
from solver.config import make_config
from solver.errors import ConfigError
from solver.modes import Controller, Tools, mode_of
from solver.problems import load, select
from solver.records import Message, Problem, Reply, Trial, Turn

ANSWER = "solver:answer"
"""The key in a sample's store under which the solver leaves the answer for the scorer."""
_ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


@task(name="solver/math_code")
def math_code(
    problems: str = "starter",
    limit: int | None = None,
    retries: int = 10,
    examples: int = 0,
    sandbox: str | list[str] = "",
    undecided: str = "unscored",
) -> Task:
    """Ask for programs on a set of problems, and grade what they print.

    `problems` is a set's name (starter, math, math500, math945, gsm8k) or a file; `limit` is spread
    over domains and levels. `retries` and `examples` are those of mode `code`; `sandbox` is the
    config of our sandbox, such as `native,seconds=5`.
    """
    from solver.bridges.inspect_scorer import solver_judge

    settings = sandbox if isinstance(sandbox, str) else ",".join(map(str, sandbox))
    chosen = select(load(problems).problems, domains=(), levels=(), per_cell=None, limit=limit)
    samples = [
        Sample(
            input=each.question,
            target=each.answer,
            id=each.id,
            metadata={"domain": each.domain, "level": each.level},
        )
        for each in chosen
    ]
    return Task(
        dataset=MemoryDataset(samples, name=problems),
        solver=code(retries=retries, examples=examples),
        scorer=solver_judge(undecided=undecided),
        sandbox=("solver", settings) if settings else "solver",
    )


@solver
def code(retries: int = 10, examples: int = 0) -> Solver:
    """Solve by programs, as our mode `code` does. The sandbox must be `solver`."""
    config = make_config(
        {"model": "inspect/model", "mode": "code",
         "code": {"retries": retries, "examples": examples}}
    )  # fmt: skip

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        box = sandbox().as_type(SolverSandbox)
        problem = Problem(id=str(state.sample_id), question=state.input_text, answer="not told")
        model, turns = get_model(), list[Turn]()
        async for turn in mode_of("code").solve(problem, _tools(model, box), config, 0):
            turns.append(turn)
        _write(state, turns, problem, str(model))
        return state

    return solve


def _tools(model: Model, box: SolverSandbox) -> Tools:
    async def ask(chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()) -> Reply:
        output = await model.generate([_ROLES[one.role](content=one.text) for one in chat])
        if not output.choices:
            raise RuntimeError(f"{model}: no reply: {output.error}")
        message, usage = output.choices[0].message, output.usage
        content = message.content if isinstance(message.content, list) else []
        thoughts = [part.reasoning for part in content if isinstance(part, ContentReasoning)]
        return Reply(
            text=output.completion,
            thoughts="\n".join(thoughts),
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
            seconds=output.time or 0.0,
            capped=output.stop_reason in ("max_tokens", "model_length"),
        )

    async def run(program: str) -> Execution:
        return await box.run(program)

    async def control(controller: Controller) -> Reply:
        raise ConfigError("mode code with a controller does not run in inspect_ai")

    async def step(program: str) -> Execution:
        raise ConfigError("the sandbox holds no session in inspect_ai, and mode code needs none")

    return Tools(
        ask=ask, control=control, run=run, step=step, screen=screen, max_tokens=0
    )  # fmt: skip


def _write(state: TaskState, turns: Sequence[Turn], problem: Problem, model: str) -> None:
    """Put the conversation, the output and the answer where inspect and our scorer look."""
    from inspect_ai.model import ChatMessage

    from solver.bridges.inspect_export import messages_of

    trial = Trial(
        problem_id=problem.id, model=model, mode="code", seed=0, repeat=state.epoch - 1,
        turns=tuple(turns),
    )  # fmt: skip
    adapter: Any = TypeAdapter(list[ChatMessage])
    state.messages = adapter.validate_python(list(messages_of(trial)))
    state.output.completion = turns[-1].reply.text
    answer = {"answer": trial.answer, "rule": turns[-1].answer_rule or "none"}
    state.store.set(ANSWER, answer)
    state.metadata["outcome"] = str(turns[-1].failure or "answered")
