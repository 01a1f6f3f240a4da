"""A person labels trials blind; the accuracy that follows, and the bounds without any label."""

import re

import pytest
from typer.testing import CliRunner

from judge import Verdict
from sandbox import Exit
from solver.analysis.arms import stored_rows
from solver.analysis.bounds import bounds_of
from solver.analysis.labelled import Stratum, audited_arms, stratum_of, to_label
from solver.checks.labelling import label_run
from solver.cli import app
from solver.errors import ConfigError
from solver.report import write_report
from solver.report.runs import stored_run
from solver.report.show import show_run
from solver.store.labels import Label, add_label, read_labels
from tests.stored import problem, said, stored, trial

PROBLEMS = [problem(n) for n in range(40)]


def judged_run(folder, *, count=40):
    """Of 40 answers, 20 accepted, 10 rejected, 5 undecided; 3 have no answer, 2 crashed."""
    trials = []
    for n in range(count):
        turn, right = said(f"answer {n}", code=False), n < 20 if n < 30 else None
        if 35 <= n < 38:
            turn = said(None, code=False, text=f"it is {n}")
        elif n >= 38:
            turn = said(exit=Exit.CRASHED)
        trials.append(trial(f"p{n}", turn, right=right, mode="code" if n >= 38 else "cot"))
    return stored(folder, PROBLEMS, trials)


class Person:
    """Types what it is told to, and reads what was shown before each prompt."""

    def __init__(self, capsys, *typed):
        self._capsys, self._typed, self.saw = capsys, list(typed), []

    def __call__(self, prompt):
        self.saw.append(self._capsys.readouterr().out)
        if not self._typed:
            raise EOFError
        return self._typed.pop(0)


def test_every_ended_trial_has_a_stratum(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    found = [stratum_of(row) for row in sorted(rows, key=lambda row: int(row.problem_id[1:]))]
    assert found == [
        *[Stratum.RULES_ACCEPT] * 20,
        *[Stratum.RULES_REJECT] * 10,
        *[Stratum.UNDECIDED] * 5,
        *[Stratum.NO_ANSWER] * 3,
        *[Stratum.FAILED] * 2,
    ]


def test_every_stratum_is_asked_about_before_any_is_asked_twice_over(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    first = [stratum_of(row) for row in to_label(rows, {}, 8)]
    assert set(first) == set(Stratum) - {
        Stratum.FAILED,
        Stratum.MODEL_ACCEPTS,
        Stratum.MODEL_REJECTS,
    }
    assert len(list(to_label(rows, {}, 1000))) == 38


def test_a_draw_goes_on_where_it_stopped(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    twenty = [row.key for row in to_label(rows, {}, 20)]
    given = dict.fromkeys(twenty[:12], True)
    assert [row.key for row in to_label(rows, given, 20)] == twenty[12:]


def test_undecided_and_missed_answers_count_by_their_labels(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    # By the person, one of the accepted is wrong, 4 of 5 undecided and 1 of 3 missed are right.
    wrong = {"p0", *(f"p{n}" for n in range(20, 30)), "p30", "p35", "p36"}
    given = {row.key: row.problem_id not in wrong for row in to_label(rows, {}, 100)}
    cot, code = sorted(audited_arms(rows, given), key=lambda each: each.mode, reverse=True)
    assert cot.accuracy.value == pytest.approx((19 + 4 + 1) / 38)
    assert (cot.accuracy.n_trials, cot.labelled) == (38, 38)
    assert cot.accuracy.low < cot.accuracy.value < cot.accuracy.high
    assert code.accuracy.value < 1e-6  # what crashed needs no label


def test_a_stratum_without_a_label_is_named_and_no_accuracy_made_up(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    given = {r.key: True for r in to_label(rows, {}, 100) if stratum_of(r) != Stratum.UNDECIDED}
    cot = next(each for each in audited_arms(rows, given) if each.mode == "cot")
    assert (cot.accuracy, cot.missing) == (None, (Stratum.UNDECIDED,))


def test_a_label_out_of_the_draw_does_not_count_until_those_before_it_are_given(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    accepted = [r.key for r in to_label(rows, {}, 100) if stratum_of(r) is Stratum.RULES_ACCEPT]
    (counted, *_), (later, *_) = (
        next(each for each in audited_arms(rows, given) if each.mode == "cot").strata
        for given in ({accepted[0]: True, accepted[2]: False}, {accepted[2]: False})
    )
    assert (counted.labelled, counted.right) == (1, 1)
    assert later.labelled == 0


def test_who_cannot_tell_adds_no_label(tmp_path):
    rows = stored_rows(judged_run(tmp_path))
    keys = [row.key for row in to_label(rows, {}, 20)]
    cot = next(
        each
        for each in audited_arms(rows, {**dict.fromkeys(keys, True), keys[0]: None})
        if each.mode == "cot"
    )
    assert (cot.labelled, cot.untold) == (19, 1)


def test_labels_are_given_blind_stored_at_once_and_undone(tmp_path, capsys):
    store = judged_run(tmp_path)
    keys = [row.key for row in to_label(stored_rows(store), {}, 4)]
    person = Person(capsys, "y", "n", "u", "y", "what", "?")
    label_run(store, 4, read=person)
    assert read_labels(tmp_path) == {keys[0]: True, keys[1]: True, keys[2]: None}
    shown = "".join(person.saw)
    assert "reference: " in shown
    assert "What is " in shown
    assert not re.search("accepted|rejected|equal|different|undecided|score", shown)
    again = Person(capsys, "q")
    label_run(store, 4, read=again)
    assert "1 to label, 3 labelled before" in again.saw[0]


def test_a_missed_answer_is_looked_for_in_the_end_of_the_reply(tmp_path, capsys):
    text = "start" + "\n" * 100 + "so it is \x1b[31m7"
    store = stored(tmp_path, PROBLEMS, [trial("p7", said(None, code=False, text=text), mode="cot")])
    person = Person(capsys)
    label_run(store, 1, read=person)
    assert "so it is \\u001b[31m7" in person.saw[0]
    assert "start\n" not in person.saw[0]


def test_the_labels_stand_beside_the_accuracy(tmp_path, capsys):
    store = judged_run(tmp_path)
    for row in to_label(stored_rows(store), {}, 40):
        add_label(tmp_path, Label(key=row.key, right=row.correct, labelled=0.0))
    show_run(stored_run(store))
    store.close()
    assert re.search(r"labels +accuracy 52\.6 % \(.* – .*\) over all 38 trials, by 38 labels",
                     capsys.readouterr().out)  # fmt: skip
    page = write_report([tmp_path]).read_text(encoding="utf-8")
    assert "By a person" in page
    assert "over all 38 trials, by 38 labels" in page


def test_the_command_asks_no_model(tmp_path):
    judged_run(tmp_path).close()
    result = CliRunner().invoke(
        app, ["judge", "audit", str(tmp_path), "--label", "6"], input="y\n" * 6
    )
    assert result.exit_code == 0, result.output
    assert "6 labelled" in result.output
    assert "By a person's labels" in result.output


@pytest.mark.parametrize("more", [["--pairs", "x.jsonl"], ["--model", "m/y"]])
def test_labelling_takes_no_model_and_no_pairs(tmp_path, more):
    judged_run(tmp_path).close()
    result = CliRunner().invoke(app, ["judge", "audit", str(tmp_path), "--label", "6", *more])
    assert isinstance(result.exception, ConfigError)
    assert "takes neither" in str(result.exception)


def test_a_run_without_trials_has_nothing_to_label(tmp_path):
    store = stored(tmp_path, PROBLEMS, [])
    with pytest.raises(ConfigError, match="no trial has an answer to label yet"):
        label_run(store, 5, read=str)


def test_a_damaged_label_is_named_by_its_line(tmp_path):
    add_label(tmp_path, Label(key="k", right=True, labelled=0.0))
    (tmp_path / "labels.jsonl").open("a").write("{torn\n")
    with pytest.raises(ConfigError, match="line 2 is not a label; delete that line"):
        read_labels(tmp_path)


def test_bounds_are_clustered_by_problem_like_the_accuracy_between_them(tmp_path):
    trials = [
        trial(f"p{n}", said("1"), right=n % 2 == 0, repeat=r) for n in range(14) for r in range(48)
    ]
    doubted = Verdict(2, "model", "", "looks_disagree", rules="undecided")
    trials += [trial("p30", said("1"), repeat=r).model_copy(update={"verdict": doubted})
               for r in range(48)]  # fmt: skip
    store = stored(tmp_path, PROBLEMS, trials)
    (found,) = bounds_of(stored_rows(store))
    store.close()
    assert found.rules_alone.value == found.reported.value == pytest.approx(7 / 15)
    assert found.highest.value == pytest.approx(8 / 15)
    assert (found.reported.n_problems, found.by_model) == (15, 48)
    assert found.reported.high - found.reported.low > 0.4  # of 15 problems, not of 720 trials


def test_a_refused_answer_is_in_doubt_only_where_no_guard_refused_it(tmp_path):
    verdicts = [
        Verdict(3, "model", "", "looks_disagree", rules="undecided"),
        Verdict(None, "none", "", "undecided", rules="undecided"),
        Verdict(1, "rules", "", "addresses_grader", tier="guard", rules="undecided"),
        Verdict(1, "rules", "", "different", rules="different"),
    ]
    trials = [
        trial(f"p{n}", said("1")).model_copy(update={"verdict": verdict})
        for n, verdict in enumerate(verdicts)
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    (found,) = bounds_of(stored_rows(store))
    store.close()
    assert found.highest.value == pytest.approx(2 / 4)
