"""Which process owns a container, and whether it is still alive."""

import json
import os
import subprocess
import sys
from dataclasses import replace

from sandbox.boxes.owners import LABEL, from_labels, is_dead, this_process


def test_labels_give_the_owner_back() -> None:
    owner = this_process("run 7")
    assert from_labels(owner.labels()) == owner


def test_this_process_is_alive() -> None:
    assert not is_dead(this_process(""))


def test_a_process_that_ended_is_dead() -> None:
    script = (
        "import json, sandbox.boxes.owners as o; print(json.dumps(o.this_process('').labels()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert is_dead(from_labels(json.loads(done.stdout)))


def test_another_process_with_the_same_id_does_not_keep_it_alive() -> None:
    assert is_dead(replace(this_process(""), started="1"))


def test_a_process_from_before_the_machine_started_again_is_dead() -> None:
    assert is_dead(replace(this_process(""), boot="another"))


def test_a_process_of_another_host_is_never_called_dead() -> None:
    assert not is_dead(replace(this_process(""), host="elsewhere", pid=2**22 + 1))


def test_labels_of_nobody_here_belong_to_no_living_process() -> None:
    assert from_labels({}).pid == 0
    for pid in ("²", "9" * 5000):
        assert from_labels({f"{LABEL}.pid": pid}).pid == 0
    assert os.getpid() != 0
