"""Small cases of every kind of text that the judge reads: pairs, replies, outputs, programs.

Each line of `judge_cases.jsonl` names its kind, what is called, and the result: for a pair one or
more relations joined by |, for a text the answer or program, null where there is none.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from judge import Relation, compare, extract_answer, extract_output
from solver.extract import extract_program

CASES = defaultdict(list)
for line in (Path(__file__).parents[1] / "data" / "judge_cases.jsonl").read_text().splitlines():
    case = json.loads(line)
    CASES[case["call"], case["kind"]].append(case)
EXTRACTORS = {
    "extract_answer": lambda text: extract_answer(text).answer,
    "extract_output": lambda text: extract_output(text).answer,
}


def cases(*calls: str) -> list:
    return [
        pytest.param(found, id="-".join(key)) for key, found in CASES.items() if key[0] in calls
    ]


@pytest.mark.parametrize("found", cases("compare"))
def test_a_pair_has_the_relation_that_a_reader_gives_it_in_both_orders(found):
    wrong = []
    for case in found:
        wanted = case["expected"].split("|")
        sides = case["reference"], case["text"]
        relations = [str(compare(*pair).relation) for pair in (sides, sides[::-1])]
        accepted = [relation == Relation.EQUAL.value for relation in relations]
        if relations[0] not in wanted or accepted[0] is not accepted[1]:
            wrong.append((*sides, relations))
    assert wrong == []


@pytest.mark.parametrize("found", cases(*EXTRACTORS))
def test_an_answer_is_found_in_a_text(found):
    answers = [(case, EXTRACTORS[case["call"]](case["text"])) for case in found]
    assert [
        (case["text"], answer)
        for case, answer in answers
        if answer != case["expected"]
        and (None in (answer, case["expected"]) or not _is_equal(case["expected"], answer))
    ] == []


@pytest.mark.parametrize("found", cases("reply_against_reference"))
def test_a_reply_is_accepted_only_for_the_answer_it_gives(found):
    for case in found:
        answer = extract_answer(case["text"]).answer
        accepted = answer is not None and _is_equal(case["reference"], answer)
        assert accepted is (case["expected"] == "equal"), case


@pytest.mark.parametrize("found", cases("extract_program"))
def test_the_program_of_a_reply_is_found(found):
    programs = [(extract_program(case["text"]), case["expected"]) for case in found]
    assert [(p, wanted) for p, wanted in programs if (p or "").strip() != (wanted or "")] == []


def _is_equal(reference: str, answer: str) -> bool:
    return compare(reference, answer).relation is Relation.EQUAL
