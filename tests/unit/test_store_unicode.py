"""Any Unicode from outside, also broken, is stored, and comes back wherever a run is read."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.bridges.tables import export_run
from solver.bridges.training import write_training
from solver.records import (
    Intervention,
    Message,
    Outcome,
    Problem,
    Reply,
    Token,
    Trial,
    Turn,
    digest,
    without_surrogates,
)
from solver.report import write_report, write_tables
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.report.trial import show_problem
from solver.store import Store
from solver.text import plain
from tests.fakes import ExactJudge, finished_run, program
from tests.stored import JUDGE
from tests.viewed import client_of, page

BROKEN = "\ud800 \udfff\ud83d \x00\x1b[31m\u2028\uffff"
ANY = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates included


def trial_of(text, *, right=True):
    """A trial with this text in every field that comes from outside."""
    words = text or "x"
    turn = Turn(
        prompt=(Message(role="user", text=text),),
        reply=Reply(
            text=text,
            thoughts=text,
            ended=text,
            tokens=(Token(text=text, logprob=-1.0, alternatives=((text, -2.0),)),),
            interventions=(Intervention(kind="closed", at=0, dropped=text),),
        ),
        program=text,
        findings=(Finding(Level.WARN, text, 1, text),),
        execution=Execution(Exit.OK, text, text, 0.1, 0.1, 1.0, False),
        answer=words,
        answer_rule=text,
        runs_code=True,
    )
    verdict = Verdict(
        5 if right else 1, "model", text, "equal", tier=text, reference_form=text,
        answer_form=text, judge_model=text, rules="undecided", rules_reason=text, flags=(text,),
    )  # fmt: skip
    problem_id = f"p{words}"
    facts = {"problem_id": problem_id, "model": f"m/{text}", "mode": "code", "seed": 0}
    return Trial(**facts, repeat=0, turns=(turn,), verdict=verdict, error=None)


def store_of(folder, text):
    """A run with this text in every field, and one trial that ended in an error of ours."""
    trial, words = trial_of(text), text or "x"
    store = Store.create_or_open(folder)
    store.add_problems([Problem(id=f"p{words}", question=words, answer=words, domain=words)])
    model = [{"name": f"m/{text}"}]
    store.write_manifest(
        judge=JUDGE,
        identity={},
        config={"model": model},
        warnings=[text],
        models={text: {"digest": text}},
    )
    store.end_session(store.begin_session(note=text))
    store.add_turn("k", 0, trial.turns[0])
    store.add_trial("k", trial, judge="j")
    failed = trial.model_copy(update={"repeat": 1, "turns": (), "verdict": None})
    store.add_trial("e", Trial(**{**failed.model_dump(), "error": text}), judge="j")
    return store


@given(ANY)
@example(BROKEN)
@settings(max_examples=60, deadline=None)
def test_a_trial_of_any_text_comes_back_as_it_was(text):
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder), text)
        trial = trial_of(text)
        assert store.trial("k") == trial
        assert trial.turns[0].reply.text == without_surrogates(text)
        assert len(without_surrogates(text)) == len(text)
        assert store.trial("e").error == without_surrogates(text)
        assert store.manifest()["warnings"] == [without_surrogates(text)]
        assert store.sessions()[0]["note"] == without_surrogates(text)
        store.close()


@given(ANY)
@example(BROKEN)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_run_of_any_text_is_shown_reported_viewed_and_exported(capsys, text):
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "run"
        store = store_of(folder, text)
        show_run(stored_run(store))
        show_problem(store, next(iter(store.problems())))
        assert capsys.readouterr().out.encode()
        store.close()
        write_report([folder])
        write_tables([folder], "csv")
        for form in ("jsonl", "csv"):
            export_run(Store.open(folder), form)
        write_training(Store.open(folder), "sft", None)
        with client_of(Path(home)) as client:
            for address in ("/", "/run/run", "/run/run/manifest", "/run/run/trial/k"):
                assert page(client, address)


@given(st.recursive(ANY, lambda inside: st.lists(inside) | st.dictionaries(ANY, inside)))
def test_a_digest_of_any_text_can_be_made(value):
    assert len(digest(value)) == 16


def test_the_digest_of_whole_text_stays_what_it_was():
    assert digest(["ä", 1, {"b": "∞"}]) == "a55d076f025884d1"


class BrokenJudge(ExactJudge):
    """Says its reason in broken Unicode."""

    async def grade(self, question, reference, answer):
        verdict = await super().grade(question, reference, answer)
        return Verdict(verdict.score, "model", json.loads('"\\ud800"'), "equal", rules="equal")


async def test_nothing_that_a_model_or_a_judge_writes_ends_a_run(tmp_path):
    reply = f"{BROKEN}\n" + program("print(1)")
    async with finished_run(tmp_path, [reply], judge=BrokenJudge()) as store:
        rows = list(store.rows())
        assert [row.error for row in rows] == [None] * 3
        assert {row.outcome for row in rows} == {Outcome.CORRECT, Outcome.WRONG}
        (turn,) = store.turns(rows[0].key)
        assert turn.reply.text == without_surrogates(reply)
        assert {row.verdict.reason for row in rows} == {"\ufffd"}


@pytest.mark.parametrize("text", [BROKEN, "\ud800"])
def test_an_error_message_of_any_text_can_be_printed(text):
    assert plain(text).encode()
