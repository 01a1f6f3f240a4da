"""The page typesets references, answers and questions; a terminal and files show their source."""

import pytest

from solver.analysis.failures import failures_of
from solver.markup.formulas import ATTRIBUTES, ELEMENTS
from solver.report import write_tables
from solver.report.show import show_failures
from solver.store import Store
from tests.pages import FIGURES, HOSTILE, STRUCTURE, TABLES, WORDS, Page, page_of
from tests.stored import problem, said, stored, trial

QUESTION = r"What is $\frac12\sqrt{2}$, and why does it cost \$5?"
ROOT = r"\frac{\sqrt{2}}{2}"


def wrong(folder, answer, *, question=QUESTION, reference=ROOT):
    """Write a run of one wrong answer."""
    asked = problem(1, answer=reference).model_copy(update={"question": question})
    store = stored(folder, [asked], [trial("p1", said(answer), right=False)])
    store.close()
    return folder


def test_the_page_typesets_a_wrong_answer_its_reference_and_the_question(tmp_path):
    text = page_of(wrong(tmp_path / "r", r"\frac{7\pi}{12}"), output=tmp_path / "p.html")
    page = Page(text)
    assert page.tags.count("mfrac") == 3  # of the reference, the answer and the question
    assert page.tags.count("msqrt") == 2  # of the reference and the question
    assert "and why does it cost $5?" in page.text
    assert "frac" not in page.text


def test_what_is_no_formula_stays_a_text(tmp_path):
    text = page_of(wrong(tmp_path / "r", "17 apples", reference="12"), output=tmp_path / "p.html")
    assert '<td class="text">17 apples</td>' in text


def test_a_formula_that_cannot_be_read_is_shown_as_its_source(tmp_path):
    text = page_of(wrong(tmp_path / "r", r"\frac{1"), output=tmp_path / "p.html")
    assert '<code class="tex">\\frac{1</code>' in text


@pytest.mark.parametrize("attack", HOSTILE)
def test_no_question_reference_or_answer_acts_on_the_page(tmp_path, attack):
    attack = attack.replace("\x00", "").replace("\ud800", "").replace("\uffff", "")
    made = wrong(tmp_path / "r", attack, question=attack, reference=attack)
    page = Page(page_of(made, output=tmp_path / "p.html"))
    known = STRUCTURE | WORDS | FIGURES | TABLES
    assert all(tag in known or ELEMENTS.fullmatch(tag) for tag in page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "srcset", "action", "style")
        assert name != "href" or value.startswith("#")
        assert name not in ATTRIBUTES or "//" not in value


def test_a_long_answer_takes_no_more_than_its_bound(tmp_path):
    made = wrong(tmp_path / "r", r"\frac{1}{2} + " * 10_000)
    assert len(page_of(made, output=tmp_path / "p.html")) < 200_000


def test_a_terminal_and_files_show_the_source_cut_as_before(tmp_path, capsys):
    answer = r"\frac{1}{2} + " * 9 + "x"
    made = wrong(tmp_path / "r", answer)
    show_failures(failures_of(Store.open(made)))
    short = r"\frac{1}{2} + \frac{1}{2} …rac{1}{2} + x"
    assert short in " ".join(capsys.readouterr().out.split())
    paths = {path.stem: path for path in write_tables([made], "csv", tmp_path / "csv")}
    assert answer in paths["wrong"].read_text(encoding="utf-8")


def test_a_formula_too_wide_for_a_cell_is_shown_as_its_source(tmp_path):
    text = page_of(wrong(tmp_path / "r", r"1 + \frac{1}{2}" * 9), output=tmp_path / "p.html")
    assert Page(text).tags.count("mfrac") == 2  # of the reference and the question
    assert r"\frac{1}{2}1 + \frac" in text


def test_wrong_answers_are_listed_one_by_one_only_where_a_kind_has_several(tmp_path):
    problems = [problem(1, answer="10"), problem(2, answer="20")]
    one = [trial("p1", said("77"), right=False)]
    two = [*one, trial("p2", said("99"), right=False)]
    for name, trials, there in (("one", one, False), ("two", two, True)):
        stored(tmp_path / name, problems, trials).close()
        text = page_of(tmp_path / name, output=tmp_path / f"{name}.html")
        assert ("Wrong answers, one by one" in text) is there
