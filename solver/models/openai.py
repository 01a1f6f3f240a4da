"""OpenAI's models, and any server that speaks its chat API: vLLM, llama.cpp, LM Studio, Gemini.

A sampling value left unset is not sent, so the server's own default holds. A partial reply is
continued through /completions, which OpenAI itself lacks. The text is tokenised again, so the
result may differ from one request.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field

from solver.errors import ConfigError, ModelError
from solver.models import CompleteOptions, ContinueOptions, Provider
from solver.models._clients import connection_errors, guard, making_client
from solver.models._failures import CONNECT_SECONDS, Advice, is_loopback, reply_or_cut, too_slow
from solver.models._formats import json_of
from solver.models._keys import checked_url, read_key
from solver.models._openai_answers import piece_of, reply_of
from solver.models._openai_failures import choice_of, failure_of
from solver.models._openai_models import facts_in, find, models_in
from solver.models._redact import place
from solver.models._several import Several, Whole
from solver.models._stream import Piece, collect_reply
from solver.models._templates import Prompts, read_template
from solver.models._thinking import Thinking, openai_fields, template_kwargs, template_variables
from solver.models._thoughts import refuse_thoughts
from solver.records import Message, Record, Reply, Sampling

if TYPE_CHECKING:
    import openai

_T = TypeVar("_T")

PROBE = (Message(role="user", text="What is 1 + 1?"),)
"""A chat to check whether replies can be continued."""

Omitted = Literal["temperature", "seed", "stop", "response_format"]
OMITTED: tuple[Omitted, ...] = get_args(Omitted)

BEYOND_OPENAI = ("top_k", "min_p", "repeat_penalty")
"""Sampling that other servers of this API have, and OpenAI has not."""

OPENAI = "https://api.openai.com/v1"


class Options(Record):
    """Where the server is and what it understands."""

    base_url: str | tuple[str, ...] | None = None
    """The API's root, e.g. http://localhost:8000/v1; by default OPENAI_BASE_URL, or OpenAI's. A
    list is of servers with the same model: each is asked when it has the fewest requests."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key. A server on this machine needs none."""
    cap_parameter: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    """How `sampling.max_tokens` is sent; `auto` is the newer name at OpenAI, else the older."""
    omit: tuple[Omitted, ...] = ()
    """What this server or model refuses, left out: temperature for OpenAI's reasoning models."""
    reasoning_effort: str | None = None
    """OpenAI's own name for it: what a request holds."""
    thinking: Thinking = "default"
    """How much the model thinks: `off`, a level, or a number of tokens where the server takes one.
    Better set for each model, with its key `thinking`."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """What each chat's request holds besides; for what this program has no option for."""
    chat_template: str | None = None
    """The model's .jinja file or tokenizer_config.json, to continue partial replies; unset asks the
    server's /apply-template, which llama-server has."""
    parallel: int = Field(default=16, ge=1)
    """Requests at a time, for each server."""
    timeout: float = Field(default=600.0, gt=0)
    """Seconds for one reply."""


def connect(name: str, sampling: Sampling, options: Options) -> Whole:
    """Return the model at its server or servers.

    Raises ConfigError if the key is missing, or OpenAI would refuse the sampling.
    """
    given = options.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
    urls = dict.fromkeys((given,) if isinstance(given, str) else given)
    models = [_connect(url, name, sampling, options) for url in urls]
    return models[0] if len(models) == 1 else Several(models)


def _connect(given: str, name: str, sampling: Sampling, options: Options) -> "OpenAI":
    """Return the model at one server."""
    spec = f"openai/{name}"
    url = checked_url(given, spec, "base_url" if options.base_url else "OPENAI_BASE_URL")
    key = read_key(options.api_key_env, spec)
    if not key and not is_loopback(url) and not urlsplit(url).password:
        raise ConfigError(
            f"model {spec!r}: no key for {place(url)}; set the environment variable"
            f" {options.api_key_env}, or name another with the option api_key_env"
        )
    for lacking in BEYOND_OPENAI if _is_openai(url) else ():
        if getattr(sampling, lacking) is not None:
            raise ConfigError(f"model {spec!r}: OpenAI has no {lacking}; remove sampling.{lacking}")
    if options.reasoning_effort is not None and options.thinking != "default":
        raise ConfigError(f"model {spec!r}: give thinking or the option reasoning_effort, not both")
    return OpenAI(name, url, key, sampling, options)


class OpenAI:
    """One model at one server."""

    def __init__(self, name: str, url: str, key: str, sampling: Sampling, options: Options) -> None:
        address = urlsplit(url)
        bare = address._replace(query="", fragment="").geturl()
        self.name = f"openai/{name}"
        self.place = place(url)
        self.endpoint = f"openai {self.place}"
        self.parallel = options.parallel
        self.busy, self.down_until = 0, 0.0
        self._model = name
        self._url, self._root = bare, bare.rstrip("/").removesuffix("/v1")
        self._key = key
        self._sampling = sampling
        self._options = options
        self._template = (
            read_template(options.chat_template, template_variables(options.thinking))
            if options.chat_template
            else None
        )
        self._thinking = openai_fields(url, options.thinking, self.name)
        self._prompts = Prompts(self._render)
        with making_client(self.endpoint):
            import openai  # which reads the environment too

            wait = _timeout(options.timeout)
            web = openai.DefaultAsyncHttpxClient(
                trust_env=not is_loopback(url),  # no proxy is meant for this machine
                timeout=wait,
                event_hooks={"response": [guard(self.endpoint)]},
            )
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=bare,
            default_query=dict(parse_qsl(address.query)),  # as Azure's ?api-version=
            default_headers={"api-key": key} if _is_azure(url) else None,
            max_retries=0,  # every request is counted, so the client may not add any
            timeout=wait,
            http_client=web,
        )

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat."""
        request = self._request(seed, stop)
        cap = self._options.cap_parameter
        if cap == "auto":
            cap = "max_completion_tokens" if _is_openai(self._url) else "max_tokens"
        request[cap] = self._sampling.max_tokens
        request["messages"] = [{"role": m.role, "content": m.text} for m in chat]
        if self._options.reasoning_effort is not None:
            request["reasoning_effort"] = self._options.reasoning_effort
        if schema is not None and "response_format" not in self._options.omit:
            request["response_format"] = json_of(schema)
        return await self._ask(
            "/chat/completions",
            request | self._thinking | self._options.extra_body,
            follow_up=any(message.role == "assistant" for message in chat),
        )

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue a partial reply as raw text, if the server has /completions."""
        prompt = await self._prompts.of(chat) + partial
        request = self._raw_request(prompt, how)
        if logprobs := how.get("logprobs", 0):
            request["logprobs"] = logprobs
        return await self._or_cut(
            lambda: collect_reply(
                self._pieces(request),
                prompt=prompt,
                until=how.get("until"),
                endpoint=self.endpoint,
            ),
            follow_up=bool(partial),
        )

    async def prove_extend(self) -> None:
        """Render a chat and request one token after it. OpenAI itself is asked nothing."""
        fix = "use local/…, ollama/…, or a server with /completions: vLLM, llama-server"
        if _is_openai(self._url):
            raise ConfigError(f"model {self.name!r}: OpenAI continues no partial reply; {fix}")
        try:
            refuse_thoughts(self.name, await self._prompts.of(PROBE))
        except ModelError as unable:
            if unable.status in (404, 405, 501):
                raise ConfigError(
                    f"model {self.name!r}: {place(self._root)} has no /apply-template; give the"
                    " option chat_template: the model's tokenizer_config.json or .jinja file"
                ) from None
            if unable.retryable:
                raise
            raise ConfigError(f"model {self.name!r}: {unable}") from None
        try:
            await self.extend(PROBE, "1 + 1 =", seed=0, max_tokens=1)
        except ModelError as unable:
            if unable.retryable and unable.status != 501:
                raise
            raise ConfigError(
                f"model {self.name!r}: /completions continues nothing ({unable}); {fix}"
            ) from None

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue raw text, if the server has /completions."""
        return await self._ask("/completions", self._raw_request(prefix, how))

    async def describe(self) -> dict[str, Any]:
        """Return what the server's list says about the model, and what requests leave out."""
        facts: dict[str, Any] = {"base_url": self.place, "omitted": [*self._options.omit]}
        try:
            listed = await self._reach(self._list, 2 * CONNECT_SECONDS)
        except ModelError as unlisted:
            if unlisted.status not in (404, 405, 501):
                raise
            return {**facts, "listed": False}  # some servers have no list
        cap = self._sampling.max_tokens
        return facts | facts_in(listed, self._model, endpoint=self.endpoint, cap=cap)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _list(self) -> list[dict[str, Any]]:
        """List the server's models."""
        answer = await self._client.models.with_raw_response.list()
        return models_in(answer.text, self.endpoint)

    def _raw_request(self, prompt: str, how: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request that continues a text; `max_tokens` is what all such servers read."""
        request = self._request(how["seed"], how.get("stop", ()))
        max_tokens = how.get("max_tokens") or self._sampling.max_tokens
        request |= {"prompt": prompt, "max_tokens": max_tokens}
        if how.get("temperature") is not None and "temperature" not in self._options.omit:
            request["temperature"] = how["temperature"]
        return request

    def _request(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        """Return what all requests have in common."""
        sampling = self._sampling
        request: dict[str, Any] = {
            "model": self._model,
            "seed": seed % 2**31,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": [*sampling.stop, *stop] or None,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            **{name: getattr(sampling, name) for name in BEYOND_OPENAI},
            "repetition_penalty": sampling.repeat_penalty,  # the name in vLLM and SGLang
        }
        left_out = self._options.omit
        return {k: v for k, v in request.items() if v is not None and k not in left_out}

    async def _ask(self, path: str, body: dict[str, Any], *, follow_up: bool = False) -> Reply:
        """Make one request that is not streamed."""

        async def whole() -> Reply:
            started = time.perf_counter()
            answer = await self._send(path, body)
            choice = choice_of(answer, self.endpoint, advice=self._advice(), secret=self._key)
            seconds = time.perf_counter() - started
            return reply_of(choice, answer.usage, seconds, self.endpoint)

        return await self._or_cut(whole, follow_up=follow_up)

    async def _or_cut(self, ask: Callable[[], Awaitable[Reply]], *, follow_up: bool) -> Reply:
        """Return the reply, or an empty one with `prompt_cut` if the prompt does not fit."""
        return await reply_or_cut(
            lambda: self._reach(ask, self._options.timeout), follow_up=follow_up
        )

    async def _send(self, path: str, body: dict[str, Any]) -> Any:
        """Send a request as it is. The client's own methods would look at each message first."""
        from openai.types import Completion
        from openai.types.chat import ChatCompletion

        kind = ChatCompletion if path == "/chat/completions" else Completion
        return await self._client.post(path, cast_to=kind, body=body)

    async def _pieces(self, request: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Yield what /completions answers as pieces. A request for one token is not streamed."""
        if request["max_tokens"] == 1:
            yield piece_of(await self._send("/completions", request))
            return
        # llama.cpp hangs up after a stream and does not say so: what is sent next would be lost
        answer = await self._client.completions.create(
            model=self._model,
            prompt=request["prompt"],
            stream=True,
            stream_options={"include_usage": True},
            extra_body=request,
            extra_headers={"Connection": "close"},
        )
        async with answer as events:
            async for event in events:
                yield piece_of(event)

    async def _render(self, chat: Sequence[Message]) -> str:
        """Return the text of a chat: by the option's template, or by a server that renders it."""
        if self._template is not None:
            return self._template(chat)
        body = {
            "messages": [{"role": m.role, "content": m.text} for m in chat],
            **template_kwargs(self._options.thinking),
            **self._options.extra_body,
        }
        said: object = await self._reach(
            lambda: self._client.post(f"{self._root}/apply-template", cast_to=object, body=body),
            self._options.timeout,
        )
        prompt = said.get("prompt") if isinstance(said, dict) else None
        if not isinstance(prompt, str):
            raise ModelError(f"{self.endpoint}: /apply-template gave no prompt", retryable=False)
        return prompt

    async def _reach(self, send: Callable[[], Awaitable[_T]], seconds: float) -> _T:
        """Return what `send` answers before the deadline. Raises ModelError."""
        import openai

        try:
            async with asyncio.timeout(seconds):
                return await send()
        except (TimeoutError, openai.APITimeoutError) as late:
            raise too_slow(self.endpoint, seconds) from late
        except connection_errors(openai.APIError, ValueError, RecursionError) as failed:
            advice = self._advice()
            raise failure_of(failed, self.endpoint, advice=advice, secret=self._key) from None

    def _advice(self) -> Advice:
        """Say how to fix each status and parameter that the user can do something about."""
        refused_key = f"the key in {self._options.api_key_env} was refused"
        return {
            400: "if it names a parameter, leave it out with the option omit",
            401: refused_key,
            403: f"{refused_key}, or may not use {self._model}",
            404: f"check the model's name {self._model!r} and the option base_url",
            **{name: f"leave it out with the option omit: [{name}]" for name in OMITTED},
            "max_tokens": "set the option cap_parameter: max_completion_tokens",
            "max_completion_tokens": "set the option cap_parameter: max_tokens",
            "top_p": "remove sampling.top_p",
            "top_k": "remove sampling.top_k",
            "reasoning_effort": "remove the option reasoning_effort",
        }


def _is_azure(url: str) -> bool:
    """Tell whether a URL is Azure's, which has a header of its own for the key."""
    return (urlsplit(url).hostname or "").endswith(".azure.com")


def _is_openai(url: str) -> bool:
    """Tell whether a URL is OpenAI's own."""
    return (urlsplit(url).hostname or "").endswith("openai.com")


def _timeout(seconds: float) -> "openai.Timeout":
    """Build the client's timeout, with a shorter one for connecting."""
    import openai

    return openai.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))


PROVIDER = Provider(
    name="openai",
    description="OpenAI's API, or any server that speaks it: vLLM, llama-server, LM Studio, Gemini",
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
    reach=frozenset({"api_key_env", "parallel", "timeout"}),
    key="OPENAI_API_KEY",
    library="openai",
    find=find,
)
