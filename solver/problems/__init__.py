"""Load problems by the name of a set or by a path.

The named sets are pinned: wherever their text comes from (the dataset hub, a local copy), each
question and answer is checked against hashes that ship with this package.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from solver.errors import ConfigError
from solver.problems.files import content_hash, read_rows
from solver.problems.hub import Dataset, download
from solver.problems.pinned import Pinned, check, pinned_gsm8k, pinned_math, subset
from solver.problems.selection import SEED, select
from solver.records import Problem, digest

__all__ = ["NAMES", "SEED", "ProblemSet", "load", "load_sets", "select"]

NAMES = ("starter", "math", "math500", "math945", "gsm8k")

_HERE = Path(__file__).parent


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
    return found[0] if len(found) == 1 else _joined(found)


def _joined(sets: Sequence[ProblemSet]) -> ProblemSet:
    """Join sets. Raises ConfigError where a question is in two of them."""
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
            (problem.id, *places[words])
            for problem in each.problems
            if (words := " ".join(problem.question.split())) in places
        ]
        if shared:
            here, name, there = shared[0]
            raise ConfigError(
                f"problems: {len(shared)} questions of {each.name} are in {name} as well, the first"
                f" {here} as {there}; run only one of them"
            )
        places |= {" ".join(p.question.split()): (each.name, p.id) for p in each.problems}


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
    if name not in NAMES:
        return _from_path(name, file)
    if name == "starter":
        return _starter(file)
    return _from_hub(name) if file is None else _from_copy(name, Path(file))


def _from_path(name: str, file: str | Path | None) -> ProblemSet:
    """Load problems from a file."""
    if file is not None:
        raise ConfigError(
            f"problems_file: only for the sets {', '.join(NAMES[1:])}, and problems is {name!r}"
        )
    path = Path(name)
    if not path.suffix and not path.exists():
        close = get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(
            f"problems: no set or file called {name!r}.{hint}"
            f" Sets: {', '.join(NAMES)}; or a path to a .jsonl or .csv file."
        )
    problems = tuple(row.problem for row in read_rows(path))
    source = {"kind": "file", "path": str(path), "sha256": content_hash(path)}
    return ProblemSet(path.stem, problems, source)


def _starter(file: str | Path | None) -> ProblemSet:
    """Load the starter set, which ships with this package."""
    if file is not None:
        raise ConfigError(f"problems_file: the starter set ships with solver; drop {str(file)!r}")
    path = _HERE / "starter.jsonl"
    problems = tuple(row.problem for row in read_rows(path))
    return ProblemSet("starter", problems, {"kind": "shipped", "sha256": content_hash(path)})


def _from_copy(name: str, path: Path) -> ProblemSet:
    """Load a pinned set from a local copy, checked."""
    problems = check(read_rows(path), _pinned(name), name=name, place=str(path))
    source = {"kind": "file", "path": str(path), "sha256": content_hash(path)}
    return ProblemSet(name, problems, source)


def _from_hub(name: str) -> ProblemSet:
    """Load a pinned set from the dataset hub, checked."""
    dataset = _DATASETS[name]
    files = download(dataset, name)
    rows = [row for path in files.values() for row in read_rows(path)]
    place = f"{dataset.id} at revision {dataset.revision}"
    problems = check(rows, _pinned(name), name=name, place=place)
    source = {
        "kind": "hub",
        "dataset": dataset.id,
        "revision": dataset.revision,
        "sha256": {file: content_hash(path) for file, path in files.items()},
    }
    return ProblemSet(name, problems, source)


def _pinned(name: str) -> tuple[Pinned, ...]:
    """Return the pinned hashes of a set."""
    match name:
        case "gsm8k":
            return pinned_gsm8k()
        case "math":
            return pinned_math()
        case _:
            return subset(pinned_math(), name)


_MATH = Dataset(
    id="EleutherAI/hendrycks_math",
    revision="21a5633873b6a120296cce3e2df9d5550074f4a3",
    files=tuple(
        f"{domain}/test-00000-of-00001.parquet"
        for domain in (
            "algebra",
            "counting_and_probability",
            "geometry",
            "intermediate_algebra",
            "number_theory",
            "prealgebra",
            "precalculus",
        )
    ),
)
_DATASETS = {
    "math": _MATH,
    "math945": _MATH,
    "math500": Dataset(
        id="HuggingFaceH4/MATH-500",
        revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
        files=("test.jsonl",),
    ),
    "gsm8k": Dataset(
        id="openai/gsm8k",
        revision="740312add88f781978c0658806c59bc2815b9866",
        files=("main/test-00000-of-00001.parquet",),
    ),
}
