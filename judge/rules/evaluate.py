"""The numeric value of a node: exactly as a fraction, fast as a float, or to many digits.

Every operation is capped, so no node can run long: results beyond the caps raise `TooLarge`, nodes
without a value raise `NoValue`. Both are ArithmeticErrors, as are division by zero and overflow.
"""

import cmath
import math
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import itemgetter
from typing import Any
from zlib import crc32

from judge.reading.syntax import (
    INFINITY,
    Add,
    Based,
    Big,
    Call,
    Const,
    Mul,
    Node,
    Num,
    Pow,
    Sym,
    children,
)
from judge.reading.words import terms

MAX_DIGITS = 10_000
MAX_FACTORIAL = 1_000
MAX_TERMS = 8_000
"""Nodes evaluated inside one sum or product."""
_MAX_BITS = 1e6
_MAX_ANGLE = 1e25
_MAX_GAMMA = 1e4

Environment = Mapping[str, Any]
"""Values of variables: any Python numbers."""


class TooLarge(ArithmeticError):
    """The value is beyond the caps."""


class NoValue(ArithmeticError):
    """The node has no number as its value."""


class NotReal(ArithmeticError):
    """An intermediate value is not real."""


# --- exactly ------------------------------------------------------------------------------------


def exact(node: Node) -> Fraction | None:
    """The value as a fraction; None when it is irrational, symbolic or too large to write."""
    try:
        return _exact(node)
    except (NoValue, TooLarge, ZeroDivisionError):
        return None


def _exact(node: Node) -> Fraction:
    if isinstance(node, Num):
        return node.value
    if isinstance(node, Add):
        return _checked(sum((_exact(term) for term in node.terms), Fraction(0)))
    if isinstance(node, Mul):
        value = Fraction(1)
        for factor in node.factors:
            value = _checked(value * _exact(factor))
        return value
    if isinstance(node, Pow):
        return _exact_power(_exact(node.base), _exact(node.exponent))
    if isinstance(node, Call) and node.name in _EXACT:
        return _checked(_EXACT[node.name](*map(_exact, node.args)))
    if isinstance(node, Based):
        try:
            return Fraction(int(node.digits, node.base))
        except ValueError as error:
            raise NoValue("digits beyond the base") from error
    raise NoValue("not a rational number")


def _checked(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_DIGITS * 3.33:
        raise TooLarge(f"more than {MAX_DIGITS} digits")
    return value


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        roots = [_whole_root(part, exponent.denominator) for part in base.as_integer_ratio()]
        base = Fraction(*roots)
    power = exponent.numerator
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and base and bits * abs(power) > MAX_DIGITS * 3.33:
        raise TooLarge(f"more than {MAX_DIGITS} digits")
    if abs(base) == 1:
        return base if power % 2 else Fraction(1)
    return base**power


def _whole_root(value: int, order: int) -> int:
    if value < 0 or order > 64:
        raise NoValue("not a rational root")
    guess = math.isqrt(value) if order == 2 else _float_root(value, order)
    if guess**order != value:
        raise NoValue("not a rational root")
    return guess


def _float_root(value: int, order: int) -> int:
    try:
        root: float = float(value) ** (1 / order)
    except OverflowError as error:
        raise NoValue("a root too large for a float") from error
    return round(root)


def _whole(value: Fraction, limit: int = 10**6) -> int:
    if value.denominator != 1:
        raise NoValue("not a whole number")
    if abs(value) > limit:
        raise TooLarge(f"beyond {limit}")
    return value.numerator


def _factorial(value: Fraction) -> Fraction:
    if value < 0:
        raise NoValue("the factorial of a negative number")
    return Fraction(math.factorial(_whole(value, MAX_FACTORIAL)))


def _binomial(n: Fraction, k: Fraction) -> Fraction:
    above, below = _whole(n, MAX_DIGITS), _whole(k, MAX_DIGITS)
    if above < 0:
        raise NoValue("a binomial of a negative number")
    return Fraction(math.comb(above, below) if below >= 0 else 0)


def _odd_root(value: Fraction, order: Fraction) -> Fraction:
    root = _exact_power(abs(value), 1 / order)
    return -root if value < 0 else root


def _exact_log(value: Fraction) -> Fraction:
    if value == 1:
        return Fraction(0)
    raise NoValue("irrational")


_EXACT: Mapping[str, Callable[..., Fraction]] = {
    "abs": abs,
    "floor": lambda x: Fraction(math.floor(x)),
    "ceil": lambda x: Fraction(math.ceil(x)),
    "factorial": _factorial,
    "binomial": _binomial,
    "gcd": lambda *xs: Fraction(math.gcd(*(_whole(x, 10**100) for x in xs))),
    "lcm": lambda *xs: Fraction(math.lcm(*(_whole(x, 10**100) for x in xs))),
    "max": max,
    "min": min,
    "mod": lambda a, b: a % b,
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "percent": lambda x: x / 100,
    "re": lambda x: x,
    "im": lambda x: Fraction(0),
    "conj": lambda x: x,
    "root": _odd_root,
    "log": _exact_log,
}


# --- numerically --------------------------------------------------------------------------------


class Arithmetic:
    """Numbers of one kind with their functions: what `value` computes with."""

    pi: Any
    e: Any
    i: Any
    functions: Mapping[str, Callable[..., Any]]

    def fraction(self, value: Fraction) -> Any:
        """The number nearest to a fraction."""
        raise NotImplementedError

    def number(self, given: Any) -> Any:
        """A Python number as one of this arithmetic, exactly."""
        raise NotImplementedError

    def power(self, base: Any, exponent: Any) -> Any:
        """A power, on the principal branch."""
        raise NotImplementedError


class Floats(Arithmetic):
    """Python floats, and complex numbers where floats end: 16 digits, microseconds."""

    pi, e, i = math.pi, math.e, 1j

    def __init__(self) -> None:
        self.functions = _float_functions()

    def fraction(self, value: Fraction) -> float:
        """The number nearest to a fraction."""
        return value.numerator / value.denominator

    def number(self, given: Any) -> Any:
        """A Python number as one of this arithmetic, exactly."""
        return given

    def power(self, base: Any, exponent: Any) -> Any:
        """A power, on the principal branch."""
        if type(base) is int:  # a power of whole numbers would have no bound
            base = float(base)
        return _real(base**exponent)


class Digits(Arithmetic):
    """mpmath numbers of a given precision, in a context of their own, for threads' sake."""

    def __init__(self, digits: int) -> None:
        import mpmath

        self.context = context = mpmath.MPContext()
        context.dps = digits
        self.digits = digits
        self.pi, self.e, self.i = +context.pi, +context.e, context.mpc(0, 1)
        self.functions = _digit_functions(context)

    def fraction(self, value: Fraction) -> Any:
        """The number nearest to a fraction."""
        return self.context.mpf(value.numerator) / value.denominator

    def number(self, given: Any) -> Any:
        """A Python number as one of this arithmetic, exactly."""
        return self.context.convert(given)

    def power(self, base: Any, exponent: Any) -> Any:
        """A power, on the principal branch."""
        size = abs(base)
        if size and abs(self.context.log(size)) * abs(exponent) > _MAX_BITS:
            raise TooLarge("a power beyond the caps")
        return _real(self.context.power(base, exponent))


_LOCAL = threading.local()


def digits(count: int) -> Digits:
    """The calling thread's arithmetic of `count` digits."""
    kept: dict[int, Digits] = _LOCAL.__dict__.setdefault("kept", {})
    if count not in kept:
        kept[count] = Digits(count)
    return kept[count]


Formula = Callable[[dict[str, Any]], Any]
_TERMS = "#terms"
"""The entry of an environment that counts down the terms of sums still allowed."""


def value(node: Node, env: Environment, arithmetic: Arithmetic, *, real: bool = False) -> Any:
    """The number a node stands for, its variables taken from `env`.

    With `real`, raises `NotReal` as soon as any part of it leaves the real line.
    """
    return function(node, arithmetic, real=real)(env)


def function(
    node: Node, arithmetic: Arithmetic, *, real: bool = False
) -> Callable[[Environment], Any]:
    """The node as a function of its variables, for computing many values of it."""
    formula = _Compiler(arithmetic, real).formula(node)
    number = arithmetic.number

    def call(env: Environment) -> Any:
        numbers = {name: number(given) for name, given in env.items()}
        numbers[_TERMS] = MAX_TERMS
        try:
            return formula(numbers)
        except KeyError as error:
            raise NoValue(f"{error.args[0]} has no value") from None

    return call


class _Compiler:
    """Turns nodes into nested Python functions, so that constants are converted only once."""

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
            if _is_complex(found):
                raise NotReal
            return found

        return formula

    def number(self, node: Num) -> Formula:
        number = self.arithmetic.fraction(node.value)
        return lambda env: number

    def based(self, node: Based) -> Formula:
        return self.number(Num(_exact(node)))

    def variable(self, node: Sym) -> Formula:
        return itemgetter(node.name)

    def constant(self, node: Const) -> Formula:
        if node == INFINITY:
            raise NoValue("infinity")
        number = getattr(self.arithmetic, node.name)
        return lambda env: number

    def sum(self, node: Add) -> Formula:
        first, *others = map(self.formula, node.terms)

        def formula(env: dict[str, Any]) -> Any:
            found = first(env)
            for term in others:
                found = found + term(env)
            return _real(found)

        return formula

    def product(self, node: Mul) -> Formula:
        above = [factor for factor in node.factors if not _is_inverse(factor)]
        below = [factor.base for factor in node.factors if isinstance(factor, Pow)
                 and _is_inverse(factor)]  # fmt: skip
        times, over = [self.formula(n) for n in above], [self.formula(n) for n in below]

        def formula(env: dict[str, Any]) -> Any:
            found: Any = 1
            for factor in times:
                found = found * factor(env)
            for divisor in over:
                found = found / divisor(env)
            return _real(found)

        return formula

    def power(self, node: Pow) -> Formula:
        base, exponent = self.formula(node.base), self.formula(node.exponent)
        power = self.arithmetic.power
        return lambda env: power(base(env), exponent(env))

    def call(self, node: Call) -> Formula:
        name, args = node.name, [self.formula(arg) for arg in node.args]
        known = self.arithmetic.functions.get(name)
        if known is None:
            salt = f"{name}()"
            return lambda env: _opaque(name, env.get(salt, 1), [arg(env) for arg in args])
        if len(args) == 1:
            (only,) = args
            return lambda env: known(only(env))
        return lambda env: known(*(arg(env) for arg in args))

    def big(self, node: Big) -> Formula:
        if node.low is None or node.high is None or node.kind == "int":
            raise NoValue(f"a {node.kind} without bounds")
        low_end, high_end = self.formula(node.low), self.formula(node.high)
        body, size, adds = self.formula(node.body), _size(node.body), node.kind == "sum"
        number = self.arithmetic.number

        def formula(env: dict[str, Any]) -> Any:
            low, high = _whole_bound(low_end(env)), _whole_bound(high_end(env))
            env[_TERMS] -= max(0, high - low + 1) * size
            if env[_TERMS] < 0:
                raise TooLarge("too many terms")
            inside = dict(env)
            found: Any = 0 if adds else 1
            for index in range(low, high + 1):
                inside[node.variable] = number(float(index))
                term = body(inside)
                found = found + term if adds else found * term
            env[_TERMS] = inside[_TERMS]
            return _real(found)

        return formula


_MINUS_ONE = Num(Fraction(-1))
_MAKERS: Mapping[type[Node], Callable[[_Compiler, Any], Formula]] = {
    Num: _Compiler.number,
    Based: _Compiler.based,
    Sym: _Compiler.variable,
    Const: _Compiler.constant,
    Add: _Compiler.sum,
    Mul: _Compiler.product,
    Pow: _Compiler.power,
    Call: _Compiler.call,
    Big: _Compiler.big,
}


def _is_inverse(node: Node) -> bool:
    return isinstance(node, Pow) and node.exponent == _MINUS_ONE


def _whole_bound(found: Any) -> int:
    if _is_complex(found) or abs(found) > MAX_TERMS:
        raise TooLarge("bounds too far apart")
    if abs(found - round(found)) > 1e-9:
        raise NoValue("a bound that is not whole")
    return int(found + 0.5) if found >= 0 else -int(0.5 - found)


def _size(node: Node) -> int:
    return 1 + sum(map(_size, children(node)))


def _is_complex(number: Any) -> bool:
    return not isinstance(number, float | int) and hasattr(number, "imag") and number.imag != 0


def _real(number: Any) -> Any:
    """The number without an imaginary part that is zero."""
    if type(number) is float or type(number) is int:
        return number
    return number.real if number.imag == 0 else number


def _opaque(name: str, salt: Any, args: list[Any]) -> Any:
    """A value for a function nobody defined: the same for the same arguments, else another.

    The salt, its entry in the environment, makes it another function at every sample point.
    """
    seed = crc32(name.encode())
    found = salt + (seed % 997) / 997
    for index, arg in enumerate(args):
        weight = 0.3 + ((seed >> (index + 3)) % 89) / 89
        found = found + weight * salt * arg / (1 + abs(arg) * abs(arg)) + weight * arg * arg / 7
    return found


def _float_functions() -> Mapping[str, Callable[..., Any]]:
    def both(real: Callable[[float], float], other: Callable[[complex], complex]) -> Any:
        def function(x: Any) -> Any:
            if isinstance(x, complex):
                return _real(other(x))
            try:
                return real(x)
            except ValueError:
                return _real(other(complex(x)))

        return function

    return _derived(
        {
            name: both(getattr(math, name), getattr(cmath, name))
            for name in terms("sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh")
        }
        | {
            "log": both(math.log, cmath.log),
            "floor": lambda x: float(math.floor(_only_real(x) + 1e-12)),
            "ceil": lambda x: float(math.ceil(_only_real(x) - 1e-12)),
            "gamma": lambda x: math.gamma(_only_real(x)),
            "arg": cmath.phase,
            "root": lambda x, n: math.copysign(abs(_only_real(x)) ** (1 / n), x),
        },
        math.pi,
    )


def _digit_functions(context: Any) -> Mapping[str, Callable[..., Any]]:
    def capped(function: Callable[[Any], Any], limit: float) -> Any:
        def call(x: Any) -> Any:
            if abs(x) > limit:
                raise TooLarge("an argument beyond the caps")
            return _real(function(x))

        return call

    def log(x: Any) -> Any:
        if x == 0:
            raise ZeroDivisionError
        return _real(context.log(x))

    return _derived(
        {
            name: capped(getattr(context, name), _MAX_ANGLE if len(name) < 4 else _MAX_BITS)
            for name in terms("sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh")
        }
        | {
            "log": log,
            "floor": lambda x: context.floor(_only_real(x) + context.mpf(10) ** -20),
            "ceil": lambda x: context.ceil(_only_real(x) - context.mpf(10) ** -20),
            "gamma": capped(context.gamma, _MAX_GAMMA),
            "arg": context.arg,
            "root": lambda x, n: context.sign(_only_real(x)) * context.root(abs(x), int(n)),
        },
        context.pi,
    )


def _derived(basic: dict[str, Callable[..., Any]], pi: Any) -> Mapping[str, Callable[..., Any]]:
    """The functions that others express, for either arithmetic."""
    sin, cos, tan = basic["sin"], basic["cos"], basic["tan"]
    asin, acos, atan, gamma = basic["asin"], basic["acos"], basic["atan"], basic["gamma"]
    sinh, cosh, tanh, atanh = basic["sinh"], basic["cosh"], basic["tanh"], basic["atanh"]
    return basic | {
        "cot": lambda x: cos(x) / sin(x),
        "sec": lambda x: 1 / cos(x),
        "csc": lambda x: 1 / sin(x),
        "acot": lambda x: pi / 2 - atan(x),
        "asec": lambda x: acos(1 / x),
        "acsc": lambda x: asin(1 / x),
        "coth": lambda x: 1 / tanh(x),
        "sech": lambda x: 1 / cosh(x),
        "csch": lambda x: 1 / sinh(x),
        "acoth": lambda x: atanh(1 / x),
        "tan": tan,
        "abs": abs,
        "factorial": lambda x: gamma(x + 1),
        "binomial": lambda n, k: gamma(n + 1) / gamma(k + 1) / gamma(n - k + 1),
        "max": lambda *xs: max(map(_only_real, xs)),
        "min": lambda *xs: min(map(_only_real, xs)),
        "mod": lambda a, b: _only_real(a) % _only_real(b),
        "sign": lambda x: (_only_real(x) > 0) - (x < 0),
        "re": lambda x: x.real,
        "im": lambda x: x.imag,
        "conj": lambda x: x.conjugate(),
        "percent": lambda x: x / 100,
        "degree": lambda x: x * pi / 180,
        "gcd": lambda *xs: math.gcd(*map(_only_whole, xs)),
        "lcm": lambda *xs: math.lcm(*map(_only_whole, xs)),
    }


def _only_real(number: Any) -> Any:
    if _is_complex(number):
        raise NoValue("not real")
    return number


def _only_whole(number: Any) -> int:
    if _is_complex(number) or number != int(number) or abs(number) > 1e15:
        raise NoValue("not a whole number")
    return int(number)


FLOATS = Floats()
