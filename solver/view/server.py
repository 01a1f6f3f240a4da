"""Serve the viewer's pages to browsers on this machine only."""

import socket
import webbrowser
from pathlib import Path

import uvicorn

from solver.errors import ConfigError
from solver.text import say
from solver.view.app import app
from solver.view.library import Library


def serve(folder: Path, *, port: int, open_browser: bool) -> None:
    """Serve the runs in `folder` until Ctrl-C, and print the address. Port 0 means any free port.

    Raises ConfigError where the folder holds no run or the port is taken.
    """
    library = Library(folder)
    names = library.names()
    if not names:
        raise ConfigError(f"{folder}: no run there; `solver run quickstart` makes one")
    listening = _listen(port)
    if len(names) == 1:
        library.index(names[0])  # read it while the browser starts
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    say(f"{len(names)} run{'s' * (len(names) > 1)} at {address} (Ctrl-C ends)")
    if open_browser:
        webbrowser.open(address)  # requests wait, since the socket listens already
    server = uvicorn.Server(
        uvicorn.Config(
            app(library),
            log_level="warning",
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        say("")  # so that the shell's prompt starts on a new line
    finally:
        listening.close()


def _listen(port: int) -> socket.socket:
    """Open a listening socket on this machine's own address. Raises ConfigError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as failure:
        listening.close()
        raise ConfigError(
            f"port {port}: cannot be used: {failure}; --port 0 takes any free one"
        ) from failure
    listening.listen()
    return listening
