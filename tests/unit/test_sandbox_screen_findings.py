"""What a finding of the screen says, and programs that are hard to read."""

import time

import pytest

from sandbox.execution import Finding, Level
from sandbox.screen import MAX_CHARACTERS, screen


def test_a_finding_says_which_line_what_and_why() -> None:
    (finding,) = screen("x = 1\n\nimport subprocess\n")
    assert finding == Finding(
        Level.REFUSE,
        "processes",
        3,
        "subprocess: starts or signals other processes; compute the answer in this program",
    )


def test_findings_come_in_the_order_of_the_lines() -> None:
    findings = screen("def f():\n    import socket\nimport ctypes\neval('1')")
    assert [finding.line for finding in findings] == [2, 3, 4]


def test_one_rule_speaks_once_a_line() -> None:
    assert len(screen("import socket, ssl, http")) == 1


def test_a_finding_inside_evaluated_text_has_the_line_of_the_call() -> None:
    (refusal,) = (f for f in screen("\n\nexec('\\n\\nimport socket')") if f.rule == "network")
    assert refusal.line == 3


def test_a_finding_cannot_be_made_huge_by_the_program() -> None:
    (finding,) = screen("x = '/etc/" + "a" * 50_000 + "'")
    assert len(finding.reason) < 200


def test_a_finding_is_one_printable_line() -> None:
    (finding,) = screen("x = '/etc/\x1b[2J\\n'")
    assert finding.reason.isprintable()


# ---- programs that the screen cannot read ----

UNREADABLE = {
    "syntax error": "print(",
    "nul byte": "x = 1\0",
    "lone surrogate": "x = '\ud800'",
    "byte order mark": "\ufeffx = 1",
    "bad indentation": "  x = 1\n y = 2",
    "five thousand digits": "x = " + "1" * 5000,
    "open brackets": "(" * 50_000,
    "nested brackets": "(" * 180 + ")" * 180,
    "minus signs": "-" * 50_000 + "1",
    "nested blocks": "".join(" " * i + "if 1:\n" for i in range(120)) + " " * 120 + "pass",
    "long attribute chain": "a" + ".b" * 20_000,
    "long call chain": "f" + "()" * 20_000,
    "long sum": "1" + "+1" * 20_000,
    "long sum of strings": "''" + "+'a'" * 10_000,
    "nested lambdas": "lambda:" * 9_000 + "1",
}


@pytest.mark.parametrize("program", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_program_is_left_to_the_interpreter(program: str) -> None:
    assert screen(program) == ()


def test_a_deep_chain_does_not_hide_where_it_starts() -> None:
    findings = screen("import os\nos.fork" + ".x" * 500)
    assert ("processes", Level.REFUSE) in {(f.rule, f.level) for f in findings}


def test_a_program_too_long_to_be_read_is_recorded() -> None:
    (finding,) = screen("x = 1\n" * MAX_CHARACTERS)
    assert (finding.level, finding.rule) == (Level.WARN, "too-long")


GREEDY = {
    "repeated constant": "x = 'a' * 9999999999 + 'b'",
    "aliases of aliases": "import os\na0 = os\n"
    + "".join(f"a{n + 1} = a{n}.b\n" for n in range(4_000)),
    "one dotted import": "__import__('" + "a." * 30_000 + "')",
    "nested getattr": "getattr(" * 90 + "os" + ", 'a')" * 90,
    "many strings": "x = '_'\n" * 7_000,
    "sums to the right": "x = " + "'a' + (" * 90 + "'b'" + ")" * 90,
}


@pytest.mark.parametrize("program", GREEDY.values(), ids=GREEDY.keys())
def test_no_program_can_keep_the_screen_busy(program: str) -> None:
    started = time.process_time()
    screen(program)
    assert time.process_time() - started < 2


def test_warnings_of_the_program_are_not_ours(recwarn: pytest.WarningsRecorder) -> None:
    assert screen(r"print('\d', 1 is 1)") == ()
    assert not recwarn.list
