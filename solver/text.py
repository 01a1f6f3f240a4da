"""How everything is printed: plain text of no harm to a terminal, counts, shares, tables.

Everything a model wrote passes through `plain`, so no escape sequence reaches a terminal.
"""

import sys
import unicodedata

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from solver.stats.metrics import Estimate

WIDTH = 100
"""Columns where the output is not a terminal."""


def plain(text: str) -> str:
    """The text with control, invisible and direction characters written out, harmless anywhere."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character)[0] not in "CZ" or character == " "
        else " "
        if unicodedata.category(character) == "Zs"
        else f"\\u{ord(character):04x}"
        for character in text
    )


def say(text: str, *, error: bool = False) -> None:
    """Print one line of plain text."""
    print(plain(text), file=sys.stderr if error else sys.stdout, flush=True)


def one_line(text: str, most: int = 100) -> str:
    """The text on one line, written out by `plain` and cut to so many characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def plain_name(kind: str) -> str:
    """`out_of_memory` as words."""
    return str(kind).replace("_", " ")


def percent(estimate: Estimate | None) -> str:
    """`12.3 %`, or a dash where nothing could be counted."""
    return "–" if estimate is None else f"{100 * estimate.value:.1f} %"


def interval(estimate: Estimate | None) -> str:
    """The 95 % interval in per cent."""
    return "–" if estimate is None else f"{100 * estimate.low:.1f} – {100 * estimate.high:.1f}"


def share_of(count: int, total: int) -> str:
    """`3/12 (25.0 %)`."""
    return f"{count}/{total}" + (f" ({100 * count / total:.1f} %)" if total else "")


def numbers_table(name: str, *columns: str, width: int | None = None) -> Table:
    """A table whose first column holds names, at least so wide, and whose others hold numbers."""
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(name, no_wrap=True, min_width=width)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def open_console() -> Console:
    """Where tables go: as wide as the terminal, or as `WIDTH` into a file."""
    console = Console(highlight=False, markup=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=WIDTH)
    )


def put(console: Console, what: Table | Text) -> None:
    """Print a table, or a line that the terminal may break but rich must not."""
    console.print(what, soft_wrap=isinstance(what, Text))


def put_uncut(console: Console, table: Table) -> None:
    """Print a table of counts as wide as it needs: a number with its end cut off is another."""
    needed = Measurement.get(console, console.options.update(max_width=1_000), table).maximum
    width = max(console.width, needed)
    wide = Console(file=console.file, highlight=False, markup=False, emoji=False, width=width)
    wide.print(table)
