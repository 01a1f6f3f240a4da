"""Read the replies of judging models, whatever the provider guarantees.

Thoughts, fences and words around a reply are skipped; what it says is held to the schema.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from judge.reading.thoughts import without_thoughts

SCORES = {
    "identical": 5,
    "same_by_convention": 4,
    "undecidable": 3,
    "partial": 2,
    "different": 1,
    "no_answer": 1,
    "addresses_grader": 1,
}
"""The score that belongs to each relation."""
_RELATION_OF = {5: "identical", 4: "same_by_convention", 3: "undecidable", 2: "partial"}


@dataclass(frozen=True)
class Opinion:
    """A valid reply of a judging model."""

    score: int
    relation: str
    reference_form: str
    answer_form: str
    reason: str
    inconsistent: bool = False
    """The reply gave a score that is not its relation's; the lower of the two counts."""


# --- the five-point rubric ---------------------------------------------------------------------

_LONGEST_REPLY = 20_000
_LONGEST_FORM = 300
_MOST_OBJECTS = 200
"""Opening braces of a reply that are tried."""
_SCORE = re.compile(r"\s*(-?\d{1,3})(?:\.0+)?\s*")


def read_json(reply: str, *, reference_form: str, answer_form: str) -> Opinion:
    """Read a reply in JSON. Raise ValueError with the reason where it breaks the schema."""
    found = _one_object(spoken(reply))
    texts = (reference_form, answer_form, "relation", "reason")
    if set(found) != {*texts, "score"}:
        raise ValueError(f"the keys must be exactly {', '.join((*texts, 'score'))}")
    if not all(isinstance(found[key], str) for key in texts):
        raise ValueError("all values but the score must be strings")
    relation, score = found["relation"], _whole(found["score"])
    if relation not in SCORES or score is None:
        raise ValueError(f"relation must be one of {', '.join(SCORES)} and score from 1 to 5")
    inconsistent = score != SCORES[relation]
    if score < SCORES[relation]:
        relation = _RELATION_OF.get(score, "different")
    ours, theirs, why = (found[k][:_LONGEST_FORM] for k in (reference_form, answer_form, "reason"))
    return Opinion(SCORES[relation], relation, ours, theirs, why, inconsistent)


def read_relation(reply: str) -> Opinion:
    """Read a reply of the short rubric. Raise ValueError where it is not one known relation."""
    found = _one_object(spoken(reply))
    if set(found) != {"relation"} or found["relation"] not in SCORES:
        raise ValueError(f"it must have one key, relation, with one of {', '.join(SCORES)}")
    return Opinion(SCORES[found["relation"]], found["relation"], "", "", found["relation"])


def read_value(reply: str) -> Opinion:
    """Read a copied value, which is no verdict yet. Raise ValueError where there is none."""
    found = _one_object(spoken(reply))
    if set(found) != {"value"} or not isinstance(found["value"], str):
        raise ValueError("it must have one key, value, with a string")
    return Opinion(3, "undecidable", "", found["value"][:_LONGEST_FORM], "")


def spoken(reply: str) -> str:
    """Return a reply without its thoughts; empty where these have no end."""
    return without_thoughts(reply).reply.strip()


def _one_object(text: str) -> dict[str, Any]:
    """Return the one JSON object in a text, or the last of several that say the same."""
    if len(text) > _LONGEST_REPLY:
        raise ValueError("it was too long")
    found = list(_objects(text))
    if not found:
        raise ValueError("it was not one JSON object")
    if any(other != found[-1] for other in found):
        raise ValueError("it was more than one JSON object")
    return found[-1]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in a text that may be verdicts."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    at = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            if found.keys() & {"relation", "score", "value"}:
                yield found
        at = text.find("{", end)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a repeated key, because parsers differ on which value counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a key twice")
    return found


def _whole(score: Any) -> int | None:
    """Return a score from 1 to 5 that is written as 5, 5.0 or "5", else None."""
    if isinstance(score, bool) or not isinstance(score, int | float | str):
        return None
    match = _SCORE.fullmatch(str(score))
    return int(match[1]) if match and 1 <= int(match[1]) <= 5 else None


# --- the yes/no question of arXiv 2412.13147 ----------------------------------------------------

_YES_OR_NO = re.compile(r"\\boxed\s*\{\s*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{)?([^{}]{0,40})\}")


def read_yes_no(reply: str) -> Opinion:
    """Read a reply as right only where its last box says yes. No box means no, as in the paper.

    A reply that is the one word yes or no counts as its box.
    """
    said = spoken(reply[-_LONGEST_REPLY:])
    boxes = _YES_OR_NO.findall(said) or [re.sub(r"\\text(?:bf)?\s*\{|[{}]", "", said)[:40]]
    word = boxes[-1].strip(" \t\n.*!_\"'`$").lower()
    relation = word if word in ("yes", "no") else "no_verdict"
    return Opinion(5 if relation == "yes" else 1, relation, "", "", said[-_LONGEST_FORM:])


# --- models that were trained to verify answers -------------------------------------------------


def read_label(reply: str, *, label: str, relations: Mapping[str, str]) -> Opinion:
    """Read the last label of a reply. Raise ValueError where there is none."""
    said = spoken(reply)[-2_000:]
    labels = re.findall(label, said)
    if not labels:
        raise ValueError(f"it has none of the labels {', '.join(relations)}")
    relation = relations[labels[-1].lower()]
    return Opinion(SCORES[relation], relation, "", "", said[-_LONGEST_FORM:])
