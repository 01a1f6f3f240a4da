"""Tell whether an answer that the rules cannot read holds what the reference says.

A model may accept such an answer only if it does: then text that was chosen to please a model is
refused, whatever the model says. The check looks at numbers, names and languages, and at nothing
that has to be understood. So an answer in words that shares none with a reference in words is
refused, though it may mean the same. Not covered: what the words that they share mean.
"""

import re
import unicodedata
from fractions import Fraction

from judge.reading.words import ALTERING, LISTS, NUMBER_WORDS, PHRASES, SCALES, TABLES, terms
from judge.reading.wrappers import IN_FONT

_CLOSE = Fraction(1, 10**9)
"""Numbers that agree to this share of their size are the same, such as 0.3333333333 and 1/3."""
_COMMON = frozenset(map(Fraction, (0, 1, 2)))
"""Numbers that notation adds or leaves out, as in 1x and square roots."""


def missing_evidence(question: str, reference: str, answer: str, *, readable: bool) -> str:
    """Say what of the reference the answer lacks, or return an empty string.

    `readable` says that the rules can read the answer as mathematics, only not the reference. Where
    that is a formula, the answer may hold other numbers, as a value that somebody computed does.
    """
    if not readable and _is_broken(answer):
        return "its brackets do not match"
    in_words, against_words = _has_words(answer), _has_words(reference)
    if (value := single_number(reference)) is not None:
        same = [_agree(value, number) for number in _numbers(answer)]
        whole = all(same) and not _OPERATION.search(_NUMBER.sub("", answer))
        if any(same) and (in_words or whole):
            said = _words(f"{question} {reference}") | _NUMBER_WORDS.keys()
            changing = ALTERING - said - (_SIGNS if value < 0 else frozenset())
            return _altered(answer, value, changing)
        return "no number in the answer equals the reference"
    reference = _last_member(reference)
    wanted, found = _parts(reference), _parts(answer) | _sizes(answer)
    in_all = found | _parts(answer.replace("_", " "))
    optional = _COMMON if in_words else frozenset()
    if against_words and not (wanted and wanted <= in_all) and not _share_a_word(reference, answer):
        return "no word of the reference is in the answer"
    if not (wanted - optional <= in_all or _sizes(reference) - optional <= in_all):
        return "numbers of the reference are missing in the answer"
    if readable and not against_words:
        return ""
    names, of_choice = _names(reference), _CHOICE.fullmatch(reference.strip()) is not None
    known = wanted | _sizes(reference) | _COMMON
    if in_words or of_choice:
        known |= _parts(question)
    if not found <= known and not (of_choice and names <= _names(answer)):
        return "the answer has numbers that the reference has not"
    if readable or (in_words and (against_words or wanted - _COMMON)):
        return ""
    if names <= _names(answer) if names else wanted <= in_all:
        return ""
    return "names of the reference are missing in the answer"


def is_foreign(question: str, reference: str, answer: str) -> bool:
    """Tell whether the answer is in a script or language of neither problem nor reference.

    An answer that holds the numbers of the reference and no others is not held to be foreign: its
    words may be a unit or a label.
    """
    if _numbers(reference) and set(_numbers(reference)) == set(_numbers(answer)):
        return False
    known = f"{question} {reference}"
    if not _scripts(answer) <= _scripts(known):
        return True
    words, known_words = _words(answer), _words(known)
    return any(len(words & each) > 1 and len(known_words & each) < 2 for each in _LANGUAGES)


# --- numbers -----------------------------------------------------------------------------------

_DIGITS = r"\d{1,3}(?:(?:\{?,\}?(?:\\!)?|\\,)\d{3})+(?!\d)(?:\.\d{1,400})?|\d{0,400}\.?\d{1,400}"
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)}\]])[-\u2212\u2013]\s?|\b(?:minus|negative)\s)?"
    r"(?:(?:(?P<units>\d{1,40})\s?)?\\[dt]?frac\s?"
    r"(?:\{\s?(?P<top>-?\d{1,40})\s?\}\s?\{\s?(?P<bottom>\d{1,40})\s?\}"
    r"|(?P<top_digit>\d)\s?(?P<bottom_digit>\d))"
    r"|(?:(?P<wholes>\d{1,40})\s)?(?P<over>\d{1,40})\s?/\s?(?P<under>\d{1,40})"
    rf"|(?P<digits>{_DIGITS})"
    r"(?:\s?(?:\\times|\\cdot|×|\*)\s?10\s?(?:\^|\*\*)\s?\{?(?P<power>-?\d{1,3})\}?"
    r"|[eE](?P<exponent>[+-]?\d{1,3})(?!\w))?)"
)
_PART = re.compile(_DIGITS)
_LAST_WORD, _FIRST_WORD = re.compile(r"([^\W\d_]+)\W*$"), re.compile(r"^\W*([^\W\d_]+)")
_SIGNS = frozenset(terms("minus negative"))
_OPERATION = re.compile(r"\\(?:[dt]?frac|sqrt|sum|prod|int|lim|log|ln|binom)(?![a-zA-Z])")
_NAMED = re.compile(r"[A-Za-z](?:_\w|_\{\w{1,9}\})?")
_SUBSCRIPT = re.compile(r"_\s?(?:\{[^{}]{0,40}\}|\w)")
_NUMBER_WORDS = {word: Fraction(value) for word, value in NUMBER_WORDS.items()} | {
    "half": Fraction(1, 2),
    **{word: Fraction(factor) for word, factor in (TABLES["factors"] | SCALES).items()},
}


def _last_member(reference: str) -> str:
    """Return the value of a chain such as "a = b = 3" or of a named value such as "x = 3"."""
    members = reference.split("=")
    listed = re.search(r",|;|\bor\b|\band\b|\\\\|&|[或且和]", reference)
    named = len(members) == 2 and _NAMED.fullmatch(members[0].strip())
    return members[-1] if not listed and (named or len(members) > 2) else reference


def single_number(text: str) -> Fraction | None:
    """Return the value of a text that is one rational number, apart from marked units."""
    match = _NUMBER.fullmatch(PHRASES["marked_unit"].sub("", text).strip())
    return _value(match) if match else None


def _altered(answer: str, value: Fraction, changing: frozenset[str]) -> str:
    """Say so where one of these words stands next to the number: at least 7, 7 or more."""
    plain = _plain(answer)
    for match in _NUMBER.finditer(plain):
        number = _value(match)
        if number is not None and _agree(value, number):
            beside = _LAST_WORD.findall(plain[: match.start()])
            beside += _FIRST_WORD.findall(plain[match.end() :])
            if not changing.isdisjoint(map(str.lower, beside)):
                return "a word beside the number changes it"
    return ""


def _numbers(text: str) -> list[Fraction]:
    """Return the numbers in a text, each fraction and each power of ten as one."""
    values = [_value(match) for match in _NUMBER.finditer(_plain(text))]
    words = [_NUMBER_WORDS[word] for word in sorted(_words(text) & _NUMBER_WORDS.keys())]
    return [value for value in values if value is not None] + words


def _sizes(text: str) -> set[Fraction]:
    return {abs(number) for number in _numbers(text)}


def _parts(text: str) -> set[Fraction]:
    """Return the numbers in a text as they are written, fractions and powers in parts."""
    written = {_decimal(match.group()) for match in _PART.finditer(_plain(text))}
    return written | {_NUMBER_WORDS[word] for word in _words(text) & _NUMBER_WORDS.keys()}


def _value(match: re.Match[str]) -> Fraction | None:
    """Compute the number of a match; None where it divides by zero."""
    group = match.groupdict()
    top = group["top"] or group["top_digit"] or group["over"]
    bottom = group["bottom"] or group["bottom_digit"] or group["under"]
    if top and bottom:
        if int(bottom) == 0:
            return None
        value = int(group["units"] or group["wholes"] or 0) + Fraction(int(top), int(bottom))
    else:
        power = int(group["power"] or group["exponent"] or 0)
        value = _decimal(group["digits"]) * Fraction(10) ** power
    return -value if group["sign"] else value


def _decimal(digits: str) -> Fraction:
    return Fraction(re.sub(r"[^\d.]", "", digits))


def _agree(left: Fraction, right: Fraction) -> bool:
    return left == right or abs(left - right) <= _CLOSE * max(abs(left), abs(right))


def _plain(text: str) -> str:
    """Write digits in circles as digits, and drop subscripts and raised digits."""
    return _SUBSCRIPT.sub(" ", "".join(map(_bare, text)))


def _bare(character: str) -> str:
    form = unicodedata.decomposition(character)
    if form.startswith("<circle>") and unicodedata.category(character) == "No":
        return f" {unicodedata.numeric(character):g} "
    return " " if form.startswith(("<super>", "<sub>")) else character


def _is_broken(answer: str) -> bool:
    """Tell whether a bracket closes that was never opened, with more of the answer behind it."""
    for opening, closing in ("{}", "()"):
        depth = 0
        for at, character in enumerate(answer):
            depth += (character == opening) - (character == closing)
            if depth < 0 and character == closing and re.search(r"\w", answer[at:]):
                return not re.match(r"\s*\w{1,3}\)", answer)  # a list's "a) …"
    return False


# --- names and languages -----------------------------------------------------------------------

_CHOICE = re.compile(r"(?:\\text(?:bf)?\s?\{)?\(?[A-H]\)?\}?")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_NAME = re.compile(r"[^\W\d_]+")
_NOTATION, _IN_FORMULAS = LISTS["notation"], LISTS["in_formulas"]
_LANGUAGES = tuple(frozenset(terms(words)) for words in TABLES["languages"].values())


def _has_words(text: str) -> bool:
    """Tell whether a text has words, not only names in capitals or of one letter."""
    words = {word for word in _NAME.findall(_COMMAND.sub(" ", text)) if len(word) > 1}
    return any(not word.isupper() for word in words - _NOTATION - _IN_FORMULAS)


def _share_a_word(reference: str, answer: str) -> bool:
    """Tell whether two texts share the stem of a word that says something, or a Chinese sign."""
    stems = [
        {word[:5] for word in _words(IN_FONT.sub(r"\1", text)) - _SAY_LITTLE if len(word) > 1}
        | set(_CHINESE.findall(text))
        for text in (reference, answer)
    ]
    return bool(stems[0] & stems[1])


_SAY_LITTLE = LISTS["say_little"]
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _names(text: str) -> set[str]:
    plain = text.replace("√", " sqrt ").replace("∞", " infty ").replace("π", " pi ")
    return {name.lower() for name in _NAME.findall(plain) if name.isalpha()} - _NOTATION


def _words(text: str) -> set[str]:
    return {word.lower() for word in _NAME.findall(_COMMAND.sub(" ", text))}


def _scripts(text: str) -> set[str]:
    """Return the scripts of the letters in a text, without Latin and single Greek letters."""
    scripts = set()
    for word in _NAME.findall(text):
        for letter in filter(str.isalpha, word):
            script = unicodedata.name(letter, "UNKNOWN").split()[0]
            if script not in LISTS["latin"] and not (script == "GREEK" and len(word) < 4):
                scripts.add(script)
    return scripts
