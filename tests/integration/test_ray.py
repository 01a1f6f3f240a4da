"""A real Ray cluster of two nodes, one of which goes while a run is on."""

import subprocess
import sys

from tests.needs import require


def test_of_ten_thousand_trials_none_is_lost_or_stored_twice_when_a_node_goes_midway():
    require("ray")
    bench = f"ip link set lo up && {sys.executable} -m tests.bench.ray lost"
    ran = subprocess.run(
        ["unshare", "-rn", "bash", "-c", bench], capture_output=True, text=True, timeout=1800
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
