"""Published tool-integrated outputs get the verdicts that tests/bench/published.py explains."""

import asyncio

import pytest

from tests.bench.published import CAUSES, PAL, RHO, TORA, Graded, grade
from tests.needs import shared_data


@pytest.fixture(scope="module")
def published() -> dict[str, list[Graded]]:
    shared_data("judge/transcripts_dev.jsonl.gz")
    graded = asyncio.run(grade())
    return {run: [one for one in graded if one.run == run] for run in CAUSES}


@pytest.mark.parametrize(("run", "correct"), [(TORA, 335), (PAL, 313), (RHO, 261)])
def test_the_published_outputs_score_what_they_are_known_to_score(published, run, correct):
    assert len(published[run]) == 500
    assert sum(one.verdict.correct for one in published[run]) == correct


@pytest.mark.parametrize("run", CAUSES)
def test_every_difference_has_a_cause_and_every_cause_a_difference(published, run):
    assert {one.number for one in published[run] if one.differs} == set(CAUSES[run])


def test_verdicts_agree_with_99_percent_of_the_published_labels(published):
    agree = sum(one.verdict.correct == one.label for one in published[RHO])
    assert agree / len(published[RHO]) >= 0.99


def test_the_rules_decide_nearly_everything(published):
    undecided = [one for run in published.values() for one in run if not one.verdict.valid]
    assert len(undecided) <= 10
