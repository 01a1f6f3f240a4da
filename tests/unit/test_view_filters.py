"""Lists show the trials that a filter names, in the order asked for, each once."""

import itertools
import re
import sqlite3
from collections import Counter
from urllib.parse import quote

import pytest
from pydantic import TypeAdapter

from judge import Verdict
from sandbox import Exit
from solver.records import Outcome
from solver.store import FILE, Store
from solver.view.filters import Criteria, Found, matching
from solver.view.pages import PAGE
from solver.view.snapshot import choices_of
from tests.bench.report import write_run
from tests.viewed import PROBLEMS, VERDICT, add, client_of, listed, page, snapshot_of, write


@pytest.fixture(scope="module")
def every_combination(tmp_path_factory):
    """A run with a trial for every combination of the facts that an outcome depends on."""
    folder = write(tmp_path_factory.mktemp("all") / "all")
    flags = itertools.product((False, True), repeat=6)
    ends, scores = (None, *Exit), ("none", None, 1, 3, 4, 5)
    trials, turns, verdicts = [], [], []
    for number, (facts, end, score) in enumerate(itertools.product(flags, ends, scores)):
        error, answered, runs_code, has_program, capped, cut = facts
        key, problem = f"k{number}", PROBLEMS[number % 4].id
        trials.append(
            (key, problem, "m/y", "tir", number, 0, "ModelError: x" if error else None, 1.0, 2.0)
        )
        first = (key, 0, None, True, True, None, "crashed", 0, 0, 1, 1, 1, 0.0, 0.0, b"")
        last = (key, number % 2, "7" if answered else None, runs_code, has_program, None,
                end and str(end), capped, cut, 1, 1, 1, 0.0, 0.0, b"")  # fmt: skip
        turns += [first, last] if number % 2 else [last]
        if score != "none":
            verdict = Verdict(score, "rules", "", "")
            verdicts.append((key, 1.0, "j", score, 4, "rules", _verdict_text(verdict)))
    trials.append(("bare", PROBLEMS[0].id, "m/y", "tir", 9_999, 0, None, 1.0, 2.0))
    with sqlite3.connect(folder / FILE) as database:
        database.executemany(f"INSERT INTO trials VALUES ({_marks(9)})", trials)
        database.executemany(f"INSERT INTO turns VALUES ({_marks(15)})", turns)
        database.executemany(
            "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
            f" VALUES ({_marks(7)})",
            verdicts,
        )
    return folder


def _marks(count):
    return ", ".join("?" * count)


def _verdict_text(verdict):
    return TypeAdapter(Verdict).dump_json(verdict).decode()


def test_every_combination_of_facts_ends_as_its_row_says(every_combination):
    store = Store.open(every_combination)
    trials, seconds, counted, added = Counter(), Counter(), Counter(), Counter()
    for row in store.rows():
        trials[row.model, row.mode, row.outcome] += 1
        seconds[row.model, row.mode, row.outcome] += row.model_seconds
    for ends in store.ends():
        counted[ends.model, ends.mode, ends.outcome] += ends.trials
        added[ends.model, ends.mode, ends.outcome] += ends.model_seconds
    assert counted == trials
    assert added == pytest.approx(seconds)
    assert len({outcome for _, _, outcome in trials}) > 3


def test_every_combination_of_facts_has_the_outcome_of_its_row(every_combination):
    expected = {row.key: row.outcome for row in Store.open(every_combination).rows()}
    seen = {entry.key: entry.outcome for entry in snapshot_of(every_combination).entries}
    assert seen == expected
    assert set(expected.values()) == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_filter_by_outcome_finds_the_rows_with_it(every_combination, outcome):
    rows = Store.open(every_combination).rows()
    found = matching({"all": snapshot_of(every_combination)}, Criteria(outcome=str(outcome)))
    assert {entry.key for _, entry in found} == {row.key for row in rows if row.outcome is outcome}


def test_other_filters_find_the_rows_they_name(every_combination):
    snapshot, store = snapshot_of(every_combination), Store.open(every_combination)
    problems, rows = store.problems(), list(store.rows())

    def score(row):
        return (
            "none" if row.verdict is None or row.verdict.score is None else str(row.verdict.score)
        )

    run = {"all": snapshot}
    parts = {
        "domain": lambda row: problems[row.problem_id].domain,
        "level": lambda row: str(problems[row.problem_id].level),
        "model": lambda row: row.model,
        "mode": lambda row: row.mode,
        "score": score,
        "attempts": lambda row: str(row.turns),
    }
    for part, value_of in parts.items():
        for value in choices_of([snapshot])[part]:
            expected = {row.key for row in rows if value_of(row) == value}
            assert {e.key for _, e in matching(run, Criteria(**{part: value}))} == expected
            assert expected, (part, value)


@pytest.mark.parametrize("criteria", [Criteria(), Criteria(outcome="wrong")])
def test_a_list_over_several_runs_is_that_of_each_run_after_the_other(every_combination, criteria):
    snapshot = snapshot_of(every_combination)
    found = matching({"one": snapshot, "two": snapshot}, criteria)
    each = [entry for _, entry in matching({"": snapshot}, criteria)]
    whole = [(run, entry) for run in ("one", "two") for entry in each]
    assert list(found) == whole
    assert len(found) == len(whole) > 20
    for part in (slice(0, 5), slice(len(each) - 2, len(each) + 2), slice(-3, None)):
        assert found[part] == whole[part]
    for place in (0, len(each) - 1, len(each), -1):
        assert found[place] == whole[place]
        assert found.index(whole[place]) == whole.index(whole[place])
    with pytest.raises(IndexError):
        found[len(whole)]
    with pytest.raises(ValueError, match="three"):
        found.index(("three", each[0]))


def test_a_problem_can_be_linked_to_by_its_whole_id(client):
    assert listed(page(client, "/run/first?problem=test/algebra/1")) == ["code-1", "cot-1"]


def test_filters_narrow_each_other(client):
    keys = listed(page(client, "/run/first?mode=cot&domain=geometry"))
    assert keys == ["cot-0", "cot-2"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("3^2", ["code-3", "cot-3"]),
        ("ALGEBRA/2", ["code-2", "cot-2"]),
        ("9", [f"{mode}-{n}" for n in range(4) for mode in ("code", "cot")]),
        ("nowhere", []),
        ("%", []),
    ],
)
def test_the_search_looks_at_question_reference_id_and_answer(client, words, found):
    assert listed(page(client, f"/run/first?q={quote(words)}")) == found


@pytest.mark.parametrize(
    "query",
    [
        "level=x",
        "page=-1",
        "page=9999999999",
        "page=٣",
        "score=<b>",
        "sort=up",
        "q=%00",
        "mode=%ff",
    ],
)
def test_an_odd_query_is_no_mistake_of_ours(client, query):
    page(client, f"/run/first?{query}")


def test_pages_hold_every_trial_once(tmp_path):
    write_run(tmp_path / "large", problems=40, repeats=2)
    with client_of(tmp_path) as client:
        pages = [listed(page(client, f"/run/large?page={n}")) for n in range(1, 5)]
    assert [len(keys) for keys in pages] == [PAGE, PAGE, PAGE, 160 - 3 * PAGE]
    assert len({key for keys in pages for key in keys}) == 160


def test_the_latest_come_first_when_asked(tmp_path):
    write(tmp_path / "first")
    store = Store.create_or_open(tmp_path / "first")
    add(store, "new", PROBLEMS[3], repeat=1, started=1.8e9)
    store.close()
    with client_of(tmp_path) as client:
        assert listed(page(client, "/run/first?sort=latest"))[0] == "new"


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """A run in which modes and repeats disagree, and one in which a trial went otherwise."""
    folder = tmp_path_factory.mktemp("varied")
    right, wrong = VERDICT, Verdict(1, "rules", "9 is not 8", "different")
    for name, late in (("first", wrong), ("second", right)):
        store = Store.create_or_open(write(folder / name, modes=()))
        for key, number, mode, repeat, verdict in (
            ("a", 0, "code", 0, right), ("b", 0, "cot", 0, wrong), ("c", 1, "code", 0, right),
            ("d", 1, "code", 1, wrong), ("e", 2, "code", 0, late), ("f", 3, "code", 0, right),
        ):  # fmt: skip
            add(store, key, PROBLEMS[number], mode=mode, repeat=repeat, verdict=verdict,
                seconds=10.0 + number)  # fmt: skip
        store.close()
    with client_of(folder) as client:
        page(client, "/run/second")
        yield client


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("outcome:wrong", "bde"),
        ("outcome:WRONG mode:code", "de"),
        ("-outcome:wrong", "acf"),
        ("level:>=3", "ef"),
        ("level:<2", "ab"),
        ("level:2", "cd"),
        ("level:>2 level:<=3", "e"),
        ("reason:~not outcome:wrong", "bde"),
        ('reason:"9 is not 8"', "bde"),
        ('question:~"what is"', "abcdef"),
        ("question:~$3", "f"),
        ("reference:4", "e"),
        ("repeat:1", "d"),
        ("domain:algebra", "cdf"),
        ("is:disagreed", "ab"),
        ("-is:disagreed is:unstable", "cd"),
        ("flipped:second", "e"),
        ("score:none", ""),
        ("waited:>12.5", "f"),
        ("3^2 mode:code", "f"),
        ("-7", ""),
    ],
)
def test_a_line_of_words_finds_what_it_says(varied, line, found):
    assert sorted(listed(page(varied, f"/run/first?q={quote(line)}"))) == sorted(found)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("levle:3", "levle: no such word; the words are problem, question"),
        ("level:>x", "level:&gt;x: &gt; needs a column of numbers and a number"),
        ("answer:>3", "answer:&gt;3: &gt; needs a column of numbers"),
        ("is:wrong", "is:wrong: it can be disagreed, unstable or changed"),
        ("flipped:third", "flipped:third: no such run"),
    ],
)
def test_a_line_that_cannot_be_read_is_said_and_finds_nothing(varied, line, says):
    text = page(varied, f"/run/first?q={quote(line)}")
    assert says in text
    assert listed(text) == []


@pytest.mark.parametrize(
    ("order", "first"), [("level", "a"), ("-level", "f"), ("-repeat", "d"), ("outcome", "a")]
)
def test_a_heading_sorts_by_its_column(varied, order, first):
    text = page(varied, f"/run/first?sort={order}")
    assert listed(text)[0] == first
    assert 'aria-sort="' in text


def test_the_address_names_the_columns_to_show(varied):
    text = page(varied, "/run/first?column=domain&column=waited&q=mode:code")
    head = re.findall(r'<th scope="col"[^>]*><a [^>]*>(\w+)</a>', text)
    assert head == ["problem", "domain", "waited"]
    assert "/trial/a?q=mode%3Acode&amp;column=domain&amp;column=waited" in text


def test_a_list_shows_question_reference_answer_and_why(varied):
    row = page(varied, "/run/first?q=repeat:1").partition("<tbody>")[2]
    assert "<math" in row
    assert 'data-name="reference">1<' in row
    assert 'data-name="answer">9<' in row
    assert "9 is not 8" in row


def test_all_runs_stand_in_one_list(varied):
    text = page(varied, "/trials?q=reason:~not+-repeat:1&sort=-level")
    places = re.findall(r'href="/run/([^/]+)/trial/([^"?]+)[^"]*" data-row', text)
    assert sorted(places) == [("first", "b"), ("first", "e"), ("second", "b")]
    assert places[0] == ("first", "e")
    assert text.count('<th scope="col">run</th>') == 1


def test_trials_of_several_runs_are_found_and_cut_like_a_list(every_combination):
    first, second = (snapshot_of(every_combination).entries[a:b] for a, b in ((0, 5), (5, 9)))
    found = Found((("one", first), ("none", ()), ("two", second)))
    whole = [("one", entry) for entry in first] + [("two", entry) for entry in second]
    assert list(found) == whole
    assert (found[-1], found[3:7], found[8:2:-2]) == (whole[-1], whole[3:7], whole[8:2:-2])
    for place, each in enumerate(whole):
        assert found.index(each) == found.index(each, place, place + 1) == place
        for start, stop in ((0, place), (place + 1, len(whole))):
            with pytest.raises(ValueError, match="not in"):
                found.index(each, start, stop)
    with pytest.raises(IndexError):
        found[9]
