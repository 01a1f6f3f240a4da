"""Slow libraries are imported before a program's clock starts, where its text imports them."""

import importlib

import pytest

from sandbox.zygote import child

STATS, LINALG = "scipy.stats", "scipy.linalg"


@pytest.mark.parametrize(
    ("program", "imported"),
    [
        ("import pandas", ["pandas"]),
        ("import numpy, pandas as pd", ["pandas"]),
        ("if True:\n    from pandas import DataFrame", ["pandas"]),
        ("import scipy.stats as st", [STATS]),
        ("from scipy import linalg, stats", [STATS, LINALG]),
        ("from scipy.linalg import det", [LINALG]),
        ("exec('from scipy.linalg import det')", [LINALG]),
        ("import mypandas, scipy_stats", []),
        ("print('pandas')\nimport scipy", []),
        ("from scipy import optimize\nstats = 1", []),
        ("from scipy import statsmodels", []),
    ],
)
def test_what_a_line_imports(
    program: str, imported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr(importlib, "import_module", found.append)
    child._import_slow_libraries(program)
    assert found == imported


def test_a_line_that_repeats_itself_is_read_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one pattern for it all, this took the fourth power of the repeats: days."""
    found: list[str] = []
    monkeypatch.setattr(importlib, "import_module", found.append)
    child._import_slow_libraries("# " + "from scipy import " * 10_000 + "\nlinalg = stats = 1")
    assert found == []
