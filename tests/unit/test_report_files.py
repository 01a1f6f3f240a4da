"""Values as people read them, and tables as Markdown, LaTeX and CSV."""

import csv
import re

import pytest

from solver.report.render.files import comma_separated, latex, markdown
from solver.report.tables import Column, Kind, Table, text_of
from solver.text import short

TABLE = Table(
    "t",
    "Title",
    (Column("name", Kind.TEXT), Column("n"), Column("share", Kind.SHARE)),
    (("a|b_c*[x](http://y)<b>`$&%#{}~^\\", 1234, 0.5), ("=1+2", 0, None)),
)


def test_markdown_cells_stay_cells():
    lines = markdown(TABLE).splitlines()
    row = next(line for line in lines if "1,234" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert "<b>" not in row.replace("\\<b\\>", "")
    assert "](http" not in row


def test_latex_cells_hold_no_bare_special_character():
    row = next(line for line in latex(TABLE).splitlines() if "1,234" in line)
    cell = row.split(" & ")[0]
    bare = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}", "", cell
    )
    assert not re.search(r"(?<!\\)[&%$#_{}~^<>]", bare)


def test_csv_text_is_never_a_formula():
    rows = list(csv.reader(comma_separated(TABLE).splitlines()))
    assert rows[2] == ["'=1+2", "0", ""]
    assert rows[1][1:] == ["1234", "0.5"]


@pytest.mark.parametrize("kind", [Kind.INTERVAL, Kind.RANGE, Kind.MONEY_RANGE])
def test_csv_has_the_low_and_the_high_end_of_a_pair(kind):
    table = Table("t", "", (Column("n", kind),), (((1, 2),),))
    rows = list(csv.reader(comma_separated(table).splitlines()))
    assert rows == [["n: low", "n: high"], ["1", "2"]]


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\x1b\u202e" * 1_000_000, "é\n" * 50])
def test_a_shortened_text_is_harmless_and_short(text):
    found = short(text, 40)
    assert len(found) == 40
    assert not set(found) & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.5, Kind.SHARE, "50.0 %"),
        (1, Kind.SHARE, "100.0 %"),
        ((0.0, 1.0), Kind.INTERVAL, "0.0 – 100.0"),
        (-0.051, Kind.POINTS, "−5.1"),
        (-0.0001, Kind.POINTS, "0.0"),
        ((-0.1, 0.2), Kind.POINTS_INTERVAL, "−10.0 to +20.0"),
        (-0.0321, Kind.CHANGE, "−0.032"),
        (0.0004, Kind.CHANGE, "0.000"),
        ((-1.5, 1200.0), Kind.CHANGE_INTERVAL, "−1.50 to +1,200"),
        (0.0004, Kind.CHANCE, "< 0.001"),
        ((0, 1200), Kind.RANGE, "0 to 1,200"),
        ((14, 14), Kind.RANGE, "14"),
        ((0.0, 1200.5), Kind.MONEY_RANGE, "0.00 to 1,200.50"),
        (12345, Kind.COUNT, "12,345"),
        (None, Kind.SHARE, "–"),
    ],
)
def test_values_are_printed_for_people(value, kind, text):
    assert text_of(value, kind) == text
