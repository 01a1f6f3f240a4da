"""A run whose file cannot be written any more ends in one line and requests nothing more."""

import shutil

import pytest

from sandbox import Execution, Exit
from solver.errors import StoreError
from solver.models.scripted import Scripted
from solver.run.loop import run
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import PROBLEMS, EchoSandbox, config_of, parts_of, program
from tests.unit.test_store import TURN


class Disturbing(EchoSandbox):
    """Disturbs the run while its first program runs."""

    def __init__(self, disturb):
        super().__init__()
        self._disturb = disturb

    async def run(self, program):
        if not self.ran:
            self._disturb()
        return await super().run(program)


async def disturbed(folder, disturb, *, replies=None):
    """Run one trial at a time and disturb it; return the requests, the store and what it raised."""
    config, watch, history = config_of(patience={"parallel": 1}), Watch(), []
    store = Store.create_or_open(folder)
    store.add_problems(PROBLEMS)
    model = Scripted(replies=replies or [program("print(1)")], history=history)
    sandbox = Disturbing(lambda: disturb(store))
    sandbox.workers = 0
    parts = parts_of(config, model, sandbox=sandbox)
    parts.endpoints[0].gate.ceiling = 1
    with pytest.raises(StoreError) as raised:
        await run(config, PROBLEMS, parts, store, watch)
    assert "\n" not in str(raised.value)
    return history, store, raised.value


@pytest.mark.parametrize("lose", [shutil.rmtree, lambda path: path.rename(f"{path}-moved")])
async def test_a_folder_that_is_lost_ends_the_run_at_the_next_write(tmp_path, lose):
    folder = tmp_path / "run"
    history, store, failure = await disturbed(folder, lambda store: lose(folder))
    assert "moved or deleted" in str(failure)
    assert failure.gone
    assert len(history) == 1
    assert not folder.exists()
    store.close()


async def test_a_disk_that_is_full_ends_the_run_and_keeps_what_had_arrived(tmp_path):
    def fill(store):
        (pages,) = store._database.execute("PRAGMA page_count").fetchone()
        store._database.execute(f"PRAGMA max_page_count = {pages}")

    reply = program("print(1)\n# " + "".join(chr(33 + n * n % 89) for n in range(90_000)))
    history, store, failure = await disturbed(tmp_path, fill, replies=[reply])
    assert "disk is full" in str(failure)
    assert "the same command resumes" in str(failure)
    assert len(history) <= 2
    assert not (tmp_path / "run.reserve").exists()
    store.close()


def test_the_space_that_was_kept_holds_what_is_in_flight(tmp_path):
    store = Store.create_or_open(tmp_path)
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    release = store._reserve.release

    def give_back():
        store._database.execute("PRAGMA max_page_count = 100000")
        return release()

    store._reserve.release = give_back
    noise = "".join(chr(33 + n * n % 8_009) for n in range(90_000))
    big = TURN.model_copy(update={"execution": Execution(Exit.OK, noise, "", 0, 0, 0, False)})
    with pytest.raises(StoreError, match="disk is full"):
        store.add_turn("k", 0, big)
    assert store.turns("k") == (big,)
    store.close()


def test_the_kept_space_is_given_back_at_the_end(tmp_path):
    store = Store.create_or_open(tmp_path)
    assert (tmp_path / "run.reserve").stat().st_blocks > 0
    store.close()
    assert not (tmp_path / "run.reserve").exists()


def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path):
    store = Store.create_or_open(tmp_path)
    store._database.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="readonly database") as failed:
        store.add_turn("k", 0, TURN)
    assert "\n" not in str(failed.value)
    store.close()
