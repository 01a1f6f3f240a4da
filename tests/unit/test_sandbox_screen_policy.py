"""Policies of the screen: how a file is read, and how a wrong one is refused."""

import re
from pathlib import Path

import pytest

from sandbox.execution import Finding, Level
from sandbox.screen import Policy, screen

SMALL = """
rules:
  no-sympy:
    level: {level}
    reason: because
    names: [sympy]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("level", Level)
def test_a_policy_of_ones_own_replaces_the_shipped_one(tmp_path: Path, level: Level) -> None:
    policy = Policy.load(write(tmp_path, SMALL.format(level=level.value)))
    assert screen("import sympy\nimport os", policy) == (
        Finding(level, "no-sympy", 1, "sympy: because"),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: [", "while parsing"),
        ("- a", "the file must be a mapping"),
        ("rule: {}", "unknown ['rule'], known are ['evaluators', 'rules']"),
        ("{}", "'rules' is missing"),
        ("rules: {a: {level: deny, reason: b}}", "'deny' is not a valid Level"),
        ("rules: {a: {reason: b}}", "'level' is missing"),
        ("rules: {a: {level: warn, reason: b, name: [os]}}", "rule 'a': unknown ['name']"),
        ("rules: {a: {level: warn, reason: b, strings: ['(']}}", "unterminated subpattern"),
        (
            "rules: {a: {level: warn, reason: b, names: [os]}, "
            "c: {level: allow, reason: d, names: [os]}}",
            "'os' is in rule 'a' and in rule 'c'",
        ),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(says)) as failure:
        Policy.load(path)
    assert str(path) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_missing_policy_is_named() -> None:
    with pytest.raises(ValueError, match=r"nowhere\.yaml: No such file"):
        Policy.load(Path("nowhere.yaml"))
