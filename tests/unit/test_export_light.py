"""The light Parquet file says of each trial what the whole one says, and leaves long texts out."""

import pandas as pd
import pytest

from solver.bridges import light
from solver.bridges.formats import export
from solver.errors import ConfigError
from solver.store import Store
from tests.bench.report import write_run


@pytest.fixture
def run(tmp_path):
    store = Store.open(write_run(tmp_path / "r", problems=7, repeats=3, errors=0.1))
    yield store
    store.close()


@pytest.fixture
def parts_of_ten(monkeypatch):
    monkeypatch.setattr(light, "AT_ONCE", 10)


def written(run, path, **options):
    return pd.read_parquet(*export(run, "parquet", path, **options))


def test_each_light_column_is_that_of_the_whole_file(run, tmp_path, parts_of_ten):
    whole = written(run, tmp_path / "whole.parquet")
    found = written(run, tmp_path / "light.parquet", light=True)
    assert len(found) == 42
    assert set(whole) - set(found) == {"reference", "reason", "seconds"}
    assert set(found) - set(whole) == {"attempts", "cut_in_thoughts"}
    assert {"error", "wrong", "correct"} <= set(found["outcome"])
    for name in set(found) & set(whole):
        ours, theirs = found[name].astype(object), whole[name].astype(object)
        assert (
            ours.where(ours.notna(), None).tolist() == theirs.where(theirs.notna(), None).tolist()
        )


def test_a_run_without_trials_has_the_columns_too(tmp_path):
    store = Store.create_or_open(tmp_path / "empty")
    assert len(written(store, tmp_path / "light.parquet", light=True)) == 0
    store.close()


def test_the_option_is_refused_for_other_formats(run):
    with pytest.raises(ConfigError, match="--light is for --format parquet, not csv"):
        list(export(run, "csv", light=True))
