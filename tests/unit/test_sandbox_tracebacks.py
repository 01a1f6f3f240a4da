"""Tracebacks are shortened to the program's own lines, and say what is missing."""

import pytest

from sandbox.tracebacks import shorten

OWN = '  File "solution.py", line 3, in <module>\n    solve(x)\n    ^^^^^^^^\n'
SYMPY = '  File "/opt/site/sympy/core/basic.py", line 9, in inner\n    raise ValueError\n'
HEAD = "Traceback (most recent call last):\n"


def test_frames_of_libraries_are_counted_and_named_instead_of_shown() -> None:
    assert shorten(HEAD + OWN + SYMPY * 3 + "ValueError: no\n") == (
        HEAD + OWN + "  ... 3 frames in sympy\nValueError: no\n"
    )


def test_own_frames_keep_their_place_between_those_of_libraries() -> None:
    shortened = shorten(HEAD + OWN + SYMPY + OWN + SYMPY + "ValueError\n")
    assert shortened == HEAD + (OWN + "  ... 1 frame in sympy\n") * 2 + "ValueError\n"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/usr/lib/python3.11/json/decoder.py", "json"),
        ("/usr/lib/python3.11/random.py", "random"),
        ("/home/ann/.venv/lib/python3.12/site-packages/numpy/linalg/linalg.py", "numpy"),
        ("/usr/lib/python3/dist-packages/mpmath/ctx.py", "mpmath"),
        ("<frozen importlib._bootstrap>", "the interpreter"),
    ],
)
def test_a_library_is_named_without_the_folders_of_the_machine(path: str, named: str) -> None:
    text = f'{HEAD}{OWN}  File "{path}", line 1, in f\n    x\nE\n'
    assert f"  ... 1 frame in {named}\n" in shorten(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words\n",
        "no newline at the end",
        HEAD + OWN + "ZeroDivisionError: division by zero\n",
        '  File "solution.py", line 1\n    (\n    ^\nSyntaxError: never closed\n',
        '  File "program_12.py", line 1, in f\n    g()\n',
        "".join(f"line {n}\n" for n in range(100)),
    ],
)
def test_text_without_library_frames_is_left_alone(text: str) -> None:
    assert shorten(text) == text


def test_long_text_keeps_its_beginning_and_end_and_says_how_much_is_gone() -> None:
    text = "first line\n" + "x" * 50_000 + "\nValueError: the end\n"
    shortened = shorten(text)
    assert len(shortened) < 4_100
    assert shortened.startswith("first line\n")
    assert shortened.endswith("ValueError: the end\n")
    assert f"{len(text) - 4_000} characters left out" in shortened


def test_no_line_appears_that_was_neither_printed_nor_a_count() -> None:
    text = HEAD + OWN + SYMPY + "ValueError: 1\n\nDuring handling:\n\n" + HEAD + SYMPY + "E\n"
    new = set(shorten(text).splitlines()) - set(text.splitlines())
    assert new == {"  ... 1 frame in sympy"}
