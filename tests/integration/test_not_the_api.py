"""An address that answers something else than the API, with a good status, is said in one line."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import connect
from solver.records import Message, Sampling

ROOT = Path(__file__).parents[2]
PAGE = b"<!DOCTYPE html><html><body><h1>Welcome to the portal</h1></body></html>"
BODIES = [
    PAGE,
    b"",
    b"null",
    b"7",
    b"[]",
    b'"ok"',
    b"[null, 7, {}]",
    b'{"data": 7}',
    b'{"data": [null, {"id": 7}]}',
    b'{"models": [null], "message": null, "choices": [null]}',
    b'{"choices": [{}], "model_info": 7, "details": [], "template": 1, "parameters": {}}',
    b"[" * 100_000,
    b"\xff\xfe\x00",
    json.dumps({"data": [{"id": "x", "max_model_len": "many"}]}).encode(),
]
AT = {
    "openai": lambda url: {"base_url": f"{url}/v1"},
    "mistral": lambda url: {"server_url": url},
    "ollama": lambda url: {"hosts": [url]},
}


@contextlib.contextmanager
def answering(body, kind):
    """A server that answers everything with this; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_HEAD = do_GET

        def log_message(self, *_):
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize("provider", AT)
async def test_whatever_an_address_answers_is_no_traceback(monkeypatch, provider, body):
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "k")
    kind = "text/html" if body[:1] in (b"<", b"") else "application/json"
    with answering(body, kind) as url:
        model = connect(f"{provider}/x", Sampling(), AT[provider](url))
        chat = (Message(role="user", text="1 + 1"),)
        for ask in (model.describe, lambda: model.generate(chat, seed=1)):
            said = await failure_of(ask)
            assert "\n" not in said
            assert len(said) < 600
        await model.close()


async def failure_of(ask):
    """Ask, and return what was said of a failure; nothing where there was none."""
    try:
        async with asyncio.timeout(60):
            await ask()
    except (ModelError, ConfigError) as failure:
        return str(failure)
    return ""


def test_a_run_against_a_page_is_one_line_and_exit_code_2(tmp_path):
    with answering(PAGE, "text/html") as url:
        config = tmp_path / "page.yaml"
        provider = {"base_url": f"{url}/v1"}
        facts = {"model": "openai/x", "providers": {"openai": provider}, "mode": "cot"}
        config.write_text(json.dumps({**facts, "judge": "rules"}), encoding="utf-8")
        command = [sys.executable, "-m", "solver.cli", "run", str(config), "--limit", "2"]
        done = subprocess.run(
            [*command, "--runs", str(tmp_path / "runs")],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": "k"},
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Welcome to the portal" in done.stderr
    assert "base_url" in done.stderr
