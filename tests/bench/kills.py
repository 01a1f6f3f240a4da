"""Kill runs with SIGKILL again and again, and count at the server what was lost or asked again.

    python -m tests.bench.kills [--kills 100] [--kinds native,docker]

Runs in modes code, cot and tir (one session a trial), and in csv, each killed after a random number
of replies and started again until it ends. What must hold, by the server's count and the files:
no stored reply or turn is lost; no reply that had arrived is requested again; no process, box or
file is left; the trials equal those of a run that nobody disturbed. A reply that the server sent in
the last moment before the kill (`IN_FLIGHT`) counts as in flight.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from solver.store import FILE, Store
from tests.fakes import program
from tests.integration.engines import containers_of
from tests.servers import serving
from tests.wires import OpenAIWire, Said

IN_FLIGHT = 1.0
"""Seconds before a kill in which a reply that was sent may not have been read."""
MODES = {"words": "code,cot,tir", "checked": "csv"}
CONFIG = """
model: openai/any
providers: {{openai: {{base_url: "{url}/v1", parallel: 4}}}}
problems: starter
limit: {limit}
repeats: 2
sampling: {{temperature: 1}}
mode: {mode}
tir: {{format: openmath}}
code: {{retries: 3}}
sandbox: {{kind: {kind}, workers: 2}}
judge: rules
"""
_WORK = "for i in range({}):\n    pass\n"


@dataclass
class Model:
    """Answers each request by its text alone, and remembers when."""

    sent: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """By request: when it was asked and when it was answered (monotonic seconds)."""
    answered: int = 0

    async def __call__(self, messages: list[dict[str, Any]], body: dict[str, Any]) -> Said:
        begun = time.monotonic()
        asked = json.dumps([messages, body.get("seed")], sort_keys=True)
        key = hashlib.sha256(asked.encode()).hexdigest()
        await asyncio.sleep(0.05 + int(key[:2], 16) / 1000)
        self.sent[key].append((begun, time.monotonic()))
        self.answered += 1
        return Said(_reply(messages, int(key[:8], 16)))


def _reply(messages: list[dict[str, Any]], number: int) -> str:
    """Say what the mode asks for: words, a program that works, fails or takes its time."""
    first, last = messages[0]["content"], messages[-1]["content"]
    work = _WORK.format(number % 4 * 500_000)
    answer = number % 5
    if "<llm-code>" in first:
        if "<llm-code-output>" in last:
            return f"So it is \\boxed{{{answer}}}."
        return f"<llm-code>\n{work}x = {answer}\nprint(x)\n</llm-code>"
    if "Now check it" in last:
        return program(f"{work}print({number % 3 == 0})")
    if "by careful reasoning" in first:
        return f"It is \\boxed{{{answer}}}."
    return program(f"{work}print({answer}{'/0' * (number % 3 == 0)})")


@dataclass
class Found:
    """What the kills did, all runs together."""

    kills: int = 0
    lost: int = 0
    """Replies and turns that were stored and are no more."""
    arrived_again: list[float] = field(default_factory=list)
    """For each reply requested again: the seconds it had been sent before the kill."""
    left: list[str] = field(default_factory=list)
    different: int = 0
    """Trials that are not as in the undisturbed run."""

    @property
    def good(self) -> bool:
        """Tell whether all holds."""
        again = [age for age in self.arrived_again if age > IN_FLIGHT]
        return not (self.lost or again or self.left or self.different)

    def __str__(self) -> str:
        again = sorted(self.arrived_again)
        late = sum(age > IN_FLIGHT for age in again)
        oldest = f", sent at most {again[-1]:.2f} s before the kill" if again else ""
        return (
            f"{self.kills} kills · {self.lost} stored lost · {late} arrived requested again"
            f" ({len(again)} in flight{oldest}) · {len(self.left)} left behind"
            f" · {self.different} trials differ"
        )


async def kill_runs(folder: Path, *, kind: str, arm: str, kills: int, limit: int = 8) -> Found:
    """Run undisturbed, then with so many kills, over as many runs as that takes."""
    found, model, config = Found(), Model(), f"{arm}-{kind}"
    chance = random.Random(config)
    async with serving(OpenAIWire(model)) as server:
        text = CONFIG.format(url=server.url, limit=limit, mode=MODES[arm], kind=kind)
        (folder / f"{config}.yaml").write_text(text, encoding="utf-8")
        process = await _start(folder, config, f"{config}-0")
        _must_be_well(await process.wait(), folder)
        expected = trials_of(folder / "runs" / f"{config}-0")
        number = 0
        while found.kills < kills:
            number += 1
            name = f"{config}-{number}-{os.getpid()}"  # clones may do this on one engine at once
            model.sent.clear()
            moments = await _kill_one(folder, config, name, model, found, chance, kills)
            for times in model.sent.values():  # no two trials of a run ask the same
                for (asked, sent), (again, _) in pairwise(times):
                    # what was sent after the kill that followed the request went to nobody
                    ages = [kill - sent for kill in moments if asked < kill < again]
                    found.arrived_again += [max(0.0, age) for age in ages[:1]]
            found.different += len(set(trials_of(folder / "runs" / name)) ^ set(expected))
            found.left += await _left_behind(folder, name, kind)
    return found


async def _kill_one(
    folder: Path,
    config: str,
    name: str,
    model: Model,
    found: Found,
    chance: random.Random,
    kills: int,
) -> list[float]:
    """Start a run and kill it until it ends by itself; return the moments of the kills."""
    run = folder / "runs" / name
    moments: list[float] = []
    stored: set[tuple[str, int]] = set()
    while True:
        process = await _start(folder, config, name)
        wanted = model.answered + chance.randint(1, 8)
        while process.returncode is None and (model.answered < wanted or found.kills >= kills):
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.4))
        if process.returncode is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        moments.append(time.monotonic())
        await process.wait()
        found.kills += 1
        now = _stored(run)
        found.lost += len(stored - now)
        stored = now
    _must_be_well(process.returncode, folder)
    found.lost += len(stored - _stored(run))
    return moments


def _must_be_well(code: int, folder: Path) -> None:
    """Raise RuntimeError with what a run said, where it ended otherwise than well."""
    if code != 0:
        raise RuntimeError((folder / "stderr").read_text(encoding="utf-8"))


async def _start(folder: Path, config: str, name: str) -> asyncio.subprocess.Process:
    """Start the command; its processes can be told by a variable, its files by a folder."""
    temporary = folder / "tmp" / name
    temporary.mkdir(parents=True, exist_ok=True)
    with (folder / "stderr").open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "solver.cli", "run", f"{config}.yaml", "--name", name),
            cwd=folder,
            env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.getcwd()},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
        )


def _stored(run: Path) -> set[tuple[str, int]]:
    """Return the key and number of each reply that is stored, alone or in its turn."""
    if not (run / FILE).exists():
        return set()
    database = sqlite3.connect(run / FILE)
    try:
        return set(
            database.execute("SELECT key, number FROM turns UNION SELECT key, number FROM replies")
        )
    except sqlite3.OperationalError:
        return set()  # killed before it made its tables
    finally:
        database.close()


def trials_of(run: Path) -> list[tuple[Any, ...]]:
    """Return what of each trial does not depend on time."""
    store = Store.open(run)
    rows = [
        (row.key, str(row.outcome), row.answer, row.turns, row.output_tokens, row.error)
        for row in store.rows()
    ]
    store.close()
    return sorted(rows, key=str)


async def _left_behind(folder: Path, name: str, kind: str) -> list[str]:
    """Name the processes, boxes and files of a run that are still there after it ended."""
    mark = f"TMPDIR={folder / 'tmp' / name}".encode()
    left: list[str] = []
    for _ in range(300):
        left = [f"file {path}" for path in (folder / "tmp" / name).iterdir()]
        if kind == "docker":
            left += [f"container {box}" for box in containers_of(name)]
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environment.read_bytes():
                    left.append(f"process {environment.parent.name}")
            except OSError:
                continue  # it ended, or is not ours
        if not left:
            break
        await asyncio.sleep(0.2)
    return left


async def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kinds", default="native,docker")
    chosen = parser.parse_args()
    kinds = chosen.kinds.split(",")
    each = -(-chosen.kills // (len(kinds) * len(MODES)))
    good = True
    for kind in kinds:
        for arm, mode in MODES.items():
            with tempfile.TemporaryDirectory() as folder:
                found = await kill_runs(Path(folder), kind=kind, arm=arm, kills=each)
            print(f"{kind:7} {mode:14} {found}", flush=True)
            print(*found.left, sep="\n", end="\n" * bool(found.left))
            good &= found.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
