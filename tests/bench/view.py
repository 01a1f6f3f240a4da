"""How long the viewer's pages take on a run of 100,000 trials.

    python -m tests.bench.view [--trials N] [--folder FOLDER]

Among them are filters of each kind, alone and together, and the first and the last page of the list
sorted by each column in either direction. Each page is asked for five times, and the shortest
counts. The bar is 300 ms of processor, which is what the page takes on an idle machine; the first
time, next to them, may compute what later pages use again.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from starlette.testclient import TestClient

from solver.view.app import app
from solver.view.columns import COLUMNS
from solver.view.entry import Entry
from solver.view.library import Library
from tests.bench.report import write_run

MOST_MS = 300.0
TIMES = 5
LINES = {
    "three filters, a text among them": "outcome:wrong level:>=3 answer:~1",
    "none of three": "-outcome:wrong -level:>=3 -reason:~not",
    "words": "412",
    "two words": "412 sum",
    "a number as a text": "-seconds:~3 waited:1.5 -started:~7",
    "numbers between": "seconds:>5 seconds:<=20 waited:>1 repeat:<3000 attempts:>=2",
    "texts of problems": "question:~sum -reference:~1 -domain:~algebra -set:none",
    "stable and agreed": "-is:disagreed -is:unstable -is:changed -theirs:wrong",
    "eight filters": "-is:disagreed mode:code model:~med -score:5 answer:~2 -reason:~x 1 level:<5",
}
"""Filter lines, by what they are."""


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
    snapshot = library.index(name).snapshot(patience=600)
    wall, work = time.perf_counter() - start, time.process_time() - busy
    print(f"{len(snapshot.entries)} trials, read once in {wall:.1f} s, processor {work:.1f} s")
    print(f"{_resident():,.0f} MiB resident", flush=True)
    slow = []
    with TestClient(app(library), base_url="http://localhost") as client:
        for title, address in _pages(name, snapshot.entries).items():
            taken = []
            for _ in range(TIMES):
                busy = time.process_time()
                client.get(address).raise_for_status()
                taken.append(1000 * (time.process_time() - busy))
            print(f"{title:40} {min(taken):8.1f} ms, first {taken[0]:8.1f} ms", flush=True)
            if min(taken) > MOST_MS:
                slow.append(title)
    print(f"{_resident():,.0f} MiB resident")
    print(f"over {MOST_MS:.0f} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _pages(name: str, entries: Sequence[Entry]) -> dict[str, str]:
    """Return the address of each page, by its title."""
    first, other = entries[0].key, entries[10].key
    run, last = f"/run/{name}", len(entries)  # a page that is not there is the last one
    pages = {
        "list of runs": "/",
        "trials, first page": run,
        "trials, last page": f"{run}?page={last}",
        "by outcome": f"{run}?outcome=wrong",
        "by domain, level and mode": f"{run}?domain=algebra&level=3&mode=code",
        "by attempts, latest first": f"{run}?attempts=2&sort=latest",
        "latest first": f"{run}?sort=latest",
        "progress": f"{run}/live",
        "trial": f"{run}/trial/{first}",
        "trial within a filter": f"{run}/trial/{first}?mode=code",
        "trial within an order": f"{run}/trial/{first}?sort=-seconds",
        "side by side": f"/beside?left={name}/{first}&right={name}/{other}",
    }
    for title, line in LINES.items():
        pages[title] = f"{run}?q={quote(line)}"
        pages[f"{title}, sorted"] = f"{run}?q={quote(line)}&sort=-seconds"
    for order in (sign + column for column in COLUMNS for sign in ("", "-")):
        pages[f"sort={order}"] = f"{run}?sort={order}"
        pages[f"sort={order}, last page"] = f"{run}?sort={order}&page={last}"
    return pages


def _resident() -> float:
    """Return the MiB of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    raise SystemExit(main())
