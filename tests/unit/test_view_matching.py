"""A list holds what asking each trial by itself would find, in the order of a stable sort."""

import operator
import random
import re
from functools import cache

import pytest

from judge.logs.records import Theirs
from solver.records import Outcome, Problem
from solver.view.columns import COLUMNS
from solver.view.entry import Entry
from solver.view.filters import Criteria, Elsewhere, matching
from solver.view.snapshot import Snapshot, choices_of

TEXTS = (None, "", "7", "A_b", "a B", "STRASSE 7", "straße 7", "none", "12.5", "\u0130x", "0\x00")
NUMBERS = (0.0, 1.0, 12.5, 12.500001, 0.1, 1e-7, 123456.7, 1234567.0, 1.7e9, float("inf"))
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
ORDERS = ["", "latest", "up", *(sign + name for sign in ("", "-") for name in COLUMNS)]


def drawn(seed, *, count=300):
    """A run of random trials, many of which are alike in a column, or differ in case alone."""
    draw = random.Random(seed)
    problems = [
        Problem(id=f"{draw.choice('pP')}/{n}", question=draw.choice("xXyZ_ ") * 2,
                domain=draw.choice(("algebra", "Algebra")), level=draw.randrange(6),
                answer=draw.choice(("7", "A_b", "12.5")), set=draw.choice(("", "one", "One")),
                published=draw.choice(("", "2025", "2025-02")))
        for n in range(9)
    ]  # fmt: skip
    entries = [
        Entry(
            f"{seed}-{n}", draw.choice(problems[seed % 2 : 8]).id, draw.choice(("m/a", "m/A", "n")),
            draw.choice(("code", "cot")), draw.randrange(12), draw.choice(NUMBERS[:-1]),
            draw.choice(NUMBERS), draw.randrange(4), draw.choice(TEXTS), draw.choice(list(Outcome)),
            draw.choice((None, 1, 4, 5)), draw.choice(TEXTS), draw.choice(NUMBERS[:-1]),
            draw.choice(((), (), (Theirs("s", 1.0),), (Theirs("s", 0.0), Theirs("t", 0.5)))),
        )
        for n in range(count)
    ]  # fmt: skip
    position = {problem.id: place for place, problem in enumerate(problems)}
    entries.sort(key=lambda e: (position[e.problem_id], e.model, e.mode, e.repeat))
    return Snapshot(entries, {problem.id: problem for problem in problems})


RUNS = {"one": drawn(1), "two": drawn(2), "none": Snapshot((), {}), "three": drawn(3, count=60)}
STANDINGS = {
    ("P/1", "m/a", "code"): "recited", ("p/1", "m/a", "code"): "recited",
    ("p/2", "n", "cot"): "mastered", ("P/2", "n", "cot"): "mastered",
    ("elsewhere", "n", "cot"): "recited",
}  # fmt: skip
ELSEWHERE = Elsewhere(RUNS.get, lambda run: STANDINGS)


def value_of(name, entry, snapshot):
    column = COLUMNS[name]
    if column.of_entry:
        return column.of_entry(entry)
    return column.of_problem(snapshot.problems[entry.problem_id])


def written(value):
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def loose(text):
    return text.casefold().replace("_", " ")


@cache
def scored(run):
    return {
        (entry.problem_id, entry.model, entry.mode, entry.repeat): entry.correct
        for entry in RUNS[run].entries
        if entry.outcome.scored
    }


def passes(word, entry, snapshot):
    minus, name, sign, wanted = re.fullmatch(r'(-?)(?:(\w+):(~|[<>]=?)?)?"([^"]*)"', word).groups()
    problem, arm = snapshot.problems[entry.problem_id], (entry.problem_id, entry.model, entry.mode)
    value = value_of(name, entry, snapshot) if name in COLUMNS else None
    if not name:
        texts = (problem.id, problem.question, problem.answer, entry.answer or "")
        found = any(wanted.casefold() in text.casefold() for text in texts)
    elif name == "is":
        found = {"changed": entry.changed, "disagreed": arm[:2] in snapshot.disagreed,
                 "unstable": arm in snapshot.unstable}[wanted]  # fmt: skip
    elif name == "standing":
        found = STANDINGS.get(arm) == wanted
    elif name == "flipped":
        before = scored(wanted).get((*arm, entry.repeat), entry.correct)
        found = entry.outcome.scored and before is not entry.correct
    elif sign in COMPARE:
        found = isinstance(value, int | float) and COMPARE[sign](value, float(wanted))
    elif sign == "~":
        found = value is not None and loose(wanted) in loose(written(value))
    else:
        found = loose(written(value)) == loose(wanted)
    return found is not bool(minus)


def expected(runs, fields, words, order):
    """The places that pass, found and sorted one by one."""
    found = [
        (run, entry)
        for run, snapshot in runs.items()
        for entry in snapshot.entries
        if all(written(value_of(name, entry, snapshot)) == fields[name] for name in fields)
        and all(passes(word, entry, snapshot) for word in words)
    ]
    if order == "latest":
        return sorted(found, key=lambda place: -place[1].ended)
    name = order.removeprefix("-")
    if name not in COLUMNS:
        return found
    known = [(value_of(name, place[1], runs[place[0]]), place) for place in found]
    sortable = [pair for pair in known if pair[0] is not None]
    sortable.sort(
        key=lambda pair: pair[0].casefold() if isinstance(pair[0], str) else pair[0],
        reverse=order.startswith("-"),
    )
    return [place for _, place in sortable] + [place for value, place in known if value is None]


def word(draw):
    """A random word of the filter line, with a value that often occurs."""
    minus, name = draw.choice(("", "", "-")), draw.choice([*COLUMNS, *COLUMNS, "", "is", "flipped"])
    if name == "is":
        return f'{minus}is:"{draw.choice(("changed", "disagreed", "unstable"))}"'
    if name == "flipped":
        return f'{minus}flipped:"{draw.choice([*RUNS])}"'
    if not name:
        return f'"{draw.choice(("7", "P/", "x", "STRASSE", "ss", "zz", ""))}"'
    snapshot = RUNS[draw.choice(("one", "two"))]
    value = written(value_of(name, draw.choice(snapshot.entries), snapshot))
    sign = draw.choice(("", "~", *(COMPARE if COLUMNS[name].number else ())))
    if sign in COMPARE:
        return f'{minus}{name}:{sign}"{"3" if value == "none" else value}"'
    part = draw.randrange(len(value) + 1)
    value = draw.choice((value, value.upper(), value[part:], value[:part], value + "\x00", "e"))
    return f'{minus}{name}:{sign}"{value}"'


@pytest.mark.parametrize("seed", range(250))
def test_a_list_is_what_asking_each_trial_finds(seed):
    draw = random.Random(seed)
    names = draw.choice((["one"], ["two", "one"], [*RUNS], ["none"], []))
    runs = {name: RUNS[name] for name in names}
    choices = choices_of(list(RUNS.values()))
    known = ("domain", "level", "model", "mode", "outcome", "score", "attempts")
    some = draw.sample(known, draw.choice((0, 0, 1, 2)))
    fields = {name: draw.choice(choices[name]) for name in some}
    words = [word(draw) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    if draw.random() < 0.1:
        words.append(f'standing:"{draw.choice(("recited", "mastered"))}"')
    order = draw.choice(ORDERS)
    found = matching(runs, Criteria(**fields, q=" ".join(words)), order, ELSEWHERE)
    assert list(found) == expected(runs, fields, words, order), (fields, words, order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("names", [["one"], ["one", "none", "two", "three"]])
def test_equal_values_keep_their_order_in_either_direction(names, order):
    runs = {name: RUNS[name] for name in names}
    assert list(matching(runs, Criteria(), order)) == expected(runs, {}, [], order)


def test_the_random_filters_find_some_trials_and_not_all():
    draw = random.Random(0)
    found = [len(matching(RUNS, Criteria(q=word(draw)), "", ELSEWHERE)) for _ in range(200)]
    assert sum(0 < count < 660 for count in found) > 100
