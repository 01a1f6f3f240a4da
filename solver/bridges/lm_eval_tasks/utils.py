"""What the tasks' YAML files call: load a set's problems, grade a reply."""

import asyncio
from functools import cache
from typing import Any

from judge import Judge, extract_answer, open_judge
from solver.problems import load


def problems(
    problem_set: str = "starter", domain: str | None = None, level: int | None = None, **_: Any
) -> dict[str, Any]:
    """Return the problems of a set, of one domain or level where one is named.

    Raises ConfigError as `solver.problems.load` does.
    """
    from datasets import Dataset  # lm-eval brings it

    chosen = [
        each.model_dump(mode="json")
        for each in load(problem_set).problems
        if domain in (None, each.domain) and level in (None, each.level)
    ]
    return {"test": Dataset.from_list(chosen)}


def process_results(doc: dict[str, Any], results: list[Any]) -> dict[str, float]:
    """Return whether the reply is right, and whether the rules could not decide.

    What is undecided counts as not right: lm-eval leaves no reply out of a mean.
    """
    reply = results[0] if isinstance(results[0], str) else ""
    answer = extract_answer(reply).answer
    if answer is None:
        return {"correct": 0.0, "undecided": 0.0}
    verdict = asyncio.run(_judge().grade(doc["question"], doc["answer"], answer))
    return {"correct": float(verdict.correct), "undecided": float(not verdict.valid)}


@cache
def _judge() -> Judge:
    """Open the judge at the first reply; its processes end with this one."""
    return open_judge()
