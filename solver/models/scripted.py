"""A model that says what it was given: for tests and dry runs.

Which reply it gives depends on the chat and the seed alone, never on the order of requests, so a
run of thousands of concurrent trials gives the same replies every time. It counts words as tokens.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

from pydantic import Field, ValidationError

from solver.errors import ConfigError, ModelError
from solver.models import CompleteOptions, ContinueOptions, Provider
from solver.models._thoughts import keep_apart
from solver.records import Message, Record, Reply, Sampling, Token, digest


class Line(Record):
    """One given reply, if its text alone does not say enough."""

    text: str = ""
    thoughts: str = ""
    """Thoughts that come apart from the text."""
    instead: tuple[str, ...] = ()
    """Other whole replies, for a partial reply that `text` does not start with; in order."""
    unsure: tuple[str, ...] = ()
    """Words that the model says it is unsure of: log-probability -3, where others have -0.1."""
    capped: bool = False
    """Pretend that the reply reached `max_tokens`."""
    prompt_cut: bool = False
    """Pretend that the server dropped part of the prompt."""
    fails: int = 0
    """How often this request fails before it is answered; -1 for always."""
    status: int = 500
    """HTTP status of those failures."""
    retry_after: float | None = None
    """Seconds those failures ask to wait."""


TurnLine = str | Line | tuple[str | Line, ...]


class Script(Record):
    """What is said in conversations about one problem."""

    when: str = ""
    """Text of the problem; empty matches every problem that no other script matches."""
    replies: tuple[TurnLine, ...] = Field(min_length=1)
    """One entry a turn, then round again. An entry that is a list is chosen from by the seed."""

    def turn(self, number: int, seed: int) -> Line:
        """Return what is said at a turn (from 0)."""
        entry = self.replies[number % len(self.replies)]
        if isinstance(entry, tuple):
            entry = entry[seed % len(entry)]
        return _line(entry)

    def next_turn(self, chat: Sequence[Message]) -> int:
        """Return the turn after the script's last line in the chat; its lines should differ."""
        said = [self._turn_of[m.text] for m in chat if m.text in self._turn_of]
        return said[-1] + 1 if said else 0

    @cached_property
    def _turn_of(self) -> dict[str, int]:
        """Map each line, as it is sent back, to the turn at which it is said first."""
        turns: dict[str, int] = {}
        for number, entry in enumerate(self.replies):
            for line in entry if isinstance(entry, tuple) else (entry,):
                turns.setdefault(keep_apart(Reply(text=_line(line).text)).text, number)
        return turns


class Options(Record):
    """Where the replies come from, and how fast. Scripts are tried in order, `replies` last."""

    replies: tuple[TurnLine, ...] = ()
    """Said about any problem: one entry a turn; an entry that is a list is chosen from by seed."""
    scripts: tuple[Script, ...] = ()
    """Replies by problem: `{when: text of the problem, replies: [...]}`."""
    file: str | None = None
    """A JSONL file of such scripts."""
    delay: float = Field(default=0.0, ge=0)
    """Seconds a reply takes."""
    parallel: int = Field(default=64, ge=1)
    """Requests at a time."""


def connect(name: str, sampling: Sampling, options: Options) -> "Scripted":
    """Return the scripted model. If the options give nothing, a name in .jsonl is the file.

    Raises ConfigError if there is nothing to say, or the file cannot be read.
    """
    scripts = [*options.scripts]
    file = options.file
    if not (scripts or options.replies or file) and name.endswith(".jsonl"):
        file = name
    if file:
        scripts += _read(Path(file).expanduser())
    if options.replies:
        scripts.append(Script(replies=options.replies))
    if not scripts:
        raise ConfigError(
            f"model 'scripted/{name}': it has nothing to say;"
            " give the options `replies: [..]` or `file: replies.jsonl`"
        )
    return Scripted(name=name, scripts=scripts, delay=options.delay, parallel=options.parallel)


class Scripted:
    """Says what it was given, in Python as in a config."""

    def __init__(
        self,
        *,
        replies: Sequence[TurnLine] = (),
        scripts: Sequence[Script] = (),
        name: str = "test",
        delay: float = 0.0,
        parallel: int = 64,
        history: list[tuple[tuple[Message, ...], int]] | None = None,
    ) -> None:
        """Take replies and scripts; `history`, if given, receives each request's chat and seed."""
        self.name = f"scripted/{name}"
        self.endpoint = self.name
        self.parallel = parallel
        self._scripts = [*scripts, *([Script(replies=tuple(replies))] if replies else [])]
        self._delay = delay
        self._history = history
        self._failed: dict[str, int] = {}

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Return what the script says at this turn of the chat."""
        line = await self._said(chat, "", seed)
        text = _before(stop, line.text)
        reply = Reply(
            text=text,
            thoughts=line.thoughts,
            input_tokens=_words(chat),
            output_tokens=_tokens(text) + _tokens(line.thoughts),
            seconds=self._delay,
            capped=line.capped and text == line.text,
            prompt_cut=line.prompt_cut,
        )
        return keep_apart(reply)

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Return the rest of the turn's text, or of the first `instead` that starts with `partial`.

        The continuation is empty if none does. `until` is asked after each word.
        """
        line = await self._said(chat, partial, how["seed"])
        until, logprobs = how.get("until"), how.get("logprobs", 0)
        texts = [text for text in (line.text, *line.instead) if text.startswith(partial)]
        pieces = _pieces(texts[0][len(partial) :]) if texts else []
        tokens: list[Token] = []
        said = partial
        cut = False
        for piece in pieces[: how.get("max_tokens")]:
            tokens.append(_token(piece, line, texts, said, logprobs))
            said += piece
            if until is not None and until(said[len(partial) :]):
                cut = True
                break
        unfinished = len(tokens) < len(pieces)
        return Reply(
            text=said[len(partial) :],
            input_tokens=_words(chat) + _tokens(partial),
            output_tokens=len(tokens),
            seconds=self._delay,
            capped=not cut and (unfinished or line.capped),
            prompt_cut=line.prompt_cut,
            tokens=tuple(tokens) if logprobs else (),
        )

    async def prove_extend(self) -> None:
        """Do nothing: it can always continue."""

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Return the rest of the reply that `prefix` ends with the start of, or a whole reply."""
        chat = (Message(role="user", text=prefix),)
        text = self._script_for(chat).turn(0, how["seed"]).text
        said = next(n for n in range(len(text), -1, -1) if prefix.endswith(text[:n]))
        pieces = _pieces(_before(how.get("stop", ()), text[said:]))
        kept = pieces[: how.get("max_tokens")]
        await asyncio.sleep(self._delay)
        return Reply(
            text="".join(kept),
            input_tokens=_tokens(prefix),
            output_tokens=len(kept),
            seconds=self._delay,
            capped=len(kept) < len(pieces),
        )

    async def describe(self) -> dict[str, Any]:
        """Return the hash of all that can be said."""
        scripts = [script.model_dump(mode="json") for script in self._scripts]
        return {"scripts": len(scripts), "hash": digest(scripts)}

    async def close(self) -> None:
        """Do nothing: nothing is open."""

    async def _said(self, chat: Sequence[Message], partial: str, seed: int) -> Line:
        """Return what is said at this turn of the chat, unless the line makes the request fail."""
        if self._history is not None:
            asked = (Message(role="assistant", text=partial),) if partial else ()
            self._history.append(((*chat, *asked), seed))
        script = self._script_for(chat)
        line = script.turn(script.next_turn(chat), seed)
        await asyncio.sleep(self._delay)
        if line.fails:
            self._fail(line, [*chat, Message(role="assistant", text=partial)], seed)
        return line

    def _script_for(self, chat: Sequence[Message]) -> Script:
        """Find the script of the last question, which worked examples may precede."""
        for message in reversed(chat):
            if message.role == "user":
                for script in self._scripts:
                    if script.when and script.when in message.text:
                        return script
        for script in self._scripts:
            if not script.when:
                return script
        asked = next((m.text for m in reversed(chat) if m.role == "user"), "")
        raise ModelError(f"{self.name}: no script for {asked[:80]!r}", retryable=False)

    def _fail(self, line: Line, chat: Sequence[Message], seed: int) -> None:
        """Raise the failure that a line gives, as often as it says for the same request."""
        request = digest([[(m.role, m.text) for m in chat], seed])
        failed = self._failed.get(request, 0)
        if line.fails < 0 or failed < line.fails:
            self._failed[request] = failed + 1
            raise ModelError(
                f"{self.name}: scripted failure {line.status}",
                status=line.status,
                retryable=line.status in (408, 409, 429) or line.status >= 500,
                retry_after=line.retry_after,
            )


def _read(path: Path) -> list[Script]:
    """Read a JSONL file of scripts. Raises ConfigError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigError(f"{path}: cannot be read: {failure}") from failure
    scripts = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                scripts.append(Script.model_validate_json(line))
            except ValidationError as invalid:
                first = invalid.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise ConfigError(
                    f"{path}:{number}: {where or 'line'}: {first['msg']};"
                    ' a line is {"when": "text of the problem", "replies": ["..."]}'
                ) from invalid
    return scripts


def _line(entry: str | Line) -> Line:
    """Return an entry as a line."""
    return entry if isinstance(entry, Line) else Line(text=entry)


def _before(stop: Sequence[str], text: str) -> str:
    """Return the text before the first of the marks."""
    for mark in stop:
        text = text.partition(mark)[0]
    return text


def _pieces(text: str) -> list[str]:
    """Split into words, each with the space before it."""
    return re.findall(r"\s*\S+|\s+", text)


def _token(piece: str, line: Line, texts: Sequence[str], said: str, count: int) -> Token:
    """Return a piece as a token; the other texts that start with `said` give its alternatives."""
    logprob = -3.0 if piece.strip() in line.unsure else -0.1
    rests = [text.removeprefix(said) for text in texts if text.startswith(said) and text != said]
    others = dict.fromkeys([piece, *(_pieces(rest)[0] for rest in rests)])
    alternatives = tuple((text, logprob - number) for number, text in enumerate(others))
    return Token(text=piece, logprob=logprob, alternatives=alternatives[:count])


def _words(chat: Sequence[Message]) -> int:
    """Count the words of a chat."""
    return sum(_tokens(message.text) for message in chat)


def _tokens(text: str) -> int:
    """Count the words of a text, which stand for its tokens."""
    return len(text.split())


PROVIDER = Provider(
    name="scripted",
    description="given replies, for tests and dry runs",
    options=Options,
    connect=connect,
    can=frozenset({"continuing", "logprobs", "raw", "seed", "stop"}),
    reach=frozenset({"parallel"}),
)
