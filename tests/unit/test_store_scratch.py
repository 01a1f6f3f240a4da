"""The folder on the local disk is this user's alone, and chosen by the environment."""

import pytest

from solver.errors import ConfigError
from solver.store.scratch import VARIABLES, scratch_folder


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_first_variable_that_is_set_names_the_disk(tmp_path, monkeypatch):
    for name in reversed(VARIABLES):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
        assert scratch_folder().parent == tmp_path / name
        assert scratch_folder().stat().st_mode & 0o077 == 0


def test_a_disk_that_is_not_there_is_told_with_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLVER_SCRATCH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="set SOLVER_SCRATCH"):
        scratch_folder()


def test_a_folder_that_others_may_write_or_that_is_a_link_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLVER_SCRATCH", str(tmp_path))
    folder = scratch_folder()
    folder.chmod(0o777)
    with pytest.raises(ConfigError, match="others can write there"):
        scratch_folder()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="others can write there"):
        scratch_folder()
