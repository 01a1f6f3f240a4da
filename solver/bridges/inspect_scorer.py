"""The scorer `solver/solver_judge` of inspect_ai: our rules, and a model in one of its roles."""

import asyncio
import weakref
from typing import Any, Literal

from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    get_model,
    model_roles,
)
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState
from pydantic import TypeAdapter

from judge import CutReply, Judge, Policy, open_judge
from judge.logs import answer_in
from judge.logs.inspect_log import steps_of
from solver.bridges.inspect_task import ANSWER

_MAX_TOKENS = 600


@scorer(name="solver/solver_judge", metrics=[accuracy(), stderr()])
def solver_judge(
    undecided: Literal["unscored", "incorrect"] = "unscored",
    role: str = "grader",
    policy: dict[str, Any] | None = None,
    threshold: int = 4,
    seconds: float = 5.0,
) -> Scorer:
    """Grade the answer of a conversation against the target, of which any part is right.

    The rules decide; where they cannot, the model in `role` is asked, if the evaluation has bound
    one (`--model-role grader=openai/gpt-4o`). What is still undecided is unscored: it stays out of
    every metric. `policy` sets conventions as in judge/README.md; `threshold` is the lowest score
    of 5 that is correct; `seconds` is what the rules have for one pair. A conversation that ends
    with a tool's output is read from that output.
    """
    judges: weakref.WeakKeyDictionary[Any, Judge] = weakref.WeakKeyDictionary()
    conventions = TypeAdapter(Policy).validate_python(policy or {})

    def judge() -> Judge:
        """Return the judge of this event loop; its processes end with this one."""
        loop = asyncio.get_running_loop()
        if loop not in judges:
            asked = role in model_roles()
            judges[loop] = open_judge(
                ask=_ask(role) if asked else None,
                model_name=str(get_model(role=role)) if asked else "",
                policy=conventions,
                threshold=threshold,
                seconds=seconds,
            )
        return judges[loop]

    async def score(state: TaskState, target: Target) -> Score:
        answer, rule = _answer(state)
        if answer is None:
            facts: dict[str, Any] = {"outcome": "no_answer", "rule": rule}
            return Score(value=INCORRECT, explanation="no answer", metadata=facts)
        verdict = await judge().grade_any(state.input_text, list(target), answer)
        facts = {"rule": rule, "score": verdict.score, "by": verdict.by, "tier": verdict.tier}
        if not verdict.valid and undecided == "unscored":
            reason = f"undecided: {verdict.reason}"
            return Score.unscored(answer=answer, explanation=reason, metadata=facts)
        return Score(
            value=CORRECT if verdict.correct else INCORRECT,
            answer=answer,
            explanation=verdict.reason,
            metadata=facts,
        )

    return score


def _answer(state: TaskState) -> tuple[str | None, str]:
    """Return the answer and the rule that found it: that of our own task, else as in a log."""
    kept = state.store.get(ANSWER)
    if kept is not None:
        return kept["answer"], kept["rule"]
    messages = [message.model_dump(mode="json") for message in state.messages]
    found = answer_in(list(steps_of({"messages": messages}, ours=False)))
    return found.answer, str(found.rule)


def _ask(role: str) -> Any:
    """Return the function by which the judge asks the model in a role."""

    async def ask(system: str, user: str, schema: dict[str, Any]) -> str | CutReply:
        output = await get_model(role=role).generate(
            [ChatMessageSystem(content=system), ChatMessageUser(content=user)],
            config=GenerateConfig(temperature=0.0, max_tokens=_MAX_TOKENS),
        )
        text = output.completion
        return CutReply(text) if output.stop_reason == "max_tokens" else text

    return ask
