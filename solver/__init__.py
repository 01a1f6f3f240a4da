"""Measure how well a language model solves mathematics by writing Python.

`solver.reward` is imported when it is asked for: this package itself is light.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the reward functions only when they are asked for (PEP 562)."""
    if name != "reward":
        raise AttributeError(f"module 'solver' has no attribute {name!r}")
    return import_module("solver.reward")
