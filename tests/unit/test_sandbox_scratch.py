"""Whatever a program leaves in its folder is gone before the next one."""

import os
from pathlib import Path

import pytest

from sandbox.zygote.scratch import wipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


def test_files_and_folders_are_removed(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    (folder / "empty").mkdir()
    assert wipe(str(folder))
    assert list(folder.iterdir()) == []


def test_a_tree_deeper_than_any_path_is_removed(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert wipe(str(folder))


def test_folders_without_any_permission_are_removed(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0)
    assert wipe(str(folder))


def test_links_are_removed_and_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (folder / "to_folder").symlink_to(outside)
    (folder / "to_file").symlink_to(outside / "kept")
    (folder / "inner").mkdir()
    (folder / "inner" / "up").symlink_to("/")
    assert wipe(str(folder))
    assert (outside / "kept").read_text() == "kept"


def test_names_that_are_no_text_are_removed(folder: Path) -> None:
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe"))).mkdir()
    (folder / "new\nline").write_text("")
    assert wipe(str(folder))


def test_a_name_in_the_way_of_the_clean_up_is_reported_or_removed(folder: Path) -> None:
    (folder / ".moved-1").mkdir()
    (folder / ".moved-1" / "in the way").write_text("")
    (folder / "a" / "b" / "c").mkdir(parents=True)
    emptied = wipe(str(folder))
    assert emptied == (not list(folder.iterdir()))


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert wipe(str(tmp_path / "nowhere"))
