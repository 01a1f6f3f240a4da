"""Keys of stored trials in one array: what a set of texts would say."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from solver.errors import ConfigError
from solver.store import FILE, Reader, Store
from solver.store.keys import Keys
from tests.bench.report import write_run


@dataclass(frozen=True)
class Trial:
    key: str


def keys_of(*keys: str, at_once: int = 2) -> Keys:
    found = sorted(key.encode() for key in keys)
    return Keys(found[start : start + at_once] for start in range(0, len(found), at_once))


@pytest.mark.parametrize("count", [0, 1, 9_999, 10_000, 25_000])
def test_trials_whose_key_is_not_held_stay_in_their_order(count: int) -> None:
    trials = [Trial(f"{7 * n % count:016x}") for n in range(count)]
    held = {trial.key for trial in trials[::3]}
    keys = keys_of(*held)
    assert list(keys.lacking(trials)) == [trial for trial in trials if trial.key not in held]
    assert list(keys) == sorted(held)
    assert len(keys) == len(held)


def test_keys_that_belong_to_no_trial_are_counted() -> None:
    trials = [Trial(f"k{n}") for n in range(15_000)]
    assert keys_of("k3", "k14999", "other", "k15000").besides(trials) == 2
    assert keys_of("k3").besides([]) == 1
    assert keys_of().besides(iter(())) == 0


def test_keys_of_any_length_are_told_apart() -> None:
    long = "x" * 70
    keys = keys_of("a", "ab", "ü", long)
    asked = [Trial(key) for key in ("a", "abc", "ü", long, long + "x", "")]
    assert [trial.key for trial in keys.lacking(asked)] == ["abc", long + "x", ""]


def test_trials_are_taken_only_as_far_as_they_are_asked_for() -> None:
    """A run with ten million trials left asks for one at a time."""

    def trials():
        yield from (Trial(f"{n}") for n in range(10_000))
        raise AssertionError("went on")

    assert next(keys_of("0").lacking(trials())).key == "1"


def test_begun_is_what_is_finished_and_unfinished(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", problems=30, errors=0.2)
    with sqlite3.connect(run / FILE) as database:
        database.execute("DELETE FROM trials WHERE key LIKE '%|3'")
    store = Store.open(run)
    assert set(store.begun()) == {*store.finished(), *store.unfinished()}
    assert 0 < len(store.finished()) < len(store.begun()) == len(set(store.begun()))


def test_keys_that_only_look_like_ours_are_told_from_them() -> None:
    """16 digits are held as a number, and other ways to write that number are other keys."""
    ours, number = "00000000000000ab", "ab"
    others = ["00000000000000AB", number, f" {ours}", f"{ours} ", "0000 000000000ab", "g" * 16]
    assert list(keys_of(ours, *others)) == [ours, *sorted(others)]
    for held in (ours, *others):
        lacking = keys_of(held).lacking(Trial(key) for key in (ours, *others))
        assert [trial.key for trial in lacking] == [k for k in (ours, *others) if k != held]
        assert keys_of(ours, *others).besides([Trial(held)]) == len(others)


@pytest.mark.parametrize("key", [b"\xf0", b"\xffa", b"\xf0\x9f", "\U0010ffff".encode()])
def test_a_key_that_is_no_text_is_passed_over(tmp_path: Path, key: bytes) -> None:
    """Read as a text it would sort before itself, and come again for ever."""
    run = write_run(tmp_path / "run", problems=3)
    with sqlite3.connect(run / FILE) as database:
        (some,) = database.execute("SELECT min(key) FROM trials").fetchone()
        database.execute("UPDATE trials SET key = CAST(? AS TEXT) WHERE key = ?", (key, some))
    with closing(Reader.open(run)) as reader:
        assert len(reader.finished()) == reader.ended()
        assert len(reader.begun()) >= reader.ended()
        assert reader.begun().besides([Trial("x")]) == len(reader.begun())
        assert len(list(reader.finished())) == reader.ended()


def test_a_key_with_a_line_break_is_refused_in_one_line(tmp_path: Path) -> None:
    """It would be read as two keys."""
    run = write_run(tmp_path / "run", problems=3)
    with sqlite3.connect(run / FILE) as database:
        (some,) = database.execute("SELECT min(key) FROM trials").fetchone()
        database.execute("UPDATE trials SET key = ? WHERE key = ?", ("a\nb", some))
    with closing(Reader.open(run)) as reader, pytest.raises(ConfigError, match="line break"):
        reader.finished()
