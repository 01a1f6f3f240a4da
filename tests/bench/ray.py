"""What a run on a Ray cluster costs: rate, memory, a lost node, and two nodes over one.

    unshare -rn bash -c 'ip link set lo up && python -m tests.bench.ray [--quick]'

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

    folder: Path
    code: int
    seconds: float
    """From the start of the first trial to the end of the last."""
    rows: int
    keys: int
    memory_mb: float
    """The driver's peak."""
    cpu: float
    """Processor seconds of the driver while it did the trials and all around them."""
    said: str


def main() -> int:
    """Measure, print, and exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    share = 10 if parser.parse_args().quick else 1
    with tempfile.TemporaryDirectory() as folder:
        good = [*fast(Path(folder), 96 // share), *patient(Path(folder), 12 // min(share, 4))]
    return 0 if all(good) else 1


def fast(folder: Path, repeats: int):
    """Yield whether trials that wait for nothing are many a second, with and without a loss."""
    trials = 105 * repeats
    config = {"scripted": {"replies": ["so \\boxed{2}"]}}
    with cluster(2) as (address, _):
        ran = run(folder / "fast", address, config, repeats)
    print(ran.said)
    yield bar("trials a second, two nodes", ran.rows / ran.seconds, at_least=1500)
    print(f"{'driver, ms of processor a trial':44} {1000 * ran.cpu / ran.rows:8.2f}")
    yield bar("driver's memory, MB", ran.memory_mb, at_most=300)
    yield bar("trials stored of those asked for", ran.keys / trials, at_least=1)
    with cluster(2) as (address, remove):
        ran = run(folder / "lost", address, config, repeats, midway=remove, of=trials)
    print(ran.said)
    yield bar("a node removed midway: trials stored", ran.keys / trials, at_least=1)
    yield bar("a node removed midway: stored twice", ran.rows - ran.keys, at_most=0)


def patient(folder: Path, repeats: int):
    """Yield whether two nodes take little more than half the time of one that waits for replies."""
    config = {"scripted": {"replies": ["so \\boxed{2}"], "delay": 0.2, "parallel": 16}}
    took = []
    for nodes in (1, 2):
        with cluster(nodes) as (address, _):
            ran = run(folder / f"nodes{nodes}", address, config, repeats)
        print(ran.said)
        took.append(ran.seconds)
    yield bar("200 ms a reply: two nodes over one", took[1] / took[0], at_most=0.55)


def run(folder: Path, address: str, options, repeats: int, *, midway=None, of: int = 0) -> Ran:
    """Do a run of the starter set; `midway` is called when half of its trials are stored."""
    folder.mkdir()
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
    memory = cpu = 0.0
    while child.poll() is None:
        memory, cpu = max(memory, peak_of(child.pid)), max(cpu, cpu_of(child.pid))
        if midway is not None and counted(folder)[0] > of / 2:
            midway()
            midway = None
        time.sleep(0.1)
    rows, keys, seconds = counted(folder)
    lines = (child.stderr.read() if child.stderr else "").splitlines()
    said = "\n".join(f"    {line}" for line in lines if line.startswith(("node", "solver")))
    return Ran(folder, child.returncode, seconds, rows, keys, memory, cpu, said)


def counted(folder: Path) -> tuple[int, int, float]:
    """Return the stored trials, their distinct problems and repeats, and the seconds they took."""
    path = folder / "runs/bench/run.sqlite"
    if not path.exists():
        return 0, 0, 0.0
    asked = (
        "SELECT count(*), count(DISTINCT problem_id || ' ' || repeat),"
        " max(started + seconds) - min(started) FROM trials"
    )
    with closing(sqlite3.connect(path, timeout=10)) as database:
        try:
            rows, keys, seconds = database.execute(asked).fetchone()
        except sqlite3.OperationalError:  # its tables are being made
            return 0, 0, 0.0
    return rows, keys, seconds or 0.0


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
