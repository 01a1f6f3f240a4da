"""Caps on arithmetic, and the errors raised beyond them or where there is no value."""

MAX_DIGITS = 10_000
MAX_FACTORIAL = 1_000
MAX_TERMS = 8_000
"""Nodes evaluated inside one sum or product."""


class TooLarge(ArithmeticError):
    """The value or the computation is beyond the caps."""


class NoValue(ArithmeticError):
    """The node has no number as its value."""


class NotReal(ArithmeticError):
    """An intermediate value is not real."""
