"""Arms side by side: code against words, model against model, run against run."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from solver import compare
from solver.compare import Comparison, Side
from solver.errors import ConfigError
from solver.paired import Difference, holm
from solver.report.figures import Dot, Forest
from solver.report.parts import Rows, Section, table_or_none
from solver.report.runs import Named, Run, in_order_of_arms, names_by_arm
from solver.report.tables import Column, Kind, Table, Value, short, text_of

Names = Mapping[tuple[str, str, str], str]

MOST_SENTENCES = 6
MOST_BY_DOMAIN = 4
"""Comparisons drawn by domain; the tables hold all of them."""
MOST_FLIPS = 200

_COLUMNS = (
    Column("problems"),
    Column("difference, points", Kind.POINTS),
    Column("95 % interval", Kind.POINTS_INTERVAL),
    Column("p", Kind.CHANCE),
    Column("p after Holm", Kind.CHANCE),
)


def comparisons_of(runs: Sequence[Run]) -> tuple[list[Comparison], list[str]]:
    """Every comparison within and between the runs, and why runs could not be compared."""
    sides = [
        compare.Run(run.name, run.manifest, run.problems, in_order_of_arms(run)) for run in runs
    ]
    found: list[Comparison] = []
    refused: list[str] = []
    for side in sides:
        if len({(row.model, row.mode) for row in side.rows}) > 1:
            found += _attempt([side], [])
    if len(sides) > 1:
        found += _attempt(sides, refused)
    return found, refused


def _attempt(sides: Sequence[compare.Run], refused: list[str]) -> Sequence[Comparison]:
    """Nothing to compare is no mistake here: the page has other things to say."""
    try:
        return compare.compare_runs(sides)
    except ConfigError as reason:
        refused.append(str(reason))
        return ()


def compared(found: Sequence[Comparison], arms: Sequence[Named]) -> Section | None:
    """Every comparison, as a whole, by domain and level, and the problems that changed hands."""
    if not found:
        return None
    names = names_by_arm(arms)
    adjusted = holm([each.difference.p_value for each in found])
    lines = tuple((_name(each, names), (_dot("difference", each.difference),)) for each in found)
    figures = [
        Forest(
            "differences",
            "Difference in accuracy, in points",
            ("difference",),
            lines,
            note="Right of zero the first is better. n counts problems.",
            signed=True,
        )
    ]
    if by_domain := _by_domain(found[:MOST_BY_DOMAIN], names):
        figures.append(by_domain)
    return Section(
        "compared",
        "Code against words" if _only_modes(found) else "Side by side",
        tuple(_sentence(each, names) for each in found[:MOST_SENTENCES]),
        tuple(figures),
        tables=(_table(found, adjusted, names), _four_counts(found, names)),
        folded=(*table_or_none(_parts(found, names)), *table_or_none(_flips(found, names))),
    )


def _table(found: Sequence[Comparison], adjusted: Sequence[float], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        *_COLUMNS,
        Column("detectable, points", Kind.POINTS),
        Column("of all, points", Kind.POINTS),
        Column("left out"),
        Column("test", Kind.TEXT),
    )
    rows: Rows = [
        (
            _name(each, names),
            *_numbers(each.difference, p),
            each.difference.detectable,
            (each.of_all or each.difference).value,
            len(each.left_out),
            each.difference.test,
        )
        for each, p in zip(found, adjusted, strict=True)
    ]
    note = (
        "Paired by problem, over trials scored on both sides; “of all” counts unscored trials as"
        " wrong. “Detectable” is the smallest true difference that this many problems would show"
        " 4 times in 5. “Left out” are problems without a scored trial on both sides."
    )
    return Table("differences", "Differences, first minus second", columns, tuple(rows), note)


def _four_counts(found: Sequence[Comparison], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        Column("problems"),
        *(Column(title, Kind.NUMBER) for title in ("both", "only first", "only second", "neither")),
        *(Column(f"tokens a trial, {which}", Kind.NUMBER) for which in ("first", "second")),
        *(Column(f"model s a trial, {which}", Kind.NUMBER) for which in ("first", "second")),
    )
    rows: Rows = []
    for each in found:
        counts = each.difference.counts
        means = [side.usage.per_trial() for side in (each.a, each.b)]
        rows.append(
            (
                _name(each, names),
                each.difference.n_problems,
                *(counts.both, counts.only_a, counts.only_b, counts.neither),
                *(mean.tokens if mean else None for mean in means),
                *(mean.model_seconds if mean else None for mean in means),
            )
        )
    note = "Problems solved by both, one or neither; with repeats, expected for one repeat of each."
    return Table("solved-by", "Who solves what, and for what", columns, tuple(rows), note)


def _parts(found: Sequence[Comparison], names: Names) -> Table:
    columns = (Column("comparison", Kind.TEXT), Column("domain or level", Kind.TEXT), *_COLUMNS)
    rows: Rows = [
        (_name(each, names), short(part.name, 60), *_numbers(part.difference, part.adjusted))
        for each in found
        for part in (*each.domains, *each.levels)
    ]
    return Table("differences-by-part", "Differences by domain and level", columns, tuple(rows))


def _flips(found: Sequence[Comparison], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        Column("problem", Kind.TEXT),
        Column("domain", Kind.TEXT),
        Column("level"),
        Column("first", Kind.SHARE),
        Column("second", Kind.SHARE),
    )
    rows: Rows = [
        (
            _name(each, names),
            *(short(flip.problem_id, 80), short(flip.domain, 40)),
            *(flip.level, flip.a, flip.b),
        )
        for each in found
        for flip in each.flips
    ]
    note = f"The first {MOST_FLIPS} of {len(rows):,}." if len(rows) > MOST_FLIPS else ""
    title = "Problems that changed hands"
    return Table("flips", title, columns, tuple(rows[:MOST_FLIPS]), note)


def _by_domain(found: Sequence[Comparison], names: Names) -> Forest | None:
    lines: dict[str, list[Dot]] = defaultdict(list)
    for each in found:
        for part in each.domains:
            lines[short(part.name, 60)].append(_dot(_name(each, names), part.difference))
    if len(lines) < 2:
        return None
    return Forest(
        "differences-by-domain",
        "The same by domain, in points",
        tuple(_name(each, names) for each in found),
        tuple((name, tuple(dots)) for name, dots in lines.items()),
        signed=True,
    )


def _numbers(found: Difference, adjusted: float) -> Iterator[Value]:
    yield from (found.n_problems, found.value, (found.low, found.high), found.p_value, adjusted)


def _dot(series: str, found: Difference) -> Dot:
    return Dot(series, found.value, found.low, found.high, found.n_problems)


def _only_modes(found: Sequence[Comparison]) -> bool:
    return all({each.a.mode, each.b.mode} == {"code", "cot"} for each in found)


def _of_side(side: Side, names: Names) -> str:
    return names[side.run, side.model, side.mode]


def _name(each: Comparison, names: Names) -> str:
    """`first − second`, what both share said once."""
    first, second = (_of_side(side, names).split(" · ") for side in (each.a, each.b))
    shared = 0
    while shared < min(len(first), len(second)) - 1 and first[shared] == second[shared]:
        shared += 1
    rest = f"{' · '.join(first[shared:])} − {' · '.join(second[shared:])}"
    return f"{' · '.join(first[:shared])}: {rest}" if shared else rest


def _sentence(each: Comparison, names: Names) -> str:
    found = each.difference
    first, second = _of_side(each.a, names), _of_side(each.b, names)
    points = text_of(abs(found.value), Kind.SHARE).removesuffix(" %")
    span = text_of((found.low, found.high), Kind.POINTS_INTERVAL)
    if found.low <= 0 <= found.high:
        verdict = (
            f"{first} and {second} cannot be told apart with this many problems: the difference is"
            f" {text_of(found.value, Kind.POINTS)} points"
        )
    else:
        better, worse = (first, second) if found.value > 0 else (second, first)
        verdict = f"{better} is {points} points more accurate than {worse}"
    return (
        f"{verdict} (first minus second, 95 % interval: {span} points;"
        f" n = {found.n_problems:,} problems)."
    )
