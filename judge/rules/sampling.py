"""Compare two expressions with variables by their values at fixed pseudo-random points.

Floats are tried first, and agreement is confirmed to many digits. Variables are real. The tier says
where expressions agree only where they are real, for positive letters or at whole numbers.
"""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

from judge.policy import Policy
from judge.reading import tree
from judge.reading.tree import IMAGINARY, Node, calls, is_call, names, rewrite, walk
from judge.reading.words import terms
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import FLOATS
from judge.rules.evaluate import function, value
from judge.rules.numeric import real_root, values_agree
from judge.rules.rationals import NotReal

_ROUNDS = (
    ((0.1, 0.9), (1, 3), (3, 9), (0.3, 2), (0.1, 0.9), (0.2, 3), (1, 9), (1, 3)),
    ((0.05, 0.45), (0.5, 0.95), (0.2, 0.7), (0.6, 0.99), (0.05, 0.45), (0.1, 0.9), (0.3, 0.6),
     (0.5, 0.99)),
)  # fmt: skip
"""The range of the variables' sizes at each point, in a second round nearer to zero."""
_SIGNS = ("++++",) * 4 + ("----", "+-+-", "-+-+", "++--")
"""The signs of the variables at each point, in alphabetical order, repeated."""
_ROUND = len(_SIGNS)
POSITIVE = 4
"""How many points of a round have only positive coordinates; they come first."""
_NEEDED = 3
_NEAR = 1e-7
_COORDINATES = frozenset(terms("x y z t u v w theta"))
"""Letters that may be negative even as the only variable; others usually are a size."""
_INTEGRATION_CONSTANTS = frozenset(("C", "c", "K"))
_STEPS = frozenset(terms("floor ceil mod gcd lcm sign"))
_WHOLE_NAMES = frozenset(terms("n k m N K M j l r s t i"))

Point = dict[str, float]


class Sample(NamedTuple):
    """The comparison at one point."""

    number: int
    agrees: bool
    real: bool
    """Whether all parts of at least one side are real at this point."""


def compare_expressions(
    reference: Node, answer: Node, policy: Policy, *, letters: int | None = None
) -> Finding:
    """Compare two scalars of which at least one has variables.

    `letters` is the number of variables in the whole answers that these are part of.
    """
    variables = names(reference) | names(answer)
    samples = list(_samples(reference, answer, variables))
    if len(samples) - sum(sample.real for sample in samples) > len(samples) // 2:
        samples += _samples(reference, answer, variables, round_=1)
    formula = (letters or len(variables)) > 1 or not variables <= _COORDINATES
    signed = any(has_absolute(node) for node in (reference, answer))
    verdict = _judge(samples, policy, may_be_positive=formula and not signed)
    if verdict.is_equal and (calls(reference, *_STEPS) or calls(answer, *_STEPS)):
        return _at_whole_numbers(reference, answer, variables, verdict)
    if verdict.is_different:
        return _under_conventions(reference, answer, variables, policy, verdict)
    return verdict


def _at_whole_numbers(
    reference: Node, answer: Node, variables: frozenset[str], verdict: Finding
) -> Finding:
    """Confirm by many whole numbers that functions with steps agree."""
    for number in range(1, 25):
        point = {name: float(number + 7 * place) for place, name in enumerate(sorted(variables))}
        if _agree_to_many_digits(reference, answer, point) is False:
            return different("sampling", f"different at {number}")
    return verdict


def points(
    variables: frozenset[str], whole: frozenset[str] = frozenset(), round_: int = 0
) -> Iterator[Point]:
    """Yield points, the same for the same names; variables in `whole` are small whole numbers."""
    ordered = sorted(variables)
    for index, (low, high) in enumerate(_ROUNDS[round_]):
        yield {
            name: float(2 + index % 5 + crc32(name.encode()) % 3)
            if name in whole
            else _between(f"{name}/{index + round_ * _ROUND}", low, high, _SIGNS[index][place % 4])
            for place, name in enumerate(ordered)
        }


def _between(seed: str, low: float, high: float, sign: str) -> float:
    share = crc32(seed.encode()) % 4093
    size = low + (high - low) * (share + 0.5) / 4093
    return -size if sign == "-" else size


def _samples(
    reference: Node, answer: Node, variables: frozenset[str], round_: int = 0
) -> Iterator[Sample]:
    whole = _whole_names(reference) | _whole_names(answer)
    imaginary = any(IMAGINARY in walk(node) for node in (reference, answer))
    confirmed = False
    sides = _as_floats(reference), _as_floats(answer)
    for index, point in enumerate(points(variables, whole, round_), round_ * _ROUND):
        agrees = _agree(*sides, point)
        if agrees is None or not confirmed:
            agrees = _agree_to_many_digits(reference, answer, point)
            confirmed = confirmed or agrees is not None
        if agrees is None:
            continue
        real = agrees or imaginary or _is_real(reference, point) or _is_real(answer, point)
        yield Sample(index, agrees, real)


def _as_floats(node: Node) -> Callable[[Point], Any]:
    try:
        return function(node, FLOATS)
    except (ArithmeticError, ValueError):
        return lambda point: math.nan  # so that many digits are computed instead


def _agree(
    reference: Callable[[Point], Any], answer: Callable[[Point], Any], point: Point
) -> bool | None:
    """Tell whether the values agree as floats; None where floats cannot tell."""
    try:
        left, right = reference(point), answer(point)
        gap, size = abs(left - right), max(abs(left), abs(right))
    except (ArithmeticError, ValueError, TypeError):
        return None
    if not 1e-100 < size < 1e100:
        return None
    if gap <= _NEAR * 1e-3 * size:
        return True
    return None if gap < _NEAR * size or size < 1e-6 else False


def _agree_to_many_digits(reference: Node, answer: Node, point: Point) -> bool | None:
    try:
        return values_agree(reference, answer, point, quick=True)[0]
    except (ArithmeticError, ValueError, TypeError):
        return None


def _is_real(node: Node, point: Point) -> bool:
    try:
        value(node, point, FLOATS, real=True)
    except (ArithmeticError, ValueError, TypeError) as error:
        return not isinstance(error, NotReal)
    return True


def _whole_names(node: Node) -> frozenset[str]:
    """Return the variables in bounds of sums and double factorials: they must be whole numbers."""
    whole: list[Node | None] = []
    for part in walk(node):
        if isinstance(part, tree.Big):
            whole += [part.low, part.high]
        elif is_call(part, "factorial2"):
            whole.append(part)
    return frozenset(name for part in whole if part is not None for name in names(part))


def _judge(samples: list[Sample], policy: Policy, *, may_be_positive: bool) -> Finding:
    agreeing = [sample for sample in samples if sample.agrees]
    failing = [sample for sample in samples if not sample.agrees]
    if len(samples) < _NEEDED:
        return undecided("sampling", "too few points where both have a value")
    if not failing:
        return equal("sampling", f"equal at {len(agreeing)} points")
    if len(agreeing) >= _NEEDED and not any(sample.real for sample in failing):
        return equal("sampling-real", "equal wherever both are real")
    positive = [sample for sample in samples if sample.number % _ROUND < POSITIVE]
    if (
        may_be_positive
        and sum(sample.agrees for sample in positive) >= _NEEDED
        and all(sample.agrees or not sample.real for sample in positive)
    ):
        return policy.positive_letters.finding("sampling-positive", "equal for positive letters")
    return different("sampling", f"different at {len(failing)} of {len(samples)} points")


def _under_conventions(
    reference: Node, answer: Node, variables: frozenset[str], policy: Policy, verdict: Finding
) -> Finding:
    """Look for a convention under which two different expressions agree."""

    def rewritten_agree(change: Callable[[Node], Node]) -> bool:
        left, right = rewrite(reference, change), rewrite(answer, change)
        samples = list(_samples(left, right, variables))
        return _judge(samples, policy, may_be_positive=False).is_equal

    absolute = _log_of_absolute(reference) or _log_of_absolute(answer)
    if absolute and rewritten_agree(_absolute_log):
        return policy.log_of_absolute.finding("sampling-log", "equal with ln u read as ln |u|")
    odd_roots = any(
        is_call(part, "root") or real_root(part) is not part
        for part in (*walk(reference), *walk(answer))
    )
    if odd_roots and rewritten_agree(real_root):
        return equal("sampling-root", "equal with odd roots read as real")
    if variables <= _WHOLE_NAMES and (_alternates(reference) or _alternates(answer)):
        agreements = [
            _agree_to_many_digits(reference, answer, dict.fromkeys(variables, float(index)))
            for index in range(1, 9)
        ]
        if agreements.count(True) >= 6 and len(variables) == 1 and False not in agreements:
            return equal("sampling-whole", "equal at whole numbers")
    if _renamed(reference, answer):
        if names(reference) ^ names(answer) <= _INTEGRATION_CONSTANTS:
            return equal("sampling-constant", "equal but for the name of the constant")
        return policy.renamed_letter.finding("sampling-renamed", "equal with one variable renamed")
    if _loosely(names(reference)) == _loosely(names(answer)) and names(reference) != names(answer):
        return undecided("sampling-names", "the names of variables differ in spelling")
    return verdict


def _renamed(reference: Node, answer: Node) -> bool:
    """Tell whether the answer is the reference with one variable renamed."""
    own, others = names(reference), names(answer)
    if isinstance(reference, tree.Sym) or isinstance(answer, tree.Sym):
        return False
    if len(own - others) != 1 or len(others - own) != 1:
        return False
    (old,), (new,) = others - own, own - others
    renamed = tree.replaced(answer, tree.Sym(old), tree.Sym(new))
    agree = (_agree_to_many_digits(reference, renamed, point) for point in points(own))
    return names(renamed) == own and all(islice(agree, _NEEDED))


def has_absolute(node: Node) -> bool:
    """Tell whether the node holds an absolute value, so that signs are meant to matter."""
    return calls(node, "abs")


def _log_of_absolute(node: Node) -> bool:
    return any(is_call(part, "log") and has_absolute(part.args[0]) for part in walk(node))


def _absolute_log(node: Node) -> Node:
    return tree.Call("log", (tree.Call("abs", node.args),)) if is_call(node, "log") else node


def _alternates(node: Node) -> bool:
    """Tell whether the node holds (-1)^n or a like function, often meant for whole numbers."""
    return any(
        (isinstance(part, tree.Pow) and _negative(part.base) and bool(names(part.exponent)))
        or is_call(part, "floor", "ceil", "mod", "sin", "cos")
        for part in walk(node)
    )


def _negative(node: Node) -> bool:
    return isinstance(node, tree.Num) and node.value < 0


def _loosely(variables: frozenset[str]) -> frozenset[str]:
    return frozenset(name.replace("_", "").casefold() for name in variables)
