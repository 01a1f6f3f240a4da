"""Training data: which correct trials become a line, and what the line says."""

import json
from itertools import count

import pytest
from typer.testing import CliRunner

from sandbox import Execution, Exit
from solver.bridges.training import write_training
from solver.cli import app
from solver.errors import ConfigError
from solver.records import Message, Reply, Turn, Verification
from tests.stored import problem, stored, trial

QUESTION = (Message(role="system", text="Be brief."), Message(role="user", text="How many?"))
EXAMPLE = (Message(role="user", text="An example?"), Message(role="assistant", text="Like this."))
HOSTILE = 'Ünï \u202e\u2028 \x00\x1b[31m "}\n{"messages": []} </s><|im_end|> \\u0041'
ONE, TWO = problem(1), problem(2)


def ran(program, answer="1", *, exit=Exit.OK, text=None, prompt=QUESTION, fresh=True, **facts):
    """A turn whose program was run."""
    return Turn(
        prompt=prompt,
        fresh=fresh,
        reply=Reply(text=text or f"```python\n{program}\n```"),
        program=program,
        execution=Execution(exit, "", "", 0.1, 0.1, 10.0, False),
        answer=answer,
        **{"runs_code": True, **facts},
    )


def told(text, *, answer="1", prompt=QUESTION, fresh=True):
    """A turn in words."""
    return Turn(prompt=prompt, fresh=fresh, reply=Reply(text=text), answer=answer)


def why(text):
    return (Message(role="user", text=text),)


def made(folder, trials, *, form="sft", problems=(ONE, TWO), **options):
    """The lines that a run of these trials gives, and what was counted."""
    repeats = count()
    numbered = [one.model_copy(update={"repeat": next(repeats)}) for one in trials]
    store = stored(folder, problems, numbered, config={"tir": {"format": "tora"}})
    try:
        counted = write_training(store, form, **options)
        return [json.loads(line) for line in counted.path.open(encoding="utf-8")], counted
    finally:
        store.close()


def replies(lines):
    return [line["messages"][-1]["content"] for line in lines]


# --- filters -----------------------------------------------------------------------------------


def test_wrong_and_undecided_trials_are_left_out(tmp_path):
    trials = [
        trial("p1", ran("print(1)"), right=True),
        trial("p1", ran("print(2)", "2"), right=False),
        trial("p2", ran("print(3)", "3"), right=None),
    ]
    lines, counted = made(tmp_path, trials)
    assert len(lines) == counted.kept == 1
    assert counted.dropped["not correct"] == 2


def test_a_trial_with_an_error_of_ours_is_left_out_even_where_its_answer_was_right(tmp_path):
    trials = [
        trial("p1", ran("print(1)"), right=True, error="SandboxError: away"),
        trial("p2", ran("print(2)", "2"), right=True),
    ]
    lines, counted = made(tmp_path, trials)
    assert [line["metadata"]["problem_id"] for line in lines] == ["p2"]
    assert counted.dropped["error of ours"] == 1


def test_a_right_answer_behind_a_program_that_failed_is_left_out(tmp_path):
    crashed = ran("print(1/0)", None, exit=Exit.CRASHED, runs_code=False)
    boxed = told("It failed, but it is \\boxed{1}.", prompt=why("ZeroDivisionError"), fresh=False)
    trials = [
        trial("p1", crashed, boxed, right=True, mode="tir"),
        trial("p2", told("So \\boxed{2}.", answer="2"), right=True, mode="cot"),
    ]
    lines, counted = made(tmp_path, trials)
    assert [line["metadata"]["problem_id"] for line in lines] == ["p2"]
    assert counted.dropped["program did not end well"] == 1


def test_a_crash_that_was_fixed_is_kept(tmp_path):
    crashed = ran("print(1/0)", None, exit=Exit.CRASHED)
    fixed = ran("print(1)", prompt=why("ZeroDivisionError"), fresh=False)
    assert len(made(tmp_path, [trial("p1", crashed, fixed, right=True)])[0]) == 1


def test_the_same_program_is_kept_once_for_a_problem_and_again_for_another(tmp_path):
    again = "# the same\nresult = 1 + 0\nprint( result )"
    trials = [
        trial("p1", ran("x = 1 + 0\nprint(x)"), right=True),
        trial("p1", ran(again), right=True),
        trial("p2", ran(again, "2"), right=True),
    ]
    lines, counted = made(tmp_path, trials)
    assert [line["metadata"]["problem_id"] for line in lines] == ["p1", "p2"]
    assert counted.dropped["same program"] == 1


def test_the_same_words_are_kept_once(tmp_path):
    trials = [
        trial("p1", told(text), right=True, mode="cot")
        for text in ("So  \\boxed{1}.", "so \\boxed{1}.\n", "Hence \\boxed{1}.")
    ]
    lines, counted = made(tmp_path, trials)
    assert len(lines) == 2
    assert counted.dropped["same program"] == 1


def test_of_a_problem_with_enough_the_most_unlike_are_kept(tmp_path):
    sums = [f"print(0 + {n} - {n - 1})" for n in range(5)]
    unlike = "from math import comb\nfor k in range(9):\n    if comb(9, k) == 9: print(k)"
    trials = [trial("p1", ran(program), right=True) for program in (*sums, unlike)]
    lines, counted = made(tmp_path, trials, per_problem=2)
    assert [line["metadata"]["repeat"] for line in lines] == [0, 5]
    assert counted.dropped["enough for its problem"] == 4


def test_the_trial_with_the_fewest_turns_is_kept_first(tmp_path):
    crashed = ran("print(1/0)", None, exit=Exit.CRASHED)
    fixed = ran("print(0 + 1)", prompt=why("it failed"), fresh=False)
    trials = [
        trial("p1", crashed, fixed, right=True),
        trial("p1", ran("print(1)"), right=True),
    ]
    lines, _ = made(tmp_path, trials, per_problem=1)
    assert [line["metadata"]["turns"] for line in lines] == [1]


def test_rft_leaves_out_a_solution_that_took_tool_outputs(tmp_path):
    step = ran("print(1)", None, runs_code=False)
    boxed = told("So \\boxed{1}.", prompt=why("```output\n1\n```"), fresh=False)
    trials = [
        trial("p1", step, boxed, right=True, mode="tir"),
        trial("p2", told("At once \\boxed{2}.", answer="2"), right=True, mode="tir"),
    ]
    lines, counted = made(tmp_path, trials, form="rft")
    assert replies(lines) == ["At once \\boxed{2}."]
    assert counted.dropped["took several replies"] == 1


# --- lines -------------------------------------------------------------------------------------


def test_sft_is_the_conversation_with_failed_replies_weighing_nothing(tmp_path):
    crashed = ran("print(1/0)", None, exit=Exit.CRASHED, prompt=(*EXAMPLE, *QUESTION))
    fixed = ran("print(1)", prompt=why("It failed."), fresh=False)
    lines, _ = made(tmp_path, [trial("p1", crashed, fixed, right=True)])
    messages = lines[0]["messages"]
    roles = ["user", "assistant", "system", "user", "assistant", "user", "assistant"]
    assert [message["role"] for message in messages] == roles
    assert [message.get("weight") for message in messages] == [None, 0, None, None, 0, None, 1]
    assert messages[5]["content"] == "It failed."


def test_sft_begins_where_the_conversation_last_began(tmp_path):
    crashed = ran("print(1/0)", None, exit=Exit.CRASHED)
    lines, _ = made(tmp_path, [trial("p1", crashed, ran("print(1)"), right=True)])
    assert [message["role"] for message in lines[0]["messages"]] == ["system", "user", "assistant"]


def test_sft_trains_on_steps_of_tool_use_and_drops_what_follows_a_program(tmp_path):
    text = "Try:\n```python\nprint(1)\n```\nIt prints\n```\n7\n```\n"
    step = ran("print(1)", None, text=text, runs_code=False)
    boxed = told("So \\boxed{1}.", prompt=why("```output\n1\n```"), fresh=False)
    lines, _ = made(tmp_path, [trial("p1", step, boxed, right=True, mode="tir")])
    messages = lines[0]["messages"]
    assert messages[2] == {
        "role": "assistant", "content": "Try:\n```python\nprint(1)\n```", "weight": 1,
    }  # fmt: skip
    assert messages[4]["weight"] == 1


def test_sft_does_not_train_on_an_answer_that_was_taken_back(tmp_path):
    wrong = ran("print(3)", "3")
    check = ran("print(False)", "3", prompt=why("Check."), fresh=False,
                verification=Verification.FALSE)  # fmt: skip
    right = ran("print(1)", prompt=why("Again."), fresh=False)
    sure = ran("print(True)", prompt=why("Check."), fresh=False, verification=Verification.TRUE)
    lines, _ = made(tmp_path, [trial("p1", wrong, check, right, sure, right=True, mode="csv")])
    weights = [one["weight"] for one in lines[0]["messages"] if one["role"] == "assistant"]
    assert weights == [0, 0, 1, 1]


def test_rft_is_the_question_without_examples_and_the_reply_that_was_right(tmp_path):
    crashed = ran(
        "print(1/0)", None, exit=Exit.CRASHED, prompt=(QUESTION[0], *EXAMPLE, QUESTION[1])
    )
    fixed = ran("print(1)", prompt=why("It failed."), fresh=False)
    sure = ran("print(True)", prompt=why("Check."), fresh=False, verification=Verification.TRUE)
    lines, _ = made(
        tmp_path, [trial("p1", crashed, fixed, sure, right=True, mode="csv")], form="rft"
    )
    assert lines[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "```python\nprint(1)\n```"},
    ]


def test_a_line_says_where_it_comes_from(tmp_path):
    lines, _ = made(tmp_path, [trial("p1", ran("print(1)"), right=True, model="m/x")])
    metadata = lines[0]["metadata"]
    assert metadata.pop("prompt_hash") != ""
    assert metadata == {
        "run": tmp_path.name, "model": "m/x", "mode": "code", "problem_id": "p1",
        "problem_hash": ONE.hash, "repeat": 0, "seed": 0, "answer": "1", "score": 5,
        "judged_by": "rules", "judge": "j", "turns": 1,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["sft", "rft"])
def test_hostile_text_comes_back_as_it_was_on_one_line(tmp_path, form):
    one = trial("p1", told(HOSTILE, prompt=why(HOSTILE)), right=True, mode="cot")
    lines, counted = made(tmp_path, [one], form=form)
    assert [message["content"] for message in lines[0]["messages"]] == [HOSTILE, HOSTILE]
    assert counted.path.read_text(encoding="utf-8").count("\n") == 1
    assert len(counted.path.read_text(encoding="utf-8").splitlines()) == 1


def test_a_run_without_a_correct_trial_is_one_line_and_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"no trial to train on .*not correct 1") as said:
        made(tmp_path, [trial("p1", ran("print(2)", "2"), right=False)])
    assert "\n" not in str(said.value)
    assert not (tmp_path / "sft.jsonl").exists()


def test_a_cap_below_one_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least 1"):
        made(tmp_path, [trial("p1", ran("print(1)"), right=True)], per_problem=0)


def test_the_command_prints_what_was_kept_and_dropped_and_its_help_teaches(tmp_path):
    stored(tmp_path, [ONE], [trial("p1", ran("print(1)"), right=True)]).close()
    said = CliRunner().invoke(app, ["export", str(tmp_path), "--format", "rft"]).output
    assert said.splitlines()[0].startswith("kept 1 trials of 1 problems · dropped: ")
    assert said.splitlines()[1] == str(tmp_path / "rft.jsonl")
    told = CliRunner().invoke(app, ["export", "--help"]).output
    for word in ("sft", "rft", "messages", "weight", "--per-problem"):
        assert word in told
