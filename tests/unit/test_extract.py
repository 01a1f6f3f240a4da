"""Which text of a reply is the program, and which is searched for its answer."""

import pytest

from judge.reading.fences import WORDS, parts_of
from solver.extract import extract_program

BLOCK = "```python\nprint(1)\n```"


@pytest.mark.parametrize(
    ("reply", "program"),
    [
        (BLOCK, "print(1)\n"),
        (f"First a try:\n{BLOCK}\nBetter:\n```py\nprint(2)\n```\nDone.", "print(2)\n"),
        (f"{BLOCK}\nIt prints\n```\n1\n```", "print(1)\n"),
        (f"{BLOCK}\n```output\n1\n```", "print(1)\n"),
        ("```\nx = 1\nprint(x)\n```", "x = 1\nprint(x)\n"),
        ("~~~python\nprint(1)\n~~~", "print(1)\n"),
        ("````python\ns = '''\n```\n'''\nprint(s)\n````", "s = '''\n```\n'''\nprint(s)\n"),
        ("```python\nprint(1)", "print(1)"),
        ("  ```python\n  print(1)\n  ```", "print(1)\n"),
        ("* So:\n  ```python\n  for i in a:\n      print(i)\n  ```", "for i in a:\n    print(i)\n"),
        ("print(1)\n```", "print(1)\n"),
        ("import math\nprint(math.e)\n```\nIt prints e.", "import math\nprint(math.e)\n"),
        ('```python\ns = """\n```\n"""\nprint(s)\n```', 's = """\n```\n"""\nprint(s)\n'),
        (f"{BLOCK}\nOutput:\n```python\n42\n```", "print(1)\n"),
        (f"{BLOCK}\nFirst:\n```python\n!pip install sympy\n```", "print(1)\n"),
        (f"{BLOCK}\nFirst:\n```python\npip install sympy\n```", "print(1)\n"),
        (f"{BLOCK}\nor\n```python\nprint(\n```", "print(\n"),
        ("```python3.11\nprint(1)\n```", "print(1)\n"),
        ("```{python}\nprint(1)\n```", "print(1)\n"),
        ("```python print(1)\n```", "print(1)\n"),
        ("```python print(1)```", "print(1)"),
        ('```python title="a.py"\nprint(1)\n```', "print(1)\n"),
        ("from math import pi\nprint(pi)", "from math import pi\nprint(pi)"),
        ("print(3)", "print(3)"),
        ("```Python3\nprint(1)\n```", "print(1)\n"),
        ("Solution:```python\nprint(1)\n```So it is 1.", "print(1)\n"),
        ("```python\nprint(1)\n``````python\nprint(2)\n```", "print(2)\n"),
        ("Say ```x``` or ``` y\n```python\nprint(1)\n```", "print(1)\n"),
        ("", None),
        ("42", None),
        ("answer", None),
        ("The answer is 42.", None),
        ("```json\n{}\n```", None),
        ("```python\n\n```", None),
    ],
)
def test_the_last_program_is_found(reply, program):
    assert extract_program(reply) == program


@pytest.mark.parametrize(
    ("reply", "program", "words"),
    [
        ("print(1)\n```\nIt is 3.", "print(1)\n", "It is 3.\n"),  # the prompt opened the block
        ('```python\ns = """\n```\n"""\n```\nSo 3.', 's = """\n```\n"""\n', "So 3.\n"),
        ("```python\nprint(1)\n```python\nprint(2)\n```\nSo 3.", "print(2)\n", "So 3.\n"),
        ("```text\nHere:\n```python\nprint(2)\n```\nSo 3.", "print(2)\n", "Here:\nSo 3.\n"),
        ("````python\nprint(2)\n```\n````\nSo 3.", "print(2)\n```\n", "So 3.\n"),
        ("````text\n```python\n2\n```\n````", None, "```python\n2\n```\n"),
        ("~~~python\nprint(2)\n```\n~~~~\nSo 3.", "print(2)\n```\n", "So 3.\n"),
        ("> Run\n> ```python\n> print(2)\n> ```\n> So 3.", "print(2)\n", "Run\nSo 3.\n"),
        ("```python\nprint(2)\n```So\n3.", "print(2)\n", "So 3."),
        ("```python\nprint(2)```\nSo 3.", "print(2)\n", "So 3."),
        ("Run:```Python3.11\nprint(2)\n```So 3.", "print(2)\n", "Run:\nSo 3.\n"),
        # A fence that names Python may be meant to close the program.
        ("```python\nprint(2)\n```python\nThis prints 2.", "print(2)\n", "This prints 2.\n"),
        ("```python\nprint(2)\n```python\nResult: 2\n```", "print(2)\n", "Result: 2\n"),
        (
            "1. Run:\n   ```python\n   print(2)\n   ```\n   So 3.",
            "print(2)\n",
            "1. Run:\n   So 3.\n",
        ),
    ],
)
def test_answers_and_programs_are_looked_for_in_the_same_parts(reply, program, words):
    parts = parts_of(reply + "\n")
    said = "".join(part.text for part in parts if part.kind == WORDS)
    assert said.split() == words.split()
    assert extract_program(reply) == program


@pytest.mark.parametrize("reply", ["Answer: 10", "```\nResult: 10\n```", "10"])
def test_a_labelled_value_is_no_program(reply):
    assert extract_program(reply) is None


def test_a_block_that_the_length_limit_cut_is_not_a_program():
    assert extract_program("```python\nprint(1)\nprint(", capped=True) is None


def test_a_complete_block_before_the_cut_is_one():
    assert extract_program(f"{BLOCK}\nNow I explain at len", capped=True) == "print(1)\n"


def test_hostile_replies_are_read_in_linear_time():
    for reply in ("```" * 100_000, "`" * 200_000, "(" * 200_000, "```python\n" * 20_000):
        extract_program(reply)
