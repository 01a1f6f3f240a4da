"""Variants are made only of problems and programs that keep to the strict rules."""

import json
import random
from itertools import islice
from math import gcd

import pytest
from typer.testing import CliRunner

from solver.cli import app
from solver.contamination.redraw import Refused, draws, fill, literals, rewritten, slots
from solver.contamination.vary import Solved, checked_answer, vary, write_rejections, write_variants
from solver.errors import ConfigError
from solver.problems import load
from solver.problems.templates.tex import split_root
from solver.records import Problem

QUESTION = "Ann has 15 apples and gives 4 to each of 3 children. How many are left?"
PROGRAM = "apples = 15\neach = 4\nchildren = 3\nprint(apples - each * children)"
OTHER = "print(15 - sum([4] * 3))"
SUM, SAME = "print(15 + 4 + 0 * 3)", "print(19 + 0 * 15 * 4 * 3)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("See [asy] draw(); [/asy] with 7 sides", "a figure"),
        ("What is 3, 7, 11, \\ldots?", "a sequence with dots"),
        ("How many digits has 7^{12}?", "hide a condition"),
        ("Add $\\frac35$ and 7.", "bare digits"),
        ("What is the 7th term?", "an ordinal number"),
        ("Divide 12,000 by 7.", "separators"),
        ("Add 3.5 and 7.", "a decimal"),
        ("It is 7:25 now.", "a time of day"),
        ("In 2024 there were 7.", "a year"),
        ("$x^7 + 7x$", "an exponent or a subscript"),
        ("$a_5 = 5$", "an exponent or a subscript"),
        ("Of 180 degrees one angle has 77, one 71 and one 32.", "add up to one that may be no"),
        ("In 60 minutes 15 trains leave from 4 places.", "add up to one that may be no"),
        ("He sleeps 7 hours of 24; in all 31.", "tied to one that may be no choice"),
        ("Add 3, 13, 23, 33, 43, 53, 63, 73, 83, 93 and 103.", "many numbers"),
        ("Add 7 and 123456.", "over 100,000"),
        ("Three friends share 3 cakes and 7 pies.", "stand in words"),
        ("What is 1 + 2?", "no number to redraw"),
        ("Of a hundred questions he answered 70.", "hide a condition"),
    ],
)
def test_a_text_in_doubt_is_refused_with_the_reason(text, reason):
    with pytest.raises(Refused, match=reason):
        slots(text)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print(15 - 3 * 3)", "no literal"),
        ("print(15 - 4 * 3, 16)", "neighbour"),
        ("print(15 - 4 * 3 + 7 ** 4)", "an exponent in the program"),
        ("print(eval('15 - x'), 15, 4, 3)", "a text of the program"),
        ("print(15 -", "does not parse"),
        ("print(15 - 3 + pow(7, 4))", "an exponent in the program"),
    ],
)
def test_a_program_in_doubt_is_refused_with_the_reason(program, reason):
    with pytest.raises(Refused, match=reason):
        literals(program, slots(QUESTION))


def test_a_neighbour_that_stands_in_the_text_is_that_number():
    found = slots("Solve $x^2 + 3x = 10$.")
    assert literals("print(solve(x**2 + 3*x - 10))", found)
    with pytest.raises(Refused, match="neighbour"):
        literals("print(solve(x**2 + 3*x - 10), 4)", found)


def test_a_docstring_may_hold_the_question_and_the_literals_alone_are_rewritten():
    program = f'def f():\n    """Über: {QUESTION}"""\n    return 15 - 4 * 3\n\nprint(f())  # ä 15\n'
    found = slots(QUESTION)
    new = rewritten(program, literals(program, found), {15: 31, 4: 5, 3: 6})
    assert "return 31 - 5 * 6" in new
    assert "Ann has 15 apples" in new
    assert "# ä 15" in new


def test_numbers_are_drawn_in_the_same_order_of_size_all_new_and_stay_round():
    found = slots("A 20 m rope is cut into 4 m pieces; each costs 35 cents.")
    for numbers in islice(draws(found, random.Random(0)), 200):
        assert numbers[4] < numbers[20] < numbers[35]
        assert all(new != old and new >= 3 for old, new in numbers.items())
        assert numbers[20] % 10 == 0
        assert numbers[35] % 5 == 0


def test_sums_and_products_of_other_numbers_stay_such():
    found = slots("Of 11 people in 28 rooms 7 are tall and 4 small; 49 are old.")
    drawn = list(islice(draws(found, random.Random(2)), 50))
    assert len(drawn) == 50
    for numbers in drawn:
        assert numbers[11] == numbers[7] + numbers[4]
        assert numbers[28] == numbers[7] * numbers[4]
        assert numbers[49] == numbers[7] ** 2


def test_a_number_of_hours_or_degrees_stays():
    found = slots("What does a 24 hour trip of 7 cost?")
    assert (found.numbers, found.fixed) == ((7,), {24})


def test_roots_and_fractions_stay_of_the_same_kind():
    found = slots("Simplify $\\sqrt{48}$ and $\\sqrt{7}$ and $\\frac{5}{9}$.")
    for numbers in islice(draws(found, random.Random(1)), 50):
        assert split_root(numbers[48])[0] > 1 < split_root(numbers[48])[1]
        assert split_root(numbers[7])[0] == 1 < split_root(numbers[7])[1]
        assert gcd(numbers[5], numbers[9]) == 1


def test_the_question_is_filled_at_the_places_of_its_numbers():
    text = "$x^2 + 7x + 70$ and 7"
    assert fill(text, slots(text), {7: 9, 70: 80}) == "$x^2 + 9x + 80$ and 9"


@pytest.mark.parametrize(
    ("original", "printed", "answer"),
    [
        ("12", "20", "20"),
        ("\\frac{1}{3}", "2/5", "\\frac{2}{5}"),
        ("3\\sqrt{2}", "5*sqrt(3)", "5*sqrt(3)"),
    ],
)
def test_an_answer_of_the_same_kind_is_taken(original, printed, answer):
    assert checked_answer(original, printed) == answer


@pytest.mark.parametrize(
    ("original", "printed", "reason"),
    [
        ("12", "12", "does not change"),
        ("12", "1/2", "another kind"),
        ("12", "0", "degenerate"),
        ("12", "-3", "degenerate"),
        ("12", "9999", "far from"),
        ("\\frac{1}{3}", "0.30303030303", "not exact"),
        ("12", "oo", "another kind"),
        ("3\\sqrt{2}", "4.24264", "another kind"),
        ("3\\sqrt{2}", "x + 1", "neither a number"),
    ],
)
def test_any_other_answer_is_refused(original, printed, reason):
    with pytest.raises(Refused, match=reason):
        checked_answer(original, printed)


@pytest.fixture(scope="module")
def funnel():
    """Four problems: one to vary, one with one program, one that disagrees, one with a figure."""
    good = Problem(id="good", question=QUESTION, answer="3", set="tale")
    bound = "print(15 - 4 * 3 if 15 == 15 else 0)"
    return vary(
        [
            Solved(good, (PROGRAM, OTHER)),
            Solved(good.model_copy(update={"id": "alone"}), (PROGRAM,)),
            Solved(good.model_copy(update={"id": "wrong", "answer": "4"}), (PROGRAM, OTHER)),
            Solved(good.model_copy(update={"id": "apart", "answer": "19"}), (SUM, SAME)),
            Solved(good.model_copy(update={"id": "figure", "question": "[asy] 15"}), (bound,)),
        ],
        wanted=2, seed=7, agree=2, sandbox="reduced",
    )  # fmt: skip


def test_two_programs_that_agree_make_variants_with_their_answer(funnel):
    assert [p.id for p in funnel.variants if p.variant_of == "good"] == ["good~7", "good~7.1"]
    for variant in funnel.variants:
        apples, each, children = (int(word) for word in variant.question.split() if word.isdigit())
        assert variant.answer == str(apples - each * children)
        assert variant.set == "tale~7"


def test_every_other_problem_is_left_out_with_its_reason(funnel):
    reasons = {each.problem.id: each.reason for each in funnel.rejections}
    assert reasons == {
        "alone": "fewer than 2 programs keep to the rules",
        "wrong": "the program does not print the reference when it is run again",
        "apart": "the programs disagree with other numbers",
        "figure": "the text has a figure",
    }
    counts = (funnel.with_program, funnel.redrawable, funnel.verified, funnel.varied)
    assert counts == (5, 3, 2, 1)


def test_variants_and_rejections_can_be_read_again(funnel, tmp_path):
    write_variants(tmp_path / "v.jsonl", funnel.variants)
    again = load(str(tmp_path / "v.jsonl")).problems
    assert list(again) == funnel.variants
    write_rejections(tmp_path / "r.jsonl", funnel.rejections)
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text("utf-8").splitlines()]
    assert {row["id"] for row in rows} == {"alone", "wrong", "apart", "figure"}


def test_the_starter_set_is_varied_by_its_templates(tmp_path):
    output = tmp_path / "starter.jsonl"
    done = CliRunner().invoke(
        app, ["vary", "starter", "--draws", "2", "--seed", "7", "-o", str(output)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    assert "variants of 98 starter problems" in done.output
    assert len(load(str(output)).problems) >= 190


def test_a_run_without_a_solved_problem_is_refused(tmp_path):
    done = CliRunner().invoke(app, ["vary", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)
