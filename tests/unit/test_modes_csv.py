"""Self-verification: how a check is read, what a false one leads to, and that it must end."""

import pytest

from sandbox import Execution, Exit
from solver.models.scripted import Line
from solver.modes.csv import revise, state_of, verify
from solver.records import Failure, Outcome, Verification
from tests.fakes import PROBLEMS, program, told

TRUE, FALSE, UNCERTAIN = (program(f"print({word})") for word in ("True", "False", "Uncertain"))


async def csv(folder, replies, *, revisions=2, mode="csv", **more):
    return await told(folder, replies, mode=mode, csv={"revisions": revisions}, **more)


def numbered(text, number):
    """The same program once more: a script's lines must differ."""
    return program(f"{text}  # {number}")


def states(found):
    return [turn.verification for turn in found.turns]


# ---- how a check is read ----


@pytest.mark.parametrize(
    ("stdout", "state"),
    [
        ("True\n", "true"),
        ("true", "true"),
        ("TRUE\n", "true"),
        ("True.\n", "true"),
        (" **True** \n\n  \n", "true"),
        ("False\r\n", "false"),
        ("checking 1 2 3\nFalse\n", "false"),
        ("False\nTrue\n", "true"),
        ("Uncertain\n", "uncertain"),
        ("True or False\n", "uncertain"),
        ("not true\n", "uncertain"),
        ("Verified: True\n", "uncertain"),
        ("True\n3\n", "uncertain"),
        ("truest\n", "uncertain"),
        ("1\n", "uncertain"),
        ("", "uncertain"),
        ("\n\n", "uncertain"),
    ],
)
def test_a_state_is_the_one_word_of_the_last_line(stdout, state):
    assert state_of(Execution(Exit.OK, stdout, "", 0.1, 0.1, 1.0, False)) == state


@pytest.mark.parametrize("ended", [e for e in Exit if e is not Exit.OK])
def test_a_check_that_failed_is_uncertain_whatever_it_printed(ended):
    failed = Execution(ended, "True\n", "", 0.1, 0.1, 1.0, False)
    assert state_of(failed) is Verification.UNCERTAIN


@pytest.mark.parametrize(
    "check",
    ["It looks right to me.", program("import socket"), program("# exit: crashed"), program("x=1")],
)
async def test_a_check_that_tells_nothing_is_uncertain_and_the_answer_stands(tmp_path, check):
    found = await csv(tmp_path, [program("print(1)"), check])
    assert states(found) == [None, Verification.UNCERTAIN]
    assert (found.row.outcome, found.row.answer) == (Outcome.CORRECT, "1")


# ---- what it leads to ----


@pytest.mark.parametrize("check", [TRUE, UNCERTAIN])
async def test_an_answer_not_found_false_is_the_trial_s(tmp_path, check):
    found = await csv(tmp_path, [program("print(1)"), check])
    assert (found.row.outcome, len(found.turns)) == (Outcome.CORRECT, 2)


async def test_an_answer_found_false_is_solved_and_checked_again(tmp_path):
    found = await csv(tmp_path, [program("print(7)"), FALSE, program("print(1)"), TRUE])
    assert [turn.answer for turn in found.turns] == ["7", "7", "1", "1"]
    assert states(found) == [None, Verification.FALSE, None, Verification.TRUE]
    assert found.row.outcome is Outcome.CORRECT


async def test_the_check_and_the_revision_are_asked_in_one_conversation(tmp_path):
    replies = [program("print(7)"), FALSE, program("print(1)"), TRUE]
    found = await csv(tmp_path, replies)
    first, check, again, last = (chat for chat, _ in found.history)
    assert [m.text for m in check[len(first) :]] == [replies[0], verify("7").text]
    assert [m.text for m in again[len(check) :]] == [replies[1], revise("7").text]
    assert [m.text for m in last[len(first) :]] == [replies[2], verify("1").text]


async def test_each_turn_holds_what_no_earlier_one_does(tmp_path):
    found = await csv(tmp_path, [program("print(7)"), FALSE, program("print(1)"), TRUE])
    assert [turn.fresh for turn in found.turns] == [True, False, False, False]
    assert [turn.prompt[-1] for turn in found.turns[1:]] == [
        verify("7"), revise("7"), verify("1"),
    ]  # fmt: skip
    assert [len(turn.prompt) for turn in found.turns] == [2, 1, 1, 1]


@pytest.mark.parametrize("revisions", [0, 1, 3])
async def test_a_check_that_says_false_for_ever_ends_at_the_cap(tmp_path, revisions):
    replies = [
        reply
        for n in range(5)
        for reply in (numbered(f"print({1 + n % 2})", n), numbered("print(False)", n))
    ]
    found = await csv(tmp_path, replies, revisions=revisions)
    assert states(found) == [None, Verification.FALSE] * (1 + revisions)
    assert found.row.answer == str(1 + revisions % 2)


async def test_an_answer_found_false_once_too_often_stands(tmp_path):
    found = await csv(tmp_path, [program("print(1)"), FALSE], revisions=0)
    assert found.row.outcome is Outcome.CORRECT


async def test_a_failed_first_program_is_mended_before_anything_is_checked(tmp_path):
    replies = [program("# exit: crashed"), program("print(1)"), TRUE]
    found = await csv(tmp_path, replies)
    assert states(found) == [None, None, Verification.TRUE]
    check, _ = found.history[-1]
    assert [m.text for m in check[2:]] == [replies[1], verify("1").text]


async def test_a_revision_s_failed_program_is_mended_in_its_conversation(tmp_path):
    replies = [program("print(7)"), FALSE, program("# exit: crashed"), program("print(1)"), TRUE]
    found = await csv(tmp_path, replies)
    assert [turn.answer for turn in found.turns] == ["7", "7", None, "1", "1"]
    mending, _ = found.history[3]
    assert revise("7").text in [m.text for m in mending]


async def test_a_revision_without_an_answer_leaves_the_trial_without_one(tmp_path):
    replies = [program("print(1)"), FALSE, "I do not know."]
    found = await csv(tmp_path, replies, code={"retries": 0})
    assert (found.row.outcome, len(found.turns)) == (Outcome.NO_CODE, 3)


async def test_no_answer_is_not_checked(tmp_path):
    found = await csv(tmp_path, ["I do not know."], code={"retries": 1})
    assert states(found) == [None, None]


async def test_a_prompt_that_was_cut_ends_it(tmp_path):
    found = await csv(tmp_path, [Line(text=program("print(1)"), prompt_cut=True)])
    assert [turn.failure for turn in found.turns] == [Failure.TRUNCATED]


# ---- what it shares with mode `code` ----


async def test_the_first_answer_is_that_of_mode_code(tmp_path):
    replies = [
        tuple(program(f"# exit: crashed {n}") for n in range(7)),
        tuple(program(f"print({n})") for n in range(5)),
        (TRUE, FALSE),
    ]
    warm = {"sampling": {"temperature": 1}}
    for seed in range(5):
        plain = await csv(tmp_path / f"code{seed}", replies, mode="code", seed=seed, **warm)
        found = await csv(tmp_path / f"csv{seed}", replies, seed=seed, **warm)
        assert found.turns[: len(plain.turns)] == plain.turns
        assert found.turns[len(plain.turns)].verification is not None


@pytest.mark.parametrize("reply", [TRUE, FALSE])
async def test_no_prompt_ever_holds_the_reference(tmp_path, reply):
    problem = PROBLEMS[0].model_copy(update={"answer": "a reference nobody may see"})
    replies = [program("print(7)"), reply, program("# exit: crashed"), program("print(8)")]
    found = await csv(tmp_path, replies, problem=problem)
    assert all("nobody may see" not in m.text for chat, _ in found.history for m in chat)


async def test_what_the_model_is_asked_does_not_depend_on_the_reference(tmp_path):
    replies = [program("print(7)"), FALSE, program("print(1)"), UNCERTAIN]
    right, wrong = [
        await csv(
            tmp_path / answer, replies, problem=PROBLEMS[0].model_copy(update={"answer": answer})
        )
        for answer in ("1", "2")
    ]
    assert right.row.outcome is not wrong.row.outcome
    assert [chat for chat, _ in right.history] == [chat for chat, _ in wrong.history]


# ---- resuming, seeds ----

LONG = [
    program("# exit: crashed"),
    program("print(7)"),
    FALSE,
    program("# exit: timeout"),
    program("print(1)"),
    TRUE,
]


@pytest.mark.parametrize("requests", range(len(LONG)))
async def test_a_trial_cut_between_turns_ends_as_if_it_had_not_been(tmp_path, requests):
    whole = await csv(tmp_path / "whole", LONG)
    assert len(whole.turns) == len(LONG)
    cut = await csv(tmp_path / "cut", LONG, requests=requests)
    assert (cut.row.outcome, len(cut.turns)) == (Outcome.ERROR, requests)
    again = await csv(tmp_path / "cut", LONG)
    assert again.turns == whole.turns
    assert len(again.history) == len(LONG) - requests
    assert len(again.sandbox.ran) == len(LONG) - requests


async def test_the_same_seed_gives_the_same_trial_and_no_seed_twice(tmp_path):
    replies = [
        tuple(numbered(f"print({n})", turn) for n in ("True", "False", "maybe", "7", "8"))
        for turn in range(6)
    ]
    one, other = [
        await csv(tmp_path / name, replies, sampling={"temperature": 1}, seed=3)
        for name in ("one", "other")
    ]
    assert one.turns == other.turns
    seeds = [seed for _, seed in one.history]
    assert len(set(seeds)) == len(seeds)
