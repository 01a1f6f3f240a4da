"""Where the Docker engine is looked for."""

import json
import socket
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer

import pytest

from sandbox.boxes.engine import addresses, new_client


class Pong(BaseHTTPRequestHandler):
    """An engine that answers two questions: its version and whether it is there."""

    def do_GET(self):
        body = json.dumps({"ApiVersion": "1.44"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""

    def address_string(self):
        return "socket"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def engine(home):
    """An engine at the socket of colima."""
    path = home / ".colima/default/docker.sock"
    path.parent.mkdir(parents=True)
    server = UnixStreamServer(str(path), Pong)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"unix://{path}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_engine_at_a_usual_socket_is_found(engine):
    assert addresses()[-1] == engine
    client = new_client()
    assert client.ping() is not None
    client.close()


def test_the_chosen_context_comes_first(home, engine):
    folder = home / ".docker/contexts/meta" / sha256(b"mine").hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": "mine", "Metadata": {}, "Endpoints": {"docker": {"Host": engine}}}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    (home / ".docker/config.json").write_text('{"currentContext": "mine"}', encoding="utf-8")
    assert addresses()[0] == engine


def test_a_broken_context_is_passed_over(home):
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text('{"currentContext": "gone"}', encoding="utf-8")
    assert addresses()[0] is None


def test_an_engine_that_is_named_is_the_only_one_tried(engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///named.sock")
    assert addresses() == [None]


def test_a_socket_that_nobody_serves_is_no_reason_to_fail_differently(home):
    path = home / ".colima/default/docker.sock"
    path.parent.mkdir(parents=True)
    socket.socket(socket.AF_UNIX).bind(str(path))
    assert addresses()[-1] == f"unix://{path}"
