"""Step through tokens, and refuse what nests too deep or is too large."""

from judge.reading.digits import Token
from judge.reading.tree import Unreadable
from judge.reading.words import terms

MAX_DEPTH = 50
MAX_NODES = 500

_FUNCTION_LETTERS = frozenset(terms("f g F G"))


class Cursor:
    """A position in a list of tokens, with the caps on depth and nodes: the base of the parser."""

    def __init__(self, tokens: list[Token], *, latex: bool, depth: int = 0) -> None:
        self.tokens = tokens
        self.latex = latex  # a plain brace groups, as in LaTeX, or makes a set, as in Python
        self.at = 0
        self.depth = depth
        self.nodes = 0
        self.bars = 0
        self.in_builder = False
        self.functions: set[str] = set(_FUNCTION_LETTERS)

    @property
    def token(self) -> Token:
        """Return the next token without taking it."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise Unreadable("it ends too early")
        self.at += 1
        return token

    def is_op(self, *values: str) -> bool:
        """Tell whether the next token is one of these operators."""
        kind, value, _ = self.tokens[self.at]
        return kind == "op" and value in values

    def accept(self, *values: str) -> str:
        """Take the next token if it is one of these operators. Return it, or an empty string."""
        kind, value, _ = self.tokens[self.at]
        if kind == "op" and value in values:
            self.at += 1
            return value
        return ""

    def expect(self, *values: str) -> str:
        """Take the next token. Raises `Unreadable` if it is none of these operators."""
        found = self.accept(*values)
        if not found:
            raise Unreadable(f"{self.token.value or 'the end'!r} where {values[0]!r} should be")
        return found

    def deeper(self) -> None:
        """Count a level against the cap."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"deeper than {MAX_DEPTH} levels")

    def count(self) -> None:
        """Count a node against the cap."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} nodes")
