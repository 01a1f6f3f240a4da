"""How long the threads of the model in this process spin is chosen by what else runs."""

import os
import sys

import pytest

from solver.models import _llama_cpp
from solver.models._llama_cpp import BUSY_SPINS, QUIET_SPINS, xllamacpp

LOADAVG = "0.00 0.01 0.05 {running}/123 4567\n"


@pytest.fixture
def not_loaded(monkeypatch, tmp_path):
    """Let the library be loaded for the first time, on a machine whose load is in a file."""
    monkeypatch.setitem(sys.modules, "xllamacpp", type(sys)("xllamacpp"))
    monkeypatch.setattr(_llama_cpp, "_LOADAVG", tmp_path / "loadavg")
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")  # so that it is as before at the end
        monkeypatch.delenv(name)

    def load(text):
        if text is not None:
            (tmp_path / "loadavg").write_text(text)
        xllamacpp()
        return os.environ.get("GOMP_SPINCOUNT")

    return load


@pytest.mark.parametrize(
    ("text", "spins"),
    [
        (LOADAVG.format(running=1), QUIET_SPINS),
        (LOADAVG.format(running=2), BUSY_SPINS),
        (LOADAVG.format(running=40), BUSY_SPINS),
        ("nothing of the kind", BUSY_SPINS),
        (None, BUSY_SPINS),
    ],
)
def test_threads_spin_long_only_where_nothing_else_runs(not_loaded, text, spins):
    assert not_loaded(text) == str(spins)


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_user_chose_is_left_alone(not_loaded, monkeypatch, name):
    monkeypatch.setenv(name, "7")
    not_loaded(LOADAVG.format(running=1))
    assert os.environ[name] == "7"
    assert len({"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()) == 1
