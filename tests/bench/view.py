"""How long the viewer's pages take on a run of 100,000 trials.

    python -m tests.bench.view [--trials N] [--folder FOLDER]

Each page is asked for five times, and the median counts. The bar is 300 ms of wall time; the
processor time next to it is what the page would take on an idle machine.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from starlette.testclient import TestClient

from solver.view.app import app
from solver.view.library import Library
from tests.bench.report import write_run

MOST_MS = 300.0
TIMES = 5


def main() -> int:
    """Print milliseconds a page, and exit 1 where one takes longer than the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="a folder that holds such a run already")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.folder or Path(made)
        if not chosen.folder:
            write_run(folder / "synthetic", problems=max(1, chosen.trials // 20), repeats=10)
        return _measure(folder)


def _measure(folder: Path) -> int:
    library = Library(folder)
    name = library.names()[0]
    start, busy = time.perf_counter(), time.process_time()
    snapshot = library.index(name).snapshot(patience=120)
    _line("read once, in the background", time.perf_counter() - start, time.process_time() - busy)
    trials = len(snapshot.entries)
    first, other = snapshot.entries[0].key, snapshot.entries[10].key
    pages = {
        "list of runs": "/",
        "trials, first page": f"/run/{name}",
        "trials, last page": f"/run/{name}?page={trials // 50}",
        "by outcome": f"/run/{name}?outcome=wrong",
        "by domain, level and mode": f"/run/{name}?domain=algebra&level=3&mode=code",
        "by words, sorted": f"/run/{name}?q=outcome:wrong+-level:>4+is:disagreed&sort=-seconds",
        "by attempts, latest first": f"/run/{name}?attempts=2&sort=latest",
        "search": f"/run/{name}?q=412",
        "progress": f"/run/{name}/live",
        "trial": f"/run/{name}/trial/{first}",
        "trial within a filter": f"/run/{name}/trial/{first}?mode=code",
        "side by side": f"/beside?left={name}/{first}&right={name}/{other}",
    }
    print(f"{trials} trials")
    slow = []
    with TestClient(app(library), base_url="http://localhost") as client:
        for title, address in pages.items():
            taken = []
            for _ in range(TIMES):
                start, busy = time.perf_counter(), time.process_time()
                client.get(address).raise_for_status()
                taken.append((time.perf_counter() - start, time.process_time() - busy))
            wall, work = (statistics.median(times) for times in zip(*taken, strict=True))
            _line(title, wall, work)
            if 1000 * wall > MOST_MS:
                slow.append(title)
    print(f"over {MOST_MS:.0f} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _line(title: str, wall: float, work: float) -> None:
    print(f"{title:32} {1000 * wall:8.1f} ms   processor {1000 * work:8.1f} ms", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
