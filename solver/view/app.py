"""Build the viewer as a web application: map addresses to pages, and add security headers.

The policy in `_HEADERS` forbids foreign scripts and the network, even if a page let some text
through unescaped. It does not keep other users of this machine from reading the pages.
"""

import sqlite3
import zlib

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from solver.errors import ConfigError
from solver.view.library import Library
from solver.view.pages import Pages

HOSTS = ("127.0.0.1", "localhost")
"""The only host names that are accepted. Any other could be a foreign site's (DNS rebinding)."""

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
_UNREADABLE = (ConfigError, sqlite3.Error, zlib.error, ValidationError)
"""The exceptions of reading a run that is damaged, or was deleted in the meantime."""


def app(library: Library) -> Starlette:
    """Build the viewer of the runs in a folder."""
    pages = Pages(library)
    routes = {
        "/": pages.runs,
        "/trials": pages.everywhere,
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


class _Headers:
    """Sends the policy with every answer, including refusals."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
