"""What a run on a Ray cluster costs: rate, memory, a lost node, and two nodes over one.

    unshare -rn bash -c "ip link set lo up && python -m tests.bench.ray [fast lost patient]"

Needs `pip install ray`; all nodes are on this machine. A network namespace of its own keeps Ray
from looking for another address of the machine. Each run is the command `solver run CONFIG --on
ray`, in a process of its own.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Ran:
    """How a run went."""

    seconds: float
    """From the start of the first trial to the end of the last."""
    rows: int
    keys: int
    memory_mb: float
    """The driver's peak."""
    cpu: float
    """Processor seconds of the driver between the first trial stored and the last."""
    said: str


def main() -> int:
    """Measure, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", nargs="*", choices=[*BARS, []], metavar="BAR", help="by default all"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    given = parser.parse_args()
    good = []
    for name in given.what or BARS:
        with tempfile.TemporaryDirectory() as folder:
            good += BARS[name](Path(folder), quick=given.quick)
    return 0 if all(good) else 1


def fast(folder: Path, quick: bool):
    """Yield how many trials that wait for nothing, and answer alike, two nodes do a second."""
    repeats = 10 if quick else 96
    with cluster(2) as (address, _):
        ran = run(folder, address, NO_WAIT, repeats)
    print(ran.said)
    yield bar("trials a second, nothing else running", ran.rows / ran.seconds, at_least=1500)
    yield bar("processor of the driver, ms a trial", 1000 * ran.cpu / ran.rows, at_most=1 / 1.5)
    yield bar("driver's memory, MB", ran.memory_mb, at_most=300)
    yield bar("trials stored of those asked for", ran.keys / (105 * repeats), at_least=1)


def lost(folder: Path, quick: bool):
    """Yield whether all trials are stored once where a node is removed when half of them are."""
    repeats = 10 if quick else 96
    with cluster(2) as (address, remove):
        ran = run(folder, address, NO_WAIT, repeats, midway=remove)
    print(ran.said)
    yield bar("a node removed midway: trials stored", ran.keys / (105 * repeats), at_least=1)
    yield bar("a node removed midway: stored twice", ran.rows - ran.keys, at_most=0)
    yield bar("a node removed midway: driver's memory, MB", ran.memory_mb, at_most=300)


def patient(folder: Path, quick: bool):
    """Yield whether two nodes take little more than half the time of one that waits for replies."""
    options = {"scripted": {**NO_WAIT["scripted"], "delay": 0.2, "parallel": 16}}
    took, repeats = [], 4 if quick else 12
    for nodes in (1, 2):
        with cluster(nodes) as (address, _):
            ran = run(folder / f"nodes{nodes}", address, options, repeats)
        print(ran.said)
        took.append(ran.seconds)
        ideal = 105 * repeats * 0.2 / (16 * nodes)
        print(
            f"{f'nodes: {nodes}, time over replies × 200 ms / places':48} {took[-1] / ideal:8.2f}"
        )
    yield bar("200 ms a reply: two nodes over one", took[1] / took[0], at_most=0.55)


BARS = {"fast": fast, "lost": lost, "patient": patient}
NO_WAIT = {"scripted": {"replies": ["so \\boxed{2}"]}}


def run(folder: Path, address: str, options, repeats: int, *, midway=None) -> Ran:
    """Do a run of the starter set; `midway` is called when half of its trials are stored."""
    folder.mkdir(exist_ok=True)
    content = {
        "model": "scripted/test", "providers": options, "problems": "starter", "mode": "cot",
        "judge": "rules", "repeats": repeats, "sampling": {"temperature": 1},
    }  # fmt: skip
    (folder / "bench.yaml").write_text(yaml.safe_dump(content))
    child = subprocess.Popen(
        [sys.executable, "-m", "solver", "run", "bench.yaml", "--on", "ray"],
        cwd=folder, env={**os.environ, "RAY_ADDRESS": address, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    memory, cpu, before, done = 0.0, 0.0, 0.0, 0
    while child.poll() is None:
        memory = max(memory, peak_of(child.pid))
        if not done:
            before = cpu_of(child.pid)
        if done < 105 * repeats:
            (done,), cpu = asked(folder, "SELECT count(*) FROM trials"), cpu_of(child.pid)
        if midway is not None and done > 105 * repeats / 2:
            midway()
            midway = None
        time.sleep(0.2)
    rows, keys, seconds = asked(
        folder,
        "SELECT count(*), count(DISTINCT problem_id || ' ' || repeat),"
        " max(started + seconds) - min(started) FROM trials",
    )
    lines = (child.stderr.read() if child.stderr else "").splitlines()
    said = "\n".join(f"    {line}" for line in lines if line.startswith(("node", "solver")))
    return Ran(seconds, rows, keys, memory, cpu - before, said)


def asked(folder: Path, question: str) -> tuple:
    """Return one row of the run's file; zeros where there is none yet."""
    path = folder / "runs/bench/run.sqlite"
    if path.exists():
        with closing(sqlite3.connect(path, timeout=10)) as database:
            try:
                return tuple(value or 0 for value in database.execute(question).fetchone())
            except sqlite3.OperationalError:  # its tables are being made
                pass
    return (0,)


def peak_of(process: int) -> float:
    """Return the most memory that a process has had resident, in MB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(ln.split()[1]) / 1000 for ln in lines if ln.startswith("VmHWM")), 0.0)


def cpu_of(process: int) -> float:
    """Return the processor seconds of a process."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def cluster(nodes: int):
    """Start a head that does no work and so many nodes; yield the address, and what removes one."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    local = {"node_ip_address": "127.0.0.1"}
    found = Cluster(
        initialize_head=True, head_node_args={**local, "num_cpus": 0, "include_dashboard": False}
    )
    added = [found.add_node(num_cpus=1, **local) for _ in range(nodes)]
    try:
        yield found.address, lambda: found.remove_node(added.pop(), allow_graceful=False)
    finally:
        found.shutdown()


def bar(what: str, value: float, *, at_least: float = 0.0, at_most: float | None = None) -> bool:
    """Print a measured value beside its bar; return whether it is met."""
    good = value >= at_least if at_most is None else value <= at_most
    wanted = f"at least {at_least:g}" if at_most is None else f"at most {at_most:g}"
    print(f"{what:44} {value:8.2f}   {wanted}   {'met' if good else 'MISSED'}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
