"""The audit: its statistics against known values, its probes, and the judges it must catch."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge import JudgeError, Relation, compare
from judge.audit import audit, read_pairs
from judge.model.agreement import (
    Confusion,
    Rate,
    confusion,
    kappa,
    weighted_kappa,
    wilson,
)
from judge.model.canaries import CANARIES
from judge.model.probes import INJECTIONS, Probe, injected, planted
from judge.model.replies import SCORES

# --- statistics --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 100, 0.0018, 0.0545),
    ],
)
def test_wilson_gives_the_published_values(count, total, low, high):
    assert wilson(count, total) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_between_nothing_and_all(counts):
    count, total = counts
    low, high = wilson(count, total)
    assert 0 <= low <= count / total <= high <= 1


def test_nothing_counted_leaves_every_share_possible():
    assert wilson(0, 0) == (0.0, 1.0)
    assert Rate(0, 0).value is None
    assert "n = 0" in str(Rate(0, 0))


def test_kappa_matches_cohens_two_by_two_example():
    # 45 both yes, 15 yes/no, 25 no/yes, 15 both no: observed .60, expected .54, κ = .06 / .46
    ratings = [(1, 1)] * 45 + [(1, 0)] * 15 + [(0, 1)] * 25 + [(0, 0)] * 15
    assert kappa(ratings) == pytest.approx(0.1304, abs=1e-4)


def test_weighted_kappa_is_kappa_where_there_are_two_scores():
    ratings = [(1, 1)] * 4 + [(1, 0)] * 2 + [(0, 1)] + [(0, 0)] * 5
    assert weighted_kappa(ratings) == pytest.approx(kappa(ratings))


def test_weighted_kappa_forgives_neighbours_more_than_opposites():
    near = [(5, 4), (1, 1), (5, 5), (1, 2)]
    far = [(5, 1), (1, 1), (5, 5), (1, 5)]
    assert weighted_kappa(near) > weighted_kappa(far)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=40))
def test_kappa_does_not_depend_on_who_is_named_first(ratings):
    swapped = [(right, left) for left, right in ratings]
    assert kappa(ratings) == pytest.approx(kappa(swapped), nan_ok=True)
    assert weighted_kappa(ratings) == pytest.approx(weighted_kappa(swapped), nan_ok=True)


def test_full_agreement_is_one_and_undefined_where_there_was_nothing_to_disagree_about():
    assert weighted_kappa([(1, 1), (5, 5)]) == 1
    assert kappa([(1, 1), (1, 1)]) is None


def test_false_accepts_are_counted_among_wrong_answers_only():
    counts = confusion(
        [(True, True)] * 8 + [(False, True)] * 2 + [(True, False)] + [(False, False)] * 3
    )
    assert counts == Confusion(8, 2, 1, 3)
    assert (counts.false_accepts, counts.false_rejects) == (Rate(1, 4), Rate(2, 10))
    assert counts.accuracy == Rate(11, 14)


# --- probes ------------------------------------------------------------------------------------

REFERENCES = [
    "42", "-7", "0", "3.14", r"\frac{3}{8}", "7/9", r"-\frac{1}{2}", r"\sqrt{2}", r"2\sqrt{3}",
    "(1, 2)", r"[0, 5)", r"(-\infty, 3]", "x^2 + 1", "1, 2, 3", r"\{1, 2\}", r"\frac{\pi}{4}",
    r"3 + 4i", "100",
]  # fmt: skip


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_planted_mistake_differs_from_its_reference(reference):
    slips = planted(reference)
    assert slips
    assert reference not in [answer for _, answer in slips]
    assert len({answer for _, answer in slips}) == len(slips)


@pytest.mark.parametrize("reference", ["42", "7/9", "3.14", "-7"])
def test_a_planted_number_is_another_number(reference):
    for _, answer in planted(reference):
        assert compare(reference, answer).relation is not Relation.EQUAL


@given(st.text(max_size=80))
def test_any_reference_can_be_mutated_without_an_error(reference):
    for kind, answer in planted(reference):
        assert kind
        assert answer != reference.strip()


def test_every_injection_holds_the_wrong_answer():
    probes = injected("q", "9", "10")
    assert len(probes) == len(INJECTIONS)
    assert all("10" in probe.answer and not probe.right for probe in probes)


# --- judges the audit must catch ---------------------------------------------------------------

PAIRS = [
    Probe("Half?", "1/2", "0.5", True, "fraction"),
    Probe("Half?", "1/2", "0.6", False, "fraction"),
    Probe("Lines?", "they never meet", "parallel", True, "text"),
    Probe("Lines?", "they never meet", "crossing", False, "text"),
    Probe("How many?", "12", "13", False, "integer"),
    Probe("How many?", "12", "12.0", True, "integer"),
]
TRUTH = {(probe.reference, probe.answer): probe.right for probe in (*PAIRS, *CANARIES)}


class Honest:
    """A judging model that knows the labels, and that everything else is wrong."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> str:
        self.calls += 1
        values = list(json.loads(user.split("\n\n")[0]).values())
        swapped = "a_form" in schema["properties"]
        reference, answer = (values[2], values[1]) if swapped else (values[1], values[2])
        relation = self.relation(reference, answer, swapped)
        reply = dict.fromkeys(schema["properties"], "")
        return json.dumps({**reply, "relation": relation, "score": SCORES[relation]})

    def relation(self, reference: str, answer: str, swapped: bool) -> str:
        return "identical" if TRUTH.get((reference, answer), False) else "different"


class Gullible(Honest):
    """Accepts everything."""

    def relation(self, reference: str, answer: str, swapped: bool) -> str:
        return "identical"


class Moody(Honest):
    """Changes its mind with every call."""

    def relation(self, reference: str, answer: str, swapped: bool) -> str:
        return "identical" if self.calls % 2 else "different"


class Biased(Honest):
    """Accepts whatever is shown in one order."""

    def relation(self, reference: str, answer: str, swapped: bool) -> str:
        return "identical" if swapped else "different"


class Talkative(Honest):
    """Never keeps to the schema."""

    async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> str:
        return "I would say 5."


@pytest.fixture(scope="module")
def reports():
    """One audit of each judge: starting the workers takes most of the time."""
    judges = (Honest(), Gullible(), Moody(), Biased(), Talkative())
    return {
        type(ask).__name__: asyncio.run(audit(ask, PAIRS, model_name="m", at_once=1))
        for ask in judges
    }


def test_an_honest_judge_has_nothing_held_against_it(reports):
    report = reports["Honest"]
    assert report.kappa_labels == 1
    assert report.columns["model"].false_accepts == Rate(0, 3)
    assert report.columns["model"].false_rejects == Rate(0, 3)
    assert (report.repeat_flips.count, report.swap_flips.count, report.invalid.count) == (0, 0, 0)
    assert not report.canaries.drifted


def test_every_probe_finds_a_gullible_judge(reports):
    report = reports["Gullible"]
    assert report.columns["model"].false_accepts == Rate(3, 3)
    assert all(rate.count == rate.total > 0 for rate in report.planted.values())
    assert all(rate.count == rate.total > 0 for rate in report.injections.values())
    assert report.canaries.drifted
    assert len(report.canaries.false_accepts) == 25


def test_the_guards_save_most_of_what_a_gullible_model_accepts(reports):
    report = reports["Gullible"]
    accepted = sum(rate.count for rate in report.injections.values())
    assert report.injections_judge.count < accepted
    assert report.planted_judge.count < sum(rate.count for rate in report.planted.values())


def test_a_moody_judge_is_found_by_asking_again(reports):
    assert reports["Moody"].repeat_flips.count > 0


def test_a_biased_judge_is_found_by_swapping_the_sides(reports):
    assert reports["Biased"].swap_flips == Rate(6, 6)


def test_unusable_replies_are_counted_and_never_accepted(reports):
    report = reports["Talkative"]
    assert report.invalid == Rate(6, 6)
    assert report.columns["model"].false_accepts == Rate(0, 3)
    assert report.canaries.invalid == 50
    assert report.canaries.drifted


def test_both_and_any_enclose_the_rules_and_the_model(reports):
    for report in reports.values():
        accepts = {
            name: counts.right_accepted + counts.wrong_accepted
            for name, counts in report.columns.items()
        }
        assert accepts["both"] <= min(accepts["rules"], accepts["model"])
        assert accepts["any"] >= max(accepts["rules"], accepts["model"])


def test_the_kinds_add_up_to_the_whole(reports):
    for report in reports.values():
        for name, counts in report.columns.items():
            parts = [kinds[name].accuracy.total for kinds in report.by_kind.values()]
            assert sum(parts) == counts.accuracy.total == len(PAIRS)


def test_the_report_prints_every_row_and_kind(reports):
    text = reports["Honest"].to_text()
    assert all(name in text and value in text for name, value in reports["Honest"].rows())
    assert all(kind in text for kind in ("fraction", "text", "integer", "forged role"))


def test_a_model_that_cannot_be_reached_stops_the_audit():
    class Absent:
        async def __call__(self, system: str, user: str, schema: dict[str, Any]) -> str:
            raise JudgeError("connection refused")

    with pytest.raises(JudgeError, match="refused"):
        asyncio.run(audit(Absent(), PAIRS))


def test_labelled_pairs_are_read_under_either_name(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"gold": "1", "prediction": "2", "label": false, "problem": null, "kind": "integer"}\n\n'
        '{"question": "q", "reference": "1", "answer": "1.0", "correct": true}\n'
    )
    assert read_pairs(path) == [
        Probe("", "1", "2", False, "integer"),
        Probe("q", "1", "1.0", True, "any"),
    ]


@pytest.mark.parametrize(
    "line", ["{", '{"gold": "1"}', "[]", "3", "[" * 200_000, "9" * 5_000], ids=lambda line: line[:8]
)
def test_a_pair_that_cannot_be_read_is_named_by_its_line(tmp_path, line):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"gold": "1", "prediction": "2", "label": false}\n' + line + "\n")
    with pytest.raises(ValueError, match="line 2"):
        read_pairs(path)
