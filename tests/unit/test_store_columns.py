"""Trials as arrays say what records say, also of a run that holds everything that a run can."""

import random
import sqlite3
from contextlib import closing

import pytest

from solver.store import FILE, Store
from solver.store.columns import BY, DETAILS, FAILURES, OUTCOMES, RULES, first_seen
from tests.bench.report import write_run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A run with retries, thoughts, trials judged twice, errors, and turns without a trial."""
    folder = write_run(tmp_path_factory.mktemp("columns") / "run", problems=20, errors=0.1)
    draw = random.Random(0)
    with closing(sqlite3.connect(folder / FILE)) as database:
        for key, number, capped in database.execute(
            "SELECT key, number, capped FROM turns"
        ).fetchall():
            if draw.random() < 0.4:
                thought = (key, number, draw.randint(1, 90), draw.random() < 0.5,
                           draw.random() < 0.5, capped)  # fmt: skip
                database.execute("INSERT INTO thoughts VALUES (?, ?, ?, ?, ?, ?)", thought)
        for (key,) in database.execute("SELECT key FROM trials").fetchall():
            database.execute("UPDATE trials SET started = ? WHERE key = ?", (draw.random(), key))
            if draw.random() < 0.1:
                database.execute("DELETE FROM trials WHERE key = ?", (key,))
            if draw.random() < 0.3:
                score = draw.choice([1, 3, 5, None])
                body = '{"score": null, "by": "none", "reason": "\\"rules\\":", "relation": "x"}'
                verdict = (key, "other", score, 4, "none" if score is None else "model")
                if score is not None:
                    body = body.replace("null", str(score)).replace("none", "model")
                    body = body.replace("}", ', "rules": "undecided"}')
                database.execute(
                    "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
                    " VALUES (?, 1.0, ?, ?, ?, ?, ?)",
                    (*verdict, body),
                )
        database.commit()
    store = Store.open(folder)
    yield store
    store.close()


def test_arrays_hold_what_records_hold(store):
    rows, trials = list(store.rows()), store.trials()
    assert len(rows) == len(trials) > 100
    for place, row in enumerate(rows):
        assert trials.key_of(place) == row.key
        assert trials.problems[trials.problem[place]] == row.problem_id
        assert trials.arms[trials.arm[place]] == (row.model, row.mode)
        assert trials.repeat[place] == row.repeat
        assert OUTCOMES[trials.outcome[place]] is row.outcome
        assert FAILURES[trials.failure[place]] is row.failure
        assert DETAILS[trials.detail[place]] is row.detail
        assert (trials.answers[trials.answer[place]] if trials.answer[place] >= 0 else None) == (
            row.answer
        )
        assert {name: values[place] for name, values in trials.numbers.items()} == {
            name: getattr(row, name) for name in trials.numbers
        }


def test_arrays_hold_the_last_verdict(store):
    trials = store.trials()
    for place, row in enumerate(store.rows()):
        verdict = row.verdict
        assert (trials.judges[trials.judge[place]] if trials.judge[place] >= 0 else None) == (
            row.judge
        )
        if verdict is not None:
            assert trials.score[place] == (-1 if verdict.score is None else verdict.score)
            assert (BY[trials.by[place]], RULES[trials.rules[place]]) == (verdict.by, verdict.rules)
            assert trials.passed[place] == verdict.correct


def test_the_turns_of_a_trial_are_its_own_and_in_order(store):
    trials = store.trials()
    trial, place = trials.of_turns()
    for number in range(0, len(trials), 7):
        turns = store.turns(trials.key_of(number))
        mine = place[trial == number]
        assert [FAILURES[code] for code in trials.turns.failure[mine]] == [t.failure for t in turns]
        assert trials.turns.number[mine].tolist() == list(range(len(turns)))


def test_some_trials_are_those_trials(store):
    trials = store.trials()
    some = trials[trials.correct]
    assert some.correct.all()
    assert list(some.keys()) == [row.key for row in store.rows() if row.correct]


def test_numbers_are_listed_as_they_come(store):
    assert first_seen(store.trials().problem[:0], 3).tolist() == []
    trials = store.trials()
    names = [trials.problems[code] for code in first_seen(trials.problem, len(trials.problems))]
    assert names == list(dict.fromkeys(row.problem_id for row in store.rows()))
