"""Parse units of measure, and nouns that count things.

Covers everyday school units and the SI with its prefixes, in English and Chinese. Temperatures are
compared by name, never converted.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from judge.reading.words import ALTERING, LISTS, PART_WORDS, TABLES, named


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

    @property
    def measures(self) -> bool:
        """Tell whether it is a unit that a table lists, and no count."""
        return self.known and bool(self.dimension)


_SPELLED = {word: spelled.split() for word, spelled in TABLES["spelled"].items()}
_POWERS: dict[str, int] = TABLES["powers"]
_NO_UNIT = ALTERING | LISTS["no_unit"] | {f"{part}s" for part in PART_WORDS}
_SPACING = re.compile(r"\\[,;:! ]|\\cdot(?![a-z])|[~{}^]")
_WORD = re.compile(r"[^\W\d_]+|-?\d+|/")

_Measure = tuple[Mapping[str, int], Fraction]
"""The dimension of a unit, and its size in base units."""
_MEASURES: dict[str, _Measure] = {
    name: ({what.partition("^")[0]: int(what.partition("^")[2] or 1)}, Fraction(size))
    for what, sizes in TABLES["measures"].items()
    for size, names in sizes.items()
    for name in names.split()
}
_MEASURES |= {name: _MEASURES[unit] for name, unit in named("other_languages").items()}
_DERIVED = {name: measure for names, measure in TABLES["derived"].items() for name in names.split()}

UNIT_WORDS = (
    {name for name in _MEASURES if len(name) > 2 and name.isascii()}
    | {name for name in _DERIVED if len(name) > 3 and name.islower()}
    | LISTS["short_units"]
    | {*_SPELLED, *_POWERS}
) - {"mol"}
"""Words that mean a unit wherever they stand; shorter ones do so only after a space or in text."""
UNIT_LETTERS = LISTS["unit_symbols"]


def parse_unit(text: str) -> Unit | None:
    """Parse "cubic feet", "km/h" or "students" as a unit; None for any longer text."""
    found: list[tuple[_Measure, int]] = []  # each with its exponent
    direction, pending, known = 1, 1, True
    words = [part for word in _WORD.findall(text) for part in _SPELLED.get(word.lower(), [word])]
    lower_words = {word.lower() for word in words}
    if len(words) > 8 or lower_words & _NO_UNIT or (words and lower_words <= _POWERS.keys()):
        return None  # as in "5 doubled" and "5 squared"
    for word in words:
        lower = word.lower()
        if lower in ("/", "per", "每"):
            direction = -1
        elif lower in _POWERS or lower.lstrip("-").isdecimal():
            power = _POWERS.get(lower) or int(word)
            if abs(power) > 9:
                return None
            if lower in ("square", "cubic", "平方", "立方") or not found:
                pending = power
            else:
                found[-1] = (found[-1][0], found[-1][1] * power)
        elif lower not in LISTS["neutral"] or word in ("A", "T") or words == ["in"]:
            measure = _MEASURES.get(word) or _MEASURES.get(lower)
            known = known and measure is not None
            noun = ({f"#{singular(lower)}": 1}, Fraction(1))
            found.append((measure or noun, direction * pending))
            pending = 1
    return _combine(" ".join(text.split()), found, known)


def as_meant_beside(unit: Unit, other: Unit) -> Unit:
    """Return a unit with the second meaning of its words where only that measures the same.

    Beside a speed, ms^-1 is metres a second, and beside £ a pound is no mass.
    """
    if unit.dimension == other.dimension or not (unit.dimension and other.dimension):
        return unit
    meanings = TABLES["second_meanings"]
    words = (meanings.get(word, word) for word in _WORD.findall(unit.name))
    meant = parse_unit(" ".join(words))
    return meant if meant is not None and meant.dimension == other.dimension else unit


def upright_unit(text: str) -> str:
    r"""Return the words of a compound unit in upright letters, such as kg\,m/s^2; else nothing."""
    if not re.search(r"[\\/^]", text):
        return ""
    plain = _SPACING.sub(" ", text)
    unit = None if "\\" in plain else parse_unit(plain)
    return " ".join(plain.split()) if unit and unit.measures else ""


def is_unit(word: str) -> bool:
    """Tell whether a word names a unit that the table lists."""
    return word in _MEASURES or word.lower() in _MEASURES


def singular(word: str) -> str:
    """Return a noun without its plural ending."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")):
        return word[:-1]
    return word


def _combine(name: str, found: list[tuple[_Measure, int]], known: bool) -> Unit:
    dimension: Counter[str] = Counter()
    total = Fraction(1)
    for (measured, size), exponent in found:
        for what, power in measured.items():
            dimension[what] += power * exponent
        total *= size**exponent
    if dimension.keys() & {"celsius", "fahrenheit"}:
        del dimension["degree"]
    kept = tuple(sorted((base, power) for base, power in dimension.items() if power))
    return Unit(name, kept, total, known)


def _add_derived() -> None:
    """Add the units that are made of others, and every unit of the SI with each prefix."""
    for name, (others, count) in _DERIVED.items():
        if unit := parse_unit(others):
            _MEASURES[name] = dict(unit.dimension), unit.size * Fraction(count)
    for prefixes, exponent in TABLES["prefixes"].items():
        symbol, word = prefixes.split()
        for name in LISTS["prefixed"]:
            dimension, size = _MEASURES[name]
            prefix = word if len(name) > 3 and name != "Omega" else symbol
            _MEASURES.setdefault(prefix + name, (dimension, size * Fraction(10) ** exponent))


_add_derived()
UNIT_SYMBOLS = frozenset(
    name
    for name in _MEASURES
    if len(name) <= 4 and name.isascii() and (not name.isupper() or name in ("MW", "GW", "MJ"))
)
"""Symbols such as kW and MeV, which mean a unit after a number; AB and PA are segments."""
CHINESE_UNITS = "平方|立方|每|" + "|".join(
    sorted((name for name in _MEASURES if not name.isascii() and len(name) < 4), key=len)[::-1]
)
"""A pattern of the Chinese names, longest first."""

DEGREE = Unit("degrees", (("degree", 1),))
RADIAN = Unit("radians", (("radian", 1),))
PERCENT = Unit("percent", (("percent", 1),))
CELSIUS = Unit("degrees Celsius", (("celsius", 1),))
FAHRENHEIT = Unit("degrees Fahrenheit", (("fahrenheit", 1),))
