"""The two arithmetics that nodes are computed in: fast floats, and mpmath numbers of many digits.

Every operation is capped, so that none can run long.
"""

import cmath
import math
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from judge.reading.words import terms
from judge.rules.rationals import NoValue, TooLarge

_MAX_BITS = 1e6
_MAX_ANGLE = 1e25
_MAX_GAMMA = 1e4


class Floats:
    """Python floats, and complex numbers where there is no real value: 16 digits, fast."""

    pi, e, i = math.pi, math.e, 1j

    def __init__(self) -> None:
        self.functions = _float_functions()

    def fraction(self, value: Fraction) -> float:
        """Return the number nearest to a fraction."""
        return value.numerator / value.denominator

    def numbers(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Convert Python numbers exactly to this arithmetic."""
        return dict(given)

    def power(self, base: Any, exponent: Any) -> Any:
        """Compute a power, on the principal branch."""
        if type(base) is int:  # a power of whole numbers would have no bound
            base = float(base)
        return drop_zero_imaginary(base**exponent)


class Digits:
    """mpmath numbers of a given precision, in a separate context, as threads need."""

    def __init__(self, digits: int) -> None:
        import mpmath

        self.context = context = mpmath.MPContext()
        context.dps = digits
        self.digits = digits
        self.pi, self.e, self.i = +context.pi, +context.e, context.mpc(0, 1)
        self.functions = _digit_functions(context)

    def fraction(self, value: Fraction) -> Any:
        """Return the number nearest to a fraction."""
        return self.context.mpf(value.numerator) / value.denominator

    def numbers(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Convert Python numbers exactly to this arithmetic."""
        return {name: self.context.convert(number) for name, number in given.items()}

    def power(self, base: Any, exponent: Any) -> Any:
        """Compute a power, on the principal branch."""
        size = abs(base)
        if size and abs(self.context.log(size)) * abs(exponent) > _MAX_BITS:
            raise TooLarge("a power beyond the caps")
        return drop_zero_imaginary(self.context.power(base, exponent))


Arithmetic = Floats | Digits
_LOCAL = threading.local()


def digits(count: int) -> Digits:
    """Return the calling thread's arithmetic of `count` digits."""
    kept: dict[int, Digits] = _LOCAL.__dict__.setdefault("kept", {})
    if count not in kept:
        kept[count] = Digits(count)
    return kept[count]


def is_complex(number: Any) -> bool:
    """Tell whether a number has an imaginary part other than zero."""
    return not isinstance(number, float | int) and hasattr(number, "imag") and number.imag != 0


def drop_zero_imaginary(number: Any) -> Any:
    """Return a number as real where its imaginary part is zero."""
    if type(number) is float or type(number) is int:
        return number
    return number.real if number.imag == 0 else number


_BASIC = terms("sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh")
_Functions = Mapping[str, Callable[..., Any]]


def _float_functions() -> _Functions:
    def both(real: Callable[[float], float], other: Callable[[complex], complex]) -> Any:
        def function(x: Any) -> Any:
            if isinstance(x, complex):
                return drop_zero_imaginary(other(x))
            try:
                return real(x)
            except ValueError:
                return drop_zero_imaginary(other(complex(x)))

        return function

    return _derived(
        {name: both(getattr(math, name), getattr(cmath, name)) for name in _BASIC}
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


def _digit_functions(context: Any) -> _Functions:
    def capped(function: Callable[[Any], Any], limit: float) -> Any:
        def call(x: Any) -> Any:
            if abs(x) > limit:
                raise TooLarge("an argument beyond the caps")
            return drop_zero_imaginary(function(x))

        return call

    def log(x: Any) -> Any:
        if x == 0:
            raise ZeroDivisionError
        return drop_zero_imaginary(context.log(x))

    return _derived(
        {
            name: capped(getattr(context, name), _MAX_ANGLE if len(name) < 4 else _MAX_BITS)
            for name in _BASIC
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


def _derived(basic: dict[str, Callable[..., Any]], pi: Any) -> _Functions:
    """Add the functions that can be computed from the basic ones, for either arithmetic."""
    sin, cos = basic["sin"], basic["cos"]
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
        "abs": abs,
        "factorial": lambda x: gamma(x + 1),
        "factorial2": lambda x: math.prod(range(_only_whole(x, _MAX_GAMMA), 0, -2)),
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
    if is_complex(number):
        raise NoValue("not real")
    return number


def _only_whole(number: Any, limit: float = 1e15) -> int:
    if is_complex(number) or number != int(number) or abs(number) > limit:
        raise NoValue("not a whole number")
    return int(number)


FLOATS = Floats()
