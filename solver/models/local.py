"""A GGUF model in this process, on CPU or GPU, by llama.cpp through xllamacpp. No server to start.

`local/smollm2` needs no set-up. A sampling value left unset is switched off here (`top_p` 1, no
`top_k`), never llama.cpp's own default. The same seed gives the same reply on one machine only
while the batches are the same, so replies differ in rare ties with several requests at a time, and
between a prompt that is read and one that is in the cache already. A begun reply goes on from the
very tokens it was written in; thoughts, which `generate` leaves out, are part of it.
"""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.models._formats import json_of
from solver.models._stream import Piece, Until, grown, token
from solver.models._templates import Prompts
from solver.models._token_ids import Part, Spelling
from solver.models._weights import find_weights, gguf_facts, sha256_of
from solver.records import Message, Record, Reply, Sampling, Token

LONGEST_LETTER = 4
"""Tokens that one letter may take: as many as it has bytes."""


class Options(Record):
    """How the model is loaded."""

    context: int = Field(default=4096, ge=128)
    """Tokens of prompt and reply together, for each request."""
    parallel: int = Field(default=2, ge=1)
    """Requests at a time, in one batch."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads; by default one a core."""
    gpu_layers: int = Field(default=-1, ge=-1)
    """Layers to put on a GPU; -1 for all, where the installed xllamacpp has GPU support."""
    timeout: float = Field(default=3600.0, gt=0)
    """Seconds for one reply."""


def connect(name: str, sampling: Sampling, options: Options) -> "Local":
    """The model; its weights are found or downloaded, and loaded, when it is first used.

    Raises ConfigError where xllamacpp or the file is missing, or no prompt would fit.
    """
    if sampling.max_tokens >= options.context:
        raise ConfigError(
            f"model 'local/{name}': sampling.max_tokens {sampling.max_tokens} leaves no room for"
            f" the prompt; raise the option context above {options.context}"
        )
    try:
        _xllamacpp()
    except ImportError as missing:
        raise ConfigError(
            f"model 'local/{name}' needs xllamacpp ({missing}): pip install 'solver[local]'"
        ) from missing
    return Local(name, find_weights(name), sampling, options)


class Local:
    """A language model in this process."""

    endpoint = "local, in this process"

    def __init__(
        self, name: str, find: Callable[[], Path], sampling: Sampling, options: Options
    ) -> None:
        self.name = f"local/{name}"
        self.parallel = options.parallel
        self._find = find
        self._sampling = sampling
        self._options = options
        self._path: Path | None = None
        self._server: Any = None
        self._key = secrets.token_hex(16)
        self._prompts = Prompts(self._render)
        self._spelling = Spelling()
        self._exact: bool | None = None
        self._loading = asyncio.Lock()
        self._slots = asyncio.Semaphore(options.parallel)
        self._running: dict[threading.Thread, threading.Event] = {}

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
        request["messages"] = _messages(chat)
        if schema is not None:
            request["response_format"] = json_of(schema)
        await self._load()
        return await self._ask(self._server.handle_chat_completions, request)

    async def extend(
        self,
        chat: Sequence[Message],
        begun: str,
        *,
        seed: int,
        max_tokens: int | None = None,
        until: Callable[[str], bool] | None = None,
        logprobs: int = 0,
        temperature: float | None = None,
    ) -> Reply:
        """Continue a begun reply, from the tokens it was written in as far as they are known.

        A first token that is only part of a letter is no text yet: more are asked for until it is.
        """
        await self._load()
        if self._exact is None:
            self._exact = await self._spells()
        opened = await self._prompts.of(chat)
        spelt = self._spelling.of(opened, begun)
        request = self._request(seed)
        request["prompt"] = _prompt(opened, begun, spelt)
        request["logprobs"] = max(logprobs, 1)  # by which llama.cpp tells the tokens' numbers
        if max_tokens is not None:
            request["max_tokens"] = max_tokens
        if temperature is not None:
            request["temperature"] = temperature
        written: list[Part] = []
        requests = 1
        reply = await self._ask(self._server.handle_completions, request, until, written)
        while reply.capped and not reply.text and request["max_tokens"] < LONGEST_LETTER:
            request["max_tokens"] += 1
            requests += 1
            reply = await self._ask(self._server.handle_completions, request, until, written)
        if self._exact and not self._sampling.stop:  # a stop that nearly came hides some tokens
            self._spelling.keep(opened, spelt, written)
        tokens = reply.tokens if logprobs else ()
        return reply.model_copy(update={"tokens": tokens, "requests": requests})

    async def prove_extend(self) -> None:
        """Load the model, and see that this llama.cpp renders a chat without answering it."""
        await self._load()
        try:
            await self._prompts.of([Message(role="user", text="1 + 1?")])
        except ModelError as unable:
            raise ConfigError(f"{unable}; pip install -U xllamacpp, or use another model") from None

    async def complete(
        self, prefix: str, *, seed: int, max_tokens: int | None = None, stop: Sequence[str] = ()
    ) -> Reply:
        """Continue raw text."""
        request = self._request(seed, stop)
        request["prompt"] = prefix
        if max_tokens is not None:
            request["max_tokens"] = max_tokens
        await self._load()
        return await self._ask(self._server.handle_completions, request)

    async def describe(self) -> dict[str, Any]:
        """File, SHA-256, quantisation and versions. Loads the model."""
        path = await self._load()
        return {
            "file": path.name,
            "sha256": await asyncio.to_thread(sha256_of, path),
            **gguf_facts(path),
            "context": self._options.context,
            "parallel": self.parallel,
            "threads": _threads(self._options),
            "gpu_layers": self._options.gpu_layers,
            "xllamacpp": _xllamacpp().__version__,
        }

    async def close(self) -> None:
        """Stop what is still being generated, and give the memory back."""
        for stop in self._running.values():
            stop.set()
        for thread in list(self._running):
            await asyncio.to_thread(thread.join, 5.0)
        self._server = None

    async def _load(self) -> Path:
        async with self._loading:
            if self._path is None:
                path = await asyncio.to_thread(self._find)
                self._server = await asyncio.to_thread(_start, path, self._options, self._key)
                self._path = path
            return self._path

    async def _render(self, chat: Sequence[Message]) -> str:
        """The prompt that llama.cpp makes of a chat."""
        asked = {"messages": _messages(chat)}
        said = await asyncio.to_thread(self._port, "/apply-template", asked)
        return str(said["prompt"])

    async def _spells(self) -> bool:
        """Whether the model's tokens are the text they stand for, without a space put before."""
        asked = {"content": "a", "add_special": False, "with_pieces": True}
        said = await asyncio.to_thread(self._port, "/tokenize", asked)
        return bool(said["tokens"][0]["piece"] == "a")

    def _port(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask what the library answers by llama.cpp's own HTTP port alone. Raises ModelError."""
        address = urlsplit(self._server.listening_address)
        line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            with contextlib.closing(line):
                line.request("POST", path, json.dumps(body), headers)
                answer = line.getresponse()
                said: dict[str, Any] = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as broken:
            raise ModelError(f"{self.name}: {path}: {broken}") from broken
        if answer.status != 200:
            raise self._refusal({"code": answer.status, **said.get("error", {})})
        return said

    def _request(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        sampling = self._sampling
        return {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
            "top_k": sampling.top_k or 0,
            "min_p": 0.0,
            "stop": [*sampling.stop, *stop],
            "seed": seed % (2**32 - 1),  # the one left out means a random seed
            "stream": True,  # so that it can be stopped between two tokens of the reply
            "return_progress": True,  # and between two batches of the prompt
            "stream_options": {"include_usage": True},
        }

    async def _ask(
        self,
        handle: Callable[..., Any],
        request: dict[str, Any],
        until: Until | None = None,
        written: list[Part] | None = None,
    ) -> Reply:
        async with self._slots:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(self._options.timeout):
                    return await grown(
                        self._pieces(handle, request, written),
                        prompt="",
                        until=until,
                        endpoint=self.name,
                    )
            except TimeoutError as late:
                raise ModelError(
                    f"{self.name}: no whole reply in {self._options.timeout:g} s;"
                    " raise the option `timeout`, or lower sampling.max_tokens"
                ) from late
            except _TooLong as refusal:
                seconds = time.perf_counter() - started
                return Reply(text="", input_tokens=refusal.tokens, seconds=seconds, prompt_cut=True)

    async def _pieces(
        self,
        handle: Callable[..., Any],
        request: dict[str, Any],
        written: list[Part] | None,
    ) -> AsyncGenerator[Piece, None]:
        """The events of one request as pieces of its reply; `written` receives its tokens."""
        async with aclosing(self._stream(handle, request)) as events:
            async for event in events:
                if "error" in event:
                    raise self._refusal(event["error"])
                yield _piece(event, written)

    async def _stream(
        self, handle: Callable[..., Any], request: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Run one request in a thread, which stops within a batch when this is closed.

        It is no daemon: Python aborts when one calls back into an interpreter that is ending.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[dict[str, Any] | ModelError | None] = asyncio.Queue()
        stop = threading.Event()

        def take(event: dict[str, Any]) -> bool:
            tell(event)
            return stop.is_set()

        def work() -> None:
            end: ModelError | None = None
            try:
                handle(request, take)
            except (ValueError, RuntimeError) as refused:  # what the C++ side raises
                end = ModelError(f"{self.name}: {refused}", retryable=False)
            tell(end)

        def tell(event: dict[str, Any] | ModelError | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone by now
                loop.call_soon_threadsafe(hear, event)

        def hear(event: dict[str, Any] | ModelError | None) -> None:
            if not isinstance(event, dict):
                self._running.pop(thread, None)
            events.put_nowait(event)

        thread = threading.Thread(target=work, name=self.name)
        self._running[thread] = stop
        thread.start()
        try:
            while isinstance(event := await events.get(), dict):
                yield event
            if event is not None:
                raise event
        except GeneratorExit:  # cut: the next request finds the slot free, with its cache
            stop.set()
            while isinstance(await events.get(), dict):
                pass
            raise
        finally:
            stop.set()

    def _refusal(self, error: dict[str, Any]) -> ModelError:
        """A prompt that does not fit is a fact about the trial; anything else is our failure."""
        if error.get("type") == "exceed_context_size_error":
            return _TooLong(error.get("n_prompt_tokens", 0))
        status = error.get("code")
        return ModelError(
            f"{self.name}: {error.get('message', error)}",
            status=status,
            retryable=not isinstance(status, int) or status >= 500,
        )


class _TooLong(ModelError):
    """The prompt does not fit the context."""

    def __init__(self, tokens: int) -> None:
        super().__init__("the prompt does not fit", retryable=False)
        self.tokens = tokens


def _prompt(opened: str, begun: str, spelt: Sequence[Part]) -> str | list[str | int]:
    """What llama.cpp is given: text, or text and the numbers of tokens in turn."""
    if any(part.token is not None for part in spelt):
        return [opened, *(part.text if part.token is None else part.token for part in spelt)]
    return opened + begun  # texts in turn, without a number, would be taken for several prompts


def _piece(event: dict[str, Any], written: list[Part] | None) -> Piece:
    """One event. A letter made of several tokens comes with the last of them."""
    text = ""
    finish = None
    tokens: list[Token] = []
    for choice in event.get("choices", ()):
        text += choice.get("text") or choice.get("delta", {}).get("content") or ""
        finish = choice["finish_reason"] or finish
        for entry in (choice.get("logprobs") or {}).get("content", ()):
            tokens.append(token(entry))
            if written is not None:
                written.append(Part(entry["token"], entry["id"]))
    usage = event.get("usage") or {}
    return Piece(
        text=text,
        tokens=tuple(tokens),
        finish=finish,
        read=usage.get("prompt_tokens", event.get("prompt_progress", {}).get("total")),
        wrote=usage.get("completion_tokens"),
    )


def _messages(chat: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in chat]


def _start(path: Path, options: Options, key: str) -> Any:
    """Load the weights. llama.cpp logs nothing, and its own HTTP port wants the key."""
    xllamacpp = _xllamacpp()
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = options.context * options.parallel
    params.n_parallel = options.parallel
    params.n_batch = params.n_ubatch = 256  # small, since a request only stops between batches
    params.n_gpu_layers = options.gpu_layers
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads(options)
    params.ctx_shift = False  # never drop the beginning of a chat in silence
    params.verbosity = 0
    params.ui = False
    params.api_keys = [key]  # it listens on loopback and cannot be told not to
    try:
        return xllamacpp.Server(params)
    except RuntimeError as failure:
        raise ModelError(
            f"{path} could not be loaded ({failure}); is it a whole GGUF file that fits in memory?",
            retryable=False,
        ) from failure


def _xllamacpp() -> Any:
    """The library, its threads told to sleep while they wait for each other.

    They wait thousands of times a second. Waiting by spinning, the default, stops them all as soon
    as one has no core because a program under test runs there: measured, 5 to 100 times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read once, when the library is loaded
    import xllamacpp

    return xllamacpp


def _threads(options: Options) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return options.threads or cores or 1
