"""A run's file that lost something is not taken for a new run."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.run.log import logging_to
from solver.store import FILE, Store
from solver.store.labels import read_labels
from solver.store.lock import is_held
from tests.unit.test_store import TURN

KILLED = """
import os, sys
from pathlib import Path
from solver.store import Store
from tests.unit.test_store import TURN
store = Store.create_or_open(Path(sys.argv[1]))
store.write_manifest(config={{"a": 1}})
store.checkpoint()
for number in range(3):
    store.add_turn("k", number, TURN)
{then}
os.kill(os.getpid(), 9)
"""
IN_A_BLOCK = """
with store.together():
    store.add_turn("k", 3, TURN)
    os.kill(os.getpid(), 9)
"""


def run_and_kill(folder, then=""):
    command = [sys.executable, "-c", KILLED.format(then=then), str(folder)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert (folder / f"{FILE}-wal").stat().st_size > 0
    return folder


@pytest.fixture
def killed(tmp_path):
    """A run of three turns whose process was killed."""
    return run_and_kill(tmp_path)


def test_a_run_killed_before_a_block_s_end_misses_nothing(tmp_path):
    store = Store.create_or_open(run_and_kill(tmp_path, IN_A_BLOCK))
    assert store.turns("k") == (TURN,) * 3
    store.close()


def test_a_killed_run_holds_all_that_was_stored(killed):
    store = Store.create_or_open(killed)
    assert store.turns("k") == (TURN,) * 3
    store.close()


def delete_log(folder):
    (folder / f"{FILE}-wal").unlink()


def empty(folder):
    delete_log(folder)
    (folder / FILE).write_bytes(b"")


def delete(folder):
    delete_log(folder)
    (folder / FILE).unlink()


@pytest.mark.parametrize("lose", [delete_log, empty, delete])
def test_a_run_that_lost_turns_is_refused_in_one_line_until_its_lock_is_deleted(killed, lose):
    lose(killed)
    for _ in range(2):
        with pytest.raises(ConfigError, match="does not hold all that was stored") as refused:
            Store.create_or_open(killed)
        assert "\n" not in str(refused.value)
    (killed / "run.lock").unlink()
    Store.create_or_open(killed).close()


def test_turns_that_a_loss_of_power_took_are_no_reason_to_refuse(killed):
    delete_log(killed)
    lock = killed / "run.lock"
    process, _, last = lock.read_text().partition("\n")
    boot = last.split('"')[1]
    lock.write_text(f"{process}\n{last.replace(boot, 'another')}")
    Store.create_or_open(killed).close()


def test_a_file_that_is_copied_alone_holds_what_the_last_checkpoint_held(killed):
    (killed / "copy").mkdir()
    shutil.copy(killed / FILE, killed / "copy" / FILE)
    store = Store.create_or_open(killed / "copy")
    assert store.manifest() == {"config": {"a": 1}}
    store.close()


def test_the_tables_are_in_the_main_file_from_the_start(tmp_path):
    store = Store.create_or_open(tmp_path / "run")
    shutil.copy(tmp_path / "run" / FILE, tmp_path / FILE)
    database = sqlite3.connect(tmp_path / FILE)
    assert database.execute("SELECT count(*) FROM trials").fetchone() == (0,)
    database.close()
    store.close()


def test_a_run_is_resumed_again_and_again(tmp_path):
    for number in range(3):
        store = Store.create_or_open(tmp_path)
        store.add_turn("a key that is long" * (3 - number), number, TURN)
        store.close()
    Store.create_or_open(tmp_path).close()


BOOT = Path("/proc/sys/kernel/random/boot_id")
NEST = "[" * 200_000


@pytest.mark.parametrize(
    "line",
    [
        '["b", "k", NaN]', '["b", "k", 1e400]', '["b", "k", 1.5]', '["b", [], 1]', "[1]", "1", "{}",
        f'["b", "k", {10**30}]', f'["b", "k", {"9" * 5_000}]', NEST, "\x00", '["b", null, 1]',
    ],
    ids=lambda line: line[:20],
)  # fmt: skip
def test_a_lock_whose_last_turn_cannot_be_read_does_not_stop_a_run(killed, line):
    (killed / "run.lock").write_text(f"1 host\n{line}\n")
    Store.create_or_open(killed).close()


@pytest.mark.skipif(not BOOT.exists(), reason="needs Linux")
def test_a_lock_that_names_what_no_encoding_can_write_is_one_line(killed):
    boot = BOOT.read_text("ascii").strip()
    (killed / "run.lock").write_text(f'1 host\n["{boot}", "\\ud800", 1]\n')
    with pytest.raises(ConfigError, match="does not hold all that was stored"):
        Store.create_or_open(killed)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/null", path)])
def test_a_file_of_a_run_that_is_none_is_one_line_and_nothing_waits(tmp_path, make):
    make(tmp_path / "run.lock")
    make(tmp_path / "run.log")
    make(tmp_path / "labels.jsonl")
    with pytest.raises(ConfigError, match=r"run\.lock: .* it is no file"):
        Store.create_or_open(tmp_path)
    assert not is_held(tmp_path)
    with (
        pytest.raises(ConfigError, match=r"run\.log: .* it is no file"),
        logging_to(tmp_path, live=False),
    ):
        pass
    with pytest.raises(ConfigError, match=r"labels\.jsonl: .* it is no file"):
        read_labels(tmp_path)
