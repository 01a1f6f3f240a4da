"""Models served by Ollama, by its native client: the OpenAI-compatible route cannot set `num_ctx`.

A sampling value left unset is the model's own default, which `describe` records, except the penalty
on repetition: 1.0, so none. Texts that end a reply are added to the model's own. The seed is best
effort on the server's side. A prompt that does not fit is noticed: servers since 0.12.6 are told to
refuse it, and for older ones the number of tokens they read shows it. A partial reply is continued
as raw text. The text is tokenised again, so the result may differ from one request. Not covered:
servers older than 0.2, which count only the tokens that were not in their cache.
"""

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast

from pydantic import Field, field_validator

from solver.errors import ConfigError, ModelError
from solver.models import CompleteOptions, ContinueOptions, Provider
from solver.models._failures import reply_or_cut
from solver.models._finish import LOOPING, read_finish
from solver.models._hosts import Hosts, ask_all
from solver.models._keys import read_key
from solver.models._model import overrides
from solver.models._ollama_facts import (
    difference,
    facts_of,
    model_seconds,
    notes_on,
    time_of,
    was_cut,
)
from solver.models._ollama_host import Host, advised_parallel, find, hosts_at, look
from solver.models._ollama_loading import (
    SHOWN,
    load_on_all,
    notes_on_loaded,
    notes_on_roles,
)
from solver.models._stream import Piece, collect_reply, token
from solver.models._templates import Prompts, read_template
from solver.models._thinking import Thinking, ollama_think, template_variables
from solver.models._thoughts import keep_apart, read_message, refuse_thoughts
from solver.records import Message, Record, Reply, Sampling

if TYPE_CHECKING:
    import ollama

    Answer = ollama.ChatResponse | ollama.GenerateResponse
    Send = Callable[[ollama.AsyncClient], Awaitable[tuple[str, str, Answer]]]


ONE_AT_A_TIME = "asked once at a time; set the option parallel to the server's OLLAMA_NUM_PARALLEL"
CONTEXT_FULL = "the context was full before sampling.max_tokens; raise the option num_ctx"

SENT = {"repeat_penalty": 1.0}
"""Sent where the sampling leaves it unset. Ollama's own value was 1.1 up to summer 2026, at
temperature 0 too, and changed most replies; no other server had one."""


class Options(Record):
    """Where the servers are and how they load the model."""

    hosts: tuple[str, ...] = ()
    """Servers with the same model; by default OLLAMA_HOST, or http://localhost:11434."""
    num_ctx: int = Field(default=8192, ge=256)
    """Tokens of prompt and reply together. Fixed for the run: changing it reloads the model."""
    parallel: int | None = Field(default=None, ge=1)
    """Requests at a time for each host; by default OLLAMA_NUM_PARALLEL, or 1 as the server has."""
    keep_alive: str | int | None = None
    """How long the model stays loaded after a request: seconds, or a time such as 30m; 0 for not at
    all, -1 for ever; unset leaves the server's own."""
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    """Ollama's own name for it: what a request holds. Unset leaves the model's default."""
    thinking: Thinking = "default"
    """How much the model thinks: `off` or a level. Better set for each model, with its key
    `thinking`. Only gpt-oss tells the levels apart; other models take each for "on"."""
    chat_template: str | None = None
    """The model's tokenizer_config.json or .jinja file, to continue partial replies; unset asks the
    server to render a chat, which recent ones do."""
    require_system: bool = True
    """Refuse a model whose template leaves out the system message."""
    timeout: float = Field(default=900.0, gt=0)
    """Seconds for one reply, waiting in the server's queue included."""
    load_timeout: float = Field(default=1800.0, gt=0)
    """Seconds for loading the model, which comes before its first request."""

    @field_validator("keep_alive")
    @classmethod
    def _seconds_as_number(cls, value: str | int | None) -> str | int | None:
        return time_of(value)


def connect(name: str, sampling: Sampling, options: Options) -> "Ollama":
    """Return the model. Raises ConfigError if no prompt could fit, or the key cannot be one."""
    read_key("OLLAMA_API_KEY", f"ollama/{name}")
    if sampling.max_tokens >= options.num_ctx:
        raise ConfigError(
            f"model 'ollama/{name}': sampling.max_tokens {sampling.max_tokens} leaves no room for"
            f" the prompt; raise the option num_ctx above {options.num_ctx}"
        )
    if options.think is not None and options.thinking != "default":
        raise ConfigError(f"model 'ollama/{name}': give thinking or the option think, not both")
    return Ollama(name, sampling, options)


class Ollama:
    """One model on one or more Ollama servers."""

    def __init__(self, name: str, sampling: Sampling, options: Options) -> None:
        self.name = f"ollama/{name}"
        self._model = name
        self._sampling = sampling
        self._options = options
        self._context = options.num_ctx
        self._think = ollama_think(options.think, options.thinking)
        self._thinks = False
        self._template = (
            read_template(options.chat_template, template_variables(options.thinking))
            if options.chat_template
            else None
        )
        self._prompts = Prompts(self._render)
        self._stops: list[str] = []
        self._hosts = Hosts(hosts_at(options.hosts or (os.environ.get("OLLAMA_HOST", ""),), name))
        self.endpoint = "ollama " + " ".join(host.place for host in self._hosts.all)
        self.parallel = len(self._hosts.all) * (options.parallel or advised_parallel())

    async def generate(
        self,
        chat: Sequence[Message],
        *,
        seed: int,
        schema: dict[str, Any] | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Continue a chat on the least busy host."""

        async def send(client: "ollama.AsyncClient") -> "tuple[str, str, ollama.ChatResponse]":
            answer = await client.chat(
                model=self._model,
                messages=[{"role": m.role, "content": m.text} for m in chat],
                format=schema,
                think=self._think,
                options=self._sampling_options(seed, stop),
                keep_alive=self._options.keep_alive,
            )
            return (*read_message(answer.message), answer)

        reply = await self._ask(send, prompt="".join(message.text for message in chat))
        return keep_apart(reply)

    async def extend(
        self, chat: Sequence[Message], partial: str, /, **how: Unpack[ContinueOptions]
    ) -> Reply:
        """Continue a partial reply as raw text, on the host that has its start in the cache.

        Servers since 0.12.11 return log-probabilities.
        """
        rendered = await self._prompts.of(chat)
        prompt = rendered + partial
        request: dict[str, Any] = {"prompt": prompt, "options": self._raw_options(how)}
        if logprobs := how.get("logprobs", 0):
            request |= {"logprobs": True, "top_logprobs": logprobs}
        host = self._hosts.of(rendered)
        return await self._reached(
            host,
            lambda: collect_reply(
                self._pieces(host, request),
                prompt=prompt,
                until=how.get("until"),
                endpoint=host.place,
            ),
        )

    async def prove_extend(self) -> None:
        """Render a chat: by the option's template, or by a server new enough to do it."""
        refuse_thoughts(self.name, thinks=self._thinks)
        try:
            prompt = await self._prompts.of((Message(role="user", text="What is 1 + 1?"),))
        except ModelError as unable:
            if unable.retryable:
                raise
            raise ConfigError(
                f"model {self.name!r}: a partial reply cannot be continued ({unable});"
                " update Ollama, or give the option chat_template: the model's"
                " tokenizer_config.json or .jinja file"
            ) from None
        refuse_thoughts(self.name, prompt)

    async def complete(self, prefix: str, /, **how: Unpack[CompleteOptions]) -> Reply:
        """Continue raw text on the least busy host."""
        options = self._raw_options(how)

        async def send(client: "ollama.AsyncClient") -> "tuple[str, str, ollama.GenerateResponse]":
            answer = await client.generate(
                model=self._model,
                prompt=prefix,
                raw=True,
                think=self._think,
                options=options,
                keep_alive=self._options.keep_alive,
            )
            return answer.response or "", answer.thinking or "", answer

        return await self._ask(send, prompt=prefix)

    async def describe(self) -> dict[str, Any]:
        """Return digest, quantisation, defaults and versions; all hosts must serve the same."""
        facts, notes = await self._of_hosts()
        if len(facts) > 1 and (differs := difference(facts)):
            raise ModelError(
                f"{self.name}: the hosts serve {differs}; ollama pull {self._model} on each",
                retryable=False,
            )
        first = facts[0]
        trained = first["trained_context"]
        self._thinks = first["thinks"] and self._think is not False
        if self._think and not first["thinks"]:
            raise ModelError(
                f"{self.name}: does not support thinking; remove thinking, or the option think",
                retryable=False,
            )
        if trained is not None:  # the server takes the smaller of the two
            self._context = min(self._options.num_ctx, trained)
            if trained < self._options.num_ctx:
                notes.append(f"num_ctx {self._options.num_ctx} is more than the model's {trained}")
        self._stops = first["stops"]
        notes += notes_on(first)
        notes += notes_on_roles(self.name, first["left_out"], required=self._options.require_system)
        if self._options.parallel is None and "OLLAMA_NUM_PARALLEL" not in os.environ:
            notes.append(ONE_AT_A_TIME)
        return {
            **{key: value for key, value in first.items() if key not in ("host", "version")},
            "num_ctx": self._options.num_ctx,
            "context": self._context,
            "keep_alive": self._options.keep_alive,
            "think": self._think,
            "hosts": [{"host": fact["host"], "version": fact["version"]} for fact in facts],
            "notes": [f"{self.name}: {note}" for note in notes],
        }

    async def load(self) -> dict[str, Any]:
        """Load the model on all hosts; return what each then tells. A chat must reach it whole."""
        seconds = self._options.load_timeout
        hosts, notes = await load_on_all(
            self._hosts.all, lambda host: self._rendered(SHOWN, host), self._model, seconds
        )
        for facts in hosts:
            notes += notes_on_loaded(facts, self._context)
            self._context = min(self._context, facts.get("context") or self._context)
            required = self._options.require_system
            notes += notes_on_roles(self.name, facts["left_out"], required=required)
        notes = [f"{self.name}: {note}" for note in dict.fromkeys(notes)]
        return {"hosts": hosts, "notes": notes}

    async def _facts_of_all(self) -> tuple[dict[Host, dict[str, Any]], list[ModelError]]:
        return await ask_all(self._hosts.all, lambda host: facts_of(host, self._model))

    async def served(self) -> list[dict[str, Any]]:
        """Return what each host that answers says about the model now."""
        told, _ = await self._facts_of_all()
        return list(told.values())

    async def _of_hosts(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return what each host says; one that does not answer is left out, with a note."""
        told, failures = await self._facts_of_all()
        self.parallel = self.parallel * len(told) // len(self._hosts.all)
        await self._hosts.keep(told)
        return list(told.values()), [f"goes on without a host: {failure}" for failure in failures]

    async def close(self) -> None:
        """Close the connections. The server unloads the model when its `keep_alive` ends."""
        await self._hosts.close()

    async def _ask(self, send: "Send", *, prompt: str) -> Reply:
        """Make one request that is not streamed, to the least busy host."""
        host = self._hosts.least_busy()

        async def whole() -> Reply:
            started = time.perf_counter()
            text, thoughts, answer = await send(host.client)
            said = text + thoughts
            looped = not answer.done and said.strip()  # it ends a reply that repeats one token
            calls = bool(getattr(getattr(answer, "message", None), "tool_calls", None))
            finish = read_finish(
                host.place, LOOPING if looped else answer.done_reason, said, calls=calls
            )
            read, wrote = answer.prompt_eval_count or 0, answer.eval_count or 0
            early = wrote < self._sampling.max_tokens and read + wrote >= self._context
            return Reply(
                text=text,
                thoughts=thoughts,
                input_tokens=read,
                output_tokens=wrote,
                seconds=model_seconds(answer) or time.perf_counter() - started,
                capped=finish.capped,
                ended=CONTEXT_FULL if finish.capped and early else finish.ended,
                prompt_cut=not host.refuses_long_prompts
                and was_cut(prompt, read=read, wrote=wrote, context=self._context),
            )

        return await self._reached(host, whole)

    async def _reached(self, host: Host, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return a host's reply, or an empty one with `prompt_cut` if the prompt does not fit."""
        host.busy += 1
        try:
            return await reply_or_cut(lambda: host.reach(ask, self._options.timeout))
        finally:
            host.busy -= 1

    async def _pieces(self, host: Host, request: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Yield the events of a stream of raw text as pieces of a reply."""
        events = await host.client.generate(
            model=self._model,
            raw=True,
            think=self._think,
            stream=True,
            keep_alive=self._options.keep_alive,
            **request,
        )
        async with aclosing(cast("AsyncGenerator[ollama.GenerateResponse, None]", events)):
            async for event in events:
                if event.thinking:
                    refuse_thoughts(self.name, thinks=True)
                read, wrote = event.prompt_eval_count, event.eval_count
                yield Piece(
                    text=event.response or "",
                    tokens=tuple(token(entry.model_dump()) for entry in event.logprobs or ()),
                    finish=(event.done_reason or "none") if event.done else None,
                    read=read,
                    wrote=wrote,
                    prompt_cut=not host.refuses_long_prompts
                    and was_cut(
                        request["prompt"], read=read or 0, wrote=wrote or 0, context=self._context
                    ),
                )

    async def _render(self, chat: Sequence[Message]) -> str:
        """Return the text of a chat: by the option's template, or by the server."""
        return self._template(chat) if self._template is not None else await self._rendered(chat)

    async def _rendered(self, chat: Sequence[Message], host: Host | None = None) -> str:
        """Return the text of a chat as the server's template makes it; this loads the model."""
        host = host or self._hosts.least_busy()
        request = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.text} for m in chat],
            "options": {**self._sampling_options(0), "num_predict": 1},  # for older servers, which
            "keep_alive": self._options.keep_alive,  # know nothing of rendering and answer
            "stream": False,
            "_debug_render_only": True,
        }
        if self._think is not None:
            request["think"] = self._think
        return await host.reach(lambda: host.rendered(request), 1 + self._options.load_timeout)

    def _raw_options(self, how: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sampling of a request that continues a text."""
        chosen = overrides(how)
        if "max_tokens" in chosen:
            chosen["num_predict"] = chosen.pop("max_tokens")
        return self._sampling_options(how["seed"], how.get("stop", ())) | chosen

    def _sampling_options(self, seed: int, stop: Sequence[str] = ()) -> dict[str, Any]:
        """Return the sampling in Ollama's names."""
        sampling = self._sampling
        options: dict[str, Any] = {
            "num_ctx": self._options.num_ctx,
            "num_predict": sampling.max_tokens,
            "seed": seed % 2**31,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty or SENT["repeat_penalty"],
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
        }
        if stops := [*sampling.stop, *stop]:  # they replace the model's own, so those go along
            options["stop"] = list(dict.fromkeys([*self._stops, *stops]))
        return {key: value for key, value in options.items() if value is not None}


PROVIDER = Provider(
    name="ollama",
    description="models of an Ollama server, by its native client",
    options=Options,
    connect=connect,
    can=frozenset({
        "continuing", "logprobs", "raw", "schema", "seed", "stop", "thinking-level", "thinking-off",
    }),
    reach=frozenset({"hosts", "keep_alive", "load_timeout", "parallel", "timeout"}),
    sent=SENT,
    library="ollama",
    look=look,
    find=find,
)  # fmt: skip
