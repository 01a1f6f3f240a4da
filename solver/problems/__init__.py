"""Load problems by the name of a set or by a path.

The named sets are pinned: wherever their text comes from (the dataset hub, a local copy), it is
checked, by hashes that ship with this package or by the number of rows and their columns.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from solver.errors import ConfigError
from solver.problems import calculation
from solver.problems.files import content_hash, read_rows
from solver.problems.known import known, known_sets
from solver.problems.named import load_named
from solver.problems.selection import SEED, select
from solver.problems.templates import templates, variants
from solver.records import Problem, digest

__all__ = [
    "NAMES", "SEED", "ProblemSet", "calculations", "join", "load", "load_sets", "select",
    "starter_variants",
]  # fmt: skip

NAMES = tuple(known_sets())
"""The sets that a run can name."""


@dataclass(frozen=True)
class ProblemSet:
    """Problems, and where they come from."""

    name: str
    """The set's name, or the file's name without its ending."""
    problems: tuple[Problem, ...]
    source: Mapping[str, object]
    """Where the text came from: `kind` (shipped, hub or file), place, revision, SHA-256."""

    @property
    def hash(self) -> str:
        """Return a hash of the ids, questions and answers in their order."""
        return digest([[problem.id, problem.hash] for problem in self.problems])

    def notes(self) -> Iterator[str]:
        """Yield what was left out of a published file, and why."""
        parts = self.source.get("sets") or [{"name": self.name, "source": self.source}]
        assert isinstance(parts, list)
        for part in parts:
            for why, count in part["source"].get("left_out", {}).items():
                yield f"problems: {count} of the {part['name']} set left out: {why}"

    @property
    def facts(self) -> dict[str, object]:
        """Return what a run's manifest stores about this set, as plain JSON values."""
        figures = sum("[asy]" in problem.question for problem in self.problems)
        return {
            "name": self.name,
            "problems": len(self.problems),
            "with_figures": figures,
            "hash": self.hash,
            "source": dict(self.source),
        }


def load_sets(names: Sequence[str], files: Mapping[str, str | Path] | None = None) -> ProblemSet:
    """Load one set or several, and join them.

    `files` holds local copies by the names of their sets. Where two sets use the same id, those of
    the later one begin with its name. Raises ConfigError as `load` does, for a file of a set that
    is not among `names`, and where a question is in two sets.
    """
    files = files or {}
    if strange := [name for name in files if name not in names]:
        raise ConfigError(
            f"problems_file: {strange[0]!r} is not among the problems {', '.join(names)}"
        )
    found = [load(name, file=files.get(name)) for name in names]
    return found[0] if len(found) == 1 else join(found)


def join(sets: Sequence[ProblemSet]) -> ProblemSet:
    """Join sets, as `load_sets` does. Raises ConfigError where a question is in two of them."""
    ids: set[str] = set()
    problems: list[Problem] = []
    for each in sets:
        new = each.problems
        if not ids.isdisjoint(problem.id for problem in new):
            new = tuple(p.model_copy(update={"id": f"{each.name}/{p.id}"}) for p in new)
        ids.update(problem.id for problem in new)
        problems += new
    _refuse_shared(sets)
    source = {"kind": "sets", "sets": [each.facts for each in sets]}
    return ProblemSet(" + ".join(each.name for each in sets), tuple(problems), source)


def _refuse_shared(sets: Iterable[ProblemSet]) -> None:
    """Raise ConfigError where a question is in two sets: its trials would count twice."""
    places: dict[str, tuple[str, str]] = {}
    for each in sets:
        shared = [
            (problem.id, *places[problem.words])
            for problem in each.problems
            if problem.words in places
        ]
        if shared:
            here, name, there = shared[0]
            raise ConfigError(
                f"problems: {len(shared)} questions of {each.name} are in {name} as well, the first"
                f" {here} as {there}; run only one of them"
            )
        places |= {p.words: (each.name, p.id) for p in each.problems}


def load(name: str, *, file: str | Path | None = None) -> ProblemSet:
    """Load the set called `name`, or the problems in the `.jsonl`, `.csv` or `.parquet` file there.

    Every problem has the name of the set, unless its file gives another. `file` is a local copy of
    a pinned set; without it the set is fetched from the dataset hub.
    Raises ConfigError for an unknown name, a file that cannot be read, malformed or repeated rows,
    and for content that differs from what is pinned.
    """
    found = _loaded(name, file)
    problems = (
        problem if problem.set else problem.model_copy(update={"set": found.name})
        for problem in found.problems
    )
    return replace(found, problems=tuple(problems))


def _loaded(name: str, file: str | Path | None) -> ProblemSet:
    if name == "calculation" or name.startswith("starter~"):
        return _generated(name, file)
    if (found := known(name)) is None:
        return _from_path(name, file)
    problems, source = load_named(found, Path(file) if file is not None else None)
    return ProblemSet(found.name, problems, source)


def _generated(name: str, file: str | Path | None) -> ProblemSet:
    """Make a set that no model has seen: arithmetic, or the starter set with other numbers."""
    if file is not None:
        raise ConfigError(f"problems_file: {name} is generated by solver; drop {str(file)!r}")
    if name == "calculation":
        return calculations(calculation.Options())
    seed = name.removeprefix("starter~")
    if not re.fullmatch(r"\d{1,9}", seed):
        raise ConfigError(f"problems: {name!r} should be starter~ and a seed, such as starter~7")
    return starter_variants(int(seed))


def calculations(options: calculation.Options) -> ProblemSet:
    """Return generated arithmetic as a set."""
    source = {"kind": "generated", **options.model_dump(mode="json")}
    return ProblemSet("calculation", calculation.generate(options), source)


def starter_variants(seed: int, draws: int = 1) -> ProblemSet:
    """Return the starter problems that have a template, `draws` times each with other numbers."""
    known = templates()
    made = tuple(
        variant
        for problem in load("starter").problems
        if problem.id in known
        for variant in variants(problem, known[problem.id], seed=seed, draws=draws)
    )
    source = {"kind": "generated", "seed": seed, "draws": draws}
    return ProblemSet(f"starter~{seed}", made, source)


def _from_path(name: str, file: str | Path | None) -> ProblemSet:
    """Load problems from a file."""
    if file is not None:
        raise ConfigError(
            f"problems_file: only for a set by name (`solver problems`), and problems is {name!r}"
        )
    path = Path(name)
    if not path.suffix and not path.exists():
        close = get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(
            f"problems: no set or file called {name!r}.{hint}"
            " `solver problems` lists the sets; or give a path to a .jsonl or .csv file."
        )
    problems = tuple(row.problem for row in read_rows(path))
    source = {"kind": "file", "path": str(path), "sha256": content_hash(path)}
    return ProblemSet(path.stem, problems, source)
