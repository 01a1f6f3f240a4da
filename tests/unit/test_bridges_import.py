"""Logs of other tools as runs: what is stored, what is refused, and that nothing is half done."""

import asyncio
import csv
import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from judge import open_judge
from judge.logs.records import Theirs
from solver.analysis.comparable import read_run
from solver.analysis.compare import compare_runs
from solver.analysis.failures import failures_of
from solver.analysis.other_judge import other_judge_of
from solver.bridges.imports import import_logs
from solver.bridges.tables import export_run
from solver.bridges.training import write_training
from solver.checks.rejudge import rejudge
from solver.cli import app
from solver.config import make_config
from solver.errors import ConfigError
from solver.problems import ProblemSet
from solver.records import Outcome, Problem
from solver.report import write_report
from solver.report.runs import stored_run
from solver.report.sections.failures import failed
from solver.report.sections.other_judge import by_other_judges
from solver.report.show import show_run
from solver.run.sameness import check_resume
from solver.store import Store
from tests import logs, viewed
from tests.needs import shared_data
from tests.viewed import client_of, listed, page

SET = ProblemSet(
    "mine",
    tuple(
        Problem(id=f"set/{key}", question=question, answer=answer, domain="sums", level=3)
        for key, (question, answer) in logs.QUESTIONS.items()
    ),
    {"kind": "file"},
)


@pytest.fixture(scope="module", autouse=True)
def judge():
    """One judge for all imports: its processes take a second to start."""
    opened = OPEN.judge = open_judge()
    yield opened
    asyncio.run(opened.close())


OPEN = SimpleNamespace()


def imported(folder, *files, problems=None, model=None):
    import_logs(files, folder, problems=problems, model=model, judge=OPEN.judge)
    return Store.open(folder)


def outcomes(store):
    return {(row.problem_id, row.repeat): row.outcome for row in store.rows()}


def two(folder):
    """Two questions, two replies each; the log's scorer is wrong about one of them."""
    return logs.lm_eval(
        folder,
        {
            "p1": ["\\boxed{2}"],
            "p2": [
                "so \\boxed{0.5}",
            ][:1],
        },
        wrong=("p2",),
    )


# --- what is stored ----------------------------------------------------------------------------


def test_our_verdict_counts_and_theirs_stands_beside_it(tmp_path):
    store = imported(tmp_path / "run", two(tmp_path / "log"))
    assert outcomes(store) == {("p1", 0): Outcome.CORRECT, ("p2", 0): Outcome.CORRECT}
    [arm] = other_judge_of(store, list(store.rows()))
    [scorer] = arm.scorers
    assert (scorer.name, scorer.tally.theirs, scorer.tally.ours) == ("exact_match,none", 1.0, 2)
    [changed] = scorer.changed
    assert (changed.row.problem_id, str(changed.change)) == ("p2", "wrong → right")


def test_the_filters_of_an_lm_eval_log_are_scorers_of_the_same_trials(tmp_path):
    path = logs.lm_eval(tmp_path / "log", {"p1": ["\\boxed{2}"]}, filters=("strict", "loose"))
    store = imported(tmp_path / "run", path)
    assert len(list(store.rows())) == 1
    names = sorted(theirs.name for _, theirs in store.other_verdicts())
    assert names == ["exact_match,loose", "exact_match,strict"]


def test_several_files_and_models_make_one_run(tmp_path):
    first = logs.lm_eval(tmp_path / "a", {"p1": ["\\boxed{2}"]}, model="one")
    second = logs.lm_eval(tmp_path / "b", {"p1": ["\\boxed{3}"]}, model="org/two")
    store = imported(tmp_path / "run", first, second)
    found = {row.model: row.correct for row in store.rows()}
    assert found == {"lm-eval/one": True, "org/two": False}


def test_an_inspect_conversation_becomes_turns_with_programs_and_executions(tmp_path):
    crash = "Traceback (most recent call last):\nZeroDivisionError: division by zero\n"
    messages = [
        logs.said("first", code="1/0"), logs.printed(crash),
        logs.said("again", code="print(2)"), logs.printed("2\n"),
    ]  # fmt: skip
    path = logs.inspect(tmp_path / "log.json", [("p1", 1, messages, {"math": "I"})])
    store = imported(tmp_path / "run", path)
    [row] = store.rows()
    assert (row.outcome, row.programs, row.output_tokens) == (Outcome.CORRECT, 2, 14)
    first, last = store.trial(row.key).turns
    assert (str(first.execution.exit), last.execution.stdout, last.runs_code) == (
        "crashed", "2\n", True,
    )  # fmt: skip


def test_an_error_of_the_tool_is_never_scored(tmp_path):
    samples = [("p1", 1, [], {}, "away"), ("p1", 2, [logs.said("\\boxed{2}")], {})]
    path = logs.inspect(tmp_path / "log.json", samples)
    assert set(outcomes(imported(tmp_path / "run", path)).values()) == {
        Outcome.ERROR, Outcome.CORRECT,
    }  # fmt: skip


def test_any_of_several_references_is_right(tmp_path):
    row = {"question": "q", "reference": ["7", "two"], "reply": "The answer is \\boxed{two}."}
    store = imported(tmp_path / "run", logs.jsonl(tmp_path / "m.jsonl", [row]), model="a/b")
    assert [one.outcome for one in store.rows()] == [Outcome.CORRECT]
    assert any("several references" in note for note in store.manifest()["warnings"])


def test_judging_again_accepts_any_of_several_references_too(tmp_path):
    row = {"question": "q", "reference": ["7", "two"], "reply": "The answer is \\boxed{two}."}
    path = logs.jsonl(tmp_path / "m.jsonl", [row])
    imported(tmp_path / "run", path, model="a/b").close()
    store = Store.create_or_open(tmp_path / "run")
    assert rejudge(store, {"policy": {"missing_unit": "refuse"}}).moved == {}
    assert [one.outcome for one in store.rows()] == [Outcome.CORRECT]


def test_other_references_for_one_question_are_refused(tmp_path):
    row = {"id": "a", "question": "q", "reference": ["7", "two"], "reply": "\\boxed{two}"}
    path = logs.jsonl(tmp_path / "m.jsonl", [row, {**row, "reference": "7", "reply": "7"}])
    with pytest.raises(ConfigError, match="line 2: 'a' has another question or reference"):
        imported(tmp_path / "run", path, model="a/b")


def test_what_a_log_does_not_tell_is_said(tmp_path):
    notes = imported(tmp_path / "run", two(tmp_path / "log")).manifest()["warnings"]
    assert any(note.startswith("no tokens in samples_adding") for note in notes)


# --- with a set --------------------------------------------------------------------------------


def test_a_set_gives_question_reference_domain_and_level_by_the_question_in_the_prompt(tmp_path):
    messages = [logs.said("\\boxed{2}")]
    path = logs.inspect(tmp_path / "log.json", [(8, 1, messages, {})])
    whole = json.loads(path.read_text("utf-8"))
    whole["samples"][0]["target"] = "another"
    path.write_text(json.dumps(whole), encoding="utf-8")
    store = imported(tmp_path / "run", path, problems=SET)
    assert outcomes(store) == {("set/p1", 0): Outcome.CORRECT}
    [problem] = store.problems().values()
    assert (problem.question, problem.domain, problem.level) == ("What is 1 + 1?", "sums", 3)


def test_logs_of_two_tools_on_one_set_can_be_compared(tmp_path):
    ours = logs.lm_eval(tmp_path / "a", {"p1": ["\\boxed{2}"], "p2": ["\\boxed{1}"]}, model="m/one")
    samples = [(key, 1, [logs.said("\\boxed{2}")], {}) for key in logs.QUESTIONS]
    theirs = logs.inspect(tmp_path / "log.json", samples, model="m/two")
    first = imported(tmp_path / "first", ours, problems=SET)
    second = imported(tmp_path / "second", theirs, problems=SET)
    [found] = compare_runs([read_run(first), read_run(second)])
    assert found.difference.value == 0


def test_a_reply_to_a_problem_that_the_set_lacks_is_refused(tmp_path):
    row = {"question": "What is 7?", "reference": "7", "reply": "7"}
    path = logs.jsonl(tmp_path / "m.jsonl", [row])
    with pytest.raises(ConfigError, match=r"m\.jsonl, line 1: mine holds no problem.*nothing was"):
        imported(tmp_path / "run", path, problems=SET)


# --- what is refused ---------------------------------------------------------------------------


def test_the_same_replies_again_are_dropped_and_counted(tmp_path):
    path = two(tmp_path / "log")
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(path.read_bytes())
    again = copy.rename(tmp_path / path.name)
    found = import_logs([path, path], tmp_path / "run", judge=OPEN.judge)
    assert found.trials == 2
    twice = import_logs([path, again], tmp_path / "r2", model="tiny", judge=OPEN.judge)
    assert (twice.trials, twice.again) == (2, 2)


def test_another_reply_in_the_same_place_is_refused_with_both_places(tmp_path):
    first = logs.lm_eval(tmp_path / "a", {"p1": ["\\boxed{2}"]})
    second = logs.lm_eval(tmp_path / "b", {"p1": ["\\boxed{3}"]})
    with pytest.raises(ConfigError, match=r"b/samples.*line 1: another reply .*a/samples.*line 1"):
        imported(tmp_path / "run", first, second)


def test_a_bad_line_leaves_nothing_behind(tmp_path):
    path = logs.lm_eval(tmp_path / "log", {"p1": ["\\boxed{2}"], "p2": ["\\boxed{3}"]})
    path.write_text(path.read_text("utf-8")[:-30], encoding="utf-8")
    with pytest.raises(ConfigError, match=r"line 2: not JSON"):
        imported(tmp_path / "runs" / "run", path)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_is_there_is_not_touched(tmp_path):
    path = two(tmp_path / "log")
    imported(tmp_path / "run", path).close()
    with pytest.raises(ConfigError, match="is there already"):
        imported(tmp_path / "run", path)


def test_solver_run_does_not_go_on_with_it(tmp_path):
    imported(tmp_path / "run", two(tmp_path / "log")).close()
    store = Store.create_or_open(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"was imported from .*; there is|was imported from"):
        check_resume(store, make_config({"model": "scripted/x"}), (), {})


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    from solver.cli import main

    monkeypatch.setattr("sys.argv", ["solver", "import", str(tmp_path / "none.jsonl")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- every command works on it -----------------------------------------------------------------


def test_every_command_for_runs_works_on_an_imported_one(tmp_path, capsys):
    replies = {"p1": ["\\boxed{2}", "\\boxed{3}"], "p2": ["so \\boxed{0.5}", "\\boxed{7}"]}
    path = logs.lm_eval(tmp_path / "log", replies)
    imported(tmp_path / "run", path).close()
    store = Store.create_or_open(tmp_path / "run")
    assert rejudge(store, {"policy": {"missing_unit": "refuse"}}).judged == 4
    show_run(stored_run(store))
    shown = capsys.readouterr().out
    assert "Changed by the judge" in shown
    assert "lm-eval" in shown
    assert "exact_match,none" in write_report([tmp_path / "run"]).read_text("utf-8")
    assert "other_verdicts" in export_run(store, "jsonl").read_text("utf-8")
    assert write_training(store, "rft").kept == 2
    for command in ("failures", "cost", "show"):
        assert CliRunner().invoke(app, [command, str(tmp_path / "run")]).exit_code == 0
    assert "run" in page(client_of(tmp_path), "/")


def test_one_trial_is_shown_with_the_verdict_of_the_other_tool(tmp_path, capsys):
    from solver.report.trial import show_problem

    show_problem(imported(tmp_path / "run", two(tmp_path / "log")), "p2")
    assert "verdict of exact_match,none: wrong" in capsys.readouterr().out


def strict_and_loose(folder):
    """Both filters refuse p2, and one of them p1; our judge accepts both answers."""
    replies = {"p1": ["\\boxed{2}"], "p2": ["so \\boxed{0.5}"]}
    strict = logs.lm_eval(folder / "a", replies, filters=("strict",), wrong=("p1", "p2"))
    loose = logs.lm_eval(folder / "b", replies, filters=("loose",), wrong=("p2",))
    return strict, loose


def test_a_table_for_spreadsheets_has_their_verdict_beside_ours(tmp_path):
    store = imported(tmp_path / "run", *strict_and_loose(tmp_path))
    with export_run(store, "csv").open(encoding="utf-8", newline="") as file:
        found = {row["problem_id"]: row for row in csv.DictReader(file)}
    assert [found[key]["theirs"] for key in ("p1", "p2")] == ["mixed", "wrong"]
    assert {row["changed_by_the_judge"] for row in found.values()} == {"wrong → right"}
    [loose, strict] = json.loads(found["p1"]["other_verdicts"])
    assert (loose["name"], loose["value"], strict["value"]) == ("exact_match,loose", 1.0, 0.0)


def test_a_comparison_stands_beside_that_of_the_tools_own_scorers(tmp_path):
    replies = {"p1": ["\\boxed{2}"], "p2": ["so \\boxed{0.5}"]}
    first = logs.lm_eval(tmp_path / "a", replies, model="m/one", wrong=("p2",))
    second = logs.lm_eval(tmp_path / "b", replies, model="m/two", wrong=("p1", "p2"))
    [found] = compare_runs([read_run(imported(tmp_path / "run", first, second))])
    [by_theirs] = found.by_scorers
    assert (found.difference.value, by_theirs.difference.value) == (0, 0.5)
    assert (by_theirs.a.value, by_theirs.b.value) == (0.5, 0)
    [row] = by_other_judges([("one − two", found)]).rows
    assert row[1:6] == ("exact_match,none", 2, 0.5, 0, 0.5)
    shown = CliRunner().invoke(app, ["compare", str(tmp_path / "run")]).stdout
    assert "by the tools’ own scorers" in shown


def test_scorers_with_other_names_are_paired_and_a_run_without_any_goes_by_our_judge(tmp_path):
    ours = logs.lm_eval(tmp_path / "a", {"p1": ["\\boxed{2}"]}, model="m/one", wrong=("p1",))
    other = logs.inspect(
        tmp_path / "log.json", [("p1", 1, [logs.said("\\boxed{2}")], {"math": "C"})]
    )
    nobody = logs.inspect(tmp_path / "no.json", [("p1", 1, [logs.said("\\boxed{2}")], {})])
    runs = [
        read_run(imported(tmp_path / "runs" / name, path, problems=SET))
        for name, path in (("a", ours), ("b", other), ("c", nobody))
    ]
    by = [each.by_scorers for each in compare_runs(runs)]
    assert [each.scorers for found in by for each in found] == [
        ("exact_match,none", "math"), ("exact_match,none", ""), ("math", ""),
    ]  # fmt: skip
    assert [each.difference.value for found in by for each in found] == [-1, -1, 0]


def test_failures_name_what_the_other_tool_says_of_each_wrong_answer(tmp_path):
    replies = {"p1": ["\\boxed{3}"], "p2": ["so \\boxed{7}"]}
    imported(tmp_path / "run", logs.lm_eval(tmp_path / "log", replies, wrong=("p2",))).close()
    [table] = [t for t in failed_in(Store.open(tmp_path / "run")) if t.name == "wrong"]
    assert table.columns[-1].title == "its tool says"
    assert {row[4]: row[-1] for row in table.rows} == {
        "p1, repeat 0": "right", "p2, repeat 0": "wrong",
    }  # fmt: skip
    [table] = [t for t in failed_in(scored_by_nobody(tmp_path)) if t.name == "wrong"]
    assert table.columns[-1].title == "the judge says"


def failed_in(store):
    section = failed([("arm", arm) for arm in failures_of(store).arms], [])
    return [*section.tables, *section.folded]


def scored_by_nobody(folder):
    path = logs.jsonl(
        folder / "m.jsonl", [{"question": "q", "reference": "7", "reply": "\\boxed{8}"}]
    )
    return imported(folder / "plain", path)


def test_a_run_of_ours_has_no_columns_of_another_tool(tmp_path):
    table = export_run(Store.open(viewed.write(tmp_path / "run")), "csv").read_text("utf-8")
    assert "theirs" not in table
    assert ">theirs</a></th>" not in page(client_of(tmp_path), "/run/run")


def test_the_viewer_finds_trials_by_what_the_other_tool_said(tmp_path):
    imported(tmp_path / "run", *strict_and_loose(tmp_path)).close()
    client = client_of(tmp_path)
    assert ">theirs</a></th>" in page(client, "/run/run")
    counts = {
        words: len(listed(page(client, f"/run/run?q={words}")))
        for words in ("theirs:wrong", "theirs:mixed", "theirs:right", "is:changed", "-is:changed")
    }
    assert list(counts.values()) == [1, 1, 0, 2, 0], counts


def test_the_page_of_a_trial_has_the_verdict_and_reading_of_each_scorer(tmp_path):
    store = imported(tmp_path / "run", two(tmp_path / "log"))
    [row] = store.rows(problem_id="p2")
    hostile = Theirs("<b>", 0.5, "<script>alert(1)</script>")
    store.close()
    with_more = Store.create_or_open(tmp_path / "run")
    with_more.add_other_verdicts([(row.key, hostile)])
    with_more.close()
    text = page(client_of(tmp_path), f"/run/run/trial/{row.key}")
    assert "Verdict of exact_match,none: <strong>wrong</strong>" in text
    assert "Verdict of &lt;b&gt;: <strong>0.5</strong>, read by it as <code>&lt;script&gt;" in text


# --- published logs ----------------------------------------------------------------------------

RIGHT = {
    "inspect/epochs3_two_scorers.eval": (36, 30, 0),
    "inspect/from_solver_code.eval": (36, 18, 0),
    "inspect/from_solver_cot.eval": (36, 5, 0),
    "inspect/tools_error_missing_id.eval": (16, 12, 2),
    "lm-eval/filters/samples_starter_two_filters_2026-11-28T07-35-16.146723.jsonl": (48, 40, 0),
    "broken/same_doc_twice.jsonl": (12, 11, 0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_real_log_gives_the_outcomes_that_it_should(name, tmp_path):
    store = imported(tmp_path / "run", shared_data("bridges") / name)
    found = list(outcomes(store).values())
    assert (len(found), found.count(Outcome.CORRECT), found.count(Outcome.ERROR)) == RIGHT[name]


@pytest.mark.parametrize("name", ["multiple_choice", "same_doc_other_reply", "truncated_last_line"])
def test_a_broken_log_is_refused_whole(name, tmp_path):
    with pytest.raises(ConfigError, match=rf"{name}\.jsonl, line \d"):
        imported(tmp_path / "run", shared_data("bridges") / "broken" / f"{name}.jsonl")
    assert not (tmp_path / "run").exists()
