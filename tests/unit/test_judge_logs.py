"""What is read of other tools' logs, and which files are refused."""

import json
import zipfile

import pytest

from judge.logs import LogError, answer_of, is_log, read_log
from judge.logs.changes import Change, Tally, change_of
from judge.logs.records import Theirs
from tests import logs
from tests.needs import shared_data


def refusal(path):
    """Why a log is refused, or, where it is not, the places of its replies."""
    try:
        return " ".join(f"{one.place} {answer_of(one)}" for one in read_log(path))
    except LogError as refused:
        return str(refused)


def answers(path):
    return [answer_of(one).answer for one in read_log(path)]


# --- lm-eval -----------------------------------------------------------------------------------


def test_every_reply_of_an_lm_eval_document_is_read_once_a_filter(tmp_path):
    path = logs.lm_eval(
        tmp_path, {"p1": ["\\boxed{2}", "\\boxed{3}"]}, filters=("strict", "flexible")
    )
    found = list(read_log(path))
    assert [(one.repeat, one.theirs[0].name) for one in found] == [
        (0, "exact_match,strict"), (1, "exact_match,strict"),
        (0, "exact_match,flexible"), (1, "exact_match,flexible"),
    ]  # fmt: skip
    assert all(each.whole for one in found for each in one.theirs)


def test_a_line_separator_within_a_reply_does_not_end_the_line(tmp_path):
    path = logs.lm_eval(tmp_path, {"p1": ["one\u2028so \\boxed{2}"]})
    [found] = read_log(path)
    assert found.steps[0].text == "one\u2028so \\boxed{2}"


def test_the_model_of_an_lm_eval_log_is_named_by_the_results_beside_it(tmp_path):
    path = logs.lm_eval(tmp_path, {"p1": ["2"]}, model="org/tiny")
    assert next(read_log(path)).model == "org/tiny"
    (tmp_path / f"results_{logs.DATE}.json").unlink()
    [found] = read_log(path)
    assert (found.model, "model's name" in found.lost) == ("", True)


def test_thoughts_in_the_text_are_no_part_of_the_reply(tmp_path):
    path = logs.lm_eval(tmp_path, {"p1": ["<think>\nmaybe \\boxed{9}\n</think>\nso \\boxed{2}"]})
    [found] = read_log(path)
    assert "9" in found.steps[0].thoughts
    assert answer_of(found).answer == "2"


def test_a_multiple_choice_row_is_refused_with_its_line(tmp_path):
    path = logs.lm_eval(
        tmp_path, {"p1": ["2"], "p2": ["2"]}, resps=[[["-4.1", "False"]], [["1", "True"]]]
    )
    with pytest.raises(LogError, match=r"samples_adding_.*, line 1: .*multiple choice"):
        list(read_log(path))


def test_a_cut_last_line_is_refused_with_its_number(tmp_path):
    path = logs.lm_eval(tmp_path, {"p1": ["2"], "p2": ["3"]})
    path.write_text(path.read_text("utf-8")[:-40], encoding="utf-8")
    with pytest.raises(LogError, match=r"line 2: not JSON.*breaks off"):
        list(read_log(path))


# --- inspect -----------------------------------------------------------------------------------


def test_an_inspect_message_brings_its_thoughts_tokens_and_cap(tmp_path):
    message = logs.said("so \\boxed{2}", thoughts="I think", stop="max_tokens")
    path = logs.inspect(tmp_path / "log.json", [("p1", 2, [message], {"math": "C"})])
    [found] = read_log(path)
    step = found.steps[0]
    assert (found.repeat, found.theirs[0].value, step.capped) == (1, 1.0, True)
    assert (step.thoughts, step.input_tokens, step.output_tokens) == ("I think", 11, 7)
    assert step.thought_tokens == 3


def test_the_output_of_a_program_is_the_answer_where_no_reply_follows(tmp_path):
    last = [logs.said("I run it.", code="print(1+1)"), logs.printed("2\n")]
    then = [*last, logs.said("so \\boxed{3}")]
    path = logs.inspect(tmp_path / "log.json", [("p1", 1, last, {}), ("p1", 2, then, {})])
    assert answers(path) == ["2", "3"]


def test_a_traceback_and_a_tool_error_are_no_answer(tmp_path):
    crash = "Traceback (most recent call last):\n  File\nZeroDivisionError: division by zero\n"
    runs = [
        [logs.said("x", code="1/0"), logs.printed(crash)],
        [logs.said("x", code="1"), logs.printed("not allowed", error="permission")],
        [logs.said("x", code="while 1: pass"), logs.printed("too long", error="timeout")],
    ]
    path = logs.inspect(
        tmp_path / "log.json", [("p1", n, run, {}) for n, run in enumerate(runs, start=1)]
    )
    assert answers(path) == [None] * 3
    assert [one.steps[0].failure for one in read_log(path)] == ["crashed", "refused", "timeout"]


def test_an_errored_sample_is_an_error_and_gives_no_answer(tmp_path):
    path = logs.inspect(tmp_path / "log.json", [("p1", 1, [], {}, "the box is away")])
    [found] = read_log(path)
    assert (found.error, found.steps, found.theirs) == ("the box is away", (), ())


def test_a_sample_without_an_id_is_named_by_its_task_and_number(tmp_path):
    path = logs.inspect(tmp_path / "log.json", [(8, 1, [logs.said("2")], {})])
    assert next(read_log(path)).id == "adding/8"


def test_a_score_that_is_not_a_number_is_no_verdict(tmp_path):
    scores = {"open": float("nan"), "part": "P", "right": True, "words": "?"}
    path = logs.inspect(tmp_path / "log.json", [("p1", 1, [logs.said("2")], scores)])
    [found] = read_log(path)
    assert {each.name: each.value for each in found.theirs} == {"part": 0.5, "right": 1.0}


# --- OpenCompass, NeMo-Skills, plain -----------------------------------------------------------


def test_parts_of_an_opencompass_set_are_numbered_through(tmp_path):
    folder = tmp_path / "predictions" / "tiny"
    logs.opencompass(folder / "adding_0.json", {"p1": "2", "p2": "\\boxed{0.5}"})
    second = logs.opencompass(folder / "adding_1.json", {"p1": "2"})
    [found] = read_log(second)
    assert (found.id, found.model) == ("adding/2", "tiny")


def test_an_opencompass_part_whose_earlier_part_is_missing_is_refused(tmp_path):
    for number in (0, 2):
        logs.opencompass(tmp_path / f"adding_{number}.json", {"p1": "2"})
    with pytest.raises(LogError, match=r"adding_1\.json is missing"):
        list(read_log(tmp_path / "adding_2.json"))


def test_the_seed_of_a_nemo_skills_file_is_its_repeat(tmp_path):
    path = logs.nemo_skills(tmp_path / "output-rs3.jsonl", {"p1": "\\boxed{2}"})
    [found] = read_log(path)
    assert (found.repeat, found.theirs, found.steps[0].output_tokens) == (
        3, (Theirs("symbolic_correct", 1.0),), 5,
    )  # fmt: skip


def test_lines_with_the_same_question_are_repeats_of_it(tmp_path):
    row = {"question": "What is 1 + 1?", "reference": "2"}
    path = logs.jsonl(tmp_path / "mine.jsonl", [{**row, "reply": t} for t in ("2", "3", "4")])
    assert [(one.id, one.repeat) for one in read_log(path)] == [
        ("mine/1", 0), ("mine/1", 1), ("mine/1", 2),
    ]  # fmt: skip


def test_a_list_of_references_is_kept_whole(tmp_path):
    path = logs.jsonl(
        tmp_path / "m.jsonl", [{"question": "q", "reference": ["5", "five"], "reply": "5"}]
    )
    assert next(read_log(path)).references == ("5", "five")


@pytest.mark.parametrize(
    "text", ["", "{}\n", '{"a": 1}\n', "[1]\n", "nonsense\n", '{"resps": 1}\n'],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_in_one_line(text, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LogError, match=r"other\.jsonl") as refused:
        list(read_log(path))
    assert "\n" not in str(refused.value)


HOSTILE = (None, 7, "x", [], {}, [None], [[]], [[None]], {"a": 1}, [{"role": 3}], True, -1, 1e400)


@pytest.mark.parametrize("place", ["doc", "target", "arguments", "resps", "filtered_resps",
                                   "filter", "metrics", "exact_match", "solver"])  # fmt: skip
def test_an_lm_eval_line_with_anything_anywhere_is_read_or_refused(place, tmp_path):
    for value in HOSTILE:
        path = logs.lm_eval(tmp_path, {"p1": ["\\boxed{2}"]}, **{place: value})
        assert "line 1" in refusal(path)


@pytest.mark.parametrize("place", ["id", "epoch", "input", "target", "messages", "output",
                                   "scores", "events", "attachments", "metadata", "error",
                                   "model_usage"])  # fmt: skip
def test_an_inspect_sample_with_anything_anywhere_is_read_or_refused(place, tmp_path):
    path = logs.inspect(tmp_path / "log.json", [("p1", 1, [logs.said("2")], {"math": "C"})])
    whole = json.loads(path.read_text("utf-8"))
    for value in HOSTILE:
        sample = {**whole["samples"][0], place: value}
        path.write_text(json.dumps({**whole, "samples": [sample]}), encoding="utf-8")
        assert "sample 1" in refusal(path)


@pytest.mark.parametrize("text", ["[" * 200_000, "9" * 5_000], ids=["deep", "long"])
def test_json_that_is_too_deep_or_long_is_refused_or_taken_for_text(text, tmp_path):
    path = logs.lm_eval(tmp_path, {"p1": ["2"]}, arguments={"gen_args_0": {"arg_0": [text]}})
    assert next(iter(read_log(path))).steps[0].prompt == (("user", text),)
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", text)
    with pytest.raises(LogError, match=r"log\.eval: "):
        list(read_log(tmp_path / "log.eval"))


# --- changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "whole", "ours", "change"),
    [
        (1.0, False, True, None), (0.0, False, False, None),
        (1.0, False, False, Change.TO_WRONG), (0.0, False, True, Change.TO_RIGHT),
        (1.0, False, None, Change.LEFT_OPEN), (0.0, False, None, Change.LEFT_OPEN),
        (0.5, False, True, None), (1.0, True, False, None),
    ],
)  # fmt: skip
def test_only_a_verdict_on_a_single_reply_can_be_changed(value, whole, ours, change):
    assert change_of(Theirs("m", value, whole=whole), ours) is change


def test_a_tally_sums_both_sides():
    tally = Tally()
    for value, ours in ((1.0, True), (1.0, False), (0.0, True), (0.0, None)):
        tally.add(Theirs("m", value), ours)
    assert (tally.replies, tally.theirs, tally.ours) == (4, 2.0, 2)
    assert [tally.changes[change] for change in Change] == [1, 1, 1]


# --- published logs ----------------------------------------------------------------------------

EXPECTED = {
    "lm-eval/chat/samples_starter_judged_2026-11-28T07-35-24.798742.jsonl": (12, 0),
    "lm-eval/filters/samples_starter_two_filters_2026-11-28T07-35-16.146723.jsonl": (48, 0),
    "lm-eval/plain/samples_starter_plain_2026-11-28T07-56-03.524853.jsonl": (4, 0),
    "lm-eval/null/samples_starter_judged_2026-11-28T08-00-05.838503.jsonl": (2, 0),
    "inspect/epochs3_two_scorers.eval": (36, 0),
    "inspect/tools_error_missing_id.eval": (16, 2),
    "inspect/from_solver_code.eval": (36, 0),
    "inspect/from_solver_cot.eval": (36, 0),
    "lighteval/details/details_starter|0_2026-11-28T07-51-42.889917.parquet": (12, 0),
    "opencompass/predictions/stub/starter.json": (6, 0),
    "opencompass/results/stub/starter.json": (6, 0),
    "opencompass/predictions/partial/starter_1.json": (3, 0),
    "nemo-skills/output-rs0.jsonl": (6, 0),
    "nemo-skills/output.jsonl": (3, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_log_holds_the_trials_that_it_should(name):
    path = shared_data("bridges") / name
    assert is_log(path)
    found = list(read_log(path))
    trials = {(one.id, one.repeat) for one in found}
    errors = {(one.id, one.repeat) for one in found if one.error is not None}
    assert (len(trials), len(errors)) == EXPECTED[name]
    assert all(one.question and one.references for one in found)
