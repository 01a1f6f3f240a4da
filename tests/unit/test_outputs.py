"""What is written by a name of the user's is whole or not there, and never replaces a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from solver.bridges.tables import export_run
from solver.config_start import start_config
from solver.errors import ConfigError
from solver.outputs import replacing
from solver.report.write import write_report
from solver.run.judging import CACHE
from solver.run.log import FILE as LOG
from solver.serve import LOG as SERVER_LOG
from solver.store import FILE, Store
from solver.store.labels import LABELS
from solver.store.lock import FILE as LOCK
from tests.stored import problem, said, stored, trial

WRITERS = {
    "csv": lambda store, path: export_run(store, "csv", path),
    "jsonl": lambda store, path: export_run(store, "jsonl", path),
    "report": lambda store, path: write_report([store.folder], path),
}


@pytest.fixture
def run(tmp_path):
    stored(tmp_path / "r", [problem(1)], [trial("p1", said("1"), right=True)]).close()
    store = Store.open(tmp_path / "r")
    yield store
    store.close()


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("linked", [False, True])
def test_no_output_replaces_a_file_of_a_run(run, tmp_path, writer, linked):
    path = run.folder / FILE
    before = path.read_bytes()
    if linked:
        (tmp_path / "link.csv").symlink_to(path)
    with pytest.raises(ConfigError, match="as it is a file of a run; give another name"):
        WRITERS[writer](run, tmp_path / "link.csv" if linked else path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name", [f"{FILE}-wal", LOCK, LOG, CACHE, LABELS, SERVER_LOG, "run.held", "run.reserve"]
)
def test_nor_one_of_those_beside_it(tmp_path, name):
    (tmp_path / name).write_text("kept")
    with pytest.raises(ConfigError, match=name), replacing(tmp_path / name):
        pass
    assert (tmp_path / name).read_text() == "kept"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_midway_leaves_the_file_that_was_there(tmp_path, failure):
    path = tmp_path / "o.csv"
    path.write_text("old")
    kind = ConfigError if isinstance(failure, OSError) else KeyboardInterrupt

    def write():
        with replacing(path) as part:
            part.write_text("cut")
            raise failure

    with pytest.raises(kind):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["o.csv"]


def test_a_missing_folder_is_made_and_a_link_is_followed(tmp_path):
    with replacing(tmp_path / "a" / "b.csv") as part:
        part.write_text("new")
    (tmp_path / "link.csv").symlink_to(tmp_path / "a" / "b.csv")
    with replacing(tmp_path / "link.csv") as part:
        part.write_text("newer")
    assert (tmp_path / "a" / "b.csv").read_text() == "newer"
    assert (tmp_path / "link.csv").is_symlink()


def test_a_run_can_be_written_to_standard_output(run):
    done = subprocess.run(
        [sys.executable, "-m", "solver", "export", str(run.folder), "--format", "jsonl",
         "-o", "/dev/stdout"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert '"problem_id"' in done.stdout


def test_a_config_that_cannot_be_written_leaves_no_empty_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ConfigError, match="No space left"):
        start_config("first", None, tmp_path / "i.yaml")
    assert not os.listdir(tmp_path)
