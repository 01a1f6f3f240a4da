"""How a command prints: as JSON or not, what is wrong with its line, and to a poor output.

Importing this registers `solver` as a way to treat encoding errors.
"""

import codecs
import errno
import io
import os
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from solver.report.runs import Run
    from solver.report.show import Draw

_FAILS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)


def take_any_encoding() -> None:
    """Let no sign that an output's encoding lacks end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="solver")


def drawn(json: bool, *runs: "Run") -> "Draw":
    """Return what prints sections: as JSON about these runs where asked, else for a terminal."""
    from solver.report.render.data import print_data
    from solver.report.render.terminal import print_sections

    return partial(print_data, runs=runs) if json else print_sections


UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What is raised where a command line cannot be parsed."""


def told(mistake: Any) -> str:
    """Return a mistake in the command line as one line, or the help that no arguments ask for."""
    from solver.text import plain

    what, context = mistake.format_message(), mistake.ctx
    if "\n" in what:
        return plain(what)
    what = re.sub("Input should be a valid integer, .*", "should be a whole number", what)
    what = re.sub("Input should be a valid number, .*", "should be a number", what)
    what = re.sub("Input should be greater than or equal to", "should be at least", what)
    what = re.sub("Input should be less than or equal to", "should be at most", what)
    path = context.command_path if context else "solver"
    return plain(f"{path}: {what[0].lower()}{what[1:].rstrip('.')}; `{path} -h` explains it")


def is_of_output(failure: BaseException) -> bool:
    """Tell whether a failure is that of writing what a command prints, such as to a full disk."""
    return isinstance(failure, OSError) and failure.errno in _FAILS and not failure.filename


def is_of_pipe(end: BaseException) -> bool:
    """Tell whether a command ends as its reader is gone, for which typer and rich exit with 1."""
    return isinstance(end, BrokenPipeError) or isinstance(end.__context__, BrokenPipeError)


def drop_output(failure: BaseException) -> OSError:
    """Drop what is left of the output; return the failure in words for the user."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    reason = getattr(failure, "strerror", None) or failure
    return OSError(f"the output cannot be written: {reason}")


_PLAIN = {
    "–": "-", "—": "-", "−": "-", "─": "-", "…": "~", "×": "x", "·": "|", "→": ">", "≥": ">",
    "≤": "<", "“": '"', "”": '"', "’": "'", "‘": "'", "±": "+-",
}  # fmt: skip


def _written_out(failure: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an output's encoding lacks: by what looks like it, or by its code."""
    if not isinstance(failure, UnicodeEncodeError):
        raise failure
    lacking = failure.object[failure.start : failure.end]
    found = (_PLAIN.get(sign) or f"\\u{ord(sign):04x}" for sign in lacking)
    return "".join(found), failure.end


codecs.register_error("solver", _written_out)
