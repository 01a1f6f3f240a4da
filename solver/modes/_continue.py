"""Build one reply from several requests: its text and cost, checks of its lines, other tokens.

Shared by the arms of regeneration, each of which is a file of its own.
"""

import codeop
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sandbox import Finding, Level
from solver.models import Extend
from solver.modes import Mode, Solve, code
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
class PartialReply:
    """The text of a reply so far, and what all requests for it cost together."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    """As long as they are known for the whole text; else none."""
    inherited: int = 0
    """Tokens of an earlier reply that the text starts with: counted there, but under this cap."""
    written: int = 0
    """Tokens that the model wrote, those included that were dropped again."""
    read: int = 0
    seconds: float = 0.0
    requests: int = 0
    prompt_cut: bool = False
    interventions: list[Intervention] = field(default_factory=list)

    @classmethod
    def cut_from(cls, reply: Reply, at: int) -> "PartialReply":
        """Return an earlier reply up to a place, to be continued from there."""
        partial = cls(text=reply.text, tokens=reply.tokens)
        partial.cut("refined", at)
        partial.inherited = len(partial.tokens) or len(partial.text) // _LETTERS_A_TOKEN
        return partial

    def room(self, cap: int) -> int:
        """Return how many more tokens the model may write."""
        return cap - self.inherited - self.written

    def count(self, piece: Reply) -> None:
        """Count a request whose text is not used."""
        self.written += piece.output_tokens
        self.read += piece.input_tokens
        self.seconds += piece.seconds
        self.requests += piece.requests
        self.prompt_cut |= piece.prompt_cut

    def add(self, piece: Reply) -> None:
        """Append what a request brought."""
        self.count(piece)
        self._append(piece.text, piece.tokens)

    def append(self, text: str, logprob: float | None) -> None:
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
        """Return all of it as one reply."""
        return Reply(
            text=self.text,
            input_tokens=self.read,
            output_tokens=self.written,
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
    """Yield where each token begins and ends in the text, in characters."""
    end = 0
    for token in tokens:
        begin, end = end, end + len(token.text)
        yield begin, end, token


def _text_of(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


class LineCheck:
    """Watches a reply as it is written, and stops it where its program closes or a line fails.

    It is given the continuation after each token, and may be given it from the start again.
    """

    def __init__(self, start: str, screen: Screen | None) -> None:
        """Check no line where there is no `screen`; those of `start` have been checked."""
        self._start = start
        self._screen = screen
        self._checked = self._first = start.rfind("\n") + 1
        self.found: Literal["closed", "unparsable", "refused"] | None = None
        self.at = 0
        """Characters of the whole text that can be kept."""

    def __call__(self, continuation: str) -> bool:
        """Tell whether the reply is to be stopped."""
        text = self._start + continuation
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
    """Yield where each line ends that is not blank, its line break included."""
    for line in re.finditer(r"[^\n]*\S[^\n]*\n", text[begin:]):
        yield begin + line.end()


@dataclass(frozen=True)
class _Fault:
    """What is wrong with a program, and how many characters of it can be kept."""

    kind: Literal["unparsable", "refused"]
    at: int


def _fault(program: str, screen: Screen, *, whole: bool) -> _Fault | None:
    """Find the fault in the first lines of a program, or in a `whole` program.

    Text that cannot be parsed is the fault of its last line, since it could be parsed without it. A
    program that is whole and yet incomplete is at fault where it ends. The screen may refuse a
    statement only once it is complete, so the refusal names its line.
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
    """Return where a line begins, in characters; lines count from 0, and -1 is the last."""
    begins = [0, *(line_break.end() for line_break in re.finditer("\n(?=.)", program, re.DOTALL))]
    return begins[min(number, len(begins) - 1)]


async def another_token(
    extend: Extend,
    chat: Sequence[Message],
    kept: str,
    dropped: Sequence[str],
    seed: int,
    partial: PartialReply,
) -> tuple[str, float | None] | None:
    """Find the likeliest token after `kept` that none of `dropped` begins with.

    Returns it with its log-probability; None where the model offers no other. Where the provider
    tells no probabilities, one is drawn at temperature 1. The requests are counted in `partial`.
    """

    def other(text: str) -> bool:
        special = not text or _SPECIAL.fullmatch(text)
        return not special and not any(line.startswith(text) for line in dropped)

    likely = await extend(
        chat, kept, seed=seed, max_tokens=1, logprobs=_ALTERNATIVES, temperature=0.0
    )
    partial.count(likely)
    if likely.tokens:
        return next((token for token in likely.tokens[0].alternatives if other(token[0])), None)
    for number in range(1, _TRIES + 1):
        drawn = await extend(chat, kept, seed=seed + number, max_tokens=1, temperature=1.0)
        partial.count(drawn)
        if other(drawn.text):
            return drawn.text, None
    return None


def control_of(
    control: str,
    definition: str,
    solve: Solve,
    *,
    most_requests: Callable[[Any, int], int],
    settings: Callable[[Any], dict[str, Any]] = code.settings,
    most_kept: Callable[[Any], int] = code.MODE.most_kept,
) -> Mode:
    """Return the record of an arm that differs from mode `code` in how its replies are made."""
    return replace(
        code.MODE,
        name=f"code+{control}",
        definition=definition,
        solve=solve,
        settings=settings,
        options=None,
        faults=lambda config: iter(()),
        arms=lambda config: (),
        obeys=("code",),
        compared_with="code",
        most_requests=most_requests,
        most_kept=most_kept,
        needs=frozenset({"continuing"}),
    )
