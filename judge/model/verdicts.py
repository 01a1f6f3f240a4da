"""Make verdicts of what the rules found and what a model said."""

import re
from dataclasses import replace

from judge.model.asked import AskedModel, Look
from judge.model.replies import SCORES, Opinion
from judge.model.rubric import Case
from judge.relation import Comparison, Relation
from judge.verdict import Verdict


def verdict_of_rules(comparison: Comparison) -> Verdict:
    """Return the verdict of the rules; without a score where they are undecided."""
    score = {Relation.EQUAL: 5, Relation.DIFFERENT: 1}.get(comparison.relation)
    return Verdict(
        score=score,
        by="none" if score is None else "rules",
        **vars(comparison) | {"relation": comparison.relation.value},
    )


def refused(by_rules: Verdict, relation: str, reason: str) -> Verdict:
    """Return a verdict that refuses an answer without asking a model."""
    flags = ("suspicious",) if relation == "addresses_grader" else ()
    return replace(
        by_rules, score=1, by="rules", relation=relation, reason=reason, tier="guard", flags=flags
    )


def verdict_of_model(by_rules: Verdict, model: AskedModel, look: Look) -> Verdict:
    """Return the verdict that the model's opinion alone makes."""
    opinion = look.opinion
    if opinion is None:
        raise ValueError("a verdict needs an opinion")
    return replace(
        by_rules,
        score=opinion.score,
        by="model",
        relation=opinion.relation,
        reason=opinion.reason,
        reference_form=opinion.reference_form or by_rules.reference_form,
        answer_form=opinion.answer_form or by_rules.answer_form,
        judge_model=model.name,
        cached=look.cached,
        flags=("inconsistent",) if opinion.inconsistent else (),
    )


def invalid(by_rules: Verdict, model: AskedModel, look: Look) -> Verdict:
    """Return a verdict without a score, where the model's reply could not be used."""
    return replace(
        by_rules,
        score=None,
        by="model",
        relation="judge_cut" if look.cut else "judge_invalid",
        reason=look.complaint,
        judge_model=model.name,
        cached=look.cached,
    )


def opinion_of_value(case: Case, read: Opinion, found: Comparison) -> Opinion:
    """Return the opinion that follows from what the rules found about a copied value.

    The model may have solved the problem, so the value must have exactly the answer's numbers.
    """
    numbers = set(_NUMBER.findall(read.answer_form))
    if not numbers or numbers != set(_NUMBER.findall(case.answer)):
        return replace(read, reason=f"read as {read.answer_form!r}, with other numbers or none")
    reason = f"read as {read.answer_form}: {found.reason}"
    if found.is_undecided:
        return replace(read, reason=reason)
    relation = "identical" if found.is_equal else "different"
    return replace(read, score=SCORES[relation], relation=relation, reason=reason)


_NUMBER = re.compile(r"\d+")
