"""Sections in a terminal: no number is cut however narrow it is, and nothing escapes."""

import re
from random import Random

import pytest
from rich.cells import cell_len

from solver.report.parts import Section
from solver.report.render.terminal import MOST_COMMANDS, print_sections
from solver.report.tables import Column, Kind, Table
from solver.text import natural, width_of_output

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e[bold]"


@pytest.mark.parametrize("columns", ["²", "9" * 5000, "-1", "1_0", "٣", ""])
def test_a_width_that_is_no_number_is_the_terminals(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert natural(columns) is None
    assert width_of_output() is None
    assert natural("007") == 7


def shown(capsys, section, width):
    print_sections([section], width=width)
    return capsys.readouterr().out


def wide(rows=3, columns=12):
    """A table of large numbers behind two names; the last column is minor."""
    draw = Random(0)
    titles = [Column(f"a count called {n}", minor=n == columns - 1) for n in range(columns)]
    return Table(
        "wide",
        "Wide",
        (Column("arm", Kind.TEXT), Column("domain", Kind.TEXT), *titles),
        tuple(
            (f"provider/a-model-{n} · code", "counting and probability",
             *(draw.randrange(10**9, 10**10) for _ in range(columns)))
            for n in range(rows)
        ),
    )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("width", [40, 60, 80, 100, 200, 400])
def test_no_number_is_cut_and_no_line_is_wider_than_the_terminal(capsys, width, rows):
    table = wide(rows)
    text = shown(capsys, Section("a", "Title", tables=(table,)), width)
    for row in table.rows:
        for number in row[2:-1]:
            assert f"{number:,}" in text
    assert max(map(len, text.splitlines())) <= max(width, 60 * (rows > 1))


@pytest.mark.parametrize("width", [60, 80])
def test_a_single_row_with_a_long_text_is_a_list_whose_lines_are_wrapped(capsys, width):
    titles = ("solved at least once by", "and never by", "problems", "for example")
    ids = [f"starter/counting_and_probability/{level}/12" for level in (1, 2, 3)]
    columns = tuple(Column(title, Kind.TEXT) for title in titles)
    row = ("a-long-name-of-a-model · code", "a-long-name-of-a-model · cot", "3", ", ".join(ids))
    text = shown(capsys, Section("a", "T", tables=(Table("t", "T", columns, (row,)),)), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(one in text for one in ids)
    _, *rest = text.partition("for example")[2].splitlines()
    assert len(rest) >= 1
    assert all(line.startswith("  ") for line in rest)


@pytest.mark.parametrize("width", range(40, 60))
def test_a_number_keeps_its_percent_sign_where_words_are_wrapped(capsys, width):
    words = " ".join(f"in {share / 10:.1f} % of the replies" for share in range(101, 131))
    table = Table("t", words, (Column("n"),), ((1,),), words)
    text = shown(capsys, Section("a", "T", (words,), tables=(table,), facts=(("f", words),)), width)
    assert text.count("%") == 4 * 30
    assert max(map(len, text.splitlines())) <= width
    assert not re.search(r"(?m)^ *%", text)
    assert not re.search(r"(?m) $", text.partition("\n\n")[0])


@pytest.mark.parametrize(("width", "there"), [(100, False), (400, True)])
def test_a_minor_column_is_there_only_where_it_fits(capsys, width, there):
    table = wide()
    text = shown(capsys, Section("a", "Title", tables=(table,)), width)
    assert all((f"{row[-1]:,}" in text) is there for row in table.rows)


def test_what_one_line_holds_is_printed_in_one_line(capsys):
    table = Table(
        "t", "T", (Column("arm", Kind.TEXT), Column("n"), Column("accuracy", Kind.SHARE)),
        (("code", 3, 0.5), ("code", 4, None), ("all", 7, 0.25)), emphasis=frozenset({"all"}),
        parts=(2,), note="A note.",
    )  # fmt: skip
    section = Section("a", "Title", tables=(table,), facts=(("label", "what is said"),))
    text = shown(capsys, section, 80)
    assert [line.rstrip() for line in text.splitlines()] == [
        "",
        "Title",
        "",
        "arm   n  accuracy",
        "─────────────────",
        "code  3    50.0 %",
        "      4         –",
        "",
        "all   7    25.0 %",
        "A note.",
        "",
        "label      what is said",
    ]


def test_words_titles_and_items_are_printed_too(capsys):
    items = tuple(f"p{n}" for n in range(12))
    tables = (Table("t", "First", (Column("n"),), ((1,),)), Table("u", "Second", (), ()))
    section = Section("a", "Title", ("Some words.",), tables=tables[:1], folded=tables[:1],
                      items=items)  # fmt: skip
    text = shown(capsys, section, 80)
    assert "Some words." in text
    assert text.count("First") == 2
    assert "p9 and 2 more" in text


def test_nothing_that_a_model_wrote_reaches_the_terminal_as_it_is(capsys):
    table = Table(HOSTILE, HOSTILE, (Column(HOSTILE, Kind.TEXT),), ((HOSTILE,),), HOSTILE)
    section = Section("a", HOSTILE, (HOSTILE,), (), (table,), (table,), (HOSTILE,),
                      ((HOSTILE, HOSTILE),))  # fmt: skip
    for width in (20, 100):
        text = shown(capsys, section, width)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert text.count("[bold]") == 13


def test_each_block_of_a_wide_table_has_what_tells_its_rows_apart(capsys):
    columns = (Column("arm", Kind.TEXT), Column("problem", Kind.TEXT), Column("repeat"))
    counts = tuple(Column(f"a count called {n}") for n in range(8))
    rows = tuple(("code", "p1", repeat, *(10**9 + n for n in range(8))) for repeat in (17, 18, 19))
    text = shown(
        capsys, Section("a", "Title", tables=(Table("t", "T", (*columns, *counts), rows),)), 80
    )
    blocks = text.count("problem")
    assert blocks > 1
    assert [text.count(f" {repeat} ") for repeat in (17, 18, 19)] == [blocks] * 3


def test_commands_that_are_left_out_are_counted(capsys):
    commands = tuple(f"solver show runs/r --problem p{n}" for n in range(MOST_COMMANDS + 3))
    text = shown(capsys, Section("a", "Title", to_read=commands), 80)
    assert text.count("to read    solver show") == MOST_COMMANDS
    assert "more       3 such commands are left out" in text.splitlines()[-1]
    every = shown(capsys, Section("a", "Title", to_read=commands[:MOST_COMMANDS]), 80)
    assert every.count("to read    solver show") == MOST_COMMANDS
    assert "left out" not in every


def test_words_of_wide_characters_are_wrapped_by_their_width(capsys):
    section = Section("s", "S", ("問題は次の通りです。" * 12, "a model called 模型 " * 12))
    assert max(cell_len(line) for line in shown(capsys, section, 60).splitlines()) <= 60
