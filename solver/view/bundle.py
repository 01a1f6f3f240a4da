"""Write runs as a folder of static pages, which open from a disk or any web space.

The pages are those of the viewer, asked for one by one. What needs a server is left out: forms,
scripts, and links to lists that were not chosen.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from solver.errors import ConfigError, reason_of
from solver.text import say
from solver.view.addresses import run_address
from solver.view.app import app
from solver.view.filters import Criteria, Elsewhere, matching
from solver.view.library import Library

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src'
    " 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
)
_LINK = re.compile(r'<a\b([^>]*?) href="(/[^"]*)"')
"""Model text cannot contain it: all of it is escaped, and its quotes too."""
_LEFT_OUT = re.compile(
    r"<form\b.*?</form>|<script\b.*?</script>|<link\b[^>]*>|<noscript>.*?</noscript>"
    r'|<p class="keys">.*?</p>|<section class="others".*?</section>',
    re.DOTALL,
)
_SAY_EVERY = 500


def write_bundle(folder: Path, target: Path, line: str = "") -> int:
    """Write the trials that pass a filter line, and all that their pages link to.

    Return the number of trials. Raises ConfigError where the line cannot be read or passes no
    trial, where there is no run, or where the target holds something or cannot be written.
    """
    library = Library(folder)
    readable = [name for name in library.names() if library.about(name).readable]
    indices = {name: library.index(name) for name in readable}
    read = {name: index.snapshot(patience=3600) for name, index in indices.items() if index}
    runs = {name: trials for name, trials in read.items() if trials is not None}
    found = len(matching(runs, Criteria(q=line), elsewhere=Elsewhere(runs.get, library.standings)))
    if not found:
        raise ConfigError(f"{folder}: holds no trial{f' that passes {line!r}' if line else ''}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target}: is there already; name a new folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
        asyncio.run(_Bundle(library, list(runs), line).write(target))
    except OSError as failure:
        raise ConfigError(f"{target}: cannot be written: {reason_of(failure)}") from failure
    return found


class _Bundle:
    """The pages of one bundle, each with the name of its file."""

    def __init__(self, library: Library, names: Sequence[str], line: str) -> None:
        self._app = app(library)
        self._line = line
        self._lists = {run_address(name) for name in names}
        self._files: dict[str, str] = {}
        self._left: deque[str] = deque()
        self._start = run_address(names[0], {"q": line}) if len(names) == 1 else "/"

    async def write(self, target: Path) -> None:
        """Ask for each page that is linked to, beginning with the first, and write it."""
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            style = (await client.get("/static/style.css")).text
            self._file_of(self._start)
            while self._left:
                address = self._left.popleft()
                name, answer = self._files[address], await client.get(address)
                if answer.is_error:
                    raise ConfigError(f"{address}: cannot be shown: {answer.status_code}")
                text = self._page(answer.text, style) if name.endswith(".html") else answer.text
                (target / name).write_text(text, encoding="utf-8")
                if (len(self._files) - len(self._left)) % _SAY_EVERY == 0:
                    say(f"{len(self._files) - len(self._left):,} files of {len(self._files):,}")

    def _page(self, text: str, style: str) -> str:
        """Return a page without what needs a server, and with links to files."""
        head = f"{_POLICY}\n<style>{style}</style>\n</head>"
        return _LINK.sub(self._link, _LEFT_OUT.sub("", text)).replace("</head>", head, 1)

    def _link(self, found: re.Match[str]) -> str:
        """Return the start of a link to the file of its page; to none that is not in the bundle."""
        address, _, part = unescape(found[2]).partition("#")
        name = self._file_of(address)
        return f"<a{found[1]}" + (f' href="{name}{"#" * bool(part)}{escape(part)}"' if name else "")

    def _file_of(self, address: str) -> str | None:
        """Return the name of a page's file; None where the page is not in the bundle."""
        split = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        kind, chosen = self._kind(split.path), {"q": self._line} if self._line else {}
        if kind == "list":
            if not query.items() <= {*chosen.items(), ("page", query.get("page"))}:
                return None
            chosen |= {"page": query["page"]} if query.get("page", "1") != "1" else {}
        if kind is None:
            return None
        place = split.path + (
            f"?{urlencode(chosen)}" if kind in ("list", "trial") and chosen else ""
        )
        if place not in self._files:
            ending = "txt" if kind == "text" else "html"
            number = len(self._files)
            self._files[place] = f"{kind}-{number}.{ending}" if number else "index.html"
            self._left.append(place)
        return self._files[place]

    def _kind(self, path: str) -> str | None:
        """Return the kind of page at an address; None for one that needs a server."""
        if path == "/":
            return "runs" if self._start == "/" else None
        if path in self._lists:
            return "list"
        found = re.search("^/run/[^/]+/(trial|raw|manifest)(?:/|$)", path)
        return {"raw": "text"}.get(found[1], found[1]) if found else None
