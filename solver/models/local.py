"""A GGUF model in this process, on CPU or GPU, by llama.cpp through xllamacpp. No server to start.

`local/smollm2` needs no set-up. A sampling value left unset is switched off here (`top_p` 1, no
`top_k`); llama.cpp's own defaults are never used. The same seed gives the same reply on one machine
only while the batches are the same, so replies differ in rare ties with several requests at a time,
and between a prompt that is read and one that is in the cache already. A partial reply is continued
from the token ids it was written in.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Unpack

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.install import pip_install
from solver.models import CompleteOptions, ContinueOptions, Provider, Until
from solver.models._formats import json_of
from solver.models._llama_cpp import LlamaCpp, TooLong, xllamacpp
from solver.models._model import overrides
from solver.models._stream import Piece, collect_reply, token
from solver.models._templates import Prompts
from solver.models._thinking import Thinking, template_kwargs
from solver.models._thoughts import keep_apart, opens_thoughts, read_message, refuse_thoughts
from solver.models._token_ids import Part, TokenIds
from solver.models._weights import find_weights, gguf_facts, sha256_of
from solver.records import Message, Record, Reply, Sampling, Token

PROBE = (Message(role="user", text="1 + 1?"),)
"""A chat to see what the template makes of one."""
MOST_TOKENS_PER_CHARACTER = 4
"""A character has at most four bytes, and a token at least one."""


class Options(Record):
    """How the model is loaded."""

    context: int = Field(default=4096, ge=128)
    """Tokens of prompt and reply together, for each request."""
    thinking: Thinking = "default"
    """How much the model thinks: `off`, a level or a number of tokens. Better set for each model,
    with its key `thinking`."""
    parallel: int = Field(default=2, ge=1)
    """Requests at a time, in one batch."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads; by default one a core."""
    gpu_layers: int = Field(default=-1, ge=-1)
    """Layers to put on a GPU; -1 for all, if the installed xllamacpp has GPU support."""
    timeout: float = Field(default=3600.0, gt=0)
    """Seconds for one reply."""


def connect(name: str, sampling: Sampling, options: Options) -> "Local":
    """Return the model; its weights are found or downloaded, and loaded, when it is first used.

    Raises ConfigError if xllamacpp or the file is missing, or no prompt would fit.
    """
    if sampling.max_tokens >= options.context:
        raise ConfigError(
            f"model 'local/{name}': sampling.max_tokens {sampling.max_tokens} leaves no room for"
            f" the prompt; raise the option context above {options.context}"
        )
    try:
        xllamacpp()
    except ImportError as missing:
        raise ConfigError(
            f"model 'local/{name}' needs xllamacpp ({missing}): {pip_install('local')}"
        ) from missing
    return Local(name, sampling, options)


NO_PENALTY = {"repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
"""What llama.cpp does with a penalty that is not sent."""


class Local:
    """A language model in this process."""

    endpoint = "local, in this process"

    def __init__(self, name: str, sampling: Sampling, options: Options) -> None:
        self.name = f"local/{name}"
        self.parallel = options.parallel
        self._find = find_weights(name)
        self._sampling = sampling
        self._options = options
        self._loaded: tuple[Path, LlamaCpp] | None = None
        self._prompts = Prompts(self._render)
        self._token_ids = TokenIds()
        self._exact: bool | None = None
        self._opens_thoughts: bool | None = None
        self._rendered = False
        self._loading = asyncio.Lock()
        self._slots = asyncio.Semaphore(options.parallel)

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat. A prompt that does not fit gives an empty reply with `prompt_cut`."""
        request = self._request(seed, stop)
        request |= {"messages": _messages(chat), **self._thinking()}
        if schema is not None:
            request["response_format"] = json_of(schema)
        return keep_apart(await self._ask(request), opened=await self._opens() is True)

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue a partial reply from the token ids it was written in, as far as they are known.

        A first token that is only part of a character has no text, so more tokens are requested
        until there is some.
        """
        if self._exact is None:
            self._exact = await self._tokens_are_text()
        prompt = await self._prompts.of(chat)
        known = self._token_ids.of(prompt, partial)
        logprobs, until = how.get("logprobs", 0), how.get("until")
        request = self._request(how["seed"])
        request["prompt"] = _prompt(prompt, partial, known)
        request["logprobs"] = max(logprobs, 1)  # without it llama.cpp returns no token ids
        request |= overrides(how)
        written: list[Part] = []
        requests = 1
        reply = await self._ask(request, until, written)
        while reply.capped and not reply.text and request["max_tokens"] < MOST_TOKENS_PER_CHARACTER:
            request["max_tokens"] += 1
            requests += 1
            reply = await self._ask(request, until, written)
        if self._exact and not self._sampling.stop:  # a stop that nearly came hides some tokens
            self._token_ids.keep(prompt, known, written)
        tokens = reply.tokens if logprobs else ()
        return reply.model_copy(update={"tokens": tokens, "requests": requests})

    async def prove_extend(self) -> None:
        """Load the model, and check that this llama.cpp renders a chat without answering it."""
        try:
            prompt = await self._prompts.of(PROBE)
        except ModelError as unable:
            raise ConfigError(f"{unable}; pip install -U xllamacpp, or use another model") from None
        refuse_thoughts(self.name, prompt)

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue raw text."""
        request = self._request(how["seed"], how.get("stop", ()))
        request["prompt"] = prefix
        request |= overrides(how)
        return await self._ask(request)

    async def describe(self) -> dict[str, Any]:
        """Return file, SHA-256, quantisation and versions. Loads the model."""
        path, _ = await self._load()
        return {
            "file": path.name,
            "sha256": await asyncio.to_thread(sha256_of, path),
            **gguf_facts(path),
            "thinks": await self._opens(),
            "context": self._options.context,
            "parallel": self.parallel,
            "threads": _threads(self._options),
            "gpu_layers": self._options.gpu_layers,
            "xllamacpp": xllamacpp().__version__,
        }

    async def close(self) -> None:
        """Stop what is still being generated, and give the memory back."""
        if self._loaded is not None:
            await self._loaded[1].close()

    async def _load(self) -> tuple[Path, LlamaCpp]:
        """Find and load the weights, once."""
        async with self._loading:
            if self._loaded is None:
                options = self._options
                path = await asyncio.to_thread(self._find)
                llama = await asyncio.to_thread(
                    LlamaCpp,
                    self.name,
                    path,
                    context=options.context,
                    parallel=options.parallel,
                    threads=_threads(options),
                    gpu_layers=options.gpu_layers,
                )
                self._loaded = path, llama
            return self._loaded

    async def _render(self, chat: Sequence[Message]) -> str:
        """Return the prompt that llama.cpp makes of a chat."""
        _, llama = await self._load()
        body = {"messages": _messages(chat), **template_kwargs(self._options.thinking)}
        return str((await llama.post("/apply-template", body))["prompt"])

    async def _opens(self) -> bool | None:
        """Tell what the template does with thoughts; None where this llama.cpp renders no chat."""
        if not self._rendered:
            try:
                self._opens_thoughts = opens_thoughts(await self._prompts.of(PROBE))
            except ModelError:
                self._opens_thoughts = None
            self._rendered = True
        return self._opens_thoughts

    async def _tokens_are_text(self) -> bool:
        """Tell whether tokenising adds no space before a text, so that tokens join to the text."""
        _, llama = await self._load()
        asked = {"content": "a", "add_special": False, "with_pieces": True}
        return bool((await llama.post("/tokenize", asked))["tokens"][0]["piece"] == "a")

    def _thinking(self) -> dict[str, Any]:
        """Return how much the model is to think, in llama.cpp's names."""
        wanted = self._options.thinking
        budget = {"thinking_budget_tokens": wanted} if isinstance(wanted, int) else {}
        return {**template_kwargs(wanted), **budget}

    def _request(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        """Return what all requests have in common."""
        sampling = self._sampling
        return {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
            "top_k": sampling.top_k or 0,
            "min_p": sampling.min_p or 0.0,
            **self._penalties(),
            "stop": [*sampling.stop, *stop],
            "seed": seed % (2**32 - 1),  # 2**32 - 1 itself means a random seed
            "stream": True,  # so that it can be stopped between two tokens of the reply
            "return_progress": True,  # and between two batches of the prompt
            "stream_options": {"include_usage": True},
        }

    def _penalties(self) -> dict[str, float]:
        """Return the penalties that are set; llama.cpp has none otherwise."""
        names = ("repeat_penalty", "presence_penalty", "frequency_penalty")
        values = ((name, getattr(self._sampling, name)) for name in names)
        return {name: value for name, value in values if value is not None}

    async def _ask(
        self,
        request: dict[str, Any],
        until: Until | None = None,
        written: list[Part] | None = None,
    ) -> Reply:
        """Make one request; `written` receives the tokens of the reply."""
        _, llama = await self._load()
        async with self._slots:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(self._options.timeout):
                    return await collect_reply(
                        _pieces(llama, request, written),
                        prompt="",
                        until=until,
                        endpoint=self.name,
                    )
            except TimeoutError as late:
                raise ModelError(
                    f"{self.name}: no whole reply in {self._options.timeout:g} s;"
                    " raise the option `timeout`, or lower sampling.max_tokens"
                ) from late
            except TooLong as refusal:
                seconds = time.perf_counter() - started
                return Reply(text="", input_tokens=refusal.tokens, seconds=seconds, prompt_cut=True)


def _prompt(prompt: str, partial: str, known: Sequence[Part]) -> str | list[str | int]:
    """Return what llama.cpp is given: one text, or a list of texts and token ids."""
    if any(part.token is not None for part in known):
        return [prompt, *(part.text if part.token is None else part.token for part in known)]
    return prompt + partial  # a list of texts without an id would be taken for several prompts


async def _pieces(
    llama: LlamaCpp, request: dict[str, Any], written: list[Part] | None
) -> AsyncGenerator[Piece, None]:
    """Yield the events of one request as pieces of its reply; `written` receives its tokens."""
    async with aclosing(llama.events(request)) as events:
        async for event in events:
            if "error" in event:
                raise llama.refusal(event["error"])
            yield _piece(event, written)


def _piece(event: dict[str, Any], written: list[Part] | None) -> Piece:
    """Read one event. A character made of several tokens comes with the last of them."""
    text = thoughts = ""
    finish = None
    tokens: list[Token] = []
    for choice in event.get("choices", ()):
        words, thought = read_message(choice.get("delta", {}))
        text += choice.get("text") or words
        thoughts += thought
        finish = choice["finish_reason"] or finish
        for entry in (choice.get("logprobs") or {}).get("content", ()):
            tokens.append(token(entry))
            if written is not None:
                written.append(Part(entry["token"], entry["id"]))
    usage = event.get("usage") or {}
    return Piece(
        text=text,
        thoughts=thoughts,
        tokens=tuple(tokens),
        finish=finish,
        read=usage.get("prompt_tokens", event.get("prompt_progress", {}).get("total")),
        wrote=usage.get("completion_tokens"),
    )


def _messages(chat: Sequence[Message]) -> list[dict[str, str]]:
    """Return a chat in the form of the chat API."""
    return [{"role": message.role, "content": message.text} for message in chat]


def _threads(options: Options) -> int:
    """Return the CPU threads to use: the option's, or one for each core this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return options.threads or cores or 1


PROVIDER = Provider(
    name="local",
    description="a GGUF file in this process, by llama.cpp; local/smollm2 needs no set-up",
    options=Options,
    connect=connect,
    can=frozenset(
        {
            "continuing",
            "logprobs",
            "raw",
            "schema",
            "seed",
            "stop",
            "thinking-budget",
            "thinking-level",
            "thinking-off",
        }
    ),
    reach=frozenset({"gpu_layers", "parallel", "threads", "timeout"}),
    neutral={"top_p": 1.0, "top_k": 0, "min_p": 0.0, **NO_PENALTY},
    loads=True,
    library="xllamacpp",
    install=pip_install("local").removeprefix("pip install "),
)
