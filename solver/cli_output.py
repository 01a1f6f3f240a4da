"""How a command prints: as JSON or not, and where an output lacks signs or cannot be written.

Importing this registers `solver` as a way to treat encoding errors.
"""

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solver.report.show import Draw

_FAILS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)


def take_any_encoding() -> None:
    """Let no sign that an output's encoding lacks end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="solver")


def drawn(json: bool) -> "Draw":
    """Return what prints sections: as JSON where asked, else for a terminal."""
    from solver.report.render.data import print_data
    from solver.report.render.terminal import print_sections

    return print_data if json else print_sections


def is_of_output(failure: BaseException) -> bool:
    """Tell whether a failure is that of writing what a command prints, such as to a full disk."""
    return isinstance(failure, OSError) and failure.errno in _FAILS and not failure.filename


def drop_output(failure: BaseException) -> OSError:
    """Drop what is left of the output; return the failure in words for the user."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    reason = getattr(failure, "strerror", None) or failure
    return OSError(f"the output cannot be written: {reason}")


_PLAIN = {"–": "-", "—": "-", "…": "~", "×": "x", "·": "|", "→": ">", "≥": ">", "≤": "<", "─": "-"}


def _written_out(failure: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an output's encoding lacks: by a sign as wide, or by its code."""
    if not isinstance(failure, UnicodeEncodeError):
        raise failure
    lacking = failure.object[failure.start : failure.end]
    found = (_PLAIN.get(sign) or f"\\u{ord(sign):04x}" for sign in lacking)
    return "".join(found), failure.end


codecs.register_error("solver", _written_out)
