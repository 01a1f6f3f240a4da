"""Answer the viewer's requests: each method makes one page. Nothing is ever written."""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from solver import markup
from solver.errors import ConfigError
from solver.records import Problem
from solver.text import plain
from solver.view.columns import COLUMNS
from solver.view.entry import Entry
from solver.view.filters import Criteria, Elsewhere, Place, completions, matching
from solver.view.library import MOST_OPEN, About, Library, StoredTrial
from solver.view.progress import arms_of, progress_of
from solver.view.snapshot import Snapshot, choices_of
from solver.view.templating import build_environment

PAGE = 50
"""The number of trials on one page of a list."""
_STATIC = {"style.css": "text/css", "keys.js": "text/javascript", "icon.svg": "image/svg+xml"}


_OF_ARMS = ("model", "mode", "repeat")
"""Columns that are shown only where a run has several of them; `theirs`, where it has any."""


class Pages:
    """One method for each page."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._templates = build_environment()
        self._elsewhere = Elsewhere(self._trials_of, library.standings)

    def runs(self, request: Request) -> Response:
        """List all runs."""
        about = [self._library.about(name) for name in self._library.names()]
        about.sort(key=lambda run: -run.started)
        arms = {name: arms_of(trials) for name, trials in self._latest().items()}
        return self._page("runs", runs=about, arms=arms, folder=self._library.folder)

    def trials(self, request: Request) -> Response:
        """List the trials of one run that pass a filter, with the progress of the run."""
        about, snapshot = self._run(request)
        if snapshot is None:
            return self._page("reading", about=about)
        return self._list(
            request, {about.name: snapshot}, about=about, progress=progress_of(about, snapshot)
        )

    def everywhere(self, request: Request) -> Response:
        """List the trials of the latest runs that pass a filter, in one list."""
        return self._list(request, self._latest(), about=None)

    def _latest(self) -> dict[str, Snapshot]:
        """Return the latest runs that can be read, and have been, each with its trials."""
        about = [self._library.about(name) for name in self._library.names()]
        found = {}
        for run in sorted(about, key=lambda run: -run.started)[:MOST_OPEN]:
            with suppress(ConfigError, sqlite3.Error):  # its own page says what is wrong with it
                if run.readable and (trials := self._trials_of(run.name)) is not None:
                    found[run.name] = trials
        return found

    def _list(
        self, request: Request, snapshots: Mapping[str, Snapshot], **content: Any
    ) -> Response:
        """Show a list of trials: those of the query in the request's address."""
        criteria, order, query = _list_of(request)
        found, trouble = self._matching(snapshots, criteria, order)
        pages = max(1, -(-len(found) // PAGE))
        page = min(_page_number(request.query_params.get("page", "")), pages)
        choices = choices_of(list(snapshots.values()))
        return self._page(
            "trials",
            snapshots=snapshots,
            choices=choices,
            criteria=criteria,
            order=order,
            columns=_columns(query, choices),
            all_columns=COLUMNS,
            words=completions(choices),
            query=query,
            trouble=trouble,
            found=len(found),
            entries=found[(page - 1) * PAGE : page * PAGE],
            page=page,
            pages=pages,
            **content,
        )

    def live(self, request: Request) -> Response:
        """Show the progress of a run, which the script of an open page inserts."""
        about, snapshot = self._run(request)
        if snapshot is None:
            raise HTTPException(503, "the run is still being read")
        return self._page("live", about=about, progress=progress_of(about, snapshot))

    def trial(self, request: Request) -> Response:
        """Show one trial, with the trials before and after it in the list it was reached from."""
        about, snapshot = self._run(request)
        key = request.path_params["key"]
        shown = self._stored(about.name, key)
        criteria, order, query = _list_of(request)
        before = after = None
        if snapshot is not None and (entry := snapshot.entry(shown.problem.id, key)):
            found, _ = self._matching({about.name: snapshot}, criteria, order)
            with suppress(ValueError):  # it is not in the list
                place = found.index((about.name, entry))
                before = found[place - 1][1] if place else None
                after = found[place + 1][1] if place + 1 < len(found) else None
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
        """Show two trials of one problem side by side."""
        sides = [self._side(request.query_params.get(side, "")) for side in ("left", "right")]
        choices: list[tuple[str, Entry]] = []
        for name in self._library.names():
            index = self._library.index(name) if self._library.about(name).readable else None
            snapshot = index.snapshot() if index else None
            choices += [(name, entry) for entry in self._same(snapshot, sides[0].problem)]
        return self._page("beside", sides=sides, choices=choices)

    def manifest(self, request: Request) -> Response:
        """Show the manifest of a run."""
        about = self._about(request)
        text = json.dumps(self._library.manifest(about.name), indent=2, ensure_ascii=False)
        return self._page("manifest", about=about, text=text)

    def raw(self, request: Request) -> Response:
        """Return one whole text of a trial."""
        at = request.path_params
        trial = self._stored(self._about(request).name, at["key"]).trial
        if not 1 <= at["turn"] <= len(trial.turns):
            raise HTTPException(404, "the trial has no such turn")
        turn = trial.turns[at["turn"] - 1]
        ran = turn.execution
        texts = {
            "prompt": "\n\n".join(f"[{message.role}]\n{message.text}" for message in turn.prompt),
            "reply": turn.reply.text,
            "thoughts": turn.reply.thoughts or None,
            "program": turn.program,
            "stdout": ran.stdout if ran else None,
            "stderr": ran.stderr if ran else None,
            "answer": turn.answer,
        }
        text = texts.get(at["part"])
        if text is None:
            raise HTTPException(404, "the turn has no such text")
        return PlainTextResponse(plain(text))

    def static(self, request: Request) -> Response:
        """Return one of the three files that pages link to."""
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404, "there is no such file")
        text = (files("solver.view") / "static" / name).read_text(encoding="utf-8")
        if name == "style.css":
            text += markup.FORMULA_CSS + markup.CODE_CSS
        return Response(text, media_type=_STATIC[name])

    def refusal(self, request: Request, failure: Exception) -> Response:
        """Say that there is no such page, or that it does not accept this method."""
        status = failure.status_code if isinstance(failure, HTTPException) else 500
        detail = failure.detail if isinstance(failure, HTTPException) else str(failure)
        return self._page("message", status=status, code=status, title=detail, text="")

    def unreadable(self, request: Request, failure: Exception) -> Response:
        """Say that a run is damaged or was deleted."""
        title = "This cannot be read"
        return self._page("message", status=503, code=503, title=title, text=str(failure)[:2_000])

    def _about(self, request: Request) -> About:
        """Return the description of the run in the address. Raises HTTPException, ConfigError."""
        name = request.path_params["run"]
        if self._library.folder_of(name) is None:
            raise HTTPException(404, "there is no such run")
        about = self._library.about(name)
        if not about.readable:
            raise ConfigError(about.state)
        return about

    def _run(self, request: Request) -> tuple[About, Snapshot | None]:
        """Return the run in the address: its description, and its trials if they have been read."""
        about = self._about(request)
        index = self._library.index(about.name)
        return about, index.snapshot() if index else None

    def _stored(self, run: str, key: str) -> StoredTrial:
        """Return a trial of a listed run. Raises HTTPException."""
        found = self._library.find(run, key)
        if found is None:
            raise HTTPException(404, "the run holds no such trial, or it has not ended yet")
        return found

    def _side(self, place: str) -> StoredTrial:
        """Return the trial at `RUN/KEY`. Raises HTTPException."""
        run, _, key = place.partition("/")
        if self._library.folder_of(run) is None:
            raise HTTPException(404, "there is no such run")
        return self._stored(run, key)

    def _same(self, snapshot: Snapshot | None, problem: Problem) -> Sequence[Entry]:
        """Return the trials of the same question and reference, not only of the same id."""
        here = snapshot.problems.get(problem.id) if snapshot else None
        if snapshot is None or here is None or here.hash != problem.hash:
            return ()
        return snapshot.of_problem.get(problem.id, ())

    def _matching(
        self, snapshots: Mapping[str, Snapshot], criteria: Criteria, order: str
    ) -> tuple[Sequence[Place], str]:
        """Return the trials of a list, and what is wrong with its filter, if anything is."""
        try:
            return matching(snapshots, criteria, order, self._elsewhere), ""
        except ConfigError as failure:
            return [], str(failure)

    def _trials_of(self, name: str) -> Snapshot | None:
        """Return the trials of a run by its name; None where there is none, or it is being read."""
        index = self._library.index(name)
        return index.snapshot() if index else None

    def _page(self, template: str, *, status: int = 200, **content: Any) -> Response:
        """Return a template filled with content."""
        text = self._templates.get_template(f"{template}.html.j2").render(**content)
        return HTMLResponse(text, status_code=status)


def _list_of(request: Request) -> tuple[Criteria, str, dict[str, Any]]:
    """Read a list from an address: the filter, the order, and both with the columns as a query."""
    criteria = Criteria.of(request.query_params)
    order = request.query_params.get("sort", "")
    if order.removeprefix("-") not in COLUMNS and order != "latest":
        order = ""
    columns = [name for name in COLUMNS if name in request.query_params.getlist("column")]
    asked = {**criteria.query(), "sort": order, "column": columns}
    return criteria, order, {name: value for name, value in asked.items() if value}


def _columns(query: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns to show: those of the address, else those that say something."""
    alike = {name for name in _OF_ARMS if len(choices[name]) < 2}
    alike |= {"theirs"} - {name for name, found in choices.items() if found}
    usual = [name for name, column in COLUMNS.items() if column.shown and name not in alike]
    return query.get("column") or usual


def _page_number(text: str) -> int:
    """Read a page number from an address; any text that is not one means the first page."""
    return max(1, int(text)) if re.fullmatch("[0-9]{1,9}", text) else 1
