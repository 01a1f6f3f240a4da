"""llama.cpp in this process, through xllamacpp: loading weights, and requests as events."""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from solver.errors import ModelError


class LlamaCpp:
    """Loaded weights that answer requests in the form of llama.cpp's server."""

    def __init__(
        self, name: str, path: Path, *, context: int, parallel: int, threads: int, gpu_layers: int
    ) -> None:
        """Load the weights, which takes seconds. llama.cpp logs nothing. Raises ModelError."""
        self._name = name
        self._key = secrets.token_hex(16)
        self._running: dict[threading.Thread, threading.Event] = {}
        self._answered = False
        library = xllamacpp()
        params = library.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context * parallel
        params.n_parallel = parallel
        params.n_batch = params.n_ubatch = 256  # small, since a request only stops between batches
        params.n_gpu_layers = gpu_layers
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.ctx_shift = False  # never drop the beginning of a chat in silence
        params.verbosity = 0
        params.ui = False
        params.api_keys = [self._key]  # it always listens on loopback, so it gets a key
        try:
            self._server = library.Server(params)
        except RuntimeError as failure:
            raise ModelError(
                f"{path} could not be loaded ({failure});"
                " is it a whole GGUF file that fits in memory?",
                retryable=False,
            ) from failure

    async def events(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Run one request in a thread, which stops within a batch when this is closed.

        The thread is not a daemon: Python aborts if one calls an interpreter that is shutting down.
        """
        server = self._server
        chat = "messages" in request
        handle = server.handle_chat_completions if chat else server.handle_completions
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[dict[str, Any] | ModelError | None] = asyncio.Queue()
        stop = threading.Event()

        def receive(event: dict[str, Any]) -> bool:
            self._answered = True
            send(event)
            return stop.is_set()

        def work() -> None:
            end: ModelError | None = None
            try:
                handle(request, receive)
            except (ValueError, RuntimeError) as refused:  # what the C++ side raises
                end = ModelError(f"{self._name}: {refused}", retryable=False)
            send(end)

        def send(event: dict[str, Any] | ModelError | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(put, event)

        def put(event: dict[str, Any] | ModelError | None) -> None:
            if not isinstance(event, dict):
                self._running.pop(thread, None)
            events.put_nowait(event)

        thread = threading.Thread(target=work, name=self._name)
        self._running[thread] = stop
        thread.start()
        try:
            while isinstance(event := await events.get(), dict):
                yield event
            if event is not None:
                raise event
        except GeneratorExit:  # closed: the next request finds the slot free, with its cache
            stop.set()
            while isinstance(await events.get(), dict):
                pass
            raise
        finally:
            stop.set()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask what only llama.cpp's own HTTP port answers. Raises ModelError."""
        return await asyncio.to_thread(self._post, path, body)

    async def close(self) -> None:
        """Stop what is still being generated, and give the memory back."""
        for stop in self._running.values():
            stop.set()
        for thread in list(self._running):
            await asyncio.to_thread(thread.join, 5.0)
        if not self._answered:
            # Its loop may not run yet, and would not hear that it is to end: the library would wait
            # for it for ever.
            with contextlib.suppress(ModelError):
                async for _ in self.events({"prompt": "1", "max_tokens": 1, "stream": True}):
                    pass
        self._server = None

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request to llama.cpp's HTTP port and return its JSON answer."""
        address = urlsplit(self._server.listening_address)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            with contextlib.closing(connection):
                connection.request("POST", path, json.dumps(body), headers)
                response = connection.getresponse()
                answer: dict[str, Any] = json.load(response)
        except (OSError, http.client.HTTPException, ValueError) as broken:
            raise ModelError(f"{self._name}: {path}: {broken}") from broken
        if response.status != 200:
            raise self.refusal({"code": response.status, **answer.get("error", {})})
        return answer

    def refusal(self, error: dict[str, Any]) -> ModelError:
        """Build the failure for an error that llama.cpp reports; TooLong is the trial's fact."""
        if error.get("type") == "exceed_context_size_error":
            return TooLong(error.get("n_prompt_tokens", 0))
        status = error.get("code")
        return ModelError(
            f"{self._name}: {error.get('message', error)}",
            status=status,
            retryable=not isinstance(status, int) or status >= 500,
        )


class TooLong(ModelError):
    """The prompt does not fit the context."""

    def __init__(self, tokens: int) -> None:
        super().__init__("the prompt does not fit", retryable=False)
        self.tokens = tokens


QUIET_SPINS, BUSY_SPINS = 10_000, 100
"""How often a thread looks for the others before it sleeps: on a quiet machine, and on another one.
Measured on two cores, two requests at a time (`python -m tests.bench.threads`): with 100 a quiet
machine is up to a third slower, with 10,000 one whose core is taken by half. Without a limit a
program under test that takes a core stops all threads."""
_LOADAVG = Path("/proc/loadavg")
_LOOKS = 10


def xllamacpp() -> Any:
    """Import the library, with threads that spin for a moment where they wait for each other.

    They wait thousands of times a second. How long is chosen once, by what else runs when the
    library is first loaded. An OMP_WAIT_POLICY or GOMP_SPINCOUNT that is set is left alone.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = str(QUIET_SPINS if _quiet() else BUSY_SPINS)
    import xllamacpp

    return xllamacpp


def _quiet() -> bool:
    """Tell whether nothing else wants a core in most looks of a tenth of a second.

    False where the system does not say, as outside Linux.
    """
    alone = 0
    for _ in range(_LOOKS):
        try:
            running = int(_LOADAVG.read_text().split()[3].partition("/")[0])
        except (OSError, ValueError, IndexError):
            return False
        alone += running <= 1  # this thread
        time.sleep(0.1 / _LOOKS)
    return alone > _LOOKS / 2
