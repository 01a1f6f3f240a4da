"""A table that is too wide for the page becomes parts that fit, and loses nothing."""

from solver.report.render.fold import folded, more_titles
from solver.report.tables import Column, Kind, Table


def table(count, *, rows=((1,), (2,)), minor=()):
    """A table of `count` columns of seven digits, behind the row's name and `rows`."""
    keys = [Column(f"key {at}", Kind.TEXT) for at in range(len(rows[0]))]
    values = [Column(f"c{at}", minor=at in minor) for at in range(count)]
    cells = tuple((*(f"r{key}" for key in row), *[1_234_567] * count) for row in rows)
    return Table("t", "T", (*keys, *values), cells, "A note.")


def titles(part):
    return [column.title for column in part.columns]


def test_a_table_that_fits_stays_as_it_is():
    narrow = table(5, minor={1})
    assert folded(narrow) == [narrow]


def test_minor_columns_are_folded_first_and_only_as_many_as_needed():
    first, rest = folded(table(11, minor={1, 3, 5}))
    assert titles(first) == ["key 0", *(f"c{at}" for at in range(11) if at not in (3, 5))]
    assert titles(rest) == ["key 0", "c3", "c5"]
    assert (first.note, rest.note) == ("A note.", "")
    assert more_titles([first, rest]) == "c3, c5"


def test_without_minor_columns_the_last_are_folded_and_none_is_lost():
    parts = folded(table(40))
    found = [title for part in parts for title in titles(part) if title != "key 0"]
    assert found == [f"c{at}" for at in range(40)]
    assert all(titles(part)[0] == "key 0" for part in parts)


def test_each_part_begins_with_the_columns_that_tell_its_rows_apart():
    parts = folded(table(20, rows=((1, 1), (1, 2), (2, 1))))
    assert len(parts) > 1
    assert all(titles(part)[:2] == ["key 0", "key 1"] for part in parts)
    assert all(len(part.rows) == 3 for part in parts)
