"""Build one reply from several requests: add up text and cost, check lines, replace tokens.

Shared by the modes `code+literal`, `code+guided` and `code+refine`, which have a file each.
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
"""Characters per token, to estimate the length of a reply whose tokens are not known."""
_TRIES = 5
"""Draws for another token where the provider returns no probabilities."""
MOST_REQUESTS = 1 + _TRIES
"""The most requests that one call of `another_token` makes."""
_SPECIAL = re.compile(r"<\|.*\|>|</?s>|<(?:eos|pad|end_of_turn)>|.*\N{REPLACEMENT CHARACTER}")
"""Tokens that cannot be used as text: the end of a reply, or part of a character's bytes."""
_OPENS = re.compile(r"^[^\S\n]*```(?:python3?|py)[^\S\n]*\n", re.MULTILINE | re.IGNORECASE)
_CLOSES = re.compile(r"^[^\S\n]*```", re.MULTILINE)

Screen = Callable[[str], tuple[Finding, ...]]


@dataclass
class PartialReply:
    """The text of a reply so far, and the cost of all requests made for it."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    """The tokens of the text; empty unless they are known for all of it."""
    inherited: int = 0
    """Tokens at the beginning of the text that come from an earlier reply. They count towards the
    cap on this reply, but as output of the earlier one."""
    written: int = 0
    """Tokens that the model wrote, including those dropped later."""
    read: int = 0
    seconds: float = 0.0
    requests: int = 0
    prompt_cut: bool = False
    interventions: list[Intervention] = field(default_factory=list)

    @classmethod
    def cut_from(cls, reply: Reply, at: int) -> "PartialReply":
        """Return an earlier reply cut to its first `at` characters, to be continued from there."""
        partial = cls(text=reply.text, tokens=reply.tokens)
        partial.cut("refined", at)
        partial.inherited = len(partial.tokens) or len(partial.text) // _LETTERS_A_TOKEN
        return partial

    def room(self, cap: int) -> int:
        """Return how many more tokens the model may write."""
        return cap - self.inherited - self.written

    def count(self, piece: Reply) -> None:
        """Add the cost of a request, without its text."""
        self.written += piece.output_tokens
        self.read += piece.input_tokens
        self.seconds += piece.seconds
        self.requests += piece.requests
        self.prompt_cut |= piece.prompt_cut

    def add(self, piece: Reply) -> None:
        """Append the text of a request, and add its cost."""
        self.count(piece)
        self._append(piece.text, piece.tokens)

    def append(self, text: str, logprob: float | None) -> None:
        """Append one chosen token."""
        self._append(text, () if logprob is None else (Token(text=text, logprob=logprob),))

    def cut(self, kind: Literal["closed", "unparsable", "refused", "refined"], at: int) -> None:
        """Drop the text after its first `at` characters, and record the intervention."""
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
    """Checks a reply while it is written, and stops it where its program ends or a line fails.

    It is called after each token with all of the continuation. Where the request is repeated after
    a failure, the continuation starts again from its first token.
    """

    def __init__(self, start: str, screen: Screen | None) -> None:
        """Check the lines after `start`, which was checked before; without `screen`, check none."""
        self._start = start
        self._screen = screen
        self._checked = self._first = start.rfind("\n") + 1
        self.found: Literal["closed", "unparsable", "refused"] | None = None
        self.at = 0
        """Characters of the whole text that can be kept."""

    def __call__(self, continuation: str) -> bool:
        """Tell whether to stop the reply."""
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
    """Yield where each line that is not blank ends, after its line break."""
    for line in re.finditer(r"[^\n]*\S[^\n]*\n", text[begin:]):
        yield begin + line.end()


@dataclass(frozen=True)
class _Fault:
    """What is wrong with a program, and how many characters of it can be kept."""

    kind: Literal["unparsable", "refused"]
    at: int


def _fault(program: str, screen: Screen, *, whole: bool) -> _Fault | None:
    """Find what is wrong with the beginning of a program, or with a `whole` program.

    Where the text does not parse, its last line is wrong, since the lines before it passed this
    check. A program that is whole but incomplete (such as one that ends inside a block) fails at
    its end. The screen sees a statement only once it is complete, so a refusal may concern an
    earlier line.
    """
    if program.endswith("\\\n") and not whole:
        return None  # the next line continues this one, but `codeop` would call it a mistake
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. about invalid escapes in the model's program
            complete = codeop.compile_command(program, symbol="exec") is not None
    except (SyntaxError, ValueError, OverflowError):
        return _Fault("unparsable", len(program) if whole else line_begin(program, -1))
    except (MemoryError, RecursionError):
        return None  # the sandbox's interpreter will fail on it, and report that
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
    """Find the likeliest token after `kept` that none of the texts in `dropped` begins with.

    Returns it with its log-probability, or None where the model offers no other token. Where the
    provider returns no probabilities, tokens are drawn at temperature 1, and the log-probability is
    None. The cost of the requests is added to `partial`.
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
    """Return the record of a mode that is mode `code` but for how its replies are made."""
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
