"""`python -m judge`: exit codes, batches, policies, and what reaches the terminal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from judge import rules_version
from judge.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("reference", "answer", "code"),
    [(r"\frac12", "0.5", 0), ("1/2", "0.6", 1), ("1/3", "0.33", 3), ("-1", "-1.0", 0)],
)
def test_the_exit_code_is_the_relation(reference, answer, code):
    assert main(["--", reference, answer]) == code


def test_the_output_names_relation_tier_reason_and_both_forms(capsys):
    main([r"\frac12", "0.5"])
    shown = capsys.readouterr().out
    for word in ("relation", "equal", "tier", "reason", "reference form", "answer form", "1/2"):
        assert word in shown


def test_a_policy_changes_the_relation():
    assert main(["5 cm", "5"]) == 0
    assert main(["--policy", "missing_unit=refuse", "5 cm", "5"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["1"],
        [],
        ["--policy", "nonsense=accept", "1", "1"],
        ["--policy", "missing_unit=perhaps", "1", "1"],
        ["--policy", "float_digits=many", "1", "1"],
        ["--workers", "0", "1", "1"],
        ["--file", "pairs.jsonl", "1", "1"],
    ],
)
def test_wrong_use_ends_with_code_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_file_is_graded_line_by_line_and_summed_up(tmp_path, capsys):
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"reference": "1/2", "answer": "0.5", "correct": true}\n\n'
        '{"gold": "1/2", "prediction": "0.6", "label": false}\n'
        '{"reference": "1", "answer": "2"}\n'
    )
    assert main(["--file", str(path)]) == 0
    shown = capsys.readouterr()
    found = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["relation"] for row in found] == ["equal", "different", "different"]
    assert "3 pairs" in shown.err
    assert "accuracy 100.0 %" in shown.err


@pytest.mark.parametrize("line", ["{", "[]", '{"reference": "1"}'])
def test_a_line_that_cannot_be_read_is_named(tmp_path, capsys, line):
    path = tmp_path / "pairs.jsonl"
    path.write_text(line + "\n")
    assert main(["--file", str(path)]) == 2
    assert "line 1" in capsys.readouterr().err


def test_an_answer_cannot_steer_the_terminal(capsys):
    main(["1", "\x1b[2J\x1b[31m2"])
    assert "\x1b" not in capsys.readouterr().out


def test_it_runs_as_a_module_from_any_directory(tmp_path):
    (tmp_path / "numbers.py").write_text("raise SystemExit('shadowed')")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "judge", "1/2", "0.5"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_prints_both_readings_every_rule_tried_and_the_result(capsys):
    assert main(["--explain", "x+1", "1+2x"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["reference", "add:", "x", "+", "1"]
    assert lines[1].split()[:2] == ["answer", "add:"]
    assert any(line.startswith("tried") and "sampling" in line for line in lines)
    assert lines[-2].startswith("result     different")
    assert lines[-1] == f"rules      {rules_version()}"


def test_explain_says_why_a_side_cannot_be_read(capsys):
    assert main(["--explain", "7 }{ 3", "7"]) == 3
    assert "unreadable, " in capsys.readouterr().out
