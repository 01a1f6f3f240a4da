"""Run as the sympy process: read pairs of nodes from stdin, compare them, reply.

`symbolic` starts this process, and kills it when it is slow. Expressions are built node by node
from our own syntax tree; sympy's string parsers are never called.
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import sympy

from judge.reading.tree import Add, Big, Call, Const, Mul, Node, Num, Pow, Sym, Unreadable, decode
from judge.reading.words import KNOWN_FUNCTIONS
from judge.workers.work import write

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 3_600
_DIGITS = 30
_SAME = 1e-20
_FAILURES = (ArithmeticError, ValueError, TypeError, AttributeError, LookupError, RuntimeError)
"""What sympy raises where it fails; anything else ends the process, which is then replaced."""


def main() -> None:
    """Answer one question a line until stdin ends."""
    _limit()
    sympy.simplify(sympy.Symbol("x") + 1)  # the first call imports what later ones need
    write(sys.stdout, {"ready": True})
    for line in sys.stdin:
        question = json.loads(line)
        try:
            relation, reason = decide(*(decode(question[side]) for side in ("reference", "answer")))
        except _FAILURES as error:
            relation, reason = "undecided", type(error).__name__
        write(sys.stdout, {"relation": relation, "reason": reason})


def _limit() -> None:
    """Limit memory and processor time as far as the platform does; macOS limits no memory."""
    with suppress(ImportError):
        import resource

        limits = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: CPU_SECONDS}
        for which, most in limits.items():
            with suppress(ValueError, OSError):
                resource.setrlimit(which, (most, most))


def decide(reference: Node, answer: Node) -> tuple[str, str]:
    """Decide whether the difference of two scalars is zero. Return the relation and the reason."""
    difference = (build(reference) - build(answer)).doit()
    if difference == 0:
        return "equal", "the difference is zero"
    if not difference.free_symbols:
        size = abs(difference.evalf(_DIGITS, maxn=200))
        if size.is_number and size.is_finite:
            if size > 1e-10 * max(1, abs(build(reference).evalf(15))):
                return "different", "the difference is not zero"
            if size < _SAME:
                return "equal", f"equal to {_DIGITS} digits"
    if difference.simplify() == 0:
        return "equal", "the difference simplifies to zero"
    return "undecided", "the difference does not simplify"


def build(node: Node) -> Any:
    """Build the sympy expression of a scalar node. Raises `Unreadable` for any other node."""
    if type(node) not in _BUILDERS:
        raise Unreadable(f"{type(node).__name__} is not a scalar")
    return _BUILDERS[type(node)](node)


def _call(node: Call) -> Any:
    args = [build(arg) for arg in node.args]
    if node.name in _SPECIAL:
        return _SPECIAL[node.name](*args)
    known = node.name in KNOWN_FUNCTIONS
    function = getattr(sympy, _NAMES.get(node.name, node.name), None) if known else None
    return (function or sympy.Function(node.name))(*args)


def _big(node: Big) -> Any:
    if node.low is None or node.high is None:
        raise Unreadable("a sum without bounds")
    bounds = (sympy.Symbol(node.variable, real=True), build(node.low), build(node.high))
    return (sympy.Sum if node.kind == "sum" else sympy.Product)(build(node.body), bounds)


_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo}
_BUILDERS: Mapping[type[Node], Callable[[Any], Any]] = {
    Num: lambda node: sympy.Rational(node.value.numerator, node.value.denominator),
    Sym: lambda node: sympy.Symbol(node.name, real=True),
    Const: lambda node: _CONSTANTS[node.name],
    Add: lambda node: sympy.Add(*map(build, node.terms)),
    Mul: lambda node: sympy.Mul(*map(build, node.factors)),
    Pow: lambda node: build(node.base) ** build(node.exponent),
    Call: _call,
    Big: _big,
}
_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "percent": lambda x: x / 100,
    "degree": lambda x: x * sympy.pi / 180,
    "mod": lambda a, b: a % b,
}
_NAMES = {"abs": "Abs", "ceil": "ceiling", "conj": "conjugate", "max": "Max", "min": "Min",
          "root": "real_root"}  # fmt: skip
"""Functions that sympy gives another name."""


if __name__ == "__main__":
    main()
