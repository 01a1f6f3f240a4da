"""The sympy process: what it decides, and that it is killed and replaced."""

import threading
import time

import pytest

from judge.compare import Relation, compare
from judge.reading.grammar import read
from judge.reading.tree import Text, Unreadable, decode, encode, walk
from judge.workers.symbolic import Worker, ask_sympy


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def question(reference: str, answer: str) -> dict:
    return {"reference": encode(read(reference)), "answer": encode(read(answer))}


def test_an_infinite_sum_is_decided_by_sympy():
    assert compare(r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty}\frac{1}{n^2}").tier == "symbolic"
    assert compare("2", r"\sum_{n=0}^{\infty} 2^{-n}").relation is Relation.EQUAL
    assert compare("1", r"\sum_{n=0}^{\infty} 2^{-n}").relation is Relation.DIFFERENT


def test_without_the_symbolic_tier_an_infinite_sum_stays_undecided():
    found = compare("2", r"\sum_{n=0}^{\infty} 2^{-n}", symbolic=False)
    assert found.relation is Relation.UNDECIDED


def test_out_of_time_is_no_answer_and_the_process_is_replaced(worker):
    slow = question("1", r"\sum_{n=0}^{\infty} \frac{n!^{n}}{2^n+n}")
    assert worker.ask(question("x", "x"), 30)["relation"] == "equal"
    start = time.monotonic()
    assert worker.ask(slow, 0.2) is None
    assert time.monotonic() - start < 60  # the sum itself takes for ever
    assert worker.ask(question("x", "x"), 30)["relation"] == "equal"


def test_a_process_that_died_is_replaced(worker):
    assert worker.ask(question("x", "x"), 30)["relation"] == "equal"
    worker._process.kill()
    worker._process.wait()
    assert worker.ask(question("x+1", "1+x"), 30)["relation"] == "equal"


def test_threads_share_one_process(worker):
    found = []

    def work(n: int) -> None:
        found.append(worker.ask(question(f"{n}", f"{n}+x-x"), 30)["relation"])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["equal"] * 6


def test_a_real_identity_that_needs_algebra_is_proved():
    found = ask_sympy(read(r"\sin^2 x"), read(r"\frac{1-\cos 2x}{2}"), seconds=20)
    assert found is not None
    assert found.relation is Relation.EQUAL


@pytest.mark.parametrize(
    "text", [r"\frac{x+1}{2}", r"\sqrt[3]{-8}", "sin(x)^2", r"\sum_{k=1}^n k^2", "f(x)+0.25"]
)
def test_a_scalar_survives_the_trip_to_another_process(text):
    assert decode(encode(read(text))) == read(text)


def test_only_scalars_travel_to_another_process_and_back():
    with pytest.raises(Unreadable):
        encode(Text("os.system"))
    with pytest.raises(Unreadable):
        decode({"kind": "Text", "fields": ["os.system"]})


def test_a_sum_with_a_unit_is_compared_without_sympy():
    found = compare(r"\sum_{n=0}^{\infty} 2^{-n} \text{ cm}", "2 cm")
    assert found.relation is not Relation.DIFFERENT


def test_walk_meets_every_node_of_a_sum():
    assert sum(1 for _ in walk(read("x+y+2"))) == 4
