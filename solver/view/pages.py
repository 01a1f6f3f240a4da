"""The pages of the viewer: an address in, a page out. Nothing is ever written.

Every string on a page passes through `plain` and the template engine's escaping, or through
`markup.py`; the policy in `_HEADERS` keeps scripts and the network out should both fail. Not
covered: other people who are logged in on this machine can read the pages too.
"""

import json
import re
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from solver.errors import ConfigError
from solver.records import Outcome, Problem
from solver.text import plain, plain_name
from solver.view import markup
from solver.view.certainty import marked_html
from solver.view.index import Entry, Snapshot, Wanted
from solver.view.library import About, Found, Library

HOSTS = ("127.0.0.1", "localhost")
"""The only names under which the server answers: another could be a page of someone else's."""
PAGE = 50
"""Trials on one page of a list."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_STATIC = {"style.css": "text/css", "keys.js": "text/javascript", "icon.svg": "image/svg+xml"}
_UNREADABLE = (ConfigError, sqlite3.Error, zlib.error, ValidationError)
"""A run that is damaged, or was taken away while it was read."""


def app(library: Library) -> Starlette:
    """The viewer over the runs of a folder."""
    pages = Pages(library)
    routes = {
        "/": pages.runs,
        "/run/{run}": pages.trials,
        "/run/{run}/live": pages.live,
        "/run/{run}/manifest": pages.manifest,
        "/run/{run}/trial/{key:path}": pages.trial,
        "/run/{run}/raw/{turn:int}/{part}/{key:path}": pages.raw,
        "/beside": pages.beside,
        "/static/{name}": pages.static,
    }
    return Starlette(
        routes=[Route(path, page, methods=["GET"]) for path, page in routes.items()],
        middleware=[
            Middleware(_Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
        ],
        exception_handlers={
            HTTPException: pages.refusal,
            **dict.fromkeys(_UNREADABLE, pages.unreadable),
        },
    )


class Pages:
    """One method a page."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._templates = _environment()

    def runs(self, request: Request) -> Response:
        """All runs."""
        about = [self._library.about(name) for name in self._library.names()]
        about.sort(key=lambda run: -run.started)
        for run in about[:1]:
            self._library.index(run.name)  # the latest run is read before it is asked for
        return self._page("runs", runs=about, folder=self._library.folder)

    def trials(self, request: Request) -> Response:
        """The trials of one run that pass a filter, and how the run stands."""
        about, snapshot = self._run(request)
        if snapshot is None:
            return self._page("reading", about=about)
        wanted, latest, query = _list_of(request)
        found = snapshot.wanted(wanted, latest=latest)
        pages = max(1, -(-len(found) // PAGE))
        page = min(_page_number(request.query_params.get("page", "")), pages)
        return self._page(
            "trials",
            about=about,
            snapshot=snapshot,
            standing=standing(about, snapshot),
            wanted=wanted,
            latest=latest,
            query=query,
            found=len(found),
            entries=found[(page - 1) * PAGE : page * PAGE],
            page=page,
            pages=pages,
        )

    def live(self, request: Request) -> Response:
        """How a run stands, to be put into a page that is open."""
        about, snapshot = self._run(request)
        if snapshot is None:
            raise HTTPException(503, "the run is still being read")
        return self._page("live", about=about, standing=standing(about, snapshot))

    def trial(self, request: Request) -> Response:
        """One trial whole."""
        about, snapshot = self._run(request)
        key = request.path_params["key"]
        shown = self._found(about.name, key)
        wanted, latest, query = _list_of(request)
        before = after = None
        if snapshot is not None:
            found = snapshot.wanted(wanted, latest=latest)
            place = next((n for n, entry in enumerate(found) if entry.key == key), None)
            if place is not None:
                before = found[place - 1] if place else None
                after = found[place + 1] if place + 1 < len(found) else None
        return self._page(
            "trial",
            about=about,
            shown=shown,
            query=query,
            before=before,
            after=after,
            others=[entry for entry in self._same(snapshot, shown.problem) if entry.key != key],
        )

    def beside(self, request: Request) -> Response:
        """Two trials of one problem, side by side."""
        sides = [self._side(request.query_params.get(side, "")) for side in ("left", "right")]
        choices: list[tuple[str, Entry]] = []
        for name in self._library.names():
            index = self._library.index(name) if self._is_readable(name) else None
            snapshot = index.snapshot() if index else None
            choices += [(name, entry) for entry in self._same(snapshot, sides[0].problem)]
        return self._page("beside", sides=sides, choices=choices)

    def manifest(self, request: Request) -> Response:
        """All that a run remembers about itself."""
        about = self._about(request)
        text = json.dumps(self._library.manifest(about.name), indent=2, ensure_ascii=False)
        return self._page("manifest", about=about, text=text)

    def raw(self, request: Request) -> Response:
        """One text of a trial, uncut."""
        at = request.path_params
        trial = self._found(self._about(request).name, at["key"]).trial
        if not 1 <= at["turn"] <= len(trial.turns):
            raise HTTPException(404, "the trial has no such attempt")
        turn = trial.turns[at["turn"] - 1]
        ran = turn.execution
        texts = {
            "prompt": "\n\n".join(f"[{message.role}]\n{message.text}" for message in turn.prompt),
            "reply": turn.reply.text,
            "program": turn.program,
            "stdout": ran.stdout if ran else None,
            "stderr": ran.stderr if ran else None,
            "answer": turn.answer,
        }
        text = texts.get(at["part"])
        if text is None:
            raise HTTPException(404, "the attempt has no such text")
        return PlainTextResponse(plain(text))

    def static(self, request: Request) -> Response:
        """The style and the script: three files, known by name."""
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404, "there is no such file")
        text = (files("solver.view") / "static" / name).read_text(encoding="utf-8")
        if name == "style.css":
            text += markup.CODE_CSS
        return Response(text, media_type=_STATIC[name])

    def refusal(self, request: Request, failure: Exception) -> Response:
        """What is asked for does not exist, or not in this way."""
        status = failure.status_code if isinstance(failure, HTTPException) else 500
        detail = failure.detail if isinstance(failure, HTTPException) else str(failure)
        return self._page("message", status=status, code=status, title=detail, text="")

    def unreadable(self, request: Request, failure: Exception) -> Response:
        """A run that is damaged or went away."""
        title = "This cannot be read"
        return self._page("message", status=503, code=503, title=title, text=str(failure)[:2_000])

    def _about(self, request: Request) -> About:
        name = request.path_params["run"]
        if self._library.folder_of(name) is None:
            raise HTTPException(404, "there is no such run")
        about = self._library.about(name)
        if not about.readable:
            raise ConfigError(about.state)
        return about

    def _run(self, request: Request) -> tuple[About, Snapshot | None]:
        about = self._about(request)
        index = self._library.index(about.name)
        return about, index.snapshot() if index else None

    def _found(self, run: str, key: str) -> Found:
        found = self._library.find(run, key)
        if found is None:
            raise HTTPException(404, "the run holds no such trial, or it has not ended yet")
        return found

    def _side(self, place: str) -> Found:
        run, _, key = place.partition("/")
        if self._library.folder_of(run) is None:
            raise HTTPException(404, "there is no such run")
        return self._found(run, key)

    def _is_readable(self, name: str) -> bool:
        return self._library.about(name).readable

    def _same(self, snapshot: Snapshot | None, problem: Problem) -> Sequence[Entry]:
        """Trials of the same question with the same reference, not just of the same id."""
        here = snapshot.problems.get(problem.id) if snapshot else None
        if snapshot is None or here is None or here.hash != problem.hash:
            return ()
        return snapshot.of_problem.get(problem.id, ())

    def _page(self, template: str, *, status: int = 200, **content: Any) -> Response:
        text = self._templates.get_template(f"{template}.html.j2").render(**content)
        return HTMLResponse(text, status_code=status)


@dataclass(frozen=True)
class Standing:
    """How a run stands."""

    parts: Sequence[tuple[Outcome, int]]
    """How many trials ended in which way, those that occur."""
    total: int
    """Of all trials, planned or ended."""
    arms: Sequence[tuple[str, str, str, str]]
    """Model, mode, accuracy, and its interval with its n."""
    pace: str
    """In words, of a run that is going on."""


def standing(about: About, snapshot: Snapshot) -> Standing:
    """Count what has ended so far."""
    arms = [
        (
            model,
            mode,
            f"{100 * found.value:.1f} %",
            f"{100 * found.low:.1f} – {100 * found.high:.1f} %"
            f" · {found.n_trials:,} scored trials of {found.n_problems:,} problems",
        )
        for (model, mode), found in snapshot.accuracies.items()
    ]
    parts = [(kind, snapshot.outcomes[kind]) for kind in Outcome if snapshot.outcomes[kind]]
    total = max(about.planned, snapshot.outcomes.total(), 1)
    return Standing(parts, total, arms, _pace(about, snapshot))


def _pace(about: About, snapshot: Snapshot) -> str:
    if not about.running:
        return ""
    ended = sum(entry.ended >= about.started for entry in snapshot.entries)
    seconds = time.time() - about.started
    if not ended or seconds <= 0:
        return "no trial has ended since it started"
    left = max(0, about.planned - about.done) * seconds / ended
    return f"{3600 * ended / seconds:,.0f} trials an hour · about {duration(left)} left"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def brief(text: str, most: int = 120) -> str:
    """The beginning of a name, which in a file from elsewhere may have any length."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short_model(name: str) -> str:
    """`provider/name`; of a model file only the file's name."""
    provider, _, rest = name.partition("/")
    return f"{provider}/{rest.rpartition('/')[2].removesuffix('.gguf')}" if rest else name


def run_address(run: str, query: Mapping[str, Any] | None = None, **more: Any) -> str:
    """The address of a run's list."""
    return f"/run/{quote(run, safe='')}" + _query({**(query or {}), **more})


def trial_address(run: str, key: str, query: Mapping[str, Any] | None = None) -> str:
    """The address of a trial; it stays the same as long as the run has its name."""
    return f"/run/{quote(run, safe='')}/trial/{quote(key)}" + _query(query or {})


def raw_address(run: str, key: str, turn: int, part: str) -> str:
    """The address of one text of a trial, uncut."""
    return f"/run/{quote(run, safe='')}/raw/{turn}/{part}/{quote(key)}"


def beside_address(left: tuple[str, str], right: tuple[str, str]) -> str:
    """The address of two trials side by side, each given by its run and key."""
    return "/beside" + _query({"left": "/".join(left), "right": "/".join(right)})


def _query(parts: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in parts.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else ""


def _list_of(request: Request) -> tuple[Wanted, bool, dict[str, str]]:
    """Which list an address is about: its filter, whether by time, and both for a link."""
    wanted = Wanted.of(request.query_params)
    latest = request.query_params.get("sort") == "latest"
    return wanted, latest, {**wanted.query(), **({"sort": "latest"} if latest else {})}


def _page_number(text: str) -> int:
    """From an address, where anything may stand; what is no page number is the first page."""
    return max(1, int(text)) if re.fullmatch("[0-9]{1,9}", text) else 1


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("solver.view", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        run_address=run_address,
        trial_address=trial_address,
        raw_address=raw_address,
        beside_address=beside_address,
        text_limit=markup.TEXT_LIMIT,
    )
    environment.filters.update(
        answer=markup.answer_html,
        code=markup.code_html,
        marked=marked_html,
        math=markup.math_html,
        reply=markup.reply_html,
        text=markup.text_html,
        brief=brief,
        named=plain_name,
        model=short_model,
        duration=duration,
        clock=lambda unix: time.strftime("%Y-%m-%d %H:%M", time.localtime(unix)),
    )
    return environment


def _harmless(value: Any) -> Any:
    """Text without control characters; markup that `markup.py` made is left alone."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class _Headers:
    """Sends the policy with every answer, also with refusals."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
