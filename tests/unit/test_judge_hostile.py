"""Answers made to hang, crash, fill memory or run code. Nothing may happen but a comparison."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from judge.compare import Relation, compare
from judge.reading.grammar import read
from judge.reading.tree import Unreadable

MARKER = Path("/tmp/judge-hostile-marker")
CODE = [
    f"exec(\"open('{MARKER}','w')\")",
    f"__import__('os').system('touch {MARKER}')",
    f"(1, __import__('pathlib').Path('{MARKER}').touch())",
    f"[exec(\"open('{MARKER}','w')\")]",
    rf"\pi + exec(\"open('{MARKER}','w')\")",
    f"2+eval(\"open('{MARKER}','w')\")",
    f"(lambda: open('{MARKER}','w'))()",
    f"().__class__.__base__.__subclasses__()[0]('{MARKER}')",
    f"{{open('{MARKER}','w')}}",
    f"Matrix([[open('{MARKER}','w')]])",
]
HEAVY = [
    "a" * 100_000,
    "a " * 50_000,
    "\\text{" * 20_000,
    " " * 100_000 + "x",
    "9^{9^{9^{9}}}",
    "9**9**9**9",
    "10^{10^{10^{10}}}",
    "2^{-99999999}",
    "99999999!",
    "((6!)!)!",
    "7!!!!!!!!",
    r"\binom{10^9}{5\cdot 10^8}",
    r"\sum_{k=1}^{10^9} k",
    r"\sum_{k=1}^{999}\sum_{j=1}^{999} kj",
    r"\prod_{k=1}^{10^8} k",
    r"\sum_{k=1}^{99} k^{k^k}",
    "(" * 900 + "1" + ")" * 900,
    "[" * 900 + "]" * 900,
    r"\frac{" * 150 + "1" + "}{2}" * 150,
    r"\sqrt{" * 300 + "2" + "}" * 300,
    "-" * 1_900 + "1",
    "+".join(["1"] * 900),
    "x**" * 400 + "2",
    "1," * 990,
    "1," * 20_000,
    r"\text{}" * 280,
    r"\boxed{" * 280,
    "|" * 1_900,
    "|x" * 900,
    "sin " * 400 + "x",
    "\\" * 1_900,
    "9" * 1_900,
    "1e999999999",
    r"\sin(10^{1000000})",
    r"\sqrt[10^9]{2}",
    "e^{e^{e^{e^{e^{e}}}}}",
    "x=1 or " * 200 + "x=2",
    "(x>1)&" * 150 + "(x<3)",
    r"\pm" * 30 + "1",
    r"(\pm1," * 200,
    r"\begin{pmatrix}" + "1&" * 400 + r"\end{pmatrix}",
    "lcm(" + ",".join(str(10**k + 1) for k in range(60)) + ")",
    "\x00" * 100,
    "\u202e" * 100,
    "a" * 1_999,
    "12 " * 600,
    "$" * 1_999,
]
REFERENCES = ["4", "x^2+1", "(1,2)", "x>1", r"\{1,2\}", "y=2x+1", r"\text{even}"]


@pytest.mark.parametrize("answer", CODE)
def test_code_in_an_answer_is_never_run(answer):
    MARKER.unlink(missing_ok=True)
    for reference in ("4", r"\pi", "(1,2)", "x+1"):
        assert compare(reference, answer).relation is not Relation.EQUAL
        compare(answer, reference)
    assert not MARKER.exists()


@pytest.mark.parametrize("answer", HEAVY, ids=lambda text: text[:24])
def test_a_heavy_answer_is_compared_in_a_moment(answer):
    start = time.process_time()  # of our own, however busy the machine is
    for reference in REFERENCES:
        assert compare(reference, answer, symbolic=False).relation is not Relation.EQUAL
        compare(answer, reference, symbolic=False)
    assert time.process_time() - start < 5


def test_heavy_answers_stay_within_a_small_memory():
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "from judge.compare import compare\n"
        f"for answer in {HEAVY!r}:\n"
        "    for reference in ('4', 'x^2+1', '(1,2)'):\n"
        "        compare(reference, answer, symbolic=False)\n"
    )
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize(
    "text", ["1" * 2_001, "(" * 60 + "1" + ")" * 60, "+".join(["x"] * 600), "1e99999"]
)
def test_what_exceeds_a_cap_is_unreadable(text):
    with pytest.raises(Unreadable):
        read(text)


def test_compare_works_in_every_thread():
    found = []

    def work():
        found.append(compare(r"\sqrt{2}x", "x*sqrt(2)").relation)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Relation.EQUAL] * 8
