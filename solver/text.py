"""Plain text that cannot harm a terminal, and how names, counts and shares are written in it.

Everything a model wrote passes through `plain`, so no escape sequence reaches a terminal.
"""

import os
import re
import shlex
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solver.stats.metrics import Estimate


def plain(text: str) -> str:
    """Write out control, invisible and direction characters, so that the text is harmless."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or character.isprintable()
        else " "
        if unicodedata.category(character) == "Zs"
        else f"\\u{ord(character):04x}"
        for character in text
    )


def say(text: str, *, error: bool = False) -> None:
    """Print one line of plain text; never wrapped, so that it can be copied."""
    print(plain(text), file=sys.stderr if error else sys.stdout, flush=True)


def say_wrapped(
    text: str, *, indent: int = 2, width: int | None = None, error: bool = False
) -> None:
    """Print plain text, wrapped between words to `width` or the output's; never within a word."""
    most = width or width_of_output()
    for line in plain(text).splitlines():
        shown = line if most is None else wrapped(line, max(most, 2 * indent), indent=indent)
        print(shown, file=sys.stderr if error else sys.stdout, flush=True)


def wrapped(line: str, width: int, *, indent: int = 0) -> str:
    """Split a line of plain text between words; a number keeps its percent sign."""
    if len(line) <= width:
        return line
    found = fill(
        re.sub(r"(?<=\d) (?=%)", "\u00a0", line),
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return found.replace("\u00a0", " ")


def width_of_output() -> int | None:
    """Return the output's width in characters, by COLUMNS or its terminal; None if neither says."""
    if given := natural(os.environ.get("COLUMNS", "")):
        return given
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def natural(text: str) -> int | None:
    """Return the number that a text of at most 18 digits is; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def command(*words: object) -> str:
    """Return a command line of ours that can be copied as it is, whatever its words hold."""
    return shlex.join(("solver", *map(str, words)))


def short(text: str, most: int) -> str:
    """Return the text through `plain`, with its middle cut out if it is longer than `most`."""
    if len(text) > 4 * most:
        text = text[: 2 * most] + text[-2 * most :]  # so that `plain` need not read a megabyte
    text = plain(text)
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"


def one_line(text: str, most: int = 100) -> str:
    """Return the text on one line, written out by `plain` and cut to so many characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def first_of(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """Write the first of some names, and how many more there are."""
    rest = len(names) - most
    return separator.join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def no_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula and run."""
    if text[:1] not in tuple("=+-@\t\r\n"):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text  # a number with its sign


def plain_name(kind: str) -> str:
    """Write `out_of_memory` as words."""
    return _WORDS.get(str(kind)) or str(kind).replace("_", " ")


_WORDS = {"judge_invalid": "undecided"}
"""What the words of a kind are where they are not those of its name."""


def model_name(model: str) -> str:
    """Return a model's name, cut where it is long; of a model file, its name without folder."""
    provider, _, name = model.partition("/")
    if provider == "local":
        model = f"local/{name.rpartition('/')[2].removesuffix('.gguf')}"
    return short(model, LONGEST_NAME)


LONGEST_NAME = 40
"""The most characters that a table or a title gives to the name of a model."""


def percent(estimate: "Estimate | None") -> str:
    """Write `12.3 %`, or a dash where nothing could be counted."""
    return "–" if estimate is None else f"{100 * estimate.value:.1f} %"


def share_of(count: int, total: int) -> str:
    """Write `3/12 (25.0 %)`."""
    return f"{count}/{total}" + (f" ({100 * count / total:.1f} %)" if total else "")


def duration(seconds: float) -> str:
    """Write `1 h 02 min`, `3 min 20 s` or `45 s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def size(count: int) -> str:
    """Write a number of bytes as `512 MiB`, or from 1 GiB on as `71.1 GiB`."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count // 2**20} MiB"
