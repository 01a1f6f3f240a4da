"""What goes into a run's file comes out the same, and nobody else can write it meanwhile."""

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.errors import ConfigError
from solver.models._thoughts import keep_apart
from solver.records import Detail, Message, Outcome, Problem, Reply, Token, Trial, Turn
from solver.store import FILE, Store

TURN = Turn(
    prompt=(Message(role="system", text="s"), Message(role="user", text="q \\boxed{…} \U0001f600")),
    fresh=True,
    reply=Reply(text="r\x00\x1b[31m", input_tokens=5, output_tokens=7, seconds=0.5, requests=2),
    program="print(1)",
    findings=(Finding(Level.WARN, "os", 1, "imports os"),),
    execution=Execution(Exit.OK, "1\n", "", 0.1, 0.05, 20.0, False),
    answer="1",
    answer_rule="last line",
    runs_code=True,
)
VERDICT = Verdict(5, "rules", "same", "equal", rules="equal")
TRIAL = Trial(
    problem_id="p1", model="m/x", mode="code", repeat=0, seed=3, turns=(TURN,), verdict=VERDICT,
    started=1.0, seconds=2.0,
)  # fmt: skip
PROBLEM = Problem(id="p1", question="q", answer="1", domain="algebra", level=1)


@pytest.fixture
def store(tmp_path):
    store = Store.create_or_open(tmp_path)
    yield store
    store.close()


def test_a_trial_comes_back_as_it_was(store):
    store.add_turn("k", 0, TURN)
    store.add_trial("k", TRIAL, judge="j")
    assert store.trial("k") == TRIAL


def test_a_row_gives_the_same_outcome_as_the_whole_trial(store):
    endings = [
        TURN,
        TURN.model_copy(update={"answer": None}),
        TURN.model_copy(update={"answer": None, "execution": None, "program": None}),
        TURN.model_copy(update={"answer": None, "execution": None}),
        *(
            TURN.model_copy(
                update={"answer": None, "execution": Execution(exit_, "", "", 0, 0, 0, False)}
            )
            for exit_ in Exit
        ),
        TURN.model_copy(update={"reply": Reply(text="", prompt_cut=True)}),
        Turn(prompt=(), reply=Reply(text="", capped=True)),
    ]
    for number, turn in enumerate(endings):
        for verdict in (VERDICT, Verdict(1, "rules", "", "different"), None):
            for error in (None, "ModelError: away"):
                key = f"{number}{verdict}{error}"
                trial = TRIAL.model_copy(
                    update={"turns": (turn,), "verdict": verdict, "error": error}
                )
                store.add_turn(key, 0, turn)
                store.add_trial(key, trial, judge="j")
                assert store.trial(key).outcome is trial.outcome
    outcomes = {row.key: row.outcome for row in store.rows()}
    assert all(store.trial(key).outcome is outcome for key, outcome in outcomes.items())
    assert len(set(outcomes.values())) >= 10


def test_the_last_verdict_counts_and_the_earlier_ones_stay(store):
    store.add_turn("k", 0, TURN)
    store.add_trial("k", TRIAL, judge="first")
    store.add_verdict("k", Verdict(1, "model", "no", "different"), judge="second")
    (row,) = store.rows()
    assert row.outcome is Outcome.WRONG
    assert [judge for judge, _ in store.verdicts("k")] == ["first", "second"]


def test_only_one_process_writes_a_run(tmp_path, store):
    script = f"""
from solver.store import Store
from pathlib import Path
Store.create_or_open(Path({str(tmp_path)!r}))
"""
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "is writing this run" in other.stderr


def test_a_run_can_be_read_while_it_is_written(tmp_path, store):
    store.add_turn("k", 0, TURN)
    store.add_trial("k", TRIAL, judge="j")
    reader = Store.open(tmp_path)
    assert len(list(reader.rows())) == 1
    reader.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no run there"),
        (lambda path: path.write_bytes(b"not a database at all" * 100), "not a run of solver"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE t (x)"), "not a run of solver"),
    ],
)
def test_what_is_not_a_run_is_refused_in_one_line(tmp_path, make, message):
    make(tmp_path / FILE)
    with pytest.raises(ConfigError, match=message) as refused:
        Store.open(tmp_path)
    assert "\n" not in str(refused.value)


def test_another_version_s_run_is_refused(tmp_path):
    Store.create_or_open(tmp_path).close()
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigError, match="format 99"):
        Store.open(tmp_path)


def test_the_manifest_keeps_what_it_is_told(store):
    store.write_manifest(config={"a": 1}, note="ü")
    store.write_manifest(note="new")
    assert store.manifest() == {"config": {"a": 1}, "note": "new"}


THINKING = Reply(text="", thoughts=r"\boxed{1}", thought_tokens=7, output_tokens=7)


def test_a_row_explains_a_failure_as_the_whole_trial_does(store):
    endings = [
        Turn(prompt=(), reply=THINKING),
        Turn(prompt=(), reply=THINKING, runs_code=True),
        Turn(prompt=(), reply=THINKING.model_copy(update={"capped": True})),
        Turn(prompt=(), reply=THINKING.model_copy(update={"prompt_cut": True})),
        Turn(prompt=(), reply=Reply(text="So", thoughts="hm", capped=True)),
        Turn(prompt=(), reply=Reply(text="", thought_tokens=9, capped=True)),
        Turn(prompt=(), reply=Reply(text="", capped=True)),
        TURN,
    ]
    for number, turn in enumerate(endings):
        trial = TRIAL.model_copy(update={"turns": (turn,)})
        store.add_turn(f"{number}", 0, turn)
        store.add_trial(f"{number}", trial, judge="j")
    details = {row.key: row.detail for row in store.rows()}
    assert all(store.trial(key).detail is detail for key, detail in details.items())
    assert set(details.values()) == {*Detail, None}


def test_a_row_counts_thoughts(store):
    cut = Turn(prompt=(), reply=THINKING.model_copy(update={"capped": True}))
    for number, turn in enumerate((cut, cut, TURN)):
        store.add_turn("k", number, turn)
    store.add_turn("k", 1, Turn(prompt=(), reply=THINKING))
    store.add_trial("k", TRIAL, judge="j")
    (row,) = store.rows()
    assert (row.thought_tokens, row.cut_thinking, row.output_tokens) == (14, 1, 21)


def test_a_run_of_a_version_without_thoughts_opens_and_goes_on(tmp_path):
    store = Store.create_or_open(tmp_path)
    store.add_turn("k", 0, TURN)
    store.add_trial("k", TRIAL, judge="j")
    store.close()
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("DROP TABLE thoughts")
    database.close()
    reader = Store.open(tmp_path)
    (row,) = reader.rows()
    assert (row.thought_tokens, row.cut_thinking, row.detail) == (0, 0, None)
    assert reader.trial("k") == TRIAL
    reader.close()
    store = Store.create_or_open(tmp_path)
    store.add_turn("k", 1, Turn(prompt=(), reply=THINKING))
    (row,) = store.rows()
    assert row.thought_tokens == 7
    store.close()


def test_what_is_stored_together_is_there_at_the_end_of_the_block(tmp_path, store):
    reader = Store.open(tmp_path)
    with store.together():
        store.add_turn("k", 0, TURN)
        store.add_turn("k", 1, TURN)
        store.add_trial("k", TRIAL, judge="j")
        assert (reader.turns("k"), list(reader.rows())) == ((), [])
    assert reader.turns("k") == (TURN, TURN)
    assert [row.key for row in reader.rows()] == ["k"]
    reader.close()


def test_what_fails_in_a_block_leaves_nothing_of_it(store):
    with suppress(KeyError), store.together():
        store.add_turn("k", 0, TURN)
        raise KeyError
    assert store.turns("k") == ()
    store.add_turn("l", 0, TURN)
    assert store.turns("l") == (TURN,)


@pytest.mark.parametrize("number", [10**13, 10**25, -1, 10.0**25, float("inf"), float("nan")])
def test_numbers_that_no_reply_has_do_not_make_a_run_unreadable(number, tmp_path):
    reply = Reply(
        text="r", input_tokens=number, output_tokens=number, thought_tokens=number, seconds=number
    )
    turn = TURN.model_copy(update={"reply": keep_apart(reply, total=number)})
    with closing(Store.create_or_open(tmp_path)) as store:
        store.add_turn("k", 0, turn)
        store.add_trial("k", TRIAL.model_copy(update={"turns": (turn,)}), judge="j")
    with closing(Store.open(tmp_path)) as store:
        assert [row.output_tokens for row in store.rows()] == [0]
        assert store.trial("k").turns == (turn,)


@pytest.mark.parametrize("logprob", [float("-inf"), float("inf"), float("nan")])
def test_a_logarithm_that_json_does_not_have_comes_back_as_a_number(logprob, store):
    token = Token(text="a", logprob=logprob, alternatives=(("b", logprob), ("c", -1.5)))
    turn = TURN.model_copy(update={"reply": Reply(text="a", tokens=(token,))})
    store.add_turn("k", 0, turn)
    (stored,) = store.turns("k")
    assert stored == turn
    assert token.alternatives == (("b", -9999.0), ("c", -1.5))
