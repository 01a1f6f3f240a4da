"""The rules that the code keeps and that no linter knows: sizes, docstrings, enums, places."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from judge import Relation
from sandbox import Exit, Level
from solver.records import Failure, Outcome, Verification

ROOT = Path(__file__).parents[2]
PACKAGES = ("solver", "judge", "sandbox")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

VERBS = """
    Act Add Adjust Allow Answer Append Apply Ask Await Become Begin Bring Browse Build Call Check
    Choose Circle Close
    Collect Combine Commit Compare Compile Compute Confirm Connect Continue Convert Copy
    Count Create Decide Define Decode Derive Describe Digest Divide Do Download Draw Drop Encode
    End Escape Estimate Execute Expand Explain Extend Fetch Find Forget Format Free Give Grade Group
    Halve Hash Have Hold Import Interpolate Join Judge Keep Kill Lay Leave Lend Let Limit List
    Load Lock
    Log Look Lower Make Map Mark Match Measure Merge Mount Move Multiply Name Note Number Open
    Order Pack Parse Pass Pause Plant Print Probe Pull Put Raise Read Record Refuse Release
    Decompress Remember Remove
    Rename Render Repair Replace Request Restrict Return Rewrite Round Run Say Score Screen See
    Select Send Serve Set Shorten Show Solve Sort Split Start Stop Store Strip Take Tell
    Time Treat Try Turn Typeset Unlink Wait Weigh Work Write Yield
    Average Subtract Sum
"""

PLACES = (
    "solver/cli.py", "solver/config.py", "solver/records.py", "solver/errors.py",
    "solver/run/loop.py", "solver/run/resume.py", "solver/run/start.py", "solver/run/build.py",
    "solver/run/schedule.py", "solver/run/progress.py", "solver/models", "solver/modes",
    "solver/problems", "solver/contamination", "solver/scale", "solver/stats", "solver/analysis",
    "solver/report/sections",
    "solver/report/render", "solver/view", "solver/store", "solver/checks", "solver/bridges",
    "sandbox/boxes", "sandbox/zygote", "sandbox/screen", "sandbox/README.md",
    "judge/compare.py", "judge/extract.py", "judge/grade.py", "judge/audit.py",
    "judge/reading", "judge/rules", "judge/model", "judge/workers",
    "tests/unit", "tests/integration", "tests/bench",
)  # fmt: skip

ENUMS: dict[str, type[StrEnum]] = {
    "outcome": Outcome,
    "failure": Failure,
    "verification": Verification,
    "exit": Exit,
    "level": Level,
    "relation": Relation,
}
"""Attributes that hold an enum."""

OPENERS = {"open_sandbox", "connect"}
"""Functions that open a sandbox and a model."""

MAY_OPEN = (
    "solver/run/", "solver/checks/", "solver/contamination/", "solver/models/",
    "solver/bridges/reward.py",
    "solver/bridges/inspect_sandbox.py",
)  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_the_design_is_there(place):
    assert (ROOT / place).exists()


def test_no_file_has_more_than_400_lines():
    lines = {name(path): path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert not {file: count for file, count in lines.items() if count > 400}


def test_no_function_has_more_than_50_lines():
    long = {
        f"{name(path)}:{node.lineno} {node.name}": size
        for path in FILES
        for node in nodes(path)
        if isinstance(node, FUNCTIONS)
        if (size := node.end_lineno - node.lineno + 1) > 50
    }
    assert not long


def test_the_docstring_of_a_function_begins_with_a_verb():
    wrong = [
        f"{name(path)}:{node.lineno} {node.name}: {text.splitlines()[0]}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, FUNCTIONS)
        if (text := ast.get_docstring(node))
        if text.split()[0].strip(".,:;") not in VERBS.split()
    ]
    assert wrong == []


def test_nothing_waits_by_a_function_that_can_lose_a_cancellation():
    """Python 3.11's `wait_for` drops one that comes as its task ends; `timeout` does not."""
    calls = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncio.wait_for"
    ]
    assert calls == []


def test_an_enum_is_never_compared_with_a_string():
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in (*FILES, *(ROOT / "tests").rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.Compare) and compares_an_enum_with_a_string(node)
    ]
    assert wrong == []


def compares_an_enum_with_a_string(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    values = {
        value
        for side in sides
        if isinstance(side, ast.Attribute)
        for value in ENUMS.get(side.attr, ())
    }
    groups = (ast.Tuple, ast.List, ast.Set)
    parts = [part for s in sides for part in (s.elts if isinstance(s, groups) else [s])]
    return any(isinstance(part, ast.Constant) and part.value in values for part in parts)


def test_only_runs_and_checks_open_a_sandbox_or_a_model():
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if name(path).startswith("solver/") and not name(path).startswith(MAY_OPEN)
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom)
        if (node.module or "").startswith(("sandbox", "solver.models"))
        if OPENERS & {alias.name for alias in node.names}
    ]
    assert wrong == []
