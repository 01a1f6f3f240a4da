"""Tool-integrated reasoning: what is run, what goes back, what is believed, and how it ends."""

import subprocess
import sys

import pytest

from sandbox import Execution, Exit
from solver.models.scripted import Line, Script
from solver.modes.tir import FORMATS, LAST, Options, read, shown
from solver.records import Failure, Outcome, Reply
from tests.fakes import program, told


def tagged(text):
    return f"<llm-code>\n{text}\n</llm-code>"


WRITTEN = {"tora": program, "openmath": tagged}
FORMATS_BY_NAME = pytest.mark.parametrize("form", FORMATS)


def after(output, *replies):
    """What the model says when it is shown this output."""
    return Script(when=f"\n{output}\n", replies=replies)


async def tir(folder, first, *then, form="tora", options=None, **more):
    tir = {"format": form, "examples": 0, **(options or {})}
    return await told(folder, [first], scripts=then, mode="tir", tir=tir, **more)


def sent_back(found):
    """What the model was told in each turn but the first."""
    return [turn.prompt[-1].text for turn in found.turns[1:]]


def of_reply(text, form="tora", **more):
    return read(Reply(text=text, **more), FORMATS[form])


# ---- the conversation ----


@FORMATS_BY_NAME
async def test_a_program_s_output_goes_back_and_the_box_after_it_is_the_answer(tmp_path, form):
    first = "I compute." + "\n" + WRITTEN[form]("print(1)")
    found = await tir(tmp_path, first, after("1", "So \\boxed{1}."), form=form)
    assert found.row.outcome is Outcome.CORRECT
    assert [turn.execution and turn.execution.stdout for turn in found.turns] == ["1\n", None]
    assert sent_back(found) == [FORMATS[form].output.format("1")]
    assert (found.turns[-1].answer, found.turns[-1].answer_rule) == ("1", "boxed")


@FORMATS_BY_NAME
async def test_worked_examples_show_a_program_its_output_and_a_box(tmp_path, form):
    found = await tir(tmp_path, "\\boxed{1}", form=form, options={"examples": 2})
    chat, _ = found.history[0]
    assert [message.role for message in chat] == [
        "system", *["user", "assistant", "user", "assistant"] * 2, "user",
    ]  # fmt: skip
    for program_, output, answer in (chat[2:5], chat[6:9]):
        step = of_reply(program_.text, form)
        assert step.program is not None
        printed = subprocess.run(
            [sys.executable, "-c", step.program], check=True, capture_output=True, text=True
        ).stdout
        assert output.text == FORMATS[form].output.format(printed.strip())
        assert of_reply(answer.text, form).answer.answer == printed.strip()


@pytest.mark.parametrize("text", ["So the sum is 1.", "The answer is 1"])
async def test_words_cut_at_the_cap_are_truncated_and_no_answer(tmp_path, text):
    found = await tir(tmp_path, program("print(1)"), after("1", Line(text=text, capped=True)))
    assert found.row.outcome is Outcome.TRUNCATED
    boxed = Line(text="So \\boxed{1}. And further", capped=True)
    found = await tir(tmp_path / "boxed", program("print(1)"), after("1", boxed))
    assert found.row.outcome is Outcome.CORRECT


@FORMATS_BY_NAME
async def test_the_model_sees_its_whole_conversation_again(tmp_path, form):
    first = WRITTEN[form]("print(4)")
    second = WRITTEN[form]("print(5)")
    found = await tir(tmp_path, first, after("4", second), after("5", "\\boxed{1}"), form=form)
    chat, _ = found.history[-1]
    assert [message.role for message in chat] == [
        "system", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert [chat[2].text, chat[4].text] == [first, second]


async def test_only_the_first_turn_is_fresh_and_later_ones_hold_what_is_new(tmp_path):
    found = await tir(tmp_path, program("print(4)"), after("4", "\\boxed{1}"))
    assert [turn.fresh for turn in found.turns] == [True, False]
    assert [len(turn.prompt) for turn in found.turns] == [2, 1]


@pytest.mark.parametrize(
    ("form", "reply", "kept"),
    [
        ("tora", f"{program('print(4)')}\n```output\n9\n```", f"{program('print(4)')}\n"),
        ("openmath", f"{tagged('print(4)')}\n9", "<llm-code>\nprint(4)\n"),
        ("openmath", "Go.\n<llm-code-output>\n9", "Go.\n"),
    ],
)
async def test_the_model_is_stopped_where_an_output_would_begin(tmp_path, form, reply, kept):
    found = await tir(tmp_path, reply, after("4", "\\boxed{1}"), form=form)
    assert found.turns[0].reply.text == kept


@pytest.mark.parametrize(("form", "most"), [("tora", 400), ("openmath", 1000)])
async def test_a_long_output_goes_back_with_its_middle_cut(tmp_path, form, most):
    digits = "1234567890" * 200
    reply = WRITTEN[form](f"print({digits})")
    found = await tir(tmp_path, reply, form=form, options={"executions": 2})
    cut = FORMATS[form].cut
    half = most // 2
    assert sent_back(found)[0] == FORMATS[form].output.format(digits[:half] + cut + digits[-half:])
    assert found.turns[0].execution.stdout == digits + "\n"


@pytest.mark.parametrize(
    ("form", "kept"), [("tora", "ValueError: no"), ("openmath", "Traceback\nValueError: no")]
)
async def test_tora_shows_an_error_s_last_line_and_openmath_the_whole(tmp_path, form, kept):
    failing = WRITTEN[form]("# exit: crashed\n# stderr: Traceback\n# stderr: ValueError: no")
    found = await tir(tmp_path, failing, form=form, options={"executions": 2})
    assert sent_back(found)[0] == FORMATS[form].output.format(kept)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "Nothing was printed."),
        ("# exit: timeout", "it ran longer than 10 seconds"),
        ("# exit: out_of_memory", "it ended: out_of_memory"),
        ("import socket", "line 1: "),
    ],
)
async def test_the_model_is_told_how_a_program_ended(tmp_path, text, says):
    found = await tir(tmp_path, program(text), options={"executions": 2})
    assert says in sent_back(found)[0]


@FORMATS_BY_NAME
@pytest.mark.parametrize("ended", [Exit.CRASHED, Exit.OUT_OF_MEMORY, Exit.KILLED])
def test_an_end_without_an_error_message_is_told_too(form, ended):
    silent = Execution(ended, "", "", 1.0, 1.0, 1.0, False)
    assert f"exit {ended}" in shown(silent, (), FORMATS[form], 10)


# ---- what ends it ----


async def test_a_box_before_a_program_ends_it_and_the_program_is_not_run(tmp_path):
    found = await tir(tmp_path, "So \\boxed{1}. Let me check.\n" + program("print(4)"))
    assert (found.row.outcome, len(found.turns)) == (Outcome.CORRECT, 1)
    assert not found.sandbox.ran


@FORMATS_BY_NAME
async def test_a_program_after_the_last_execution_is_not_run(tmp_path, form):
    replies = [WRITTEN[form](f"print({n})") for n in (4, 5, 6)]
    found = await tir(
        tmp_path, replies[0], after("4", replies[1]), after("5", replies[2]),
        form=form, options={"executions": 2},
    )  # fmt: skip
    assert len(found.turns) == 3
    assert [turn.execution is not None for turn in found.turns] == [True, True, False]


async def test_tora_answers_by_the_last_output_where_no_box_came(tmp_path):
    replies = [program(f"print({n})") for n in (4, 1, 6)]
    found = await tir(
        tmp_path, replies[0], after("4", replies[1]), after("1", replies[2]),
        options={"executions": 2},
    )  # fmt: skip
    assert (found.turns[-1].answer, found.turns[-1].answer_rule) == ("1", "last_output")
    assert found.row.outcome is Outcome.CORRECT


async def test_openmath_has_no_answer_where_no_box_came(tmp_path):
    found = await tir(tmp_path, tagged("print(1)"), form="openmath", options={"executions": 1})
    assert len(found.turns) == 2
    assert found.row.outcome is Outcome.NO_ANSWER


async def test_a_box_beats_the_last_output(tmp_path):
    found = await tir(tmp_path, program("print(4)"), after("4", "No, \\boxed{1}."))
    assert found.turns[-1].answer == "1"


async def test_the_last_output_beats_words_without_a_box(tmp_path):
    found = await tir(tmp_path, program("print(4)"), after("4", "The answer is 1."))
    assert (found.turns[-1].answer, found.turns[-1].answer_rule) == ("4", "last_output")


@pytest.mark.parametrize("failing", ["# exit: crashed", "import socket", "x = 1"])
async def test_an_output_before_a_program_that_brought_none_is_no_answer(tmp_path, failing):
    found = await tir(
        tmp_path,
        program("print(4)"),
        after("4", program(failing)),
        Script(when="```output\n", replies=("I give up, sorry. It cannot be done.",)),
    )
    assert len(found.turns) == 3
    assert found.row.outcome is Outcome.NO_ANSWER


@FORMATS_BY_NAME
async def test_words_alone_can_answer_at_once(tmp_path, form):
    found = await tir(tmp_path, "It is plainly \\boxed{1}.", form=form)
    assert (found.row.outcome, len(found.turns)) == (Outcome.CORRECT, 1)


@FORMATS_BY_NAME
async def test_no_program_and_no_answer_ends_it(tmp_path, form):
    found = await tir(tmp_path, "I would rather not. Ask me another.", form=form)
    assert (found.row.outcome, len(found.turns)) == (Outcome.NO_ANSWER, 1)


async def test_the_last_output_comes_with_the_word_that_it_was_the_last(tmp_path):
    replies = [program(f"print({n})") for n in (4, 5)]
    found = await tir(tmp_path, replies[0], after("4", replies[1]), options={"executions": 2})
    assert [text.endswith(LAST) for text in sent_back(found)] == [False, True]


@pytest.mark.parametrize(("form", "executions"), [("tora", 3), ("openmath", 6)])
async def test_the_papers_executions_are_the_default(tmp_path, form, executions):
    reply = WRITTEN[form]("print(4)")
    found = await tir(tmp_path, reply, form=form)
    assert sum(turn.execution is not None for turn in found.turns) == executions
    assert Options(format=form).most_executions == executions


@pytest.mark.parametrize(
    ("failing", "failure"),
    [
        ("# exit: crashed", Failure.CRASHED),
        ("# exit: timeout", Failure.TIMEOUT),
        ("import socket", Failure.UNSAFE),
    ],
)
async def test_an_error_ends_the_trial_where_that_is_asked_for(tmp_path, failing, failure):
    found = await tir(tmp_path, program(failing), options={"on_error": "stop"})
    assert [turn.failure for turn in found.turns] == [failure]


async def test_a_program_that_goes_well_does_not_end_it_where_errors_do(tmp_path):
    options = {"on_error": "stop"}
    found = await tir(tmp_path, program("x = 1"), options=options)
    assert len(found.turns) == 4


async def test_after_an_error_the_model_goes_on_by_default(tmp_path):
    found = await tir(
        tmp_path, program("# exit: crashed"), after("it ended: crashed", "\\boxed{1}")
    )
    assert (found.row.outcome, len(found.turns)) == (Outcome.CORRECT, 2)


@FORMATS_BY_NAME
async def test_a_refused_program_is_not_run_and_counts_as_an_execution(tmp_path, form):
    reply = WRITTEN[form]("import socket")
    found = await tir(tmp_path, reply, form=form, options={"executions": 1})
    assert found.turns[0].findings
    assert found.turns[0].execution is None
    assert not found.sandbox.ran
    assert len(found.turns) == 2


async def test_a_cut_prompt_ends_it_and_counts_as_truncated(tmp_path):
    cut = Line(text=program("print(1)"), prompt_cut=True)
    found = await tir(tmp_path, cut)
    assert (found.row.outcome, len(found.turns)) == (Outcome.TRUNCATED, 1)
    assert not found.sandbox.ran


# ---- what is believed ----


INVENTED = [
    f"{program('print(4)')}\n```Output\n1\n```\nSo \\boxed{{1}}.",
    f"{program('print(4)')}\nThis prints 1, so \\boxed{{1}}.",
    "```python\nprint(4)\n``` output\n1\n```\nSo \\boxed{1}.",
    f"{program('print(4)')}\n{program('print(1)')}",
]


@pytest.mark.parametrize("reply", INVENTED)
async def test_what_follows_a_program_is_never_believed(tmp_path, reply):
    found = await tir(tmp_path, reply, after("4", "It is \\boxed{7}."))
    assert found.turns[0].answer is None
    assert found.turns[0].execution.stdout == "4\n"
    assert found.turns[-1].answer == "7"


@pytest.mark.parametrize("reply", INVENTED)
async def test_what_follows_a_program_is_not_shown_to_the_model_again(tmp_path, reply):
    found = await tir(tmp_path, reply, after("4", "It is \\boxed{7}."))
    chat, _ = found.history[-1]
    assert chat[2].text == program("print(4)")


@pytest.mark.parametrize(
    "fence", ["```output", "``` output", "```Output", "~~~stdout", "```result"]
)
def test_an_output_without_a_program_is_not_believed(fence):
    for invented in ("1", "\\boxed{1}", "1\n```\nSo \\boxed{1}"):
        answer = of_reply(f"Let me run it in my head.\n{fence}\n{invented}").answer
        assert answer.answer is None


def test_an_invented_output_between_tags_is_not_believed():
    text = "I run it in my head. It says:\n<llm-code-output>\n\\boxed{1}\n</llm-code-output>"
    assert of_reply(text, "openmath").answer.answer is None
    step = of_reply(f"<llm-code>\nprint(4)\n{text}", "openmath")
    assert step.answer.answer is None


def test_an_output_glued_to_a_program_is_no_part_of_it():
    assert of_reply("```python\nprint(4)```output\n1\n```").program == "print(4)"
    glued = "<llm-code>\nprint(4)<llm-code-output>\n1"
    assert of_reply(glued, "openmath").program == "print(4)"


# ---- what is a program ----


@FORMATS_BY_NAME
def test_a_program_is_run_although_it_was_never_closed(form):
    begun = WRITTEN[form]("print(4)").rpartition("\n")[0]
    step = of_reply(begun, form)
    assert step.program == "print(4)"
    assert step.text == WRITTEN[form]("print(4)")


@FORMATS_BY_NAME
def test_a_program_that_the_cap_cut_is_none(form):
    begun = WRITTEN[form]("print(4)").rpartition("\n")[0]
    assert of_reply(begun, form, capped=True).program is None


@FORMATS_BY_NAME
async def test_a_reply_that_the_cap_cut_in_its_program_is_truncated(tmp_path, form):
    begun = WRITTEN[form]("print(4)").rpartition("\n")[0]
    found = await tir(tmp_path, Line(text=begun, capped=True), form=form)
    assert found.row.outcome is Outcome.TRUNCATED


@FORMATS_BY_NAME
def test_a_program_that_was_closed_before_the_cap_is_run(form):
    text = WRITTEN[form]("print(4)") + "\nand then"
    assert of_reply(text, form, capped=True).program == "print(4)"


def test_words_before_the_program_go_back_with_it():
    step = of_reply(f"Think first.\n{program('print(4)')}\nmore")
    assert step.text == f"Think first.\n{program('print(4)')}"


def test_fences_inside_tags_are_no_part_of_the_program():
    assert of_reply(tagged(program("print(4)")), "openmath").program == "print(4)\n"
    assert of_reply(tagged("```\nprint(4)\n```"), "openmath").program == "print(4)\n"


def test_a_program_that_does_not_parse_is_one_all_the_same():
    assert of_reply(program("print(4")).program == "print(4\n"


@pytest.mark.parametrize(
    "fence", ["```python", "```py", "```python3", "```Python ", "So:```python"]
)
def test_models_mark_a_program_in_many_ways(fence):
    assert of_reply(f"{fence}\nprint(4)\n```").program == "print(4)"


# ---- sessions ----


async def test_openmath_s_programs_share_one_session_and_its_names(tmp_path):
    found = await tir(
        tmp_path, tagged("x = 1"),
        after("Nothing was printed.", tagged("print(x)")), after("1", "\\boxed{1}"),
        form="openmath",
    )  # fmt: skip
    (session,) = found.sandbox.sessions
    assert session.ran == ["x = 1", "print(x)"]
    assert found.turns[1].execution.stdout == "1\n"
    assert not found.sandbox.ran


async def test_tora_s_programs_each_run_in_a_fresh_process(tmp_path):
    found = await tir(
        tmp_path, program("x = 1"),
        after("Nothing was printed.", program("print(x)")), after("x", "\\boxed{1}"),
    )  # fmt: skip
    assert [*found.sandbox.ran] == ["x = 1", "print(x)"]
    assert not found.sandbox.sessions


async def test_a_session_ends_with_its_trial(tmp_path):
    found = await tir(tmp_path, tagged("print(1)"), after("1", "\\boxed{1}"), form="openmath")
    assert [session.closed for session in found.sandbox.sessions] == [True]


async def test_without_a_program_no_session_is_opened(tmp_path):
    found = await tir(tmp_path, "\\boxed{1}", form="openmath")
    assert not found.sandbox.sessions


# ---- resuming ----


def conversation(form):
    write = WRITTEN[form]
    return (
        write("x = 1"),
        after("Nothing was printed.", write("print(x)\nprint(4)")),
        after("4", write("# exit: crashed")),
        after("it ended: crashed", "So \\boxed{1}."),
    )


@FORMATS_BY_NAME
@pytest.mark.parametrize("requests", [0, 1, 2, 3])
async def test_a_trial_cut_between_turns_ends_as_if_it_had_not_been(tmp_path, form, requests):
    whole = await tir(tmp_path / "whole", *conversation(form), form=form)
    assert len(whole.turns) == 4
    cut = await tir(tmp_path / "cut", *conversation(form), form=form, requests=requests)
    assert (cut.row.outcome, len(cut.turns)) == (Outcome.ERROR, requests)
    again = await tir(tmp_path / "cut", *conversation(form), form=form)
    assert again.turns == whole.turns
    assert again.row.outcome is whole.row.outcome


@FORMATS_BY_NAME
@pytest.mark.parametrize("requests", [1, 2, 3])
async def test_no_reply_is_bought_twice(tmp_path, form, requests):
    cut = await tir(tmp_path, *conversation(form), form=form, requests=requests)
    again = await tir(tmp_path, *conversation(form), form=form)
    assert len(cut.history) + len(again.history) == 4


async def test_no_tora_program_runs_twice(tmp_path):
    await tir(tmp_path, *conversation("tora"), requests=2)
    again = await tir(tmp_path, *conversation("tora"))
    assert [*again.sandbox.ran] == ["# exit: crashed\n"]


async def test_a_session_s_names_are_made_again_before_its_next_program(tmp_path):
    script = conversation("openmath")
    await tir(tmp_path, *script, form="openmath", requests=1)
    again = await tir(tmp_path, *script, form="openmath")
    (session,) = again.sandbox.sessions
    assert session.ran == ["x = 1", "print(x)\nprint(4)", "# exit: crashed\n"]
    assert again.turns[1].execution.stdout == "1\n4\n"


async def test_a_session_is_not_made_again_where_no_program_follows(tmp_path):
    script = conversation("openmath")
    await tir(tmp_path, *script, form="openmath", requests=3)
    again = await tir(tmp_path, *script, form="openmath")
    assert not again.sandbox.sessions


async def test_a_refused_program_is_not_run_when_a_session_is_made_again(tmp_path):
    script = (
        tagged("x = 1"),
        after("Nothing was printed.", tagged("import socket")),
        Script(when="Not run", replies=(tagged("print(x)"),)),
        after("1", "\\boxed{1}"),
    )
    await tir(tmp_path, *script, form="openmath", requests=2)
    again = await tir(tmp_path, *script, form="openmath")
    assert again.sandbox.sessions[0].ran == ["x = 1", "print(x)"]
    assert again.row.outcome is Outcome.CORRECT


async def test_names_that_a_timeout_lost_are_lost_again_after_a_resume(tmp_path):
    script = (
        tagged("x = 7"),
        after("Nothing was printed.", tagged("# exit: timeout")),
        Script(when="Stopped", replies=(tagged("print(x)"),)),
        after("x", "\\boxed{1}"),
    )
    await tir(tmp_path, *script, form="openmath", requests=2)
    again = await tir(tmp_path, *script, form="openmath")
    assert again.sandbox.sessions[0].restarts == 1
    assert again.turns[2].execution.stdout == "x\n"


# ---- seeds ----


@FORMATS_BY_NAME
async def test_the_same_seed_gives_the_same_trial(tmp_path, form):
    write = WRITTEN[form]
    said = tuple(write(f"print({n})") for n in range(5))
    then = Script(when="output", replies=(("\\boxed{1}", "\\boxed{2}", *said),))
    one, other = [
        await told(
            tmp_path / name, [said], scripts=[then], mode="tir", tir={"format": form},
            sampling={"temperature": 1},
        )
        for name in ("one", "other")
    ]  # fmt: skip
    assert one.turns == other.turns
    assert len({seed for _, seed in one.history}) == len(one.turns)
