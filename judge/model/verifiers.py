r"""Ask models that were trained to verify answers, each in the layout and labels it was trained on.

    xverify            github.com/IAAR-Shanghai/xVerify, arXiv 2504.10481: [Correct] or [Incorrect]
    compass-verifier   github.com/open-compass/CompassVerifier, arXiv 2508.03686: A, B or C
    general-verifier   huggingface.co/TIGER-Lab/general-verifier, arXiv 2505.14652: Final Decision

Fields and labels are those of the published cards; the sentences around them are ours, because the
licences of the first two do not let us ship theirs. None of these models has been run with this
code, so nothing is known of how well they judge here. The answer is not inside JSON, as these
models do not know that: the guards before and the veto after are what protects their verdicts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from judge.model.replies import SCORES, Opinion, spoken
from judge.model.rubric import Case, Protocol, without_hidden


@dataclass(frozen=True)
class Verifier:
    """The layout of a request to a trained verifier, and its labels."""

    layout: str
    """With {question}, {reference} and {answer}."""
    label: str
    """A pattern whose first group is the label; the last match in a reply counts."""
    relations: Mapping[str, str]
    """The relation that each label means, in lower case."""


VERIFIERS = {
    "xverify": Verifier(
        "Decide whether the output sentence gives the correct answer to the question. Only the"
        " final answer counts, and another form of the same value is right. Respond with either"
        ' [Correct] or [Incorrect].\n\nQuestion: """{question}"""\n\nOutput sentence:'
        ' """{answer}"""\n\nCorrect answer: {reference}\n\nJudgement:\n',
        r"(?i)\b(correct|incorrect)\b",
        {"correct": "identical", "incorrect": "different"},
    ),
    "compass-verifier": Verifier(
        "As a grading expert, judge whether the candidate's final answer is consistent with the"
        " standard answer, which is correct. Reply with one letter: A: CORRECT, B: INCORRECT,"
        " C: INVALID (incomplete, repetitive or no answer).\n\n<Original Question Begin>:\n"
        "{question}\n<Original Question End>\n\n<Standard Answer Begin>:\n{reference}\n<Standard"
        " Answer End>\n\n<Candidate's Answer Begin>:\n{answer}\n<Candidate's Answer End>\n\n"
        "Judging the correctness of the candidate's answer:",
        r"\b([ABC])\b",
        {"a": "identical", "b": "different", "c": "no_answer"},
    ),
    "general-verifier": Verifier(
        "User: ### Question: {question}\n\n### Ground Truth Answer: {reference}\n\n### Student"
        " Answer: {answer}\n\nFor the above question, verify if the student's answer is equivalent"
        " to the ground truth answer. Do not solve the question. If the student's answer is"
        ' correct, output "Final Decision: Yes". If it is incorrect, output "Final Decision: No".'
        " Assistant:",
        r"(?i)final decision:?\W{0,9}(yes|no)\b",
        {"yes": "identical", "no": "different"},
    ),
}


def protocol_of(name: str) -> Protocol:
    """Build the protocol of a trained verifier."""
    verifier = VERIFIERS[name]
    return Protocol(name, verifier.layout, {}, _writer(verifier), _reader(verifier), alone=True)


def _writer(verifier: Verifier) -> Callable[[Case, str], str]:
    def write(case: Case, nonce: str) -> str:
        """Write a request, with the signs that divide the layout removed from the answer."""
        answer = re.sub(r'"""|###|<[^<>]{0,40}>', " ", without_hidden(case.answer))
        return verifier.layout.format(
            question=without_hidden(case.question),
            reference=without_hidden(case.reference),
            answer=" ".join(answer.split()),
        )

    return write


def _reader(verifier: Verifier) -> Callable[[str], Opinion]:
    def read(reply: str) -> Opinion:
        """Read the last label. Raise ValueError where there is none."""
        said = spoken(reply)[-2_000:]
        labels = re.findall(verifier.label, said)
        if not labels:
            raise ValueError(f"it has none of the labels {', '.join(verifier.relations)}")
        relation = verifier.relations[labels[-1].lower()]
        return Opinion(SCORES[relation], relation, "", "", said[-300:])

    return read
