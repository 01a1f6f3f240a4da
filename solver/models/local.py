"""A GGUF model in this process, on CPU or GPU, by llama.cpp through xllamacpp. No server to start.

`local/smollm2` needs no set-up. A sampling value left unset is switched off here (`top_p` 1, no
`top_k`), never llama.cpp's own default. The same seed gives the same reply on one machine only
while the batches are the same, so with several requests at a time replies differ in rare ties.
"""

import asyncio
import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.models._weights import find_weights, gguf_facts, sha256_of
from solver.records import Message, Record, Reply, Sampling


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
        self._loading = asyncio.Lock()
        self._slots = asyncio.Semaphore(options.parallel)
        self._running: dict[threading.Thread, threading.Event] = {}

    async def generate(
        self, chat: Sequence[Message], *, seed: int, schema: dict[str, Any] | None = None
    ) -> Reply:
        """Continue a chat. A prompt that does not fit gives an empty reply with `prompt_cut`."""
        request = self._request(seed)
        request["messages"] = [{"role": m.role, "content": m.text} for m in chat]
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": schema},
            }
        await self._load()
        return await self._ask(self._server.handle_chat_completions, request)

    async def complete(
        self, prefix: str, *, seed: int, max_tokens: int | None = None, stop: Sequence[str] = ()
    ) -> Reply:
        """Continue raw text."""
        request = self._request(seed)
        request |= {"prompt": prefix, "stop": [*self._sampling.stop, *stop]}
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
                self._server = await asyncio.to_thread(_start, path, self._options)
                self._path = path
            return self._path

    def _request(self, seed: int) -> dict[str, Any]:
        sampling = self._sampling
        return {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
            "top_k": sampling.top_k or 0,
            "min_p": 0.0,
            "stop": [*sampling.stop],
            "seed": seed % (2**32 - 1),  # the one left out means a random seed
            "stream": True,  # so that it can be stopped between two tokens of the reply
            "return_progress": True,  # and between two batches of the prompt
            "stream_options": {"include_usage": True},
        }

    async def _ask(self, handle: Callable[..., Any], request: dict[str, Any]) -> Reply:
        async with self._slots:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(self._options.timeout):
                    pieces = await self._stream(handle, request)
            except TimeoutError as late:
                raise ModelError(
                    f"{self.name}: no whole reply in {self._options.timeout:g} s;"
                    " raise the option `timeout`, or lower sampling.max_tokens"
                ) from late
            return self._reply(pieces, time.perf_counter() - started)

    async def _stream(
        self, handle: Callable[..., Any], request: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Run one request in a thread, which stops within a batch if this task is cancelled.

        It is no daemon: Python aborts when one calls back into an interpreter that is ending.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[dict[str, Any]]] = loop.create_future()
        stop = threading.Event()
        pieces: list[dict[str, Any]] = []

        def take(piece: dict[str, Any]) -> bool:
            pieces.append(piece)
            return stop.is_set()

        def work() -> None:
            failure: ModelError | None = None
            try:
                handle(request, take)
            except (ValueError, RuntimeError) as refused:  # what the C++ side raises
                failure = ModelError(f"{self.name}: {refused}", retryable=False)
            with contextlib.suppress(RuntimeError):  # the loop may be gone by now
                loop.call_soon_threadsafe(finish, failure)

        def finish(failure: ModelError | None) -> None:
            self._running.pop(thread, None)
            if done.done():
                return
            if failure is not None:
                done.set_exception(failure)
            else:
                done.set_result(pieces)

        thread = threading.Thread(target=work, name=self.name)
        self._running[thread] = stop
        thread.start()
        try:
            return await done
        finally:
            stop.set()

    def _reply(self, pieces: list[dict[str, Any]], seconds: float) -> Reply:
        text: list[str] = []
        reason: str | None = None
        usage: dict[str, int] = {}
        for piece in pieces:
            if "error" in piece:
                return self._refusal(piece["error"], seconds)
            for choice in piece.get("choices", ()):
                text.append(choice.get("text") or choice.get("delta", {}).get("content") or "")
                reason = choice["finish_reason"] or reason
            usage = piece.get("usage") or usage
        if reason is None:
            raise ModelError(f"{self.name}: the reply ended early")
        return Reply(
            text="".join(text),
            input_tokens=usage.get("prompt_tokens", 0),
            output_tokens=usage.get("completion_tokens", 0),
            seconds=seconds,
            capped=reason == "length",
        )

    def _refusal(self, error: dict[str, Any], seconds: float) -> Reply:
        """A prompt that does not fit is a fact about the trial; anything else is our failure."""
        if error.get("type") == "exceed_context_size_error":
            tokens = error.get("n_prompt_tokens", 0)
            return Reply(text="", input_tokens=tokens, seconds=seconds, prompt_cut=True)
        status = error.get("code")
        raise ModelError(
            f"{self.name}: {error.get('message', error)}",
            status=status,
            retryable=not isinstance(status, int) or status >= 500,
        )


def _start(path: Path, options: Options) -> Any:
    """Load the weights. llama.cpp logs nothing, and its own HTTP port is of no use to anyone."""
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
    params.api_keys = [secrets.token_hex(16)]  # it listens on loopback and cannot be told not to
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
