"""A real Ray cluster of two nodes, one of which goes while a run is on."""

import subprocess
import sys

from tests.needs import require


def test_a_node_that_goes_midway_loses_no_trial_and_none_is_stored_twice():
    require("ray")
    bench = f"ip link set lo up && {sys.executable} -m tests.bench.ray lost --quick"
    ran = subprocess.run(
        ["unshare", "-rn", "bash", "-c", bench], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
