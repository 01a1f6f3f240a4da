"""The problem sets that a run can name: what is known of each, and where its text comes from.

They are listed in `known.yaml`. `NAME@COMMIT` names a commit of the set's data set on the hub, for
sets of which none is pinned here.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import Field

from solver.errors import ConfigError
from solver.problems.hub import Dataset
from solver.records import Record

_MONTHLY = re.compile(r"arxivmath-(0[1-9]|1[0-2])(\d\d)")
"""A month of ArXivMath, of which a new one appears after this version."""


class KnownSet(Record):
    """What is known of a set, without its text."""

    name: str
    about: str
    """What it is, in a few words."""
    problems: int | None
    """How many; None for a month of ArXivMath that is not listed yet."""
    answers: str
    """The kinds of its answers."""
    licence: str
    """As its publisher states it."""
    published: str = ""
    """When its problems could first be read on the web."""
    dataset: str | None = None
    """Its id on the dataset hub; None where only a local copy can be read."""
    revision: str | None = None
    """The pinned commit; None where none is known."""
    files: tuple[str, ...] = ()
    fields: dict[str, str | None] = Field(default_factory=dict)
    """Columns with other names than in files of one's own."""
    check: Literal["shipped", "hashes", "rows"] = "shipped"
    """`hashes`: questions and answers are compared with hashes. `rows`: the number of rows, and
    the columns. `shipped`: the text comes with this package."""

    def source(self) -> Dataset:
        """Return the files on the hub. Raises ConfigError where no commit or file is known."""
        if self.dataset is None:
            raise ConfigError(
                f"problems {self.name!r}: give a local copy, `problems_file: FILE`; where its"
                " files are on the hub is not known here"
            )
        if self.revision is None:
            raise ConfigError(
                f"problems {self.name!r}: no commit of {self.dataset} is pinned here; name one,"
                f" `{self.name}@COMMIT` with its 40 hex digits, or give a local copy,"
                " `problems_file: FILE`"
            )
        return Dataset(self.dataset, self.revision, self.files)


@cache
def known_sets() -> Mapping[str, KnownSet]:
    """Return the sets that a run can name, by name."""
    text = files("solver.problems").joinpath("known.yaml").read_text("utf-8")
    return {
        name: KnownSet.model_validate({"name": name, **fields})
        for name, fields in yaml.safe_load(text).items()
    }


def known(given: str) -> KnownSet | None:
    """Return the set with a name, `NAME` or `NAME@COMMIT`; None where there is none.

    Raises ConfigError where the commit is none, or the set cannot have one.
    """
    name, at, commit = given.partition("@")
    found = known_sets().get(name) or _month(name)
    if found is None or not at:
        return found
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ConfigError(f"problems {given!r}: a commit is 40 hex digits")
    if found.dataset is None:
        raise ConfigError(f"problems {given!r}: {name} is not on the hub")
    return found.model_copy(update={"revision": commit})


def _month(name: str) -> KnownSet | None:
    """Return a month of ArXivMath that is not listed."""
    if (month := _MONTHLY.fullmatch(name)) is None:
        return None
    listed = next(s for known, s in known_sets().items() if known.startswith("arxivmath-"))
    published = f"20{month[2]}-{month[1]}"
    return listed.model_copy(
        update={
            "name": name,
            "problems": None,
            "published": published,
            "dataset": f"MathArena/{name}",
            "revision": None,
        }
    )
