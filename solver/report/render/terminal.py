"""Print sections in a terminal.

No number is ever cut. Where a table is too wide, first its titles are wrapped, then minor columns
are left out, then texts are wrapped, and columns that still do not fit are continued below. A
single row that is too wide becomes a list. All text passes through `plain`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from solver.report.parts import Section
from solver.report.tables import Table
from solver.text import first_of, one_line, plain, say, say_wrapped, width_of_output, wrapped

WIDTH = 100
"""Width in characters where the output is not a terminal."""
LEAST_TEXT = 18
"""The narrowest column, in characters, into which texts are wrapped."""
LEAST_NAME = 6
"""The same for the names that are repeated before each block of columns."""
MOST_ITEMS = 10
"""The most problem ids of a section that are listed; the rest is counted."""
MOST_COMMANDS = 10
"""The most commands of a section that are printed."""
_GAP = 2
_INDENT = 11
"""Where the text of a fact begins, behind its label."""


def print_sections(sections: Iterable[Section | None], *, width: int | None = None) -> None:
    """Print sections one below the other, as wide as the terminal, COLUMNS or `width`.

    None is skipped. Where nothing says how wide, tables take WIDTH, and lines of facts are whole.
    """
    width = width or width_of_output()
    console = _console(width or WIDTH)
    for section in sections:
        if section is not None:
            _print_section(console, section)
            _print_facts(console, section, width)


def _console(width: int | None) -> Console:
    return Console(highlight=False, markup=False, emoji=False, width=width)


def _print_section(console: Console, section: Section) -> None:
    if section.title:
        console.print(Text(f"\n{one_line(section.title, 200)}", style="bold"), soft_wrap=True)
    else:
        console.print()
    for words in section.words:
        _print_words(console, words)
    tables = (*section.tables, *section.folded)
    for table in tables:
        _print_table(console, table, titled=len(tables) > 1 or bool(section.words))
    if section.items:
        listed = first_of([one_line(item) for item in section.items], MOST_ITEMS)
        say_wrapped(listed, indent=0, width=console.width)


def _print_facts(console: Console, section: Section, width: int | None) -> None:
    """Print lines with labels, wrapped between words, and commands, never wrapped, to be copied."""
    if (section.tables or section.folded or section.items) and (section.facts or section.to_read):
        console.print()
    for label, text in section.facts:
        say_wrapped(f"{label:<10} {text}", indent=_INDENT, width=width)
    for command in section.to_read[:MOST_COMMANDS]:
        say(f"{'to read':<10} {command}")
    if (more := len(section.to_read) - MOST_COMMANDS) > 0:
        rest = f"{more:,} such commands are left out; the tables name what to put into one"
        say_wrapped(f"{'more':<10} {rest}", indent=_INDENT, width=width)


def _print_table(console: Console, table: Table, *, titled: bool) -> None:
    sheet = _sheet(table)
    console.print()
    if titled:
        _print_words(console, table.title, style="italic")
    if len(sheet.texts) == 1 and _full(sheet) > console.width:
        most = max(map(cell_len, sheet.titles))
        hanging = most + _GAP if most + _GAP <= console.width // 3 else _GAP
        for title, text in zip(sheet.titles, sheet.texts[0], strict=True):
            say_wrapped(f"{title:<{most}}  {text}", indent=hanging, width=console.width)
    else:
        for number, (columns, widths) in enumerate(_blocks(sheet, console.width)):
            if number:
                console.print()
            grid = _grid(table, sheet, columns, widths)
            needed = sum(widths) + _GAP * len(widths)
            wide = console if needed <= console.width else _console(needed)
            wide.print(grid)
    if table.note:
        _print_words(console, table.note, style="dim")


def _print_words(console: Console, words: str, *, style: str = "") -> None:
    for line in plain(words).splitlines():
        narrow = cell_len(line) == len(line)  # else characters are wrapped by their widths
        shown = wrapped(line, console.width) if narrow else line
        console.print(Text(shown, style=style), soft_wrap=narrow)


@dataclass(frozen=True)
class _Sheet:
    """A table as texts, with the widths of its columns."""

    titles: list[str]
    texts: list[list[str]]
    are_text: list[bool]
    minor: list[bool]
    full: list[int]
    """Widths at which nothing is wrapped."""
    folded: list[int]
    """Widths at which only titles are wrapped."""


def _sheet(table: Table) -> _Sheet:
    titles = [" ".join(plain(column.title).split()) for column in table.columns]
    texts = [[" ".join(text.split()) for text in row] for row in table.texts()]
    columns = list(zip(*texts, strict=True)) or [()] * len(titles)
    cells = [max(map(cell_len, column), default=0) for column in columns]
    words = [max(map(cell_len, title.split()), default=0) for title in titles]
    return _Sheet(
        titles,
        texts,
        are_text=[column.is_text for column in table.columns],
        minor=[column.minor for column in table.columns],
        full=[max(cell_len(title), cell) for title, cell in zip(titles, cells, strict=True)],
        folded=[max(word, cell) for word, cell in zip(words, cells, strict=True)],
    )


def _full(sheet: _Sheet) -> int:
    return sum(sheet.full) + _GAP * len(sheet.full)


def _blocks(sheet: _Sheet, width: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield blocks of columns that fit, with widths that wrap as little as possible."""
    everything = list(range(len(sheet.titles)))
    major = [at for at in everything if not sheet.minor[at]]
    for columns in (everything, major):
        for widths in (sheet.full, sheet.folded):
            if sum(widths[at] + _GAP for at in columns) <= width:
                yield columns, [widths[at] for at in columns]
                return
    widths = [
        min(least, LEAST_TEXT) if is_text else least
        for least, is_text in zip(sheet.folded, sheet.are_text, strict=True)
    ]
    spare = width - sum(widths[at] + _GAP for at in major)
    if spare >= 0:
        for at in sorted(major, key=lambda at: sheet.folded[at]):
            more = min(spare, sheet.folded[at] - widths[at])
            widths[at] += more
            spare -= more
        yield major, [widths[at] for at in major]
    else:
        yield from _split(sheet, major, width)


def _split(sheet: _Sheet, columns: list[int], width: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the columns in blocks that fit, each preceded by those that name the rows."""
    names = _names(sheet, columns, width)
    others = [at for at in columns if at not in names]
    least = [
        min(folded, LEAST_TEXT) if is_text else folded
        for folded, is_text in zip(sheet.folded, sheet.are_text, strict=True)
    ]
    room = max((least[at] for at in others), default=0) + _GAP
    most = max(LEAST_NAME, (width - room) // len(names) - _GAP)
    widths = list(sheet.folded)
    for at in names:
        widths[at] = min(widths[at], most) if sheet.are_text[at] else widths[at]
    left = width - sum(widths[at] + _GAP for at in names) - _GAP
    for at in others:
        widths[at] = max(least[at], min(widths[at], left))
    block = list(names)
    for at in others:
        if sum(widths[c] + _GAP for c in (*block, at)) > width and len(block) > len(names):
            yield block, [widths[c] for c in block]
            block = list(names)
        block.append(at)
    yield block, [widths[c] for c in block]


def _names(sheet: _Sheet, columns: list[int], width: int) -> list[int]:
    """Return the first column, the second where it is a text, and the third to tell rows apart."""
    names = [at for at in columns[:2] if at == 0 or sheet.are_text[at]]
    more = columns[: len(names) + 1]
    narrow = sum(min(sheet.folded[at], LEAST_TEXT) + _GAP for at in more) <= width // 2
    apart = [len({tuple(row[at] for at in of) for row in sheet.texts}) for of in (names, more)]
    return more if narrow and apart[0] < apart[1] == len(sheet.texts) else names


def _grid(table: Table, sheet: _Sheet, columns: Sequence[int], widths: Sequence[int]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for at, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "left" if sheet.are_text[at] else "right"
        grid.add_column(Text(sheet.titles[at]), justify=justify, width=width, overflow="fold")
    above = None
    for number, row in enumerate(sheet.texts):
        if number and number in table.parts:
            grid.add_section()
        again, above = row[0] == above, row[0]
        cells = [Text("" if again and at == 0 else row[at]) for at in columns]
        grid.add_row(*cells, style="bold" if table.rows[number][0] in table.emphasis else "")
    return grid
