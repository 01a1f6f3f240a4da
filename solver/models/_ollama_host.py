"""One Ollama server: its address, how busy it is, and its failures as `ModelError`."""

import asyncio
import base64
import json
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from solver.errors import ConfigError, ModelError
from solver.models import Found, found
from solver.models._answers import readable
from solver.models._clients import (
    CERTIFICATES,
    PROXIES,
    Guard,
    are_set,
    connection_errors,
    guard,
    making_client,
)
from solver.models._failures import (
    CONNECT_SECONDS,
    Advice,
    is_loopback,
    not_the_api,
    refused,
    too_slow,
    unreachable,
)
from solver.models._hosts import DOWN_SECONDS
from solver.models._keys import checked_url
from solver.models._redact import place
from solver.models._said import has_error, parsed
from solver.text import natural

if TYPE_CHECKING:
    import httpx
    import ollama

_T = TypeVar("_T")


class Host:
    """One server: its address, how busy it is, and whether it answered last time."""

    def __init__(self, url: str, model: str) -> None:
        self.place = place(url)
        self.busy = 0
        self.down_until = 0.0
        self.refuses_long_prompts = False
        """It is new enough to obey `truncate: false`, so nothing is guessed from counts."""
        self._model = model
        self.client = _client(url, [guard(self.place), self._check])

    async def reach(self, ask: "Callable[[], Awaitable[_T]]", seconds: float) -> "_T":
        """Return what `ask` answers before the deadline. Raises ModelError."""
        library = ollama_library()
        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except TimeoutError as late:
            raise too_slow(self.place, seconds) from late
        except connection_errors() as broken:
            self.down_until = time.monotonic() + DOWN_SECONDS
            fix = "start it with `ollama serve`, or set the option hosts"
            clients = isinstance(broken, ConnectionError)  # whose words are advice, as `fix` is
            why = broken.__context__ if clients and broken.__context__ else broken
            raise unreachable(self.place, why, fix=fix) from broken
        except library.ResponseError as broken:  # an error after a 200, in a stream or alone
            raise self._refusal(None, broken.error, {}) from broken
        except (ValueError, RecursionError) as unreadable:  # not JSON, or JSON of another shape
            text = getattr(unreadable, "doc", unreadable)
            raise not_the_api(self.place, "check the option hosts", text) from unreadable

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()  # type: ignore[no-untyped-call]  # ollama does not type it

    async def version(self) -> str:
        """Ask for the server's version, which the client has no function for."""
        answer = await self.client._request_raw("GET", "/api/version")  # type: ignore[no-untyped-call]
        version = str(answer.json().get("version", "unknown"))
        numbers = _numbers(version)  # 0.0.0 is what a server built from source says
        self.refuses_long_prompts = numbers == (0, 0, 0) or numbers >= (0, 12, 6)
        return version

    async def rendered(self, request: dict[str, Any]) -> str:
        """Have the server render a chat without answering it; the client has no function for it."""
        answer = await self.client._request_raw("POST", "/api/chat", json=request)  # type: ignore[no-untyped-call]
        shown = answer.json().get("_debug_info")
        prompt = shown.get("rendered_template") if isinstance(shown, dict) else None
        if not isinstance(prompt, str):
            raise ModelError(f"{self.place}: this server renders no chat", retryable=False)
        return prompt

    async def _check(self, response: "httpx.Response") -> None:
        """Turn an error status into ModelError while its headers are still at hand."""
        if response.status_code < 400:
            return
        body = await response.aread()
        raise self._refusal(response.status_code, body, response.headers)

    def _refusal(self, status: int | None, body: object, headers: Mapping[str, str]) -> ModelError:
        """Return the failure for an error of the server."""
        signed_out = b"signin_url" in body if isinstance(body, bytes) else False
        advice: Advice = {
            401: "sign in with `ollama signin`"
            if signed_out
            else "the server asks for a key: set OLLAMA_API_KEY",
            404: f"get the model with `ollama pull {self._model}`",
            "account": "wait, or use a model that runs on this machine",
            "memory": "choose a smaller model or quantisation, or lower the option num_ctx",
            "think": "remove the option think",
            "thinking": "remove the option think",
            "keep_alive": "set the option keep_alive to seconds, or to a time such as 30m",
        }
        secret = os.environ.get("OLLAMA_API_KEY", "")
        return refused(self.place, status, body, headers, advice=advice, secret=secret)


def hosts_at(urls: Iterable[str], model: str) -> list[Host]:
    """Return the servers at some addresses, each once. Raises ConfigError for a wrong one."""
    options = f"ollama/{model}", "hosts (or OLLAMA_HOST)"
    checked = [checked_url(host_url(url), *options) for url in urls]
    return [Host(url, model) for url in dict.fromkeys(checked)]


def _client(url: str, checks: list[Guard]) -> "ollama.AsyncClient":
    """Build a client that asks the server not to cut prompts, and checks each response."""
    import httpx

    library = ollama_library()

    class NeverCut(library.AsyncClient):  # type: ignore[misc,name-defined]
        """Asks the server to refuse a prompt that does not fit; the client has no parameter for it.

        Servers before 0.12.6 ignore this, and `was_cut` looks at what they counted.
        """

        async def _request(self, *args: Any, **kwargs: Any) -> Any:
            if "options" in kwargs.get("json", {}):
                kwargs["json"] |= {"truncate": False, "shift": False}
            answer = await super()._request(*args, **kwargs)
            return readable(answer) if kwargs.get("stream") else answer

        async def _request_raw(self, *args: Any, **kwargs: Any) -> Any:
            answer = await super()._request_raw(*args, **kwargs)
            said = parsed(answer.text)
            if has_error(said):  # in an answer with a good status
                raise library.ResponseError(answer.text)
            if not isinstance(said, dict):
                raise json.JSONDecodeError("not the API's", answer.text, 0)
            return answer

    with making_client(place(url)):
        client: ollama.AsyncClient = NeverCut(
            host=url,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            event_hooks={"response": checks},
            headers={"authorization": _login(url)},
            trust_env=not is_loopback(url),  # no proxy is meant for this machine
        )
    return client


def host_url(host: str) -> str:
    """Return a host as a URL, read as Ollama does: `gpu1`, `:11500`, `::1`, `"gpu1/path"`.

    A port that is none gives way to the default one.
    """
    scheme, named, rest = host.strip().strip("\"'").strip().rstrip("/").rpartition("://")
    login, at, address = rest.lstrip("/").rpartition("@")
    place_, slash, path = address.partition("/")
    name, _, port = place_.rpartition(":") if _has_port(place_) else (place_, "", "")
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    if not 0 < (natural(port) or 0) < 2**16:
        port = "" if named else "11434"  # else that of http or https
    end = f":{port}" if port else ""
    return f"{scheme.lower() or 'http'}://{login}{at}{name or 'localhost'}{end}{slash}{path}"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to compare it."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _has_port(address: str) -> bool:
    """Tell whether what follows the last colon is a port and not a part of an IPv6 address."""
    return address.count(":") == 1 or "]:" in address


def _login(url: str) -> str | None:
    """Return the header for user and password in a URL, which the client would leave out."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def ollama_library() -> Any:
    """Import the client, which reads some variables at once and fails where it cannot."""
    if "ollama" in sys.modules:
        return sys.modules["ollama"]
    names = are_set(("OLLAMA_HOST", *PROXIES, "NO_PROXY", *CERTIFICATES))
    hidden = {name: os.environ[name] for name in names}
    for name in hidden:
        os.environ.pop(name, None)
    try:
        import ollama
    finally:
        os.environ.update(hidden)
    return ollama


def advised_parallel() -> int:
    """Return the requests at a time for each host, as the server's own variable says."""
    return natural(os.environ.get("OLLAMA_NUM_PARALLEL", "")) or 1


async def look() -> str | None:
    """Say how to start the default server if it does not answer."""
    try:
        host = _default()
    except ConfigError as wrong:
        return str(wrong)
    try:
        await host.reach(host.version, CONNECT_SECONDS)
    except ModelError as failure:
        return str(failure)
    finally:
        await host.close()
    return None


async def find() -> list[Found]:
    """Return the default server with its models, if it answers."""
    try:
        host = _default()
    except ConfigError:
        return []
    try:
        version = await host.reach(host.version, CONNECT_SECONDS)
        listed = await host.reach(host.client.list, CONNECT_SECONDS)
        running = await host.reach(host.client.ps, CONNECT_SECONDS)
    except ModelError:
        return []
    finally:
        await host.close()
    loaded = {entry.model for entry in running.models}
    names = [
        f"ollama/{entry.model}{' (loaded)' * (entry.model in loaded)}" for entry in listed.models
    ]
    return [found(host.place, f"Ollama {version}", names)]


def _default() -> Host:
    """Return the host that is asked where no option names one, for no model in particular."""
    return hosts_at((os.environ.get("OLLAMA_HOST", ""),), "MODEL")[0]
