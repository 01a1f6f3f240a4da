"""A model server for tests of `serve`: speaks /v1 and /health, and misbehaves as it is told to.

python tests/fake_engine.py --port 20001 --reply 'so \\boxed{4}' --dies-after 3 --notes FOLDER

It leaves a file in FOLDER for each start, child and signal, so that a test can see what happened.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHILD = """
import signal, sys, time
if "--ignores-term" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(60)
"""


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--reply", default="4")
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--dies-after", type=int, default=0, help="so many requests, each start")
    parser.add_argument("--slow", type=float, default=0.0, help="seconds before it answers")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of a reply")
    parser.add_argument("--fails", type=int, default=0, help="so many first starts end at once")
    parser.add_argument("--taken", type=int, default=0, help="so many starts find the port taken")
    parser.add_argument("--forks", action="store_true", help="has a child in a session of its own")
    parser.add_argument("--ignores-term", action="store_true")
    parser.add_argument("--says", default="", help="a line for its log")
    return parser.parse_args()


def started_before(notes, port):
    number = len([*notes.glob("start-*")])
    (notes / f"start-{number}").write_text(f"{os.getpid()} {port}")
    return number


def main():
    asked = options()
    number = started_before(asked.notes, asked.port)
    if asked.says:
        print(asked.says, flush=True)
    if number < asked.taken:
        sys.exit("OSError: [Errno 98] Address already in use")
    if number < asked.fails:
        sys.exit("RuntimeError: no GPU here")
    if asked.ignores_term:
        signal.signal(signal.SIGTERM, lambda *_: (asked.notes / "ignored-term").touch())
    if asked.forks:
        words = [sys.executable, "-c", CHILD, *["--ignores-term"] * asked.ignores_term]
        child = subprocess.Popen(words, start_new_session=True)
        (asked.notes / f"child-{number}").write_text(str(child.pid))
    time.sleep(asked.slow)
    serve(asked)


def serve(asked):
    count, lock = [0], threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/nowhere":
                self.send_error(404)
                return
            self.answer({"object": "list", "data": [{"id": "fake", "object": "model"}]})

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                count[0] += 1
                if 0 < asked.dies_after < count[0]:
                    print("CUDA error: out of memory", flush=True)
                    os._exit(3)
            time.sleep(asked.delay)
            message = {"role": "assistant", "content": asked.reply}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            self.answer({"id": "1", "object": "chat.completion", "created": 0, "model": "fake",
                         "choices": [choice], "usage": usage})  # fmt: skip

        def answer(self, content):
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", asked.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
