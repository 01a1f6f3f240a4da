"""The report of a run in seven modes: its tables hold what the analyses found."""

import csv

import pytest

from solver.analysis.arms import stored_rows, stored_trials
from solver.analysis.checks import checks_of, vote_weights
from solver.analysis.regeneration import regeneration_of
from solver.analysis.repeats import repeats_of
from solver.analysis.rounds import rounds_of
from solver.records import Verification
from solver.report import write_tables
from solver.report.render.svg import COLOURS
from solver.stats.paired import holm
from solver.store import Store
from tests.bench.report import write_run
from tests.pages import FIGURES, FORMULAS, NASTY, STRUCTURE, TABLES, WORDS, Page, page_of
from tests.seven import write_seven


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """A run in seven modes."""
    return write_seven(tmp_path_factory.mktemp("runs") / "seven")


@pytest.fixture(scope="module")
def seven_page(seven):
    return Page(page_of(seven, output=seven / "page.html")).text


@pytest.fixture(scope="module")
def seven_tables(seven):
    paths = write_tables([seven], "csv", seven / "csv")
    return {path.stem: list(csv.DictReader(path.open(encoding="utf-8"))) for path in paths}


def test_no_table_has_two_columns_of_one_title(seven, seven_tables):
    assert len(seven_tables) > 20
    for path in sorted((seven / "csv").glob("*.csv")):
        titles = next(csv.reader(path.open(encoding="utf-8")))
        assert [title for title in titles if titles.count(title) > 1] == [], path.stem


def test_each_arm_is_compared_with_the_first_and_all_pairs_are_there(seven_tables):
    others = ("code+literal", "code+guided", "code+refine", "cot", "tir", "csv")
    compared = [row["comparison"] for row in seven_tables["differences"]]
    assert compared == [f"code − {other}" for other in others]
    every = seven_tables["differences-of-all-pairs"]
    assert len(every) == 21
    p_values = [float(row["p"]) for row in every]
    assert [float(row["p after Holm"]) for row in every] == pytest.approx(holm(p_values))


def test_holm_takes_in_the_pairs_that_are_folded(seven_tables):
    every = {row["comparison"]: row for row in seven_tables["differences-of-all-pairs"]}
    for row in seven_tables["differences"]:
        assert row["p after Holm"] == every[row["comparison"]]["p after Holm"]


def test_regeneration_on_the_page_is_what_was_found(seven, seven_tables):
    (arms,) = found_at(seven, regeneration_of)
    rows = zip(
        seven_tables["regeneration"],
        seven_tables["regeneration-executions"],
        seven_tables["regeneration-cost"],
        arms,
        strict=True,
    )
    for brought, executed, spent, arm in rows:
        assert brought["arm"] == arm.mode
        assert float(brought["accuracy"]) == arm.accuracy
        assert float(spent["requests"]) == arm.spent.requests
        assert float(executed["execution s a trial"]) == arm.spent.execution_seconds
        if arm.difference:
            assert float(brought["minus plain, points"]) == arm.difference.value
            assert float(brought["p"]) == arm.difference.p_value
            plain = arms[0].spent.execution_seconds
            change = arm.spent.execution_seconds / plain - 1
            assert float(executed["change, %"]) == pytest.approx(change)


def test_interventions_are_counted_by_kind(seven, seven_tables):
    (arms,) = found_at(seven, regeneration_of)
    rows = {row["arm"]: row for row in seven_tables["interventions"]}
    assert set(rows) == {arm.mode for arm in arms} - {"code"}
    guided = next(arm for arm in arms if arm.mode == "code+guided")
    for kind in ("closed", "unparsable", "refused"):
        assert int(rows["code+guided"][kind]) == guided.interventions[kind] > 0


def test_checks_of_every_state_add_up_to_the_answers(seven, seven_tables):
    rows = {row["found"]: row for row in seven_tables["checks"]}
    assert list(rows) == ["true", "uncertain", "false"]
    for row in rows.values():
        assert int(row["right"]) + int(row["wrong"]) == int(row["judged"]) > 0
    assert sum(int(row["answers"]) for row in rows.values()) == 40
    found = found_at(seven, checks_of)[0].accuracy[Verification.TRUE]
    assert float(rows["true"]["95 % interval: low"]) == found.low


def test_rounds_on_the_page_are_what_was_found(seven, seven_tables):
    (row,) = seven_tables["rounds"]
    found = found_at(seven, rounds_of)[0]
    assert (int(row["replies"]), int(row["programs run"])) == (found.replies, found.executions)


def test_the_weighted_vote_stands_next_to_the_majority(seven, seven_tables):
    (row,) = seven_tables["votes"]
    store = Store.open(seven)
    rows = stored_rows(store)
    found = next(
        each
        for each in repeats_of(stored_trials(store), weights=vote_weights(store, rows))
        if each.mode == "csv"
    )
    store.close()
    assert float(row["verification-weighted vote"]) == found.verified.value
    assert float(row["maj@n"]) == found.of_all.at[-1].majority.value


def test_each_mode_is_defined_where_it_is_used(seven_page, tmp_path):
    run = write_run(tmp_path / "two", problems=3)
    two_modes = Page(page_of(run, output=tmp_path / "p.html")).text
    for words in ("the definitions of these modes are ours", "one token a request",
                  "2309.17452", "2308.07921"):  # fmt: skip
        assert words in seven_page
        assert words not in two_modes


def test_arms_that_cannot_be_told_apart_share_a_sentence(seven_page):
    assert seven_page.count("cannot be told apart with this many problems") == 1


def test_seven_series_have_seven_signs():
    assert len({(order % COLOURS, order % 4) for order in range(28)}) == 28


def test_texts_of_turns_do_not_reach_the_page(tmp_path):
    text = page_of(
        write_seven(tmp_path / "bad", problems=4, text=NASTY), output=tmp_path / "p.html"
    )
    assert "alert(" not in text
    assert set(Page(text).tags) <= STRUCTURE | WORDS | FIGURES | FORMULAS | TABLES


def found_at(folder, analysis):
    store = Store.open(folder)
    try:
        return analysis(store, stored_rows(store))
    finally:
        store.close()
