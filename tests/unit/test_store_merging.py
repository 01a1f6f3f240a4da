"""Merging the files of a run's shards: nothing is lost, nothing is there twice."""

import sqlite3
from contextlib import closing

import pytest

from judge import Verdict
from judge.logs.records import Theirs
from solver.errors import ConfigError
from solver.store import FILE, Store
from solver.store.local import snapshot
from solver.store.schema import columns_of, tables
from tests.stored import changed, problem, said, stored, trial
from tests.viewed import client_of, page

PROBLEMS = [problem(1), problem(2)]
MANIFEST = {"identity": {"seed": 0}, "prompts": {"code": "a"}, "trials": 2}


def shard(run, name, *trials, begun=(), **manifest):
    """A shard as its worker brings it, with something in every table; returns its file."""
    beside = run.parent.parent / f"beside-{name}"
    with closing(stored(beside, PROBLEMS, trials, **{**MANIFEST, **manifest})) as store:
        for key, *turns in begun:
            for number, turn in enumerate(turns[:-1]):
                store.add_turn(key, number, turn)
            store.add_reply(key, len(turns) - 1, turns[-1].reply)
        store.add_other_verdicts(
            [(key_of(each), Theirs("exact", 1.0, "4", True)) for each in trials]
        )
        store.end_session(store.begin_session(shard=name))
    return bring(run, name)


def bring(run, name):
    home = run / "shards" / name
    home.mkdir(parents=True, exist_ok=True)
    snapshot(run.parent.parent / f"beside-{name}" / FILE, home / FILE)
    return home / FILE


def key_of(one):
    return f"{one.problem_id}|{one.model}|{one.mode}|{one.repeat}"


def done(number, *, answer="1", **facts):
    thoughts = changed(said(answer, text=f"reply {number}"), thoughts="hm", thought_tokens=3)
    return trial(f"p{number}", said(exit=None), thoughts, right=answer == "1", **facts)


def merge(run, **files):
    with closing(Store.open_to_merge(run)) as store:
        for name, path in files.items():
            store.merge(name, path)


def rows(path, table):
    """The rows of a table without the numbers that a file gives them."""
    skipped = columns_of(table)[0] == "id" and table != "problems"
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f"SELECT * FROM {table}").fetchall()
    return sorted((row[skipped:] for row in found), key=str)


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    monkeypatch.setenv("SOLVER_SCRATCH", str(tmp_path / "disk"))
    return tmp_path / "runs" / "run"


def test_every_row_of_every_table_survives_the_merge(run):
    first = shard(run, "1-of-2", done(1), begun=[("begun", said(), said())])
    second = shard(run, "2-of-2", done(2, error="ModelError: x"))
    merge(run, first=first, second=second)
    for table in tables():
        assert rows(first, table), f"put something into {table} above"
        if table == "manifest":
            merged = dict(rows(run / FILE, table))
            kept = {key for key, _ in rows(first, table)} - {"stamp"}
            assert kept <= merged.keys()
        else:
            wanted = sorted({*rows(first, table), *rows(second, table)}, key=str)
            assert rows(run / FILE, table) == wanted, table


def test_a_second_merge_changes_nothing(run):
    files = {
        "1-of-2": shard(run, "1-of-2", done(1), reply_ends={"odd": 2}),
        "2-of-2": shard(run, "2-of-2", done(2), reply_ends={"odd": 3}),
    }
    merge(run, **files)
    once = {table: rows(run / FILE, table) for table in tables()}
    merge(run, **files)
    assert {table: rows(run / FILE, table) for table in tables()} == once
    with closing(Store.open(run)) as store:
        assert store.manifest()["reply_ends"] == {"odd": 5}


def test_of_a_trial_that_two_shards_have_the_one_that_got_further_is_taken_whole(run):
    begun = shard(run, "1-of-2", begun=[(key_of(done(1)), said(text="old"), said(), said())])
    ended = shard(run, "1-of-3", done(1))
    for files in ({"a": begun, "b": ended}, {"b": ended, "a": begun}):
        folder = run.parent / "".join(files)
        merge(folder, **files)
        for table in ("turns", "replies", "verdicts"):
            assert rows(folder / FILE, table) == rows(ended, table)


def test_a_shard_that_went_on_is_merged_again(run):
    key = key_of(done(1))
    path = shard(run, "1-of-1", begun=[(key, said(), said())])
    merge(run, a=path)
    with closing(Store.create_or_open(run.parent.parent / "beside-1-of-1")) as store:
        store.add_turn(key, 1, said("1"))
        store.add_trial(key, done(1), judge="j")
    merge(run, a=bring(run, "1-of-1"))
    for table in ("trials", "turns", "replies", "verdicts"):
        assert rows(run / FILE, table) == rows(path, table)


def test_the_verdict_that_was_made_last_counts_in_whatever_order_files_are_merged(run):
    path = shard(run, "1-of-1", done(1))
    merge(run, a=path)
    key = key_of(done(1))
    with closing(Store.create_or_open(run.parent.parent / "beside-1-of-1")) as store:
        store.add_verdict(key, Verdict(1, "model", "later in the shard", "different"), judge="k")
    with closing(Store.open_to_merge(run)) as store:
        store.add_verdict(key, Verdict(5, "model", "judged again", "equal"), judge="l")
    merge(run, a=bring(run, "1-of-1"))
    with closing(Store.open_to_merge(run)) as store:
        said_ = [verdict.reason for _, verdict in store.verdicts(key)]
    assert said_ == ["compared", "later in the shard", "judged again"]


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"identity": {"seed": 1}}, "seed: 0 → 1"),
        ({"prompts": {"code": "b"}}, "prompts of mode code: a → b"),
        ({"models": {"m/x": {"digest": "bb"}}}, "m/x: digest: aa → bb"),
    ],
)
def test_a_shard_of_another_run_is_refused_with_the_difference(run, manifest, told):
    first = shard(run, "1-of-2", done(1), models={"m/x": {"digest": "aa"}})
    other = shard(run, "2-of-2", done(2), **manifest)
    with pytest.raises(ConfigError, match=told):
        merge(run, first=first, other=other)


def test_a_shard_with_another_text_of_a_problem_is_refused(run):
    first, other = shard(run, "1-of-2", done(1)), shard(run, "2-of-2", done(2))
    with closing(sqlite3.connect(other)) as database:
        database.execute("UPDATE problems SET hash = 'x' WHERE id = 'p1'")
        database.commit()
    with pytest.raises(ConfigError, match="problem p1 has another text"):
        merge(run, first=first, other=other)


def test_an_unmerged_run_is_read_and_told_and_not_written(run, capsys):
    shard(run, "1-of-2", done(1))
    shard(run, "2-of-2", done(2))
    with closing(Store.open(run)) as store:
        assert {row.problem_id for row in store.rows()} == {"p1", "p2"}
        assert f"2 shards are not merged; `solver merge {run}`" in store.manifest()["warnings"][-1]
    assert "2 shards are not merged" in capsys.readouterr().err
    assert not (run / FILE).exists()
    with pytest.raises(ConfigError, match="solver merge"):
        Store.create_or_open(run)


def test_shards_of_runs_with_more_problems_and_repeats_make_the_larger_run(run):
    small = {"config": {"repeats": 1}, "shard": {"trials": 2}}
    large = {"config": {"repeats": 2}, "shard": {"trials": 4}}
    merge(run, a=shard(run, "1-of-2", done(1), **small), b=shard(run, "2-of-2", done(2), **large))
    with closing(Store.open_to_merge(run)) as store:
        found = store.manifest()
    assert (found["trials"], found["config"]["repeats"]) == (4, 2)


def test_a_worker_takes_over_what_another_has_begun_of_its_own_trials_alone(run):
    mine, other = key_of(done(1)), key_of(done(2))
    path = shard(run, "1-of-2", begun=[(mine, said(text="a"), said()), (other, said())])
    with closing(Store.create_or_open(run.parent / "local")) as store:
        store.take(path, lambda key: key == mine)
        assert store.unfinished() == {mine}
        assert [turn.reply.text for turn in store.turns(mine)] == ["a"]
        assert store.reply(mine, 1) is not None
        assert store.reply(other, 0) is None


def test_the_page_lists_and_shows_a_run_that_is_not_merged(run):
    shard(run, "1-of-1", done(1))
    client = client_of(run.parent)
    assert "/run/run" in page(client, "/")
    shown = page(client, "/run/run")
    assert "1 shard is not merged" in shown
    assert "p1" in shown
