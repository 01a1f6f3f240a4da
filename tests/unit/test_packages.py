"""The three packages import one way, and lightly."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pydantic", "numpy", "sympy", "scipy", "pandas", "docker", "openai", "mistralai", "rich"}


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("sandbox", {"solver", "judge"}), ("judge", {"solver", "sandbox"})],
)
def test_packages_stand_alone(package, forbidden):
    assert not forbidden & loaded_by(f"import {package}")
    for file in (ROOT / package).rglob("*.py"):
        for name in forbidden:
            assert not re.search(rf"^\s*(from|import) {name}\b", file.read_text("utf-8"), re.M), (
                file
            )


@pytest.mark.parametrize("package", ["sandbox", "judge", "solver.cli"])
def test_importing_a_package_loads_nothing_heavy(package):
    assert not HEAVY & loaded_by(f"import {package}")


def test_no_command_loads_scipy_s_statistics():
    """They take most of a second, and each process of a run or a cluster would pay it."""
    commands = "solver.report, solver.view, solver.run.start, solver.checks, solver.scale, judge"
    assert "scipy.stats" not in loaded_by(f"import {commands}")


def test_every_package_is_listed_and_so_are_the_configs():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for top in ("judge", "sandbox", "solver")
        for file in (ROOT / top).rglob("__init__.py")
    }
    assert set(listed["packages"]) == found | {"solver.configs"}
