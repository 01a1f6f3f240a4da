"""Compare an answer with its reference by rules alone.

`compare` tries more and more costly rules until one decides: the text itself, words, numbers,
structure, values at sample points, and last sympy in a process that can be killed. Each step has a
cap, and nothing in an answer is ever executed. Not covered: whether an answer is simplified as the
problem asks, and meaning expressed in sentences, which comes back undecided.
"""

import itertools
import re
from collections.abc import Iterator
from fractions import Fraction

from judge.policy import Choice, Policy
from judge.reading import tree
from judge.reading.build import decimal
from judge.reading.clean import without_spacing
from judge.reading.grammar import conditions_agree, read
from judge.reading.printed import is_empty_container
from judge.reading.show import show
from judge.reading.tree import ELLIPSIS, INFINITY, SCALARS, Node, Unreadable, names, walk
from judge.reading.variants import letters_in, measured_value, option_in, said_twice, same_numbered
from judge.reading.wrappers import MAX_CHARS, strip_wording
from judge.relation import Comparison, Finding, Relation, different, equal, undecided
from judge.rules import labels, prose
from judge.rules.families import compare_families
from judge.rules.shapes import is_definite, with_letters_as_in
from judge.rules.structure import Structure
from judge.workers.symbolic import ask_sympy

__all__ = ["Choice", "Comparison", "Policy", "Relation", "compare"]

DEFAULT = Policy()
_SHOWN = 300
_FOR_SYMPY = frozenset((Relation.UNDECIDED, tier) for tier in ("sampling", "digits"))
"""Results after which sympy is asked: these rules could compute no number."""
_WHOLE_NUMBER = re.compile(r"-?\d{1,40}")
_NUMBERS_IN_PROSE = re.compile(r"\d+(?:\.\d+)?")
_SHAPES = frozenset(("kind", "count", "items"))
_VALUES = _SHAPES | {"equation", "sampling", "exact", "digits"}
_CHOICES = frozenset("ABCDEFGH")
_DECIMAL_COMMA = re.compile(r"-?(?:0|\d+(?!,\d{3}$)),\d+")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def compare(
    reference: str, answer: str, policy: Policy = DEFAULT, *, symbolic: bool = True
) -> Comparison:
    """Say whether `answer` is equal to `reference`, different from it, or undecided.

    With `symbolic` false, sympy is not asked and no process is started. Never raises, and takes
    milliseconds; with sympy, at most about a second.
    """
    left, right = reference.strip(), answer.strip()
    if left == right:
        return _comparison(equal("string", "the same text"), left, right)
    if max(len(left), len(right)) > MAX_CHARS:  # before any pattern could spend time on it
        return _comparison(undecided("unread", f"longer than {MAX_CHARS} characters"), left, right)
    left, right = strip_wording(left), strip_wording(right)
    if without_spacing(left) == without_spacing(right) != "":
        return _comparison(equal("string", "the same text but for spacing"), left, right)
    if _WHOLE_NUMBER.fullmatch(left) and _WHOLE_NUMBER.fullmatch(right):
        if int(left) == int(right):
            return _comparison(equal("exact", "the same whole number"), left, right)
        return _comparison(different("exact", "different whole numbers"), left, right)
    found = _compare_texts(left, right, policy, symbolic)
    if not found.is_equal and found.tier != "choice":
        variants = _plain_variants(left, right, policy)
        again = (_compare_texts(*variant, policy, symbolic) for variant in variants)
        found = next((other for other in again if other.is_equal), found)
    if found.is_equal and labels.contradict(reference, answer):
        return _comparison(undecided("names", "a label that says otherwise"), left, right)
    return found


def _compare_texts(left: str, right: str, policy: Policy, symbolic: bool) -> Comparison:
    """Compare two texts as they are."""
    if (early := _without_reading(left, right)) is not None:
        return _comparison(early, left, right)
    left_node, right_node = _read(left), _read(right)
    numbers = not isinstance(left_node, str) and re.search(r"\d", left)
    if prose.is_words(left) and not numbers and not prose.words_as_mathematics(left):
        return _comparison(_against_words(left, right), left, right)
    if isinstance(left_node, str) or isinstance(right_node, str):
        return _comparison(_unread(left_node, right_node, left, right), left, right)
    found = _decide(left_node, right_node, left, right, policy, symbolic=symbolic)
    if found.is_equal and not conditions_agree(left, right):
        found = undecided("condition", "other conditions on the letters")
    return _comparison(found, show(left_node), show(right_node))


def _plain_variants(left: str, right: str, policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield both sides without the letter of a choice, or with one notation of a value for two."""
    sides: list[tuple[str, ...]] = []
    for text, other in ((left, right), (right, left)):
        plain = text
        if (option := option_in(text)) and option.text:
            plain = option.text
        elif "=" not in other and (value := measured_value(text)) and isinstance(_read(text), str):
            plain = value
        elif twice := said_twice(text):
            first, second = map(strip_wording, twice)
            found = _compare_texts(first, second, policy, False)
            if found.is_equal or found.tier == "rounding":
                plain = twice[0]
        sides.append((plain, text) if plain != text else (text,))
    yield from (pair for pair in itertools.product(sides[0], sides[1]) if pair != (left, right))


def _against_words(left: str, right: str) -> Finding:
    """Compare an answer in mathematics with a reference in words."""
    if len(prose.plain_words(left).split()) > 2 or not left.isascii():
        return undecided("text", "a sentence against mathematics")
    return different("text", "words against mathematics")


def _comparison(finding: Finding, left: str, right: str) -> Comparison:
    return Comparison(**vars(finding), reference_form=left[:_SHOWN], answer_form=right[:_SHOWN])


def _without_reading(left: str, right: str) -> Finding | None:
    """Compare words with words, and reject empty answers. Return None for anything else."""
    if same_numbered(left, right):
        return equal("choice", "the same signs of a list")
    if (choice := _compare_choices(left, right)) is not None:
        return choice
    if prose.is_words(left) and (prose.is_words(right) or prose.same_wording(left, right)):
        return prose.compare_words(left, right)
    if (is_empty_container(right) and prose.means_no_solution(left)) or (
        is_empty_container(left) and prose.means_no_solution(right)
    ):
        return equal("set", "nothing solves it")
    if nothing := prose.is_nothing(right):
        return different("no-answer", nothing)
    return None


def _compare_choices(left: str, right: str) -> Finding | None:
    """Compare by their letters two sides of which one is a choice and says more than its letter."""
    letters = letters_in(left), letters_in(right)
    if all(letters):
        return equal("choice", "the same choices") if letters[0] == letters[1] else None
    options = option_in(left), option_in(right)
    if not any(options):
        return None
    chosen = [letter or (option.letter if option else "")
              for letter, option in zip(letters, options, strict=True)]  # fmt: skip
    if not all(len(letter) == 1 for letter in chosen):
        return None
    if chosen[0] != chosen[1]:
        return different("choice", "another choice")
    if all(options) and not prose.same_wording(left, right):
        return undecided("choice", "the same letter with another text")
    return equal("choice", "the letter decides")


def _read(text: str) -> Node | str:
    """Parse a text. Return why it is unreadable where it cannot be parsed."""
    if prose.is_words(text):
        text = prose.words_as_mathematics(text) or text
    try:
        return read(text)
    except Unreadable as error:
        return f"unreadable: {error}"


def _unread(left_node: Node | str, right_node: Node | str, left: str, right: str) -> Finding:
    """Compare two sides of which at least one could not be read."""
    if isinstance(left_node, str):
        if prose.same_wording(left, right):
            return equal("text", "the same words")
        return undecided("unread", f"reference {left_node}")
    if prose.is_hedge(right):
        return different("hedge", "no single answer")
    if prose.is_words(right) and is_definite(left_node):
        return _number_in_prose(right, left)
    return undecided("unread", f"answer {right_node}")


def _number_in_prose(answer: str, reference: str) -> Finding:
    if not answer.isascii():
        return undecided("prose", "words in another language")
    written = _NUMBERS_IN_PROSE.findall(_GROUPED.sub("", answer))
    numbers = {Fraction(number) for number in written}
    if len(numbers) == 1:
        return undecided("prose", "a number in a sentence")
    size = reference.removeprefix("-")
    if _NUMBERS_IN_PROSE.fullmatch(size) and Fraction(size) in numbers:
        return undecided("prose", "a sentence with several numbers, the reference's among them")
    return different("prose", "a sentence with several numbers" if numbers else "words")


def _decide(
    left_node: Node, right_node: Node, left: str, right: str, policy: Policy, *, symbolic: bool
) -> Finding:
    """Compare two parsed sides, then their other possible readings, then ask sympy."""
    only_words = prose.is_words(right) and not prose.words_as_mathematics(right)
    if only_words and not re.search(r"\d", right):
        return (different if right.isascii() else undecided)("prose", "words against mathematics")
    if _is_choice(left_node) and _is_choice(right_node):
        same = show(left_node).upper() == show(right_node).upper()
        return (equal if same else different)("choice", "letters of a choice")
    letters = names(left_node), names(right_node)
    if any(letters):
        read_so, left_node = left_node, with_letters_as_in(left_node, right_node, *letters)
        letters = letters if left_node is read_so else (names(left_node), letters[1])
        read_so, right_node = right_node, with_letters_as_in(right_node, left_node, *letters[::-1])
        letters = letters if right_node is read_so else (letters[0], names(right_node))
    structure = Structure(policy, len(letters[0] | letters[1]))
    found = compare_families(left_node, right_node, structure.compare)
    if found is None or found.is_different:
        found = structure.compare(left_node, right_node)
    if not found.is_equal:
        for other_left, other_right in _other_readings(left, left_node, right, right_node):
            if structure.compare(other_left, other_right).is_equal:
                reason = "equal with the comma read otherwise"
                return policy.decimal_comma.finding("commas", reason)
    if not found.is_undecided and (doubt := _doubt(left_node, right_node, letters, found)):
        return undecided("unread", doubt)
    doubtful = (found.relation, found.tier) in _FOR_SYMPY
    if symbolic and doubtful and (_has_series(left_node) or _has_series(right_node)):
        return ask_sympy(left_node, right_node) or found
    return found


def _doubt(
    left_node: Node, right_node: Node, letters: tuple[frozenset[str], ...], found: Finding
) -> str:
    """Say why a finding about two readable sides is not certain; empty where it is."""
    computed = found.tier.startswith(("sampling", "equation"))
    if found.is_equal and not computed:
        return ""
    if found.tier == "exact" and isinstance(left_node, SCALARS):  # two rational numbers
        return ""
    if any(ELLIPSIS.name in side for side in letters) and (found.is_different or computed):
        return "terms are left out"
    if found.is_equal:
        return ""
    if len({"residue()" in side for side in letters}) == 2 and found.tier in _VALUES:
        return "a congruence against a number"
    if found.tier in _SHAPES and any(map(_has_words, (left_node, right_node))):
        return "words among values"
    return ""


def _has_series(node: Node) -> bool:
    """Tell whether a node holds a sum or product that may be too long for our arithmetic.

    An infinite product is left undecided: sympy needs seconds for the simplest of them.
    """
    series = [part for part in walk(node) if isinstance(part, tree.Big)]
    return bool(series) and not any(s.kind == "prod" and s.high == INFINITY for s in series)


def _other_readings(
    left: str, left_node: Node, right: str, right_node: Node
) -> Iterator[tuple[Node, Node]]:
    """Yield both sides with a comma read as a decimal point, or 100,200 as a list of two."""
    for text, beside, other in ((left, right, right_node), (right, left, left_node)):
        second: Node | None = None
        plain = text.replace("{,}", ",").replace(",\\!", ",")
        if _DECIMAL_COMMA.fullmatch(plain) and _DECIMAL.fullmatch(beside):
            second = decimal(plain.replace(",", "."))
        elif _GROUPED.search(text) and isinstance(other, tree.Group):
            spaced = _read(_GROUPED.sub(", ", text))
            second = spaced if isinstance(spaced, tree.Group) else None
        if second is not None:
            yield (second, right_node) if text is left else (left_node, second)


def _has_words(node: Node) -> bool:
    return isinstance(node, tree.Group) and any(isinstance(item, tree.Text) for item in node.items)


def _is_choice(node: Node) -> bool:
    return isinstance(node, tree.Sym) and node.name.upper() in _CHOICES
