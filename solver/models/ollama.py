"""Models served by Ollama, by its native client: the OpenAI-compatible route cannot set `num_ctx`.

A sampling value left unset is the model's own default, which `describe` records. The seed is best
effort on the server's side. A prompt that does not fit is recognised in three ways: servers since
0.12.6 are told to refuse it, and older ones give themselves away by the number of tokens they read.
A begun reply is continued as raw text, which is spelt anew in tokens each time, so it may go on
otherwise than in one request. Not covered: servers older than 0.2, which count only the tokens that
were not in their cache.
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.models._failures import (
    CONNECT_SECONDS,
    one_line,
    place,
    prompt_too_long,
    refused,
    too_slow,
    unreachable,
)
from solver.models._stream import Piece, grown, token
from solver.models._templates import REMEMBERED, Prompts, read_template
from solver.records import Message, Record, Reply, Sampling, digest

if TYPE_CHECKING:
    import httpx
    import ollama

    Answer = ollama.ChatResponse | ollama.GenerateResponse
    Send = Callable[[ollama.AsyncClient], Awaitable[tuple[str, Answer]]]

_T = TypeVar("_T")

DOWN_SECONDS = 30.0
"""How long a host that could not be reached is passed over while there is another."""


class Options(Record):
    """Where the servers are and how they load the model."""

    hosts: tuple[str, ...] = ()
    """Servers with the same model; by default OLLAMA_HOST, or http://localhost:11434."""
    num_ctx: int = Field(default=8192, ge=256)
    """Tokens of prompt and reply together. Fixed for the run: changing it reloads the model."""
    parallel: int | None = Field(default=None, ge=1)
    """Requests at a time for each host; by default OLLAMA_NUM_PARALLEL, or 1 as the server has."""
    keep_alive: str = "30m"
    """How long the model stays loaded between requests."""
    think: bool | Literal["low", "medium", "high"] | None = None
    """Reasoning, of models that have it; unset leaves the model's default."""
    chat_template: str | None = None
    """The model's tokenizer_config.json or .jinja file, to continue begun replies with; unset asks
    the server to render a chat, which recent ones do."""
    timeout: float = Field(default=900.0, gt=0)
    """Seconds for one reply, loading the model and waiting in the server's queue included."""


def connect(name: str, sampling: Sampling, options: Options) -> "Ollama":
    """The model on one or more servers. Raises ConfigError where no prompt could fit."""
    if sampling.max_tokens >= options.num_ctx:
        raise ConfigError(
            f"model 'ollama/{name}': sampling.max_tokens {sampling.max_tokens} leaves no room for"
            f" the prompt; raise the option num_ctx above {options.num_ctx}"
        )
    return Ollama(name, sampling, options)


class Ollama:
    """One model on one or more Ollama servers."""

    def __init__(self, name: str, sampling: Sampling, options: Options) -> None:
        self.name = f"ollama/{name}"
        self._model = name
        self._sampling = sampling
        self._options = options
        self._context = options.num_ctx
        self._template = read_template(options.chat_template) if options.chat_template else None
        self._prompts = Prompts(self._render)
        self._host_of: dict[str, _Host] = {}
        hosts = options.hosts or (os.environ.get("OLLAMA_HOST", ""),)
        self._hosts = [_Host(url, name) for url in dict.fromkeys(_url(host) for host in hosts)]
        self.endpoint = "ollama " + " ".join(host.place for host in self._hosts)
        self.parallel = len(self._hosts) * (options.parallel or _advised_parallel())

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat on the least busy host. Reasoning apart from the reply is not kept."""

        async def send(client: "ollama.AsyncClient") -> "tuple[str, ollama.ChatResponse]":
            answer = await client.chat(
                model=self._model,
                messages=[{"role": m.role, "content": m.text} for m in chat],
                format=schema,
                think=self._options.think,
                options=self._sampling_options(seed, stop),
                keep_alive=self._options.keep_alive,
            )
            return answer.message.content or "", answer

        return await self._ask(send, prompt="".join(message.text for message in chat))

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
        """Continue a begun reply as raw text, on the host that has its beginning in the cache.

        Servers since 0.12.11 tell log-probabilities.
        """
        opened = await self._prompts.of(chat)
        prompt = opened + begun
        options = self._sampling_options(seed)
        if max_tokens is not None:
            options["num_predict"] = max_tokens
        if temperature is not None:
            options["temperature"] = temperature
        request: dict[str, Any] = {"prompt": prompt, "options": options}
        if logprobs:
            request |= {"logprobs": True, "top_logprobs": logprobs}
        host = self._host_of.pop(opened, None)
        if host is None or host.down_until > time.monotonic():
            host = self._least_busy()
        while len(self._host_of) >= REMEMBERED:
            self._host_of.pop(next(iter(self._host_of)))
        self._host_of[opened] = host
        return await self._reached(
            host,
            lambda: grown(
                self._pieces(host, request), prompt=prompt, until=until, endpoint=host.place
            ),
        )

    async def prove_extend(self) -> None:
        """Render a chat: by the option's template, or by a server new enough to do it."""
        try:
            await self._prompts.of((Message(role="user", text="What is 1 + 1?"),))
        except ModelError as unable:
            if unable.retryable:
                raise
            raise ConfigError(
                f"model {self.name!r}: a begun reply cannot be continued ({unable}); update Ollama,"
                " or give the option chat_template: the model's tokenizer_config.json or .jinja"
                " file"
            ) from None

    async def complete(
        self, prefix: str, *, seed: int, max_tokens: int | None = None, stop: Sequence[str] = ()
    ) -> Reply:
        """Continue raw text on the least busy host."""
        options = self._sampling_options(seed, stop)
        if max_tokens is not None:
            options["num_predict"] = max_tokens

        async def send(client: "ollama.AsyncClient") -> "tuple[str, ollama.GenerateResponse]":
            answer = await client.generate(
                model=self._model,
                prompt=prefix,
                raw=True,
                options=options,
                keep_alive=self._options.keep_alive,
            )
            return answer.response or "", answer

        return await self._ask(send, prompt=prefix)

    async def describe(self) -> dict[str, Any]:
        """Digest, quantisation, defaults and versions; all hosts must serve the same weights."""
        facts = await asyncio.gather(*(self._describe(host) for host in self._hosts))
        digests = {fact["digest"] for fact in facts}
        if len(digests) > 1:
            which = ", ".join(f"{fact['host']} has {fact['digest'][:12]}" for fact in facts)
            raise ModelError(
                f"{self.name}: the hosts serve different weights: {which};"
                f" ollama pull {self._model} on each",
                retryable=False,
            )
        first = facts[0]
        trained = first["trained_context"]
        if trained is not None:  # the server takes the smaller of the two
            self._context = min(self._options.num_ctx, trained)
        return {
            **{key: value for key, value in first.items() if key not in ("host", "version")},
            "num_ctx": self._options.num_ctx,
            "keep_alive": self._options.keep_alive,
            "think": self._options.think,
            "hosts": [{"host": fact["host"], "version": fact["version"]} for fact in facts],
        }

    async def close(self) -> None:
        """Close the connections. The server unloads the model when its `keep_alive` ends."""
        for host in self._hosts:
            await host.client.close()  # type: ignore[no-untyped-call]  # ollama types it not

    async def _ask(
        self,
        send: "Send",
        *,
        prompt: str,
    ) -> Reply:
        host = self._least_busy()

        async def whole() -> Reply:
            started = time.perf_counter()
            text, answer = await send(host.client)
            if not answer.done:
                raise ModelError(f"{host.place}: the reply ended early")
            read, wrote = answer.prompt_eval_count or 0, answer.eval_count or 0
            return Reply(
                text=text,
                input_tokens=read,
                output_tokens=wrote,
                seconds=time.perf_counter() - started,
                capped=answer.done_reason == "length",
                prompt_cut=was_cut(prompt, read=read, wrote=wrote, context=self._context),
            )

        return await self._reached(host, whole)

    async def _reached(self, host: "_Host", ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """A reply from a host, or the fact that the prompt does not fit."""
        host.busy += 1
        started = time.perf_counter()
        try:
            return await host.reach(ask, self._options.timeout)
        except ModelError as refusal:
            if refusal.status in (400, 500) and prompt_too_long(str(refusal)):
                seconds = time.perf_counter() - started
                return Reply(text="", seconds=seconds, prompt_cut=True)
            raise
        finally:
            host.busy -= 1

    async def _pieces(self, host: "_Host", request: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """The events of a stream of raw text as pieces of a reply."""
        events = await host.client.generate(
            model=self._model,
            raw=True,
            stream=True,
            keep_alive=self._options.keep_alive,
            **request,
        )
        async with aclosing(cast("AsyncGenerator[ollama.GenerateResponse, None]", events)):
            async for event in events:
                read, wrote = event.prompt_eval_count, event.eval_count
                yield Piece(
                    text=event.response or "",
                    tokens=tuple(token(entry.model_dump()) for entry in event.logprobs or ()),
                    finish=(event.done_reason or "stop") if event.done else None,
                    read=read,
                    wrote=wrote,
                    prompt_cut=was_cut(
                        request["prompt"], read=read or 0, wrote=wrote or 0, context=self._context
                    ),
                )

    async def _render(self, chat: Sequence[Message]) -> str:
        """The text of a chat: by the option's template, or by the server."""
        if self._template is not None:
            return self._template(chat)
        host = self._least_busy()
        request = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.text} for m in chat],
            "options": {**self._sampling_options(0), "num_predict": 1},  # for older servers, which
            "keep_alive": self._options.keep_alive,  # know nothing of rendering and answer
            "stream": False,
            "_debug_render_only": True,
        }
        if self._options.think is not None:
            request["think"] = self._options.think
        return await host.reach(lambda: host.rendered(request), self._options.timeout)

    async def _describe(self, host: "_Host") -> dict[str, Any]:
        listed = await host.reach(host.client.list, CONNECT_SECONDS)
        shown = await host.reach(lambda: host.client.show(self._model), CONNECT_SECONDS)
        names = (self._model, f"{self._model}:latest")
        details, architecture = shown.details, shown.modelinfo or {}
        family = architecture.get("general.architecture", "")
        return {
            "host": host.place,
            "version": await host.reach(host.version, CONNECT_SECONDS),
            "digest": next((m.digest for m in listed.models if m.model in names), None) or "",
            "quantisation": details.quantization_level if details else None,
            "parameters": details.parameter_size if details else None,
            "family": details.family if details else None,
            "trained_context": architecture.get(f"{family}.context_length"),
            "defaults": (shown.parameters or "").splitlines(),
            "chat_template": digest(shown.template or ""),
        }

    def _least_busy(self) -> "_Host":
        now = time.monotonic()
        return min(self._hosts, key=lambda host: (host.down_until > now, host.busy))

    def _sampling_options(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        sampling = self._sampling
        options = {
            "num_ctx": self._options.num_ctx,
            "num_predict": sampling.max_tokens,
            "seed": seed % 2**31,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "stop": [*sampling.stop, *stop] or None,
        }
        return {key: value for key, value in options.items() if value is not None}


def was_cut(prompt: str, *, read: int, wrote: int, context: int) -> bool:
    """Whether the token counts say that the model did not see the whole prompt all the time.

    Old servers cut a prompt to half the context, drop whole messages, or slide the window while
    they write, all in silence. Meant to miss some rather than to accuse a whole prompt.
    """
    if read == 0:
        return False  # not counted
    if read >= context - 16 or read + wrote > context + 2:
        return True  # the window was full, then slid
    if len(prompt.encode()) <= context // 2:
        return False  # at most one token a byte, and as much again for the chat template
    halved = context // 2 <= read <= context // 2 + 8
    letters_per_token = len(prompt) / read
    return letters_per_token > (5 if halved else 8)  # English and code have 2.5 to 4.5


class _Host:
    """One server: where it is, how busy it is, and whether it answered last time."""

    def __init__(self, url: str, model: str) -> None:
        self.place = place(url)
        self.busy = 0
        self.down_until = 0.0
        self._url = url
        self._model = model
        self.client = _client(url, self._check)

    async def reach(self, ask: "Callable[[], Awaitable[_T]]", seconds: float) -> "_T":
        """What `ask` answers, before the deadline. Raises ModelError."""
        import httpx
        import ollama

        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except TimeoutError as late:
            raise too_slow(self.place, seconds) from late
        except (httpx.TransportError, ConnectionError) as broken:
            self.down_until = time.monotonic() + DOWN_SECONDS
            mend = "start it with `ollama serve`, or set the option hosts"
            raise unreachable(self.place, broken, mend=mend) from broken
        except ollama.ResponseError as broken:  # an error in the middle of a stream, after its 200
            said = one_line(broken.error, os.environ.get("OLLAMA_API_KEY", ""))
            raise ModelError(f"{self.place}: the stream ended: {said}") from broken
        except ValueError as unreadable:  # not JSON, or JSON of another shape
            raise ModelError(
                f"{self.place}: the answer is not Ollama's; check the option hosts", retryable=False
            ) from unreadable

    async def version(self) -> str:
        """The server's version, which the client has no function for."""
        import httpx

        async with httpx.AsyncClient(event_hooks={"response": [self._check]}) as web:
            answer = await web.get(f"{self._url}/api/version", timeout=CONNECT_SECONDS)
        return str(answer.json().get("version", "unknown"))

    async def rendered(self, request: dict[str, Any]) -> str:
        """What the server makes of a chat without answering it: another thing without function."""
        answer = await self.client._request_raw("POST", "/api/chat", json=request)  # type: ignore[no-untyped-call]
        prompt = (answer.json().get("_debug_info") or {}).get("rendered_template")
        if not isinstance(prompt, str):
            raise ModelError(f"{self.place}: this server renders no chat", retryable=False)
        return prompt

    async def _check(self, response: "httpx.Response") -> None:
        """Turn an error status into ModelError while its headers are still at hand."""
        if response.status_code < 400:
            return
        detail = (await response.aread()).decode(errors="replace")
        with contextlib.suppress(ValueError, AttributeError):
            detail = str(json.loads(detail).get("error", detail))
        mends = {
            401: "the server asks for a key: set OLLAMA_API_KEY",
            404: f"get the model with `ollama pull {self._model}`",
        }
        raise refused(
            self.place,
            response.status_code,
            detail,
            response.headers,
            advice=mends,
            secret=os.environ.get("OLLAMA_API_KEY", ""),
        )


def _client(url: str, check: "Callable[[httpx.Response], Awaitable[None]]") -> "ollama.AsyncClient":
    import httpx
    import ollama

    class NeverCut(ollama.AsyncClient):
        """Asks the server to refuse a prompt that does not fit; the client has no parameter for it.

        Servers before 0.12.6 ignore this, and `was_cut` looks at what they counted.
        """

        async def _request(self, *args: Any, **kwargs: Any) -> Any:
            if "options" in kwargs.get("json", {}):
                kwargs["json"] |= {"truncate": False, "shift": False}
            return await super()._request(*args, **kwargs)

    return NeverCut(
        host=url,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        event_hooks={"response": [check]},
    )


def _url(host: str) -> str:
    """A host as the user may write it, such as `gpu1` or `:11500`, as a URL."""
    host = host.strip().rstrip("/") or "localhost"
    if "://" in host:
        return host
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, port = host, "11434"
    return f"http://{name or 'localhost'}:{port}"


def _advised_parallel() -> int:
    advised = os.environ.get("OLLAMA_NUM_PARALLEL", "")
    return int(advised) if advised.isdigit() and int(advised) > 0 else 1
