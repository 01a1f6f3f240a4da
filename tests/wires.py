"""The wire protocols of OpenAI, Mistral and Ollama, with a model behind each that says one thing.

`troubles` come first, one a request: error statuses, hangs, cut connections, other people's pages.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Said:
    """One reply of the model behind a server."""

    text: str
    finish: str = "stop"
    read: int | None = None
    """Prompt tokens; by default a quarter of its letters."""
    wrote: int | None = None
    breaks: bool = False
    """A stream of it ends with an error after its last piece."""
    message: dict[str, Any] = field(default_factory=dict)
    """What the message holds besides its text, or instead of it."""
    usage: dict[str, Any] = field(default_factory=dict)
    """What the counts of tokens hold besides those above, or instead of them."""

    @property
    def pieces(self) -> list[str]:
        """Split it into tokens, as a stream has them."""
        return re.findall(r"\s*\S+|\s+", self.text)


@dataclass
class Stream:
    """An answer that is sent event by event, `pace` seconds apart."""

    events: list[bytes]
    kind: str
    pace: float = 0.0
    sent: int = 0
    left: bool = False
    """The client left before its end."""


@dataclass(frozen=True)
class Trouble:
    """One answer, as it goes over the wire."""

    status: int = 200
    body: Any = b""
    """Bytes as they are, or an object sent as JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    """Seconds before anything is sent."""
    cut: bool = False
    """Close the connection in the middle of the answer."""
    drip: float = 0.0
    """Seconds between one byte of the answer and the next."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    moment: float
    query: str = ""


Answers = Callable[[list[dict[str, Any]], dict[str, Any]], Awaitable[Said]]
"""From messages and the whole request to the reply."""


GOLDEN = 0.6180339887


class Wire:
    """The part that the protocols share: a model behind them, troubles, and a slow machine."""

    def __init__(
        self,
        reply: str | Said | Answers = "4",
        *,
        delay: float = 0.0,
        spread: float = 0.0,
        at_once: int = 1000,
        troubles: list[Trouble] | None = None,
        model: str = "test",
        pace: float = 0.0,
        renders: bool = True,
        continues: bool = True,
    ) -> None:
        """Take what to say; `renders`: it renders chats. `continues`: it continues raw text.

        Replies take `delay` seconds, or with a `spread` up to such a share of it less or more.
        """
        self.pace = pace
        self.renders = renders
        self.continues = continues
        self.streams: list[Stream] = []
        self.requests: deque[Request] = deque(maxlen=1000)
        self.troubles = deque(troubles or [])
        self.model = model
        self.most_at_once = 0
        self._reply = reply
        self._delay = delay
        self._spread = spread
        self._started = 0
        self._slots = asyncio.Semaphore(at_once)
        self._busy = 0

    async def say(self, messages: list[dict[str, Any]], body: dict[str, Any]) -> Said:
        async with self._slots:
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
            try:
                await asyncio.sleep(self._next_delay())
                if callable(self._reply):
                    return await self._reply(messages, body)
            finally:
                self._busy -= 1
        return Said(self._reply) if isinstance(self._reply, str) else self._reply

    def _next_delay(self) -> float:
        """Return the seconds of the next reply: the same row of them in every run."""
        self._started += 1
        place = self._started * GOLDEN % 1  # evenly between 0 and 1, neighbours far apart
        return self._delay * (1 + self._spread * (2 * place - 1))

    async def answer(self, request: Request) -> tuple[int, Any]:
        """Return status and JSON body."""
        raise NotImplementedError

    def stream(self, events: list[Any]) -> Stream:
        """Return the events as server-sent ones, and the mark of the end."""
        lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
        return Stream([*lines, b"data: [DONE]\n\n"], "text/event-stream", self.pace)

    def asked(self, path: str) -> list[Request]:
        """Return the requests for a path, in order."""
        return [request for request in self.requests if request.path.endswith(path)]


class OpenAIWire(Wire):
    """/v1/chat/completions, /v1/completions and /v1/models."""

    async def answer(self, request: Request) -> tuple[int, Any]:
        if request.path == "/v1/models":
            card = {"id": self.model, "object": "model", "created": 0, "owned_by": "tests"}
            return 200, {"object": "list", "data": [card]}
        body = request.body
        if request.path == "/apply-template" and self.renders:
            return 200, {"prompt": rendered(body["messages"])}
        if request.path == "/v1/completions" and self.continues:
            said = await self.say([{"role": "user", "content": body["prompt"]}], body)
            if body.get("stream"):
                return 200, self._completion(body, said)
            choice: dict[str, Any] = {"text": said.text, "logprobs": _known(body, said.pieces)}
        elif request.path == "/v1/chat/completions":
            said = await self.say(body["messages"], body)
            choice = {"message": {"role": "assistant", "content": said.text, **said.message}}
        else:
            return 404, {"error": {"message": "no such path", "code": None}}
        return 200, {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": said.finish, "logprobs": None, **choice}],
            "usage": _usage(body, said),
        }

    def _completion(self, body: dict[str, Any], said: Said) -> Stream:
        base = {"id": "1", "object": "text_completion", "created": 0, "model": body["model"]}

        def chunk(text: str, finish: str | None) -> dict[str, Any]:
            logprobs = _known(body, [text] if text else [])
            choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": logprobs}
            return {**base, "choices": [choice]}

        events = [chunk(piece, None) for piece in said.pieces]
        if said.breaks:
            return self.stream([*events, {"error": {"message": "out of memory", "code": 500}}])
        events.append(chunk("", said.finish))
        if body.get("stream_options", {}).get("include_usage"):
            events.append({**base, "choices": [], "usage": _usage(body, said)})
        return self.stream(events)


class MistralWire(Wire):
    """/v1/chat/completions and /v1/models/NAME. A prefix is repeated at the start of the reply."""

    async def answer(self, request: Request) -> tuple[int, Any]:
        if request.path.startswith("/v1/models/"):
            if request.path != f"/v1/models/{self.model}":
                return 404, {"detail": "Not Found"}
            abilities = {"completion_chat": True, "function_calling": False, "vision": False}
            return 200, {
                "id": self.model,
                "object": "model",
                "created": 0,
                "owned_by": "mistralai",
                "capabilities": abilities,
                "max_context_length": 32768,
                "aliases": ["test-latest"],
                "type": "base",
            }
        body = request.body
        said = await self.say(body["messages"], body)
        last = body["messages"][-1]
        if last.get("prefix") and not self.continues:
            return 400, {"message": "prefix is not supported"}
        prefix = last["content"] if last.get("prefix") else ""
        if body.get("stream"):
            return 200, self._events(body, prefix, said)
        text = prefix + said.text
        message = {"role": "assistant", "content": text, "tool_calls": None, **said.message}
        return 200, {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": said.finish, "message": message}],
            "usage": _usage(body, said),
        }

    def _events(self, body: dict[str, Any], prefix: str, said: Said) -> Stream:
        base = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}

        def chunk(text: str, finish: str | None) -> dict[str, Any]:
            return {
                **base,
                "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
            }

        events = [chunk(piece, None) for piece in [*Said(prefix).pieces, *said.pieces]]
        if said.breaks:
            return self.stream([*events, chunk("", "error")])
        return self.stream([*events, {**chunk("", said.finish), "usage": _usage(body, said)}])


class OllamaWire(Wire):
    """/api/chat, generate, tags, show, ps and version.

    A prompt that does not fit is refused, or cut in half where version or request say so. A model
    is loaded by its first request, which takes `load_seconds`, and again where a request asks for
    another context; a client that leaves before its end leaves the model unloaded.
    """

    def __init__(
        self,
        *args: Any,
        version: str = "0.33.2",
        digest: str = "sha256:aa",
        thinks: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.thinks = thinks
        self.version = version
        self.digest = digest
        self.trained_context = 32768
        self.listed = ""
        """The name in its list, if not `model`."""
        self.card: dict[str, Any] = {}
        """What /api/show says otherwise."""
        self.load_seconds = 0.0
        self.loaded: int | None = None
        """The context with which the model is loaded."""
        self.loads = 0
        self.gpu_share = 1.0
        self.processes = True
        """It answers /api/ps."""
        self.seen_roles: tuple[str, ...] = ("system", "user", "assistant")
        """Roles that the template renders."""

    async def answer(self, request: Request) -> tuple[int, Any]:
        body = request.body
        match request.path:
            case "/api/version":
                return 200, {"version": self.version}
            case "/api/tags":
                listed = {"model": self.listed or self.model, "digest": self.digest, "size": 1}
                return 200, {"models": [listed]}
            case "/api/show" | "/api/chat" | "/api/generate" if body["model"] != self.model:
                return 404, {"error": f"model '{body['model']}' not found"}
            case "/api/show":
                return 200, self._card()
            case "/api/ps" if self.processes:
                return 200, {"models": [self._process()] if self.loaded else []}
        await self._load(body)
        match request.path:
            case "/api/chat" if self.renders and body.get("_debug_render_only"):
                seen = [m for m in body["messages"] if m["role"] in self.seen_roles]
                shown = {"rendered_template": rendered(seen)}
                return 200, {"model": body["model"], "done": False, "_debug_info": shown}
            case "/api/chat":
                return await self._write(body, body["messages"])
            case "/api/generate":
                return await self._write(body, [{"role": "user", "content": body["prompt"]}])
        return 404, {"error": "no such path"}

    async def _load(self, body: dict[str, Any]) -> None:
        context = min(body["options"]["num_ctx"], self.trained_context)
        if self.loaded != context:
            await asyncio.sleep(self.load_seconds)
            self.loaded, self.loads = context, self.loads + 1

    def _process(self) -> dict[str, Any]:
        return {
            "model": self.listed or self.model,
            "name": self.listed or self.model,
            "context_length": self.loaded,
            "size": 1000,
            "size_vram": int(1000 * self.gpu_share),
        }

    async def _write(self, body: dict[str, Any], messages: list[dict[str, Any]]) -> tuple[int, Any]:
        context = min(body["options"]["num_ctx"], self.trained_context)
        read = sum(len(message["content"]) for message in messages) // 4 + 10
        if read > context:
            if self.version >= "0.12.6" and body.get("truncate") is False:
                return 400, {"error": "the input length exceeds the context length"}
            read = context // 2 + 2
        said = await self.say(messages, body)
        if said.finish == "too long":
            return 400, {"error": "the input length exceeds the context length"}
        answer: dict[str, Any] = {
            "model": body["model"],
            "created_at": "2026-01-01T00:00:00Z",
            "done": True,
            "done_reason": said.finish,
            "total_duration": 1,
            "prompt_eval_count": read if said.read is None else said.read,
            "eval_count": len(said.text) // 4 if said.wrote is None else said.wrote,
        }
        if "prompt" in body and body.get("stream"):
            return 200, self._lines(body, said, answer)
        if "prompt" in body:
            return 200, {**answer, "response": said.text}
        message = {"role": "assistant", "content": said.text, **said.message}
        return 200, {**answer, "message": message}

    def _lines(self, body: dict[str, Any], said: Said, answer: dict[str, Any]) -> Stream:
        def line(piece: str) -> dict[str, Any]:
            told = {"token": piece, "logprob": -0.5}
            others = [told, {"token": "other", "logprob": -1.5}]
            logprobs = [{**told, "top_logprobs": others}] if body.get("logprobs") else None
            return {**answer, **unfinished, "response": piece, "logprobs": logprobs}

        unfinished = {
            "done": False,
            "done_reason": None,
            "prompt_eval_count": None,
            "eval_count": None,
        }
        last = {"error": "out of memory"} if said.breaks else {**answer, "response": ""}
        events = [*map(line, said.pieces), last]
        lines = [json.dumps(event).encode() + b"\n" for event in events]
        return Stream(lines, "application/x-ndjson", self.pace)

    def _card(self) -> dict[str, Any]:
        return {
            "modelfile": "",
            "parameters": "top_k 20\nrepeat_penalty 1.1",
            "template": "{{ range .Messages }}<{{ .Role }}>{{ .Content }}\n{{ end }}<assistant>",
            "details": {
                "format": "gguf",
                "family": "llama",
                "parameter_size": "135M",
                "quantization_level": "Q4_1",
            },
            "model_info": {
                "general.architecture": "llama",
                "llama.context_length": self.trained_context,
            },
            "capabilities": ["completion", *["thinking"] * self.thinks],
            **self.card,
        }


def rendered(messages: list[dict[str, Any]]) -> str:
    """Render a chat as a server does."""
    turns = "".join(f"<{message['role']}>{message['content']}\n" for message in messages)
    return turns + "<assistant>"


def _known(body: dict[str, Any], pieces: list[str]) -> dict[str, Any] | None:
    """Return what /v1/completions says about tokens."""
    if not body.get("logprobs") or not pieces:
        return None
    return {
        "tokens": pieces,
        "token_logprobs": [-0.5] * len(pieces),
        "top_logprobs": [{"other": -1.5, piece: -0.5} for piece in pieces],
    }


def _usage(body: dict[str, Any], said: Said) -> dict[str, Any]:
    texts = [m["content"] for m in body["messages"]] if "messages" in body else [body["prompt"]]
    read = sum(map(len, texts)) // 4 if said.read is None else said.read
    wrote = len(said.text) // 4 if said.wrote is None else said.wrote
    counts = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    return counts | said.usage
