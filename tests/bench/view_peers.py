"""What a browser loads and waits for, in `solver view` and in `inspect view`, on the same trials.

    python -m tests.bench.view_peers [--trials 2000] [--rounds 3]

Needs inspect_ai, chromium and its driver. Each page is opened with an empty cache; the seconds are
from the request until its text is on the screen, the bytes those of everything it loads.
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from selenium import webdriver

from solver.store import Store
from tests.bench.report import write_run
from tests.needs import chromium

BYTES = (
    "return performance.getEntriesByType('resource').concat("
    "performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.transferSize, 0)"
)
PATIENCE = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as open_now:
        run = Path(folder) / "synthetic"
        write_run(run, problems=max(1, options.trials // 20), repeats=10)
        solver, inspect = ([sys.executable, "-m", name] for name in ("solver", "inspect_ai"))
        subprocess.run([*solver, "export", run, "--format", "inspect"], check=True)
        (log,) = (run / "inspect").glob("*_code_*.eval")
        problem, key, text = first_trial(run)
        ours, theirs = free_port(), free_port()
        started = {
            ours: [*solver, "view", folder, "--port", str(ours), "--no-open"],
            theirs: [*inspect, "view", "start", "--log-dir", log.parent, "--port", str(theirs)],
        }
        for port, command in started.items():
            began = time.perf_counter()
            open_now.enter_context(serving(command, port))
            print(f"{command[2]} view answers after {time.perf_counter() - began:.1f} s")
        inside = f"http://127.0.0.1:{theirs}/#/logs/{log.name}"
        pages = {
            "a list of trials": (
                (f"http://127.0.0.1:{ours}/run/synthetic?mode=code", text),
                (inside, text),
            ),
            "one trial": (
                (f"http://127.0.0.1:{ours}/run/synthetic/trial/{key}", text),
                (f"{inside}/samples/sample/{quote(problem, safe='')}/1", text),
            ),
        }
        print("| page | solver view | inspect view |\n|---|---|---|")
        browser = open_now.enter_context(browsing())
        for name, both in pages.items():
            found = [[opened(browser, *page) for page in both] for _ in range(options.rounds)]
            print(f"| {name} | {told([ours for ours, _ in found])}", end=" | ")
            print(f"{told([theirs for _, theirs in found])} |", flush=True)
    return 0


def first_trial(run: Path) -> tuple[str, str, str]:
    """Return a trial's problem, its key, and text that pages of it show."""
    store = Store.open(run)
    try:
        row = next(row for row in store.rows() if row.mode == "code")
        question = store.problems()[row.problem_id].question
        return row.problem_id, row.key, question[:20]
    finally:
        store.close()


def opened(browser: webdriver.Chrome, address: str, text: str) -> tuple[float, float]:
    """Return the seconds until a page shows a text, and the megabytes that it loaded."""
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    began = time.perf_counter()
    browser.get(address)
    while text not in browser.execute_script("return document.body.innerText"):
        assert time.perf_counter() - began < PATIENCE, f"{address} does not show {text!r}"
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    return seconds, browser.execute_script(BYTES) / 1e6


def told(found: list[tuple[float, float]]) -> str:
    seconds = [each for each, _ in found]
    return (
        f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}),"
        f" {statistics.median(size for _, size in found):.2f} MB"
    )


@contextlib.contextmanager
def serving(command: list, port: int):
    """Run a server until the block ends; it answers when the block begins."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(10 * PATIENCE):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
                break
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def browsing():
    """Open a browser without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = chromium() or ""
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1200,900"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield browser
    finally:
        browser.quit()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
