"""What a command finds around it as it starts: its streams, its folder, the environment."""

import os
import sys

from solver.errors import ConfigError
from solver.text import natural

_UNUSED = "MPLBACKEND"
"""Nothing here needs it, but one that matplotlib does not know ends its import."""
_NUMBERS = {"COLUMNS": (1, 10**5), "LINES": (1, 10**5), "SOURCE_DATE_EPOCH": (0, 10**10)}
"""Variables that hold a number, from where to below where; numpy and rich end a command else."""


def open_streams() -> None:
    """Give each standard stream that was closed the null device.

    In the order of their numbers, for each takes the lowest that is free: no file of ours has it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - until we end
            os.set_inheritable(stream.fileno(), True)  # as programs that we start expect
            setattr(sys, name, stream)


def forget_variables() -> None:
    """Forget variables of the environment that only do harm, such as a width that is none."""
    os.environ.pop(_UNUSED, None)
    for name, (least, end) in _NUMBERS.items():
        value = natural(os.environ.get(name, ""))
        if value is None or not least <= value < end:
            os.environ.pop(name, None)


def require_folder() -> None:
    """Raise ConfigError where the current folder is gone."""
    try:
        os.getcwd()
    except FileNotFoundError as gone:
        raise ConfigError("the current folder was deleted: go to one that exists") from gone
