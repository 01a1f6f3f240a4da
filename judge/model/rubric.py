"""Write the requests to a judging model, in the words of `prompts.toml`.

The five-point rubric, for a reply with forms and reasons or with the relation alone, each also with
the two sides swapped and unnamed; copying the value out of an answer; the yes/no question of arXiv
2412.13147; and the layouts of models that were trained to verify answers. None of those has been
run with this code, so nothing is known of how well they judge here.

Text by the model under test reaches the judge as a JSON value under a key with a random part, but
not a trained verifier, which does not know that: the guards before and the veto after are what
protects its verdicts. Not covered: whether the judging model is any good; `judge.audit` measures
that.
"""

import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from judge.model import replies
from judge.model.replies import SCORES, Opinion
from judge.reading.words import read_tables

LONGEST_ANSWER = 300
"""Longest answer, in characters, about which a model is asked with guards."""


@dataclass(frozen=True)
class Case:
    """A question with its reference and the answer to judge."""

    question: str
    reference: str
    answer: str


@dataclass(frozen=True)
class Protocol:
    """A way to ask: the instructions, a writer of requests and a reader of replies."""

    name: str
    system: str
    schema: dict[str, Any]
    """The JSON schema of a reply; empty where the reply is free text."""
    write: Callable[[Case, str], str]
    read: Callable[[str], Opinion]
    """Raises ValueError with the reason where the reply is invalid."""
    alone: bool = False
    """Whether `system` is already part of the message."""

    @property
    def version(self) -> str:
        """Return a hash of the name, the instructions and the schema."""
        text = json.dumps([self.name, self.system, self.schema], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def message(self, case: Case, complaint: str = "") -> str:
        """Write the user message for a case, with what was wrong with an earlier reply."""
        message = self.write(case, secrets.token_hex(4))
        if complaint:
            message += f"\n\nYour previous reply could not be used: {complaint}. Answer again."
        return message


def without_hidden(text: str) -> str:
    """Remove control, zero-width and direction-changing characters."""
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
    )


def _writer(**keys: str) -> Callable[[Case, str], str]:
    """Make the function that writes a case as JSON under these keys.

    It is one line of ASCII, in which no value can end its string or hide a character. A key that
    ends in "_" gets the random part.
    """

    def write(case: Case, nonce: str) -> str:
        return json.dumps(
            {
                key + nonce if key.endswith("_") else key: without_hidden(getattr(case, field))
                for key, field in keys.items()
            }
        )

    return write


def _schema(**properties: dict[str, Any]) -> dict[str, Any]:
    """Build a schema of keywords that the strict modes of all providers accept."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


_PROMPTS = read_tables("judge.model", "prompts.toml")
_RUBRIC = _PROMPTS["five_points"]
_TEXT = {"type": "string"}
_RELATION = {"type": "string", "enum": list(SCORES)}
_VERDICT: dict[str, Any] = {
    "relation": _RELATION,
    "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
    "reason": _TEXT,
}
_write_named = _writer(problem="question", reference="reference", candidate_="answer")
_write_swapped = _writer(problem="question", a_="answer", b_="reference")


def _system(sides: str, ending: str) -> str:
    """Return the instructions for named or swapped sides, and for a long or short reply."""
    return str(_RUBRIC[sides].format(levels=_RUBRIC["levels"], ending=_RUBRIC[ending]))


FIVE_POINTS = Protocol(
    "five-points",
    _system("named", "ending"),
    _schema(reference_form=_TEXT, candidate_form=_TEXT, **_VERDICT),
    _write_named,
    partial(replies.read_json, reference_form="reference_form", answer_form="candidate_form"),
)
SWAPPED = Protocol(
    "five-points-swapped",
    _system("swapped", "ending"),
    _schema(a_form=_TEXT, b_form=_TEXT, **_VERDICT),
    _write_swapped,
    partial(replies.read_json, reference_form="b_form", answer_form="a_form"),
)
_short = partial(Protocol, schema=_schema(relation=_RELATION), read=replies.read_relation)
SHORT = _short("relation", _system("named", "short_ending"), write=_write_named)
SHORT_SWAPPED = _short("relation-swapped", _system("swapped", "short_ending"), write=_write_swapped)
READING = Protocol(
    "reading",
    _PROMPTS["reading"]["system"],
    _schema(value=_TEXT),
    _writer(problem="question", text_="answer"),
    replies.read_value,
)
YES_NO = Protocol("yes-no", _PROMPTS["yes_no"]["system"], {}, _write_named, replies.read_yes_no)


def _protocol_of_verifier(name: str) -> Protocol:
    """Build the protocol of a model that was trained to verify answers."""
    verifier = _PROMPTS["verifiers"][name]

    def write(case: Case, nonce: str) -> str:
        """Write a request, with the signs that divide the layout removed from the answer."""
        answer = re.sub(r'"""|###|<[^<>]{0,40}>', " ", without_hidden(case.answer))
        return str(
            verifier["layout"].format(
                question=without_hidden(case.question),
                reference=without_hidden(case.reference),
                answer=" ".join(answer.split()),
            )
        )

    read = partial(replies.read_label, label=verifier["label"], relations=verifier["relations"])
    return Protocol(name, verifier["layout"], {}, write, read, alone=True)


PROTOCOLS: dict[str, tuple[Protocol, ...]] = {
    "rules-then-model": (FIVE_POINTS, SWAPPED),
    "rules-then-short": (SHORT, SHORT_SWAPPED),
    "rules-then-read": (READING,),
    **{name: (_protocol_of_verifier(name),) for name in _PROMPTS["verifiers"]},
    "yes-no": (YES_NO,),
    "model-only": (FIVE_POINTS,),
}
"""The protocols of each preset: of its request, and of the second one where it makes one."""
