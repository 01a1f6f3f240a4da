"""Votes over repeats against every draw: counted in whole numbers, and in floats for many."""

import random
from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from solver.stats.votes import Ballots, group, majorities, vote


def ballots(labels, right):
    sizes = Counter(labels)
    silent = sizes.pop(None, 0)
    return Ballots(tuple(sizes.values()), tuple(right.get(each, 0.0) for each in sizes), silent)


def maj_at_k(labels, right, k):
    """The chance of the vote, which must not depend on how it is computed."""
    counted, added = (
        majorities([ballots(labels, right)], [k], exact=exact)[0, 0] for exact in (True, False)
    )
    assert added == pytest.approx(counted, abs=1e-12)
    return counted


def test_more_votes_than_repeats_are_refused():
    with pytest.raises(ValueError, match="maj@3 needs at least 3 repeats per problem, but there"):
        maj_at_k([0, 0], {0: 1}, 3)


def test_many_problems_are_counted_at_once_as_one_by_one():
    rng = random.Random(1)
    problems = [
        ballots(rng.choices([None, 0, 0, 1, 2, 3, 4, 5, 6], k=40), {0: 1, 3: 0.5})
        for _ in range(30)
    ]
    ks = (1, 2, 16, 40)
    one_by_one = [majorities([each], ks, exact=True)[0] for each in problems]
    assert np.allclose(majorities(problems, ks, exact=False), one_by_one, rtol=0, atol=1e-12)


def majority_by_brute_force(labels, correct, k):
    """The mean over every draw, with ties split evenly."""
    wins = []
    for draw in combinations(labels, k):
        votes = [label for label in draw if label is not None]
        best = {label for label in votes if votes.count(label) == max(map(votes.count, votes))}
        wins.append(Fraction(correct in best, len(best) or 1))
    return float(sum(wins) / len(wins))


def test_maj_at_k_equals_a_vote_in_every_draw():
    rng = random.Random(5)
    for _ in range(60):
        labels = rng.choices([None, 0, 0, 0, 1, 1, 2, 3, 4], k=rng.randint(1, 9))
        for k in range(1, len(labels) + 1):
            for correct in (0, 1, 3):
                expected = majority_by_brute_force(labels, correct, k)
                assert maj_at_k(labels, {correct: 1}, k) == pytest.approx(expected, abs=1e-15)


def test_maj_at_1_is_the_share_of_correct_repeats():
    assert maj_at_k([0, 0, 1, None], {0: 1}, 1) == 0.5


def test_right_answers_in_three_classes_do_not_vote_together():
    right = {0: 1, 1: 1, 2: 1}
    assert maj_at_k([0, 1, 2, 3, 3], right, 5) == 0
    assert maj_at_k([0, 1, 2], right, 3) == 1
    assert maj_at_k([0, 1, 2, 3], right, 4) == 0.75


def test_a_class_judged_right_in_part_counts_in_part():
    assert maj_at_k([0, 0, 0, 1], {0: 2 / 3}, 4) == pytest.approx(2 / 3)


def test_a_tie_counts_by_halves():
    assert maj_at_k([0, 0, 1, 1], {0: 1}, 4) == 0.5


def test_answers_never_given_and_votes_never_cast_win_nothing():
    assert maj_at_k([0, 1, 1], {}, 3) == 0
    assert maj_at_k([0, 1, 1], {7: 1}, 3) == 0
    assert maj_at_k([None, None, None], {}, 3) == 0


def test_a_repeat_without_an_answer_does_not_outvote_one_with():
    assert maj_at_k([None, None, 0], {0: 1}, 3) == 1


def test_half_and_one_half_vote_together():
    def same(a: str, b: str) -> bool:
        return Fraction(a) == Fraction(b)

    labels = group(["1/2", "3", None, "0.5", "1/2", "3.0"], same)
    assert labels == [0, 1, None, 0, 0, 1]
    assert maj_at_k(labels, {0: 1}, 6) == 1


def test_equal_answers_are_compared_once():
    asked = []

    def never(a: str, b: str) -> bool:
        asked.append((a, b))
        return False

    assert group(["x", "y", "x", "y", "y"], never) == [0, 1, 0, 1, 1]
    assert asked == [("x", "y")]


def test_a_class_is_what_equals_its_first_member():
    near = group([0, 2, 1, 3], lambda a, b: abs(a - b) <= 1)
    assert near == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "weights", "winners"),
    [
        ([0, 1, 1], [1, 1, 1], (1,)),
        ([0, 1, 1], [1, 0.2, 0.2], (0,)),
        ([0, 1, 1], [0.3, 0.1, 0.2], (0, 1)),
        ([None, None, 1], [5, 5, Fraction(1, 3)], (1,)),
        ([None], [1], ()),
        ([], [], ()),
    ],
)
def test_the_heaviest_label_wins_the_vote(labels, weights, winners):
    assert vote(labels, weights) == winners


def test_a_vote_needs_a_weight_for_each_label():
    with pytest.raises(ValueError):
        vote([0, 1], [1])
