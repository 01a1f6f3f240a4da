"""Parse units of measure, and nouns that count things.

Covers everyday school units. Temperatures are compared by name, never converted.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from judge.reading.words import terms


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its name, what it measures, and its size in base units.

    An empty dimension means "just a count": units, square units, or nothing at all.
    """

    name: str
    dimension: tuple[tuple[str, int], ...] = ()
    size: Fraction = Fraction(1)
    known: bool = True
    """False for a noun that no table lists: candies, students."""


# names: (what is measured, its power, the size in metres, grams, seconds, dollars, ...)
_TABLE: Mapping[str, tuple[str, int, str]] = {
    "m meter meters metre metres": ("length", 1, "1"),
    "km kilometer kilometers kilometre kilometres": ("length", 1, "1000"),
    "cm centimeter centimeters centimetre centimetres": ("length", 1, "1/100"),
    "mm millimeter millimeters millimetre millimetres": ("length", 1, "1/1000"),
    "in inch inches": ("length", 1, "0.0254"),
    "ft foot feet": ("length", 1, "0.3048"),
    "yd yard yards": ("length", 1, "0.9144"),
    "mi mile miles": ("length", 1, "1609.344"),
    "acre acres": ("length", 2, "4046.8564224"),
    "l liter liters litre litres": ("length", 3, "1/1000"),
    "ml milliliter milliliters millilitre millilitres": ("length", 3, "1/1000000"),
    "gal gallon gallons": ("length", 3, "0.003785411784"),
    "quart quarts": ("length", 3, "0.000946352946"),
    "pint pints": ("length", 3, "0.000473176473"),
    "kg kilogram kilograms": ("mass", 1, "1000"),
    "g gm gram grams": ("mass", 1, "1"),
    "mg milligram milligrams": ("mass", 1, "1/1000"),
    "lb lbs pound pounds": ("mass", 1, "453.59237"),
    "oz ounce ounces": ("mass", 1, "28.349523125"),
    "ton tons tonne tonnes": ("ton", 1, "1"),
    "s sec secs second seconds": ("time", 1, "1"),
    "min mins minute minutes": ("time", 1, "60"),
    "h hr hrs hour hours": ("time", 1, "3600"),
    "day days": ("time", 1, "86400"),
    "week weeks": ("time", 1, "604800"),
    "month months": ("month", 1, "1"),
    "year years yr yrs": ("month", 1, "12"),
    "dollar dollars usd": ("dollar", 1, "1"),
    "cent cents": ("dollar", 1, "1/100"),
    "euro euros eur": ("euro", 1, "1"),
    "gbp sterling": ("sterling", 1, "1"),
    "yuan rmb cny": ("yuan", 1, "1"),
    "yen jpy": ("yen", 1, "1"),
    "rupee rupees": ("rupee", 1, "1"),
    "degree degrees deg degs": ("degree", 1, "1"),
    "radian radians rad rads": ("radian", 1, "1"),
    "percent pct": ("percent", 1, "1"),
    "celsius": ("celsius", 1, "1"),
    "fahrenheit": ("fahrenheit", 1, "1"),
    "n newton newtons": ("newton", 1, "1"),
    "j joule joules": ("joule", 1, "1"),
    "w watt watts": ("watt", 1, "1"),
    "kw kilowatt kilowatts": ("watt", 1, "1000"),
    "v volt volts": ("volt", 1, "1"),
    "hz hertz": ("hertz", 1, "1"),
    "person persons people": ("person", 1, "1"),
}
_MEASURES = {name: row for names, row in _TABLE.items() for name in names.split()}
_SPELLED = {
    "mph": ["mile", "per", "hour"],
    "kph": ["kilometer", "per", "hour"],
    "kmph": ["kilometer", "per", "hour"],
    "sq": ["square"],
    "cu": ["cubic"],
}
_POWERS = {"square": 2, "squared": 2, "cubic": 3, "cubed": 3}
_NEUTRAL = frozenset(terms("unit units u of a the in each total st nd rd th"))
_WORD = re.compile(r"[a-z]+|\d+|/")

UNIT_WORDS = frozenset(
    [name for name in _MEASURES if len(name) > 2]
    + list(terms("cm km mm kg mg ml ft mi lb oz hr yd unit units cu"))
    + [*_SPELLED, *_POWERS]
)
"""Words that mean a unit wherever they stand; shorter ones do so only after a space or in text."""

UNIT_LETTERS = frozenset(name for name in _MEASURES if len(name) <= 2)


def parse_unit(text: str) -> Unit | None:
    """Parse "cubic feet", "km/h" or "students" as a unit; None for any longer text."""
    found: list[tuple[str, Fraction, int]] = []  # what is measured, size, exponent
    direction, pending, known = 1, 1, True
    words = [part for word in _WORD.findall(text.lower()) for part in _SPELLED.get(word, [word])]
    if len(words) > 8:
        return None
    for word in words:
        if word in ("/", "per"):
            direction = -1
        elif word in _POWERS or word.isdigit():
            power = _POWERS.get(word) or int(word)
            if power > 9:
                return None
            if word in ("square", "cubic") or not found:
                pending = power
            else:
                what, size, exponent = found[-1]
                found[-1] = (what, size, exponent * power)
        elif word not in _NEUTRAL or (word == "in" and not found and len(words) == 1):
            what, power, size_text = _MEASURES.get(word, (f"#{singular(word)}", 1, "1"))
            known = known and word in _MEASURES
            exponent = direction * pending
            found += [(what, Fraction(size_text), exponent)]
            if power > 1:  # a litre is a power of a length already
                found[-1] = (f"{what}^{power}", Fraction(size_text), exponent)
            pending = 1
    return _combine(" ".join(text.split()), found, known)


def is_unit(word: str) -> bool:
    """Tell whether a word names a unit that the table lists."""
    return word.lower() in _MEASURES


def singular(word: str) -> str:
    """Return a noun without its plural ending."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _combine(name: str, found: list[tuple[str, Fraction, int]], known: bool) -> Unit:
    dimension: Counter[str] = Counter()
    total = Fraction(1)
    for what, size, exponent in found:
        base, _, power = what.partition("^")
        dimension[base] += exponent * int(power or 1)
        total *= size**exponent
    if dimension.keys() & {"celsius", "fahrenheit"}:
        del dimension["degree"]
    kept = tuple(sorted((base, power) for base, power in dimension.items() if power))
    return Unit(name, kept, total, known)


DEGREE = Unit("degrees", (("degree", 1),))
RADIAN = Unit("radians", (("radian", 1),))
PERCENT = Unit("percent", (("percent", 1),))
CELSIUS = Unit("degrees Celsius", (("celsius", 1),))
FAHRENHEIT = Unit("degrees Fahrenheit", (("fahrenheit", 1),))
DOLLAR = Unit("dollars", (("dollar", 1),))
