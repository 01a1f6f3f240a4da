"""Give the words, signs and units of `words.toml`, and the patterns of `phrases.toml`."""

import pkgutil
import re
import tomllib
from typing import Any


def read_tables(package: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML file that is part of a package."""
    return tomllib.loads((pkgutil.get_data(package, file) or b"").decode())


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a file, whose lines are joined."""
    return re.compile(pattern.replace("\n", ""))


TABLES = read_tables("judge.reading", "words.toml")
LISTS = {name: frozenset(text.split()) for name, text in TABLES["lists"].items()}
PHRASES = {name: compiled(p) for name, p in read_tables("judge.reading", "phrases.toml").items()}


def terms(text: str) -> tuple[str, ...]:
    """Return the words of a table that is written as one string."""
    return tuple(text.split())


def named(table: str) -> dict[str, str]:
    """Map each word or sign in a table of the file to the name that it stands for."""
    return {word: name for name, words in TABLES[table].items() for word in words.split()}


FUNCTIONS = {name: name for name in LISTS["functions"]} | named("functions")
KNOWN_FUNCTIONS = frozenset(FUNCTIONS.values()) | {"degree", "percent"}
INVERSE = {name: f"a{name}" for name in terms("sin cos tan cot sec csc sinh cosh tanh")}
ARGUMENTS = {
    **dict.fromkeys(terms("log root"), (1, 2)),
    **dict.fromkeys(terms("binomial mod"), (2, 2)),
    **dict.fromkeys(terms("gcd lcm max min"), (1, 20)),
}
"""How many arguments a function takes, where that is not exactly one."""
MEASURES_OF = LISTS["measures_of"]
CONSTRUCTORS = LISTS["constructors"]
CALLED = FUNCTIONS.keys() | CONSTRUCTORS
"""Names that mean a function or constructor, so that a text with one is no words."""
GREEK = frozenset(TABLES["greek"])
ALTERING = LISTS["altering"]
ANSWER_MARKERS = PHRASES["answer_markers"].pattern

SCALES: dict[str, int] = TABLES["scales"]
_ONES, _TENS, _PARTS = (terms(TABLES["numbers"][name]) for name in ("ones", "tens", "parts"))
NUMBER_WORDS = {word: number for number, word in enumerate(_ONES)}
NUMBER_WORDS |= {word: 10 * place for place, word in enumerate(_TENS, start=3)}
PART_WORDS = {word: part for part, word in enumerate(_PARTS, start=3)}
PART_WORDS |= {"half": 2, "halve": 2, "quarter": 4, "hundredth": 100, "thousandth": 1000}
BASE_WORDS: dict[str, int] = NUMBER_WORDS | TABLES["bases"]
