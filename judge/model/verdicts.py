"""Make verdicts of what the rules found and what a model said."""

from dataclasses import replace

from judge.model.asked import AskedModel, Look
from judge.relation import Comparison, Relation
from judge.verdict import Verdict


def verdict_of_rules(comparison: Comparison) -> Verdict:
    """Return the verdict of the rules; without a score where they are undecided."""
    scores = {Relation.EQUAL: 5, Relation.DIFFERENT: 1}
    score = scores.get(comparison.relation)
    return Verdict(
        score=score,
        by="none" if score is None else "rules",
        reason=comparison.reason,
        relation=comparison.relation.value,
        tier=comparison.tier,
        reference_form=comparison.reference_form,
        answer_form=comparison.answer_form,
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
