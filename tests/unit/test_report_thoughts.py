"""Thoughts in tables: their tokens, and trials that ended in them."""

import pytest

from solver.analysis.cost import costs
from solver.analysis.failures import failures_of
from solver.records import Detail
from solver.report.runs import Run, stored_run
from solver.report.show import show_costs, show_failures, show_run
from solver.report.warnings import warnings_of
from tests.stored import changed, problem, said, stored, trial


@pytest.fixture
def store(tmp_path):
    cut = changed(said(code=False, capped=True, text="", tokens=(10, 2048)), thought_tokens=2048)
    only = changed(said(code=False, text="", tokens=(10, 50)), thoughts=r"\boxed{3}")
    right = changed(said("1", code=False, tokens=(10, 500)), thoughts="hm", thought_tokens=480)
    late = said(code=False, capped=True, text="So the")
    store = stored(
        tmp_path,
        [problem(n) for n in range(1, 5)],
        [
            trial("p1", right, right=True, mode="cot"),
            trial("p2", cut, mode="cot"),
            trial("p3", only, mode="cot"),
            trial("p4", late, mode="cot"),
        ],
    )
    yield store
    store.close()


def test_failures_count_what_thoughts_explain(store):
    (arm,) = failures_of(store).arms
    assert arm.details == {
        Detail.CUT_THINKING: 1,
        Detail.ONLY_IN_THOUGHTS: 1,
        Detail.CUT_ANSWERING: 1,
    }
    assert (arm.caps.capped, arm.caps.thinking) == (2, 1)


def test_failures_show_them(store, capsys):
    show_failures(failures_of(store))
    text = capsys.readouterr().out
    assert "Trials that ended in thoughts" in text
    assert all(detail.value.split()[0] in text for detail in Detail)


def test_tokens_of_thoughts_stand_next_to_the_answers(store, capsys):
    show_run(stored_run(store))
    text = capsys.readouterr().out
    assert "(2,528 of them thoughts)" in text
    assert " of replies, 1 of them while thinking" in text
    details = ("cut while thinking 1", "cut while answering 1", "answer only in the thoughts 1")
    assert " · ".join(details) in text


def test_the_warning_of_truncation_says_how_many_were_thinking(store):
    (warning,) = [w for w in warnings_of(Run(store, "r")) if "truncated" in w.text]
    assert "(1 of them while thinking)" in warning.text


def test_costs_tell_thoughts_apart(store, capsys):
    (arm,) = costs(store.trials(), {})
    assert (arm.usage.output_tokens, arm.usage.thought_tokens) == (2618, 2528)
    assert arm.usage.per_trial().thought_tokens == 632
    show_costs([arm])
    text = capsys.readouterr().out
    assert "thoughts" in text
    assert "2,528" in text


def test_other_runs_have_no_word_of_them(tmp_path, capsys):
    store = stored(tmp_path, [problem(1)], [trial("p1", said("1"), right=True)])
    show_run(stored_run(store))
    show_failures(failures_of(store))
    show_costs(costs(store.trials(), {}))
    store.close()
    assert "though" not in capsys.readouterr().out
