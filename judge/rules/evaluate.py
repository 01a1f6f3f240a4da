"""Compute the numeric value of a node in a given arithmetic, for given values of its variables.

A node is compiled to nested Python functions, so that computing many values of it is cheap. Results
beyond the caps raise `TooLarge`, nodes without a value raise `NoValue`. Both are ArithmeticErrors,
as are division by zero and overflow.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeGuard
from zlib import crc32

from judge.reading import tree
from judge.reading.tree import INFINITY, MINUS_ONE, Node, children
from judge.rules.arithmetic import Arithmetic, drop_zero_imaginary, is_complex
from judge.rules.rationals import MAX_TERMS, NotReal, NoValue, TooLarge, based_value

Environment = Mapping[str, Any]
"""Values of variables: any Python numbers."""
Formula = Callable[[dict[str, Any]], Any]
_TERMS = "#terms"
"""The entry of an environment that counts down the terms of sums still allowed."""


def value(node: Node, env: Environment, arithmetic: Arithmetic, *, real: bool = False) -> Any:
    """Compute the value of a node, with its variables taken from `env`.

    With `real`, raises `NotReal` where any part of the node is not real.
    """
    return function(node, arithmetic, real=real)(env)


def function(
    node: Node, arithmetic: Arithmetic, *, real: bool = False
) -> Callable[[Environment], Any]:
    """Compile a node to a function of its variables, to compute many values of it."""
    formula = _Compiler(arithmetic, real).formula(node)

    def call(env: Environment) -> Any:
        numbers = arithmetic.numbers(env)
        numbers[_TERMS] = MAX_TERMS
        try:
            return formula(numbers)
        except KeyError as error:
            raise NoValue(f"{error.args[0]} has no value") from None

    return call


class _Compiler:
    """Turns nodes into nested Python functions, in which constants are converted only once."""

    def __init__(self, arithmetic: Arithmetic, real: bool) -> None:
        self.arithmetic = arithmetic
        self.real = real

    def formula(self, node: Node) -> Formula:
        make = _MAKERS.get(type(node))
        if make is None:
            raise NoValue(f"{type(node).__name__} is not a number")
        return self.checked(make(self, node)) if self.real else make(self, node)

    @staticmethod
    def checked(inner: Formula) -> Formula:
        def formula(env: dict[str, Any]) -> Any:
            found = inner(env)
            if is_complex(found):
                raise NotReal
            return found

        return formula

    def number(self, node: tree.Num) -> Formula:
        number = self.arithmetic.fraction(node.value)
        return lambda env: number

    def based(self, node: tree.Based) -> Formula:
        return self.number(tree.Num(based_value(node)))

    def variable(self, node: tree.Sym) -> Formula:
        return itemgetter(node.name)

    def constant(self, node: tree.Const) -> Formula:
        if node == INFINITY:
            raise NoValue("infinity")
        number = getattr(self.arithmetic, node.name)
        return lambda env: number

    def sum(self, node: tree.Add) -> Formula:
        first, *others = map(self.formula, node.terms)

        def formula(env: dict[str, Any]) -> Any:
            found = first(env)
            for term in others:
                found = found + term(env)
            return drop_zero_imaginary(found)

        return formula

    def product(self, node: tree.Mul) -> Formula:
        above = [factor for factor in node.factors if not _is_inverse(factor)]
        below = [factor.base for factor in node.factors if _is_inverse(factor)]
        times, over = [self.formula(n) for n in above], [self.formula(n) for n in below]

        def formula(env: dict[str, Any]) -> Any:
            found: Any = 1
            for factor in times:
                found = found * factor(env)
            for divisor in over:
                found = found / divisor(env)
            return drop_zero_imaginary(found)

        return formula

    def power(self, node: tree.Pow) -> Formula:
        base, exponent = self.formula(node.base), self.formula(node.exponent)
        power = self.arithmetic.power
        return lambda env: power(base(env), exponent(env))

    def call(self, node: tree.Call) -> Formula:
        name, args = node.name, [self.formula(arg) for arg in node.args]
        known = self.arithmetic.functions.get(name)
        if known is None:
            salt = f"{name}()"
            return lambda env: _opaque(name, env.get(salt, 1), [arg(env) for arg in args])
        if len(args) == 1:
            (only,) = args
            return lambda env: known(only(env))
        return lambda env: known(*(arg(env) for arg in args))

    def big(self, node: tree.Big) -> Formula:
        if node.low is None or node.high is None or node.kind == "int":
            raise NoValue(f"a {node.kind} without bounds")
        low_end, high_end = self.formula(node.low), self.formula(node.high)
        body, size, adds = self.formula(node.body), _size(node.body), node.kind == "sum"
        numbers = self.arithmetic.numbers

        def formula(env: dict[str, Any]) -> Any:
            low, high = _whole_bound(low_end(env)), _whole_bound(high_end(env))
            env[_TERMS] -= max(0, high - low + 1) * size
            if env[_TERMS] < 0:
                raise TooLarge("too many terms")
            inside = dict(env)
            found: Any = 0 if adds else 1
            for index in range(low, high + 1):
                inside |= numbers({node.variable: float(index)})
                term = body(inside)
                found = found + term if adds else found * term
            env[_TERMS] = inside[_TERMS]
            return drop_zero_imaginary(found)

        return formula


_MAKERS: Mapping[type[Node], Callable[[_Compiler, Any], Formula]] = {
    tree.Num: _Compiler.number,
    tree.Based: _Compiler.based,
    tree.Sym: _Compiler.variable,
    tree.Const: _Compiler.constant,
    tree.Add: _Compiler.sum,
    tree.Mul: _Compiler.product,
    tree.Pow: _Compiler.power,
    tree.Call: _Compiler.call,
    tree.Big: _Compiler.big,
}


def _is_inverse(node: Node) -> TypeGuard[tree.Pow]:
    return isinstance(node, tree.Pow) and node.exponent == MINUS_ONE


def _whole_bound(found: Any) -> int:
    if is_complex(found) or abs(found) > MAX_TERMS:
        raise TooLarge("bounds too far apart")
    if abs(found - round(found)) > 1e-9:
        raise NoValue("a bound that is not whole")
    return int(found + 0.5) if found >= 0 else -int(0.5 - found)


def _size(node: Node) -> int:
    return 1 + sum(map(_size, children(node)))


def _opaque(name: str, salt: Any, args: list[Any]) -> Any:
    """Return a value for an undefined function: the same for the same arguments.

    The salt, from the environment, makes it a different function at each sample point.
    """
    seed = crc32(name.encode())
    found = salt + (seed % 997) / 997
    for index, arg in enumerate(args):
        weight = 0.3 + ((seed >> (index + 3)) % 89) / 89
        found = found + weight * salt * arg / (1 + abs(arg) * abs(arg)) + weight * arg * arg / 7
    return found
