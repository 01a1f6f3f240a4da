"""One trial whole, as a terminal shows it."""

import re

import pytest

from sandbox import Exit
from solver.report import write_report
from solver.report.trial import show_problem
from tests.stored import changed, problem, said, stored, trial

WHOLE = """\
══ p1 (algebra, level 1)
   [question]
     What is 1?
   [reference]
     1

══ m/x · code · repeat 0 · seed 0
── Attempt 1
   [user]
     q
   [reply: 10 + 20 tokens, 0.5 s]
     first
     try
   [program]
     print()
   execution: crashed, 0.25 s, 0.10 s of CPU, 10 MiB
   [stdout]
     out
   [stderr]
     ZeroDivisionError
   no answer: crashed
── Attempt 2
   [user]
     q
   [reply: 10 + 20 tokens, 0.5 s, hit the cap]
     x
   [program]
     print()
   execution: ok, 0.25 s, 0.10 s of CPU, 10 MiB
   [stdout]
     1
   answer (last_line): 1
── outcome: correct in 1.0 s
── verdict: score 5 of 5 by rules (judge j): compared
"""


def test_a_trial_is_shown_whole(tmp_path, capsys):
    crashed = said(exit=Exit.CRASHED, stdout="out", stderr="ZeroDivisionError", text="first\ntry")
    right = changed(said("1", stdout="1", capped=True), answer_rule="last_line")
    store = stored(tmp_path, [problem(1)], [trial("p1", crashed, right, right=True)])
    show_problem(store, "p1")
    store.close()
    assert capsys.readouterr().out == WHOLE


def shown(tmp_path, capsys, turn):
    store = stored(tmp_path, [problem(1)], [trial("p1", turn, mode="cot")])
    show_problem(store, "p1")
    store.close()
    return capsys.readouterr().out


def test_thoughts_are_folded_and_counted_before_the_reply(tmp_path, capsys):
    thoughts = "\n".join(f"thought {n}" for n in range(20))
    counted = {"thought_tokens": 1500, "thoughts_counted": "estimated"}
    turn = changed(said("1", code=False), thoughts=thoughts, **counted)
    assert """\
   [thoughts: 1,500 of these tokens, estimated]
     thought 0
     thought 1
     thought 2
     … 14 lines more: `solver view`, `solver export` …
     thought 17
     thought 18
     thought 19
   [reply: 10 + 20 tokens, 0.5 s]
""" in shown(tmp_path, capsys, turn)


def test_a_cut_while_thinking_is_told_from_one_while_answering(tmp_path, capsys):
    cut = said(code=False, capped=True, text="")
    text = shown(tmp_path / "thinking", capsys, changed(cut, thoughts="hm"))
    assert "no answer: truncated, cut while thinking" in text
    assert "[thoughts: 2 characters]" in text
    text = shown(tmp_path / "answering", capsys, changed(cut, text="So"))
    assert "no answer: truncated, cut while answering" in text
    assert "[thoughts" not in text


def test_an_answer_only_in_the_thoughts_is_said_to_be_there(tmp_path, capsys):
    turn = changed(said(code=False, text=""), thoughts=r"\boxed{1}")
    assert "no answer: no answer, answer only in the thoughts" in shown(tmp_path, capsys, turn)


@pytest.fixture
def disputed(tmp_path):
    """Two modes: one problem is solved by one of them, another by neither."""
    seven = changed(said("7", code=False), text="<b>seven</b>")
    store = stored(
        tmp_path / "run",
        [problem(1), problem(2)],
        [
            trial("p1", said("1"), right=True),
            trial("p1", seven, right=False, mode="cot"),
            trial("p2", said("9"), right=False),
            trial("p2", said(code=False), mode="cot"),
        ],
    )
    store.close()
    return tmp_path / "run"


def test_a_page_with_trials_holds_each_failure_and_both_sides_of_a_dispute(disputed):
    page = write_report([disputed], with_trials=True).read_text(encoding="utf-8")
    titles = re.findall(r"<summary>(p\d · [^<]*)</summary>", page)
    assert titles == [
        "p2 · code · repeat 0: wrong",
        "p1 · cot · repeat 0: wrong",
        "p1 · code · repeat 0: correct",
    ]
    assert "&lt;b&gt;seven&lt;/b&gt;" in page
    assert "── verdict: score 1 of 5 by rules" in page


def test_a_page_holds_no_whole_trials_unless_asked(disputed):
    assert "── verdict" not in write_report([disputed]).read_text(encoding="utf-8")
