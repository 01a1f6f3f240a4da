"""Explain a comparison: how each side is read, what every rule that was tried found, and why."""

from collections.abc import Iterator
from itertools import groupby

from judge.compare import compare
from judge.policy import Policy, rules_version
from judge.reading.clean import clean
from judge.reading.grammar import parse
from judge.reading.show import show
from judge.reading.tree import Unreadable
from judge.reading.wrappers import strip_wording
from judge.relation import Finding, followed
from judge.rules.prose import is_words


def explain(reference: str, answer: str, policy: Policy) -> Iterator[str]:
    """Yield lines: the two readings, the rules in the order they were tried in, the result."""
    for side, text in (("reference", reference), ("answer", answer)):
        yield f"{side:9}  {_reading(text)}"
    with followed() as tried:
        result = compare(reference, answer, policy)
    for finding, same in groupby(tried):
        count = len(list(same))
        times = f"  ({count} times)" if count > 1 else ""
        yield f"tried      {_shown(finding)}{times}"
    yield f"result     {_shown(result)}"
    yield f"rules      {rules_version()}"


def _reading(text: str) -> str:
    """Say how a text is read: as words, as which kind of mathematics, or why not."""
    stripped = strip_wording(text.strip())
    if is_words(stripped):
        return f"words: {stripped}"
    try:
        node = parse(clean(stripped))
    except Unreadable as error:
        return f"unreadable, {error}: {stripped}"
    return f"{type(node).__name__.lower()}: {show(node)}"


def _shown(finding: Finding) -> str:
    return f"{finding.relation.value:10}{finding.tier:12}{finding.reason}"
