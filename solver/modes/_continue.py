"""A reply that grows by several requests: its text and bill, the check of its lines, other tokens.

Nothing here knows a mode; `regenerate.py` says what is done with it.
"""

import codeop
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sandbox import Finding, Level
from solver.models import Extend
from solver.records import Intervention, Message, Reply, Token

_ALTERNATIVES = 20
_LETTERS_A_TOKEN = 4
"""By which an earlier reply is counted whose tokens are not known."""
_TRIES = 5
"""Draws for another token where the provider tells no probabilities."""
MOST_REQUESTS = 1 + _TRIES
"""What `another_token` may take."""
_SPECIAL = re.compile(r"<\|.*\|>|</?s>|<(?:eos|pad|end_of_turn)>|.*\N{REPLACEMENT CHARACTER}")
"""Tokens that are no text: the end of a reply, or half a letter."""
_OPENS = re.compile(r"^[^\S\n]*```(?:python3?|py)[^\S\n]*\n", re.MULTILINE | re.IGNORECASE)
_CLOSES = re.compile(r"^[^\S\n]*```", re.MULTILINE)

Screen = Callable[[str], tuple[Finding, ...]]


@dataclass
class Growth:
    """The text so far, and what all requests for it cost together."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    """As long as they are known for the whole text; else none."""
    inherited: int = 0
    """Tokens of an earlier reply that the text began with: paid for there, but under the cap."""
    bought: int = 0
    """Tokens that the model wrote, those included that were dropped again."""
    read: int = 0
    seconds: float = 0.0
    requests: int = 0
    prompt_cut: bool = False
    interventions: list[Intervention] = field(default_factory=list)

    @classmethod
    def cut_from(cls, reply: Reply, at: int) -> "Growth":
        """An earlier reply up to a place, to be grown again from there."""
        growth = cls(text=reply.text, tokens=reply.tokens)
        growth.cut("refined", at)
        growth.inherited = len(growth.tokens) or len(growth.text) // _LETTERS_A_TOKEN
        return growth

    def room(self, cap: int) -> int:
        """How many more tokens the model may write."""
        return cap - self.inherited - self.bought

    def pay(self, piece: Reply) -> None:
        """Count a request whose text is not used."""
        self.bought += piece.output_tokens
        self.read += piece.input_tokens
        self.seconds += piece.seconds
        self.requests += piece.requests
        self.prompt_cut |= piece.prompt_cut

    def add(self, piece: Reply) -> None:
        """Append what a request brought."""
        self.pay(piece)
        self._append(piece.text, piece.tokens)

    def put(self, text: str, logprob: float | None) -> None:
        """Append one chosen token."""
        self._append(text, () if logprob is None else (Token(text=text, logprob=logprob),))

    def cut(self, kind: Literal["closed", "unparsable", "refused", "refined"], at: int) -> None:
        """Drop what follows a place, and note why."""
        dropped = self.text[at:]
        self.interventions.append(Intervention(kind=kind, at=at, dropped=dropped))
        self.text = self.text[:at]
        kept = sum(end <= at for _, end, _ in places(self.tokens))
        tokens = self.tokens[:kept]
        self.tokens = tokens if _text_of(tokens) == self.text else ()

    def reply(self, *, capped: bool) -> Reply:
        """All of it as one reply."""
        return Reply(
            text=self.text,
            input_tokens=self.read,
            output_tokens=self.bought,
            seconds=self.seconds,
            requests=self.requests,
            capped=capped,
            prompt_cut=self.prompt_cut,
            tokens=self.tokens,
            interventions=tuple(self.interventions),
        )

    def _append(self, text: str, tokens: tuple[Token, ...]) -> None:
        known = _text_of(self.tokens) == self.text and _text_of(tokens) == text
        self.text += text
        self.tokens = self.tokens + tokens if known else ()


def places(tokens: Sequence[Token]) -> Iterator[tuple[int, int, Token]]:
    """Where each token begins and ends in the text, in characters."""
    end = 0
    for token in tokens:
        begin, end = end, end + len(token.text)
        yield begin, end, token


def _text_of(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


class LineCheck:
    """Watches a reply grow, and stops it where its first program closes or a line of it fails.

    It is given the continuation after each token, and may be given it from the start again.
    """

    def __init__(self, begun: str, screen: Screen | None) -> None:
        """Without a `screen` no line is checked; those of `begun` have been."""
        self._begun = begun
        self._screen = screen
        self._checked = self._first = begun.rfind("\n") + 1
        self.found: Literal["closed", "unparsable", "refused"] | None = None
        self.at = 0
        """Characters of the whole text that can be kept."""

    def __call__(self, continuation: str) -> bool:
        """Whether the reply is to be stopped."""
        text = self._begun + continuation
        opening = _OPENS.search(text)
        if opening is None:
            return False
        start = opening.end()
        closing = _CLOSES.search(text, start)
        lines = text[: closing.start() if closing else text.rfind("\n") + 1]
        if len(lines) < self._checked:
            self._checked = self._first  # another continuation, after a request that failed
        if self._screen is not None:
            ends = [(end, False) for end in _line_ends(lines, max(start, self._checked))]
            if closing is not None:
                ends.append((len(lines), True))
            for end, whole in ends:
                if fault := _fault(text[start:end], self._screen, whole=whole):
                    return self._stop(fault.kind, start + fault.at)
        self._checked = len(lines)
        return self._stop("closed", closing.end()) if closing else False

    def _stop(self, found: Literal["closed", "unparsable", "refused"], at: int) -> bool:
        self.found, self.at = found, at
        return True


def _line_ends(text: str, begin: int) -> Iterator[int]:
    """Where each line ends that is not blank, its line break included."""
    for line in re.finditer(r"[^\n]*\S[^\n]*\n", text[begin:]):
        yield begin + line.end()


@dataclass(frozen=True)
class _Fault:
    """What is wrong with a program, and how many characters of it can be kept."""

    kind: Literal["unparsable", "refused"]
    at: int


def _fault(program: str, screen: Screen, *, whole: bool) -> _Fault | None:
    """The fault in the beginning of a program that ends with a line, or in a `whole` program.

    Where the text cannot be parsed, that is the last line's doing, since it could without it, and
    where it breaks off, that of whoever ended it there. A refusal may come late, when the statement
    is whole, so it names its line.
    """
    if program.endswith("\\\n") and not whole:
        return None  # the line goes on, which `codeop` takes for a mistake
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those on escapes, meant for its author
            complete = codeop.compile_command(program, symbol="exec") is not None
    except (SyntaxError, ValueError, OverflowError):
        return _Fault("unparsable", len(program) if whole else line_begin(program, -1))
    except (MemoryError, RecursionError):
        return None  # the interpreter in the sandbox will say so
    if not complete:
        return _Fault("unparsable", len(program)) if whole else None
    refused = [finding.line for finding in screen(program) if finding.level is Level.REFUSE]
    return _Fault("refused", line_begin(program, min(refused) - 1)) if refused else None


def line_begin(program: str, number: int) -> int:
    """Where a line begins, in characters: the first is 0, the last -1 and any behind it."""
    begins = [0, *(line_break.end() for line_break in re.finditer("\n(?=.)", program, re.DOTALL))]
    return begins[min(number, len(begins) - 1)]


async def another_token(
    extend: Extend,
    chat: Sequence[Message],
    kept: str,
    dropped: Sequence[str],
    seed: int,
    growth: Growth,
) -> tuple[str, float | None] | None:
    """The likeliest token after `kept` that none of `dropped` begins with, and its log-probability.

    `growth` pays. Where the provider tells no probabilities, one is drawn at temperature 1. None
    where the model offers no other.
    """

    def other(text: str) -> bool:
        special = not text or _SPECIAL.fullmatch(text)
        return not special and not any(line.startswith(text) for line in dropped)

    likely = await extend(
        chat, kept, seed=seed, max_tokens=1, logprobs=_ALTERNATIVES, temperature=0.0
    )
    growth.pay(likely)
    if likely.tokens:
        return next((token for token in likely.tokens[0].alternatives if other(token[0])), None)
    for number in range(1, _TRIES + 1):
        drawn = await extend(chat, kept, seed=seed + number, max_tokens=1, temperature=1.0)
        growth.pay(drawn)
        if other(drawn.text):
            return drawn.text, None
    return None
