"""Load a set by its name: from the hub or a local copy, and check that it is what it should be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from solver.errors import ConfigError
from solver.problems.files import Row, content_hash, read_published, read_rows
from solver.problems.hub import download
from solver.problems.known import KnownSet
from solver.problems.pinned import check, pinned_set
from solver.records import Problem

_HERE = Path(__file__).parent


def load_named(known: KnownSet, copy: Path | None) -> tuple[tuple[Problem, ...], dict[str, object]]:
    """Return the problems of a set, and where they come from.

    Raises ConfigError where it cannot be fetched or read, or is not what was published.
    """
    if known.check == "shipped":
        if copy is not None:
            raise ConfigError(
                f"problems_file: the {known.name} set ships with solver; drop {str(copy)!r}"
            )
        path = _HERE / f"{known.name}.jsonl"
        problems = tuple(row.problem for row in read_rows(path))
        return problems, {"kind": "shipped", "sha256": content_hash(path)}
    if copy is not None:
        source: dict[str, object] = {"kind": "file", "path": str(copy)}
        return _checked(known, [copy], str(copy), source | {"sha256": content_hash(copy)})
    dataset = known.source()
    files = download(dataset, known.name)
    source = {
        "kind": "hub",
        "dataset": dataset.id,
        "revision": dataset.revision,
        "sha256": {file: content_hash(path) for file, path in files.items()},
    }
    place = f"{dataset.id} at revision {dataset.revision}"
    return _checked(known, [*files.values()], place, source)


def _checked(
    known: KnownSet, paths: Sequence[Path], place: str, source: dict[str, object]
) -> tuple[tuple[Problem, ...], dict[str, object]]:
    """Read the files of a set and check them. Raises ConfigError, naming `place`."""
    rows: list[Row] = []
    wrong: dict[int, str] = {}
    for path in paths:
        found, mistakes = read_published(path, known.fields)
        rows += found
        wrong |= mistakes
        total = len(found) + len(mistakes)
        source = source | {"rows": int(str(source.get("rows", 0))) + total}
    if known.answers.startswith("integers"):
        rows = [Row(_without_zeros(row.problem), row.line) for row in rows]
    if known.check == "hashes":
        problems = check(rows, pinned_set(known.name), name=known.name, place=place)
        return _dated(problems, known), source
    _check_rows(known, rows, wrong, int(str(source["rows"])), place)
    left_out = Counter(wrong.values())
    more = {"left_out": dict(left_out)} if left_out else {}
    return _dated(_numbered(rows, known.name), known), source | more


def _check_rows(
    known: KnownSet, rows: Sequence[Row], wrong: Mapping[int, str], total: int, place: str
) -> None:
    """Raise ConfigError where there are more or fewer rows than published, or too few usable ones.

    Publishers leave a few rows without an answer, or a question in twice; those are left out. More
    than one in twenty means another file, or other columns.
    """
    if known.problems is not None and total != known.problems:
        raise ConfigError(
            f"{place}: not the published {known.name}: {total} rows, and it has {known.problems}"
        )
    if len(wrong) * 20 > total:
        line = min(wrong)
        raise ConfigError(
            f"{place}:{line}: not the published {known.name}: {len(wrong)} of {total} rows are no"
            f" problems, the first because of this: {wrong[line]}"
        )
    if known.answers == "integers":
        for row in rows:
            if not row.problem.answer.lstrip("-").isdecimal():
                raise ConfigError(
                    f"{place}:{row.line}: not the published {known.name}: its answers are"
                    f" integers, and this one is {row.problem.answer!r:.40}"
                )


def _without_zeros(problem: Problem) -> Problem:
    """Return the problem with an answer such as `033`, as AIME prints it, as 33."""
    answer = problem.answer
    if not answer.isdecimal() or not answer.startswith("0"):
        return problem
    return problem.model_copy(update={"answer": answer.lstrip("0") or "0"})


def _numbered(rows: Sequence[Row], name: str) -> tuple[Problem, ...]:
    """Give the problems ids that begin with the set's name: their own, or else their numbers."""
    own = [row.problem.id for row in rows]
    mine = all("/" not in id for id in own) and len({*own}) == len(own)
    return tuple(
        row.problem.model_copy(update={"id": f"{name}/{row.problem.id if mine else number}"})
        for number, row in enumerate(rows, start=1)
    )


def _dated(problems: Sequence[Problem], known: KnownSet) -> tuple[Problem, ...]:
    """Give the problems the name of their set and the date it was published."""
    return tuple(
        problem.model_copy(update={"set": known.name, "published": known.published})
        for problem in problems
    )
