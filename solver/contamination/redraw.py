"""Redraw the numbers of a problem and of the programs that solved it, under strict rules.

A program that solved a problem also solves the problem with other numbers, if each number of the
text is a literal of the program and means nothing else there. The rules refuse what is in doubt:
a variant that is wrong or badly posed would look like a sign of memory.
"""

import ast
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import gcd
from operator import add, mul

from solver.problems.templates.tex import split_root

Numbers = Mapping[int, int]
"""For each number of the original the one that takes its place."""

_INTEGER = re.compile(r"\d+")
_ROOT = re.compile(r"\\sqrt(?:\[\d\])?\{(\d+)\}")
_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_NO = (
    (re.compile(r"\[asy\]|\\includegraphics|\bfigure\b|\bdiagram\b|\bshown\b"), "a figure"),
    (re.compile(r"\\[lc]?dots|\.\.\."), "a sequence with dots"),
    (re.compile(r"\\(?:d|t)?frac\s*\d|\\sqrt\s*\d\d|\^\s*\d\d"), "LaTeX with bare digits"),
    (re.compile(r"\d\s*(?:st|nd|rd|th)\b"), "an ordinal number"),
    (re.compile(r"\d(?:,|\{,\}|\\!|,\\!)+\d{3}"), "a number with separators"),
    (re.compile(r"\d\.\d|\.\d|\\overline"), "a decimal"),
    (re.compile(r"\d\s*:\s*\d|\ba\.?m\b|\bp\.?m\b|o'clock"), "a time of day"),
    (re.compile(r"\b(?:1[5-9]|20)\d\d\b"), "a year, perhaps"),
    (re.compile(r"\\begin\{(?:array|tabular|cases)"), "a table"),
    (
        re.compile(
            r"\b(?:digits?|divisible|divisors?|multiples?|factors?|factoring|factored|base|prime"
            r"|primes|palindromes?|consecutive|repeating|perfect|terminating|modulo|relatively"
            r"|hundreds?|thousands?|millions?|dozens?)\b",
            re.IGNORECASE,
        ),
        "a word that may hide a condition",
    ),
)  # fmt: skip
_SPECIAL = {90, 100, 180, 360, 24, 60, 365, 12}
"""Numbers that are often no choice of the problem and stay: degrees, percent, hours, months."""
_MOST_NUMBERS = 10
_MOST_DRAWN = 5_000
_POWERS = ("pow", "Pow", "root", "log", "round")
_WORDS = {
    3: "three|third|thirds|triple|triangle|triangular|cube|cubic|cubed",
    4: "four|fourth|quarter|square|squares|rectangle|quadrilateral|squared",
    5: "five|fifth|pentagon", 6: "six|sixth|hexagon", 7: "seven|seventh|week|weeks",
    8: "eight|eighth|octagon", 9: "nine|ninth", 10: "ten|tenth|decagon", 11: "eleven", 12: "dozen",
}  # fmt: skip


class Refused(Exception):
    """Why a problem, a program or a draw is not used."""


@dataclass(frozen=True)
class Tie:
    """A number that is the sum or the product of two others, perhaps by chance; it stays so."""

    number: int
    one: int
    other: int
    of: Callable[[int, int], int]

    def value(self, numbers: Numbers) -> int:
        """Return what the number must be, where the others have become these."""
        return self.of(numbers[self.one], numbers[self.other])


@dataclass(frozen=True)
class Slots:
    """The numbers of a question that may be redrawn, and where they stand."""

    numbers: tuple[int, ...]
    """Without repetition, in order of their first place."""
    places: tuple[tuple[int, int], ...]
    """Begin and end of each in the question."""
    fixed: frozenset[int]
    """Numbers of the question that stay."""
    roots: frozenset[int] = frozenset()
    """Numbers under a root."""
    fractions: frozenset[tuple[int, int]] = frozenset()
    """Numerators and denominators, in lowest terms or not."""
    ties: tuple[Tie, ...] = ()

    def alike(self, numbers: Numbers) -> bool:
        """Tell whether other numbers keep the ties, and make roots and fractions of the same kind.

        A root that was none stays none and one that could be simplified stays such; a fraction in
        lowest terms stays in lowest terms, and one that is not, not.
        """
        if any(tie.value(numbers) != numbers[tie.number] for tie in self.ties):
            return False
        for number in self.roots:
            (k, inside), (new, under) = split_root(number), split_root(numbers[number])
            if (k == 1, inside == 1) != (new == 1, under == 1):
                return False
        return all(
            (gcd(a, b) == 1) == (gcd(numbers.get(a, a), numbers.get(b, b)) == 1)
            for a, b in self.fractions
        )


def slots(question: str) -> Slots:
    """Find the numbers of a question to redraw: the integers from 3, but for special ones.

    Raises Refused.
    """
    for pattern, reason in _NO:
        if pattern.search(question):
            raise Refused(f"the text has {reason}")
    places, fixed = [], set()
    for found in _INTEGER.finditer(question):
        before = question[: found.start()].rstrip().removesuffix("{").rstrip()
        number = int(found[0])
        if before.endswith(("^", "_")) or number < 3 or number in _SPECIAL:
            fixed.add(number)
        else:
            places.append(found.span())
    numbers = tuple(dict.fromkeys(int(question[begin:end]) for begin, end in places))
    if not numbers:
        raise Refused("the text has no number to redraw")
    for number in numbers:
        _refuse_double(number, fixed, question)
    roots = {int(found) for found in _ROOT.findall(question)} & set(numbers)
    fractions = {(int(a), int(b)) for a, b in _FRACTION.findall(question)}
    return Slots(
        numbers,
        tuple(places),
        frozenset(fixed),
        frozenset(roots),
        frozenset(fractions),
        _ties(numbers, fixed & _SPECIAL),
    )


def _ties(numbers: Sequence[int], special: set[int]) -> tuple[Tie, ...]:
    """Return the ties among numbers. Raises Refused where a number that stays may be in one."""
    if len(numbers) > _MOST_NUMBERS:
        raise Refused("the text has many numbers")
    groups = [g for size in range(2, len(numbers) + 1) for g in combinations(numbers, size)]
    if special & ({sum(group) for group in groups} | {a * b for a, b in combinations(numbers, 2)}):
        raise Refused("numbers add up to one that may be no choice of the problem, such as 360")
    there = sorted({*numbers, *special})
    ties = [
        Tie(of(one, other), one, other, of)
        for one, other in combinations_with_replacement(there, 2)
        for of in (add, mul)
        if of(one, other) in numbers
    ]
    if any({tie.one, tie.other} & special for tie in ties):
        raise Refused("a number is tied to one that may be no choice of the problem, such as 360")
    return tuple(ties)


def _refuse_double(number: int, fixed: set[int], question: str) -> None:
    """Refuse a number that stands for something else as well."""
    if number in fixed:
        raise Refused("a number is also an exponent or a subscript")
    if number > 100_000:
        raise Refused("a number is over 100,000")
    words = _WORDS.get(number)
    if words and re.search(rf"\b(?:{words})\b", question, re.IGNORECASE):
        raise Refused("a number may also stand in words")


def fill(question: str, found: Slots, numbers: Numbers) -> str:
    """Return the question with other numbers."""
    text, last = "", 0
    for begin, end in found.places:
        text += question[last:begin] + str(numbers[int(question[begin:end])])
        last = end
    return text + question[last:]


def literals(program: str, found: Slots) -> tuple[tuple[int, int, int], ...]:
    """Return begin, end and value of each literal of a program that is a number of the text.

    Raises Refused where one is missing, is an exponent, stands in a text, or has a neighbour N ± 1
    in the program that is no number of the text.
    """
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as broken:
        raise Refused("the program does not parse") from broken
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [n.value for n in constants if isinstance(n.value, str) and id(n) not in docstrings]
    if any(int(each) in found.numbers for text in texts for each in _INTEGER.findall(text)):
        raise Refused("a number stands in a text of the program")
    whole = [node for node in constants if type(node.value) in (int, float)]
    values = {node.value for node in whole}
    for number in found.numbers:
        if number not in values:
            raise Refused("a number is no literal of the program")
        if not values.isdisjoint({number - 1, number + 1} - {*found.numbers, *found.fixed}):
            raise Refused("the program has a neighbour N ± 1 of a number")
    _refuse_exponents(tree, found.numbers)
    lines = _line_starts(program)
    return tuple(
        sorted(
            (begin, begin + len(ast.get_source_segment(program, node) or ""), int(node.value))
            for node in whole
            if node.value in found.numbers and not isinstance(node.value, complex)
            for begin in [_offset(program, lines, node)]
        )
    )


def rewritten(program: str, places: Iterable[tuple[int, int, int]], numbers: Numbers) -> str:
    """Return a program with other numbers in place of its literals."""
    text, last = "", 0
    for begin, end, value in places:
        whole = "." not in program[begin:end]
        text += program[last:begin] + (str(numbers[value]) if whole else f"{numbers[value]}.0")
        last = end
    return text + program[last:]


def draws(found: Slots, draw: random.Random) -> Iterator[dict[int, int]]:
    """Yield other numbers for a text, near its own and in the same order of size.

    Multiples of 10 and of 5 stay such, even numbers even, and sums and products of others too. It
    ends after a bounded effort, since many numbers close together have no others in the same order.
    """
    tied = {tie.number: tie for tie in found.ties}
    for _ in range(_MOST_DRAWN):
        numbers: dict[int, int] = {}
        for number in sorted(found.numbers):  # a sum or product comes after its parts
            tie = tied.get(number)
            numbers[number] = tie.value(numbers) if tie else _near(number, draw)
        values = list(numbers.values())
        ranks = sorted(found.numbers, key=lambda number: numbers[number])
        if any(numbers[number] == number for number in numbers) or len({*values}) < len(values):
            continue
        if ranks != sorted(found.numbers) or found.fixed & {*values}:
            continue
        if found.alike(numbers):
            yield numbers


def _near(number: int, draw: random.Random) -> int:
    step = next(step for step in (100, 10, 5, 2, 1) if number % step == 0)
    if step == 2 and number < 8:
        step = 1
    most = max(3, number // (2 * step))
    return max(3, number + step * draw.randint(-most, most))


def _refuse_exponents(tree: ast.AST, numbers: Sequence[int]) -> None:
    for node in ast.walk(tree):
        power: ast.AST | None = None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            power = node.args[1] if name in _POWERS else None
        if isinstance(power, ast.Constant) and power.value in numbers:
            raise Refused("a number is an exponent in the program")


def _line_starts(program: str) -> list[int]:
    """Return where each line begins, in bytes, as the places of a syntax tree are."""
    starts = [0]
    for line in program.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _offset(program: str, lines: Sequence[int], node: ast.Constant) -> int:
    place = lines[node.lineno - 1] + node.col_offset
    return len(program.encode()[:place].decode())
