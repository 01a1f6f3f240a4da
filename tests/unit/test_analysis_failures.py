"""Every failure is counted once, agrees with the main table, and has an example."""

from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from random import Random
from statistics import fmean

import pytest

from sandbox import Exit
from solver.analysis.accuracy import accuracy_of_run
from solver.analysis.failures import (
    Failures,
    OutcomeCell,
    exception_name,
    failures_of,
    trouble,
)
from solver.analysis.numbers import form
from solver.errors import ConfigError
from solver.records import Failure, Outcome
from solver.report.runs import Run, named_arms
from solver.report.sections.accuracy import by_part, of_arm
from solver.report.sections.failures import outcomes_by_cell
from solver.report.show import show_failures
from tests.stored import problem, said, stored, trial

ZERO = 'Traceback (most recent call last):\n  File "solution.py", line 1\nZeroDivisionError: {}\n'
CRASH = said(exit=Exit.CRASHED, stderr=ZERO.format("division by zero"), tokens=(100, 50))
PROBLEMS = [
    problem(1),
    problem(2, level=3),
    problem(3, domain="geometry", level=3),
    problem(4, domain="geometry", level=5, answer="\\frac{1}{2}"),
]


@pytest.fixture
def store(tmp_path):
    """Two modes, every outcome, retries and repeats."""
    trials = [
        trial("p1", said("1"), right=True),
        trial("p1", CRASH, said("1"), right=True, repeat=1),
        trial("p2", CRASH, CRASH, said(exit=Exit.TIMEOUT)),
        trial("p2", said(exit=Exit.OUT_OF_MEMORY), said("5"), right=False, repeat=1),
        trial("p3", said(refused="os"), said(refused="os"), said("3"), right=True),
        trial("p3", said(refused="net"), said(), repeat=1),
        trial("p4", said("maybe")),
        trial("p4", CRASH, error="ModelError: away\nsecond line", repeat=1),
        *(
            trial(f"p{n}", said(str(n), code=False), right=n == 2, mode="cot", repeat=r)
            for n in (1, 2, 3)
            for r in (0, 1)
        ),
        trial("p4", said(code=False, capped=True), mode="cot"),
        trial("p4", said("0.5", code=False, cut=True), mode="cot", repeat=1),
    ]
    store = stored(tmp_path, PROBLEMS, trials, config={"code": {"retries": 2}})
    yield store
    store.close()


def arms(store, **where):
    return {arm.mode: arm for arm in failures_of(store, **where).arms}


def test_outcomes_add_up_to_the_main_table(store):
    summary, found = accuracy_of_run(store), arms(store)
    assert len(summary.arms) == 2
    for arm in summary.arms:
        failures = found[arm.mode]
        assert failures.outcomes == arm.outcomes
        assert failures.trials == arm.overall.trials == 8
        for outcome in Outcome:
            cells = [cell.outcomes.get(outcome, 0) for cell in failures.cells]
            assert sum(cells) == arm.outcomes[outcome]


@pytest.mark.parametrize("key", ["domain", "level"])
def test_a_part_s_trials_add_up_to_the_main_table_s_row(store, key):
    (code,) = (arm for arm in accuracy_of_run(store).arms if arm.mode == "code")
    rows = {"domain": code.domains, "level": code.levels}[key]
    for name, cell in rows.items():
        part = arms(store, mode="code", **{key: name})["code"]
        assert part.trials == cell.trials
        assert part.outcomes.get(Outcome.CORRECT, 0) == cell.correct


def test_the_retry_curve_ends_at_the_main_table_s_accuracy(store):
    (code,) = (arm for arm in accuracy_of_run(store).arms if arm.mode == "code")
    last = arms(store)["code"].retries.attempts[-1]
    assert last.of_scored == code.overall.of_scored
    assert last.of_all == code.overall.of_all
    assert last.correct == code.overall.correct
    assert (last.input_tokens, last.output_tokens) == (code.input_tokens, code.output_tokens)


def test_the_retry_curve_counts_an_answer_from_the_attempt_that_gave_it(store):
    curve = arms(store)["code"].retries.attempts
    assert [after.reached for after in curve] == [8, 5, 2]
    assert [after.correct for after in curve] == [1, 2, 3]


def test_extra_tokens_are_shared_by_the_answers_that_retries_added(store):
    curve = arms(store)["code"].retries.attempts
    assert curve[0].tokens_per_extra_correct is None
    second = 30 + 150 + 30 + 30 + 30
    assert curve[1].tokens_per_extra_correct == second
    assert curve[2].tokens_per_extra_correct == (second + 60) / 2


def test_repairs_are_counted_by_what_was_wrong_before(store):
    repairs = {repair.failure: repair for repair in arms(store)["code"].retries.repairs}
    crashed = repairs[Failure.CRASHED]
    assert (crashed.attempts, crashed.retried, crashed.answered, crashed.correct) == (4, 3, 1, 1)
    unsafe = repairs[Failure.UNSAFE]
    assert (unsafe.attempts, unsafe.retried, unsafe.answered, unsafe.correct) == (3, 3, 1, 2)


def test_failed_attempts_add_up_to_the_failed_turns(store):
    code = arms(store)["code"]
    keys = [row.key for row in store.rows() if row.mode == "code"]
    failed = sum(turn.failure is not None for key in keys for turn in store.turns(key))
    assert sum(repair.attempts for repair in code.retries.repairs) == failed


def test_an_exception_has_its_commonest_line_and_an_example(tmp_path):
    def crash(what):
        return said(exit=Exit.CRASHED, stderr=ZERO.format(what))

    trials = [
        trial("p1", crash("rare")),
        trial("p2", crash("common"), crash("common")),
        trial("p3", said(exit=Exit.CRASHED, stderr="mpmath.libmp.NoConvergence: no root")),
        trial("p4", said(exit=Exit.KILLED)),
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    first, *others = arms(store)["code"].crashes
    assert (first.name, first.turns, first.trials) == ("ZeroDivisionError", 3, 2)
    assert (first.line, first.line_turns) == ("ZeroDivisionError: common", 2)
    assert (first.example.problem_id, first.example.turn) == ("p2", 1)
    assert [other.name for other in others] == ["NoConvergence", "killed"]
    store.close()


def test_refusals_are_counted_by_rule(store):
    refused = {refusal.rule: refusal for refusal in arms(store)["code"].refusals}
    assert (refused["os"].programs, refused["os"].trials, refused["os"].correct) == (2, 1, 1)
    assert (refused["net"].programs, refused["net"].trials, refused["net"].correct) == (1, 1, 0)


def test_caps_and_cuts_agree_with_the_main_table(store):
    for arm in accuracy_of_run(store).arms:
        caps = arms(store)[arm.mode].caps
        assert (caps.replies, caps.capped, caps.cut) == (arm.replies, arm.capped, arm.prompt_cut)


def test_errors_of_ours_are_listed_apart(store):
    assert arms(store)["code"].errors == (("ModelError: away", 1),)


def test_problems_that_nobody_solved_are_the_main_table_s(store):
    found = failures_of(store)
    assert found.unsolved == tuple(accuracy_of_run(store).unsolved) == ("p4",)


def test_errors_of_ours_leave_no_problem_unsolved(tmp_path):
    trials = [
        trial("p1", said("2"), right=False),
        trial("p1", said("1"), right=True, mode="cot"),
        trial("p2", error="the server left"),
        trial("p2", error="the server left", mode="cot"),
        trial("p3", said("3"), right=True),
        trial("p3", error="the server left", mode="cot"),
    ]
    store = stored(tmp_path / "r", [problem(n) for n in (1, 2, 3)], trials)
    found, table = failures_of(store), accuracy_of_run(store)
    store.close()
    assert (found.unsolved, found.tried) == ((), 2)
    assert (table.unsolved, table.scored, table.problems) == ([], 2, 3)
    assert [each.problems for each in found.solved_by if each.mode == "code"] == [()]


def test_a_problem_that_only_one_mode_solves_is_listed_under_it(store):
    solved = {(by.mode, by.never): by.problems for by in failures_of(store).solved_by}
    assert solved == {("code", "cot"): ("p1", "p3"), ("cot", "code"): ("p2",)}


@pytest.mark.parametrize(
    ("turn", "where"),
    [
        (said("done", stdout="x = 1/2\ndone\n"), "printed"),
        (said(exit=Exit.CRASHED, stdout="0.5\n"), "printed"),
        (said(text="so it is \\boxed{\\dfrac{1}{2}}."), "boxed"),
        (said(code=False, text="Hence the sum is\n\n**the answer is 1/2.**"), "at the end"),
    ],
)
def test_an_answer_that_looks_right_but_was_not_extracted_is_found(tmp_path, turn, where):
    right = False if turn.answer else None
    store = stored(tmp_path, PROBLEMS, [trial("p4", turn, right=right)])
    code = arms(store)["code"]
    assert code.overlooked.trials == 1
    assert code.overlooked.examples[0].where == where
    store.close()


@pytest.mark.parametrize(
    "turn",
    [
        said("7", stdout="7\n"),
        said("50", stdout="".join(f"{n / 2}\n" for n in range(50))),
        said(text="No idea. Perhaps 12?"),
        said("0.5", stdout="0.5\n"),
    ],
)
def test_what_was_extracted_and_a_number_among_many_do_not_look_right(tmp_path, turn):
    right = False if turn.answer else None
    store = stored(tmp_path, PROBLEMS, [trial("p4", turn, right=right)])
    assert arms(store)["code"].overlooked.trials == 0
    store.close()


def test_fresh_replies_are_averaged_over_every_order(tmp_path):
    fails = said(exit=Exit.CRASHED, tokens=(0, 100))
    trials = [
        trial("p1", fails, said("1", tokens=(0, 300)), right=True),
        trial("p1", fails, fails, repeat=1),
        trial("p1", said("1", tokens=(0, 10)), right=True, repeat=2),
    ]
    store = stored(tmp_path, PROBLEMS, trials)
    fresh = arms(store)["code"].retries.fresh
    # First replies: two fail at 100 tokens, one is right at 10.
    assert [point.accuracy for point in fresh.fresh] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [point.tokens for point in fresh.fresh] == pytest.approx([70, 70 + 2 / 3 * 55, 110])
    assert [point.accuracy for point in fresh.retries] == pytest.approx([1 / 3, 2 / 3])
    assert [point.tokens for point in fresh.retries] == pytest.approx([70, 70 + 400 / 3])
    assert fresh.tokens == pytest.approx(110)
    assert fresh.fresh_accuracy == pytest.approx(1)
    assert fresh.retry_accuracy == pytest.approx(1 / 3 + 1 / 3 * 40 / (400 / 3))
    store.close()


def test_a_single_repeat_says_nothing_about_fresh_replies(tmp_path):
    store = stored(tmp_path, PROBLEMS, [trial("p1", CRASH, said("1"), right=True)])
    assert arms(store)["code"].retries.fresh is None
    store.close()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ZeroDivisionError: division by zero", "ZeroDivisionError"),
        ("sympy.polys.polyerrors.PolynomialError: x", "PolynomialError"),
        ("AssertionError", "AssertionError"),
        ("ValueError:", "ValueError"),
        ('  File "solution.py", line 3, in <module>', None),
        ("the answer is 5", None),
    ],
)
def test_an_exception_is_named_without_its_module(line, name):
    assert exception_name(line) == name


def test_the_line_that_says_what_went_wrong_is_cut_and_never_blank():
    assert trouble("") == ""
    assert trouble("ValueError: a\n  b\n\n") == "ValueError: a"
    assert trouble("just this") == "just this"
    assert len(trouble("TypeError: " + "x" * 10_000)) == 200


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", Fraction(1234)),
        ("$\\frac{3}{4}$", Fraction(3, 4)),
        (".5.", ".5"),
        ("1/0", "1/0"),
        ("1e999999999", "1e999999999"),
        ("9" * 5000, "9" * 200),
        ("x ^ 2", "x^2"),
        ("(1,234)", "(1,234)"),
    ],
)
def test_forms_are_numbers_where_that_is_safe(text, value):
    assert form(text) == value


def test_a_part_that_holds_no_trial_is_refused_with_what_there_is(store):
    with pytest.raises(ConfigError, match="its domains: algebra, geometry"):
        failures_of(store, domain="geometri")


def test_no_count_is_cut_however_many_columns_there_are(tmp_path, capsys):
    one_each = [said(exit=end) for end in Exit if end not in ("ok", "output_limit", "killed")]
    turns = [said(exit=Exit.OK), said(), said(refused="os"), said(capped=True), *one_each]
    failing = [trial("p1", turn, repeat=r) for r, turn in enumerate(turns)]
    store = stored(tmp_path, PROBLEMS, [*failing, trial("p2", said("1"), right=True)])
    found = failures_of(store).arms[0]
    many = {outcome: 10**9 + n for n, outcome in enumerate(Outcome)}
    arm = replace(found, outcomes=many, cells=(OutcomeCell("algebra", 1, many),))
    show_failures(Failures(arms=(arm,), tried=2, unsolved=(), solved_by=()))
    shown = capsys.readouterr().out
    assert all(shown.count(f"{count:,}") == 2 for count in many.values())
    store.close()


def test_a_hostile_run_is_printed_harmlessly(tmp_path, capsys):
    hostile = "\x1b]0;owned\x07\x9b31m\u202e[bold]"
    trials = [trial("p1", said(exit=Exit.CRASHED, stderr=f"Error{hostile}: x"), error=None)]
    trials += [trial("p2", CRASH, error=f"ModelError: {hostile}")]
    store = stored(tmp_path, [problem(1, domain=hostile), *PROBLEMS[1:]], trials)
    show_failures(failures_of(store))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "\\u001b]0;owned" in shown
    store.close()


def test_fresh_replies_agree_with_trying_every_order(tmp_path):
    draw = Random(3)
    trials, expected = [], {1: [], 2: [], 3: [], 4: []}
    for name in ("p1", "p2", "p3"):
        firsts = [(draw.choice("fwc"), draw.randrange(1, 500)) for _ in range(4)]
        for repeat, (kind, tokens) in enumerate(firsts):
            first = said(None if kind == "f" else "1", tokens=(0, tokens))
            turns = (first, said("1")) if kind == "f" else (first,)
            trials.append(trial(name, *turns, right=kind == "c", repeat=repeat))
        for most, means in expected.items():
            means.append([_asked_in_order(order[:most]) for order in permutations(firsts)])
    store = stored(tmp_path, PROBLEMS, trials)
    found = arms(store)["code"].retries.fresh.fresh
    for point in found:
        orders = expected[point.draws]
        tokens = fmean(fmean(spent for spent, _ in each) for each in orders)
        right = fmean(fmean(right for _, right in each) for each in orders)
        assert (point.tokens, point.accuracy) == pytest.approx((tokens, right))
    assert len(found) == 4
    store.close()


def _asked_in_order(firsts):
    spent = 0
    for kind, tokens in firsts:
        spent += tokens
        if kind != "f":
            return spent, kind == "c"
    return spent, False


@pytest.mark.parametrize(
    ("places", "rows"),
    [
        ([("algebra", 1), ("algebra", 1), ("geometry", 2)], ["algebra", "geometry", "all"]),
        ([("algebra", 1), ("algebra", 2), ("geometry", 2)], ["algebra", "geometry", "all"]),
        ([("algebra", 1), ("geometry", 1), ("logic", 1)], ["all"]),
    ],
)
def test_cells_that_hold_one_trial_each_are_added_up(tmp_path, places, rows):
    problems = [problem(n, domain=name, level=level) for n, (name, level) in enumerate(places)]
    trials = [trial(f"p{n}", said("1"), right=n == 0) for n in range(3)]
    with closing(stored(tmp_path, problems, trials)) as store:
        (arm,) = failures_of(store).arms
    (table,) = outcomes_by_cell([("code", arm)]).tables
    assert [row[0] for row in table.rows] == rows
    assert bool(table.note) is (len(set(places)) == 3)
    titles = [column.title for column in table.columns]
    assert sum(row[titles.index("trials")] for row in table.rows[:-1]) in (0, 3)
    assert table.rows[-1][-2:] == (1, 2)


def test_a_table_of_parts_with_one_trial_each_is_folded_and_named_where_left_out(tmp_path):
    problems = [problem(n, domain=f"domain {n}") for n in range(3)]
    trials = [trial(f"p{n}", said("1"), right=n == 0) for n in range(3)]
    with closing(stored(tmp_path, problems, trials)) as store:
        arms = named_arms([Run(store, "run")])
        page, shown = by_part(arms), of_arm(arms[0])
    assert [table.name for table in page.tables] == ["levels"]
    assert [table.name for table in page.folded] == ["domains"]
    assert [row[0] for row in shown.tables[0].rows] == ["level 1", "all"]
    assert "domains hold one trial each" in shown.tables[0].note
