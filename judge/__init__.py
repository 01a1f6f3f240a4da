r"""Grade answers to mathematics problems: by rules where they can decide, else by a language model.

    from judge import compare
    compare(r"\frac{1}{2}", "0.5").relation      # Relation.EQUAL

Nothing heavy is imported here: sympy is loaded when a pair first needs it, and `open_judge` starts
worker processes that load it ahead of time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from judge.compare import Comparison, Relation, compare  # hides the module of that name
from judge.extract import Extracted, extract_answer, extract_output
from judge.policy import Policy, rules_version
from judge.verdict import JudgeError, Verdict

if TYPE_CHECKING:
    from judge.grade import Judge, open_judge
    from judge.model.asked import Ask, CutReply

__all__ = [
    "Ask",
    "Comparison",
    "CutReply",
    "Extracted",
    "Judge",
    "JudgeError",
    "Policy",
    "Relation",
    "Verdict",
    "compare",
    "extract_answer",
    "extract_output",
    "open_judge",
    "rules_version",
]

_FROM_GRADE = ("Ask", "CutReply", "Judge", "open_judge")


def __getattr__(name: str) -> Any:
    """Import what needs asyncio and processes only when it is asked for (PEP 562)."""
    if name not in _FROM_GRADE:
        raise AttributeError(f"module 'judge' has no attribute {name!r}")
    return getattr(import_module("judge.grade"), name)
