"""Mistral's models, by the mistralai client.

A sampling value left unset is not sent, so Mistral's own default holds. Mistral has no completion
of raw text: `complete` sends the text as the start of an assistant's message.
"""

import asyncio
import importlib
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar, Unpack

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.models import CompleteOptions, ContinueOptions, Provider
from solver.models._answers import reading
from solver.models._clients import connection_errors, guard, making_client
from solver.models._failures import (
    CONNECT_SECONDS,
    Advice,
    check_room,
    is_loopback,
    not_the_api,
    refused,
    reply_or_cut,
    too_slow,
    unreachable,
)
from solver.models._finish import read_finish
from solver.models._formats import json_of
from solver.models._keys import checked_url, read_key
from solver.models._model import overrides
from solver.models._redact import place
from solver.models._said import has_error, parsed
from solver.models._stream import Piece, collect_reply
from solver.models._thinking import Thinking, thinks_by_name
from solver.models._thoughts import keep_apart, read_message, refuse_thoughts
from solver.records import Message, Record, Reply, Sampling
from solver.surrogates import without_surrogates

_T = TypeVar("_T")

MISTRAL = "https://api.mistral.ai"
_ADDRESS = "check the option server_url"


class Options(Record):
    """Where the API is and how much may be asked of it."""

    server_url: str = MISTRAL
    """Another server that speaks Mistral's API."""
    api_key_env: str = "MISTRAL_API_KEY"
    """The environment variable that holds the key."""
    thinking: Thinking = "default"
    """How much the model thinks: `off` or a level. Better set for each model, with its key
    `thinking`."""
    parallel: int = Field(default=8, ge=1)
    """Requests at a time."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one reply."""


def connect(name: str, sampling: Sampling, options: Options) -> "Mistral":
    """Return the model at Mistral. Raises ConfigError if the key or the top_k option is missing."""
    spec = f"mistral/{name}"
    server = checked_url(options.server_url, spec, "server_url")
    options = options.model_copy(update={"server_url": server})
    key = read_key(options.api_key_env, spec)
    if not key:
        raise ConfigError(
            f"model 'mistral/{name}': no key; set the environment variable {options.api_key_env}"
        )
    if options.thinking == "off" and "magistral" in name:
        raise ConfigError(f"model 'mistral/{name}': always thinks; remove thinking: off")
    for lacking in ("min_p", "repeat_penalty"):
        if getattr(sampling, lacking) is not None:
            raise ConfigError(
                f"model {spec!r}: Mistral has no {lacking}; remove sampling.{lacking}"
            )
    model = Mistral(name, key, sampling, options)
    if sampling.top_k is not None and not model.has_top_k:
        raise ConfigError(
            f"model 'mistral/{name}': the installed mistralai has no top_k;"
            " remove sampling.top_k, or pip install -U mistralai"
        )
    return model


class Mistral:
    """One model at one server."""

    def __init__(self, name: str, key: str, sampling: Sampling, options: Options) -> None:
        from mistralai.client import Mistral as Client
        from mistralai.client import errors

        self.name = f"mistral/{name}"
        self.endpoint = f"mistral {place(options.server_url)}"
        self.parallel = options.parallel
        self._model = name
        self._key = key
        self._sampling = sampling
        self._options = options
        self._errors = errors
        # the HTTP library of the client: httpx in mistralai 2, httpx2 in 3
        self._http = importlib.import_module("mistralai.client.httpclient").httpx
        deadlines = self._http.Timeout(options.timeout, connect=CONNECT_SECONDS)
        near = is_loopback(options.server_url)  # no proxy is meant for this machine
        hooks = {"response": [guard(self.endpoint)]}
        with making_client(self.endpoint):
            self._web = self._http.AsyncClient(
                follow_redirects=True, timeout=deadlines, trust_env=not near, event_hooks=hooks
            )
            self._client = Client(
                api_key=key,
                server_url=options.server_url,
                async_client=self._web,
                retry_config=None,
            )
        self.has_top_k = "top_k" in inspect.signature(self._client.chat.complete_async).parameters

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat. An empty reply in it is left out: Mistral refuses one."""
        request = self._request(seed, stop)
        said = [m for m in chat if m.text or m.role != "assistant"]
        request["messages"] = [{"role": m.role, "content": m.text} for m in said]
        if schema is not None:
            request["response_format"] = json_of(schema)
        follow_up = any(message.role == "assistant" for message in said)
        return await self._ask(request, follow_up=follow_up)

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue a partial assistant's message. Mistral returns no probabilities."""
        request = self._request(how["seed"])
        messages: list[dict[str, Any]] = [{"role": m.role, "content": m.text} for m in chat]
        if partial:
            messages.append({"role": "assistant", "content": partial, "prefix": True})
        request["messages"] = messages
        request |= overrides(how)
        prompt = "".join(message["content"] for message in messages)
        return await self._or_cut(
            lambda: collect_reply(
                after(partial, self._pieces(request)),
                prompt=prompt,
                until=how.get("until"),
                endpoint=self.endpoint,
            ),
            follow_up=bool(partial),
        )

    async def prove_extend(self) -> None:
        """Request one token that continues a partial message."""
        thinks = thinks_by_name(self._model) and self._options.thinking != "off"
        refuse_thoughts(self.name, thinks=thinks)
        chat = (Message(role="user", text="Count from 1 to 5."),)
        try:
            await self.extend(chat, "1, 2,", seed=0, max_tokens=1)
        except ModelError as unable:
            if unable.retryable:
                raise
            raise ConfigError(
                f"model {self.name!r}: continues no partial message ({unable}); use another model"
            ) from None

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue an assistant's message that starts with `prefix`."""
        request = self._request(how["seed"], how.get("stop", ()))
        request["messages"] = [
            {"role": "user", "content": "Continue your text where it stops."},
            {"role": "assistant", "content": prefix, "prefix": True},
        ]
        request |= overrides(how)
        reply = await self._ask(request)
        return reply.model_copy(update={"text": reply.text.removeprefix(prefix)})

    async def describe(self) -> dict[str, Any]:
        """Return what Mistral says about the model."""
        card = await self._reach(
            lambda: self._client.models.retrieve_async(model_id=self._model), 2 * CONNECT_SECONDS
        )
        facts = card.model_dump(mode="json")
        if isinstance(context := facts.get("max_context_length"), int):
            check_room(self.endpoint, self._sampling.max_tokens, context)
        wanted = ("id", "aliases", "max_context_length", "deprecation", "owned_by")
        return {
            "server_url": place(self._options.server_url),
            **{key: facts[key] for key in wanted if facts.get(key)},
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._web.aclose()

    def _request(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        """Return what all requests have in common."""
        sampling = self._sampling
        request = {
            "model": self._model,
            "random_seed": seed % 2**31,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "stop": [*sampling.stop, *stop] or None,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
        }
        request |= self._thinking()
        return {key: value for key, value in request.items() if value is not None}

    def _thinking(self) -> dict[str, Any]:
        """Return how much the model is to think: magistral has a mode for it, others an effort."""
        wanted = self._options.thinking
        if "magistral" in self._model:
            return {} if wanted == "default" else {"prompt_mode": "reasoning"}
        efforts = {"default": None, "off": "none"}
        return {"reasoning_effort": efforts.get(str(wanted), wanted)}

    async def _ask(self, request: dict[str, Any], *, follow_up: bool = False) -> Reply:
        """Make one request that is not streamed."""

        async def whole() -> Reply:
            started = time.perf_counter()
            answer = await self._complete(request)
            return reply_of(answer, time.perf_counter() - started, self.endpoint)

        return await self._or_cut(whole, follow_up=follow_up)

    async def _complete(self, request: dict[str, Any]) -> Any:
        """Return the SDK's answer, also where a model wrote half a surrogate pair."""
        from mistralai.client.models import ChatCompletionResponse

        try:
            return await self._client.chat.complete_async(**request)
        except self._errors.ResponseValidationError as failed:
            return _read_again(failed, ChatCompletionResponse)

    async def _or_cut(self, ask: Callable[[], Awaitable[Reply]], *, follow_up: bool) -> Reply:
        """Return the reply, or an empty one with `prompt_cut` if the prompt does not fit."""
        return await reply_or_cut(
            lambda: self._reach(ask, self._options.timeout), follow_up=follow_up
        )

    async def _pieces(self, request: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Yield the events of a stream as pieces of its reply."""
        async with (
            await self._client.chat.stream_async(**request) as stream,
            aclosing(self._events(stream.response)) as events,
        ):
            async for event in events:
                yield piece_of(event.data)

    def _events(self, response: Any) -> AsyncGenerator[Any, None]:
        """Return the SDK's events of a stream, also those with half a surrogate pair.

        The SDK's own iterator ends at the first of them.
        """
        from mistralai.client.models import CompletionEvent
        from mistralai.client.utils.eventstreaming import stream_events_async
        from mistralai.client.utils.unmarshal_json_response import unmarshal_json_response

        def read(text: str) -> Any:
            try:
                return unmarshal_json_response(CompletionEvent, response, text)
            except self._errors.ResponseValidationError as failed:
                return _read_again(failed, CompletionEvent)

        return stream_events_async(response, read, sentinel="[DONE]")

    async def _reach(self, send: Callable[[], Awaitable[_T]], seconds: float) -> _T:
        """Return what `send` answers before the deadline. Raises ModelError."""
        try:
            async with asyncio.timeout(seconds):
                return await send()
        except (TimeoutError, self._http.TimeoutException) as late:
            raise too_slow(self.endpoint, seconds) from late
        except self._errors.MistralError as failed:
            raise self._failure_of(failed) from None  # the SDK's exception holds the key
        except connection_errors(self._errors.NoResponseError) as broken:
            raise unreachable(self.endpoint, broken) from None
        except (ValueError, RecursionError) as unreadable:
            text = getattr(unreadable, "doc", unreadable)
            raise not_the_api(self.endpoint, _ADDRESS, text) from None

    def _failure_of(self, failed: Any) -> ModelError:
        """Return the failure for an error status, or for an answer that is not Mistral's."""
        status, body = failed.status_code, failed.body
        if status < 400 and not has_error(parsed(body)):
            return not_the_api(self.endpoint, _ADDRESS, body)
        key = self._options.api_key_env
        advice: Advice = {
            401: f"the key in {key} was refused",
            403: f"the key in {key} may not use {self._model}",
            404: f"check the model's name {self._model!r}",
            **{name: f"remove sampling.{name}" for name in ("top_p", "top_k", "stop")},
        }
        headers = failed.headers
        return refused(self.endpoint, status, body, headers, advice=advice, secret=self._key)


@reading()
def reply_of(answer: Any, seconds: float, endpoint: str) -> Reply:
    """Return the reply in an answer, with its thoughts kept apart.

    Raises ModelError where it holds none, ValueError where it is not the API's.
    """
    choice = answer.choices[0] if answer and answer.choices else None
    if choice is None or choice.message is None:
        raise ModelError(f"{endpoint}: the answer holds no reply")
    text, thoughts = read_message(choice.message)
    calls = bool(choice.message.tool_calls)
    finish = read_finish(endpoint, choice.finish_reason, text + thoughts, calls=calls)
    usage = answer.usage
    reply = Reply(
        text=text,
        thoughts=thoughts,
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        seconds=seconds,
        capped=finish.capped,
        ended=finish.ended,
    )
    return keep_apart(reply, total=usage.total_tokens)


@reading()
def piece_of(data: Any) -> Piece:
    """Read one event of a stream. Raises ValueError where it is not the API's."""
    usage = data.usage
    choice = data.choices[0] if data.choices else None
    return Piece(
        text=read_message(choice.delta)[0] if choice else "",
        finish=choice.finish_reason if choice else None,
        read=usage.prompt_tokens if usage else None,
        wrote=usage.completion_tokens if usage else None,
    )


def _read_again(failed: Any, kind: Any) -> Any:
    """Return what the SDK refused to read, if half a surrogate pair was all that is wrong with it.

    Raises the SDK's exception otherwise.
    """
    try:
        return kind.model_validate(without_surrogates(parsed(failed.body)))
    except ValueError:
        raise failed from None


async def after(partial: str, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield the pieces without `partial`, which Mistral repeats at the start of a continuation."""
    said = ""
    repeats = bool(partial)
    async with aclosing(pieces):
        async for piece in pieces:
            if repeats:
                said += piece.text
                if partial.startswith(said) and piece.finish is None:
                    piece = replace(piece, text="")
                else:
                    piece = replace(piece, text=said.removeprefix(partial))
                    repeats = False
            yield piece


PROVIDER = Provider(
    name="mistral",
    description="Mistral's API, by the mistralai client",
    options=Options,
    connect=connect,
    can=frozenset({"continuing", "schema", "seed", "stop", "thinking-level", "thinking-off"}),
    reach=frozenset({"api_key_env", "parallel", "timeout"}),
    key="MISTRAL_API_KEY",
    library="mistralai",
)
