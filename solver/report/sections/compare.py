"""Arms side by side: code against words, model against model, run against run."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from solver.analysis import compare
from solver.analysis.compare import Comparison, Side
from solver.errors import ConfigError
from solver.report.figures import Dot, Forest
from solver.report.parts import Rows, Section, listed
from solver.report.runs import Named, Run, in_order_of_arms, names_by_arm
from solver.report.tables import Column, Kind, Table, Value, short, text_of
from solver.stats.paired import Difference, holm

Names = Mapping[tuple[str, str, str], str]

MOST_SENTENCES = 6
MOST_BY_DOMAIN = 6
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
    """Each arm beside the first, by domain and level too, and the problems that changed hands.

    The other pairs of modes have a table of their own.
    """
    if not found:
        return None
    names = names_by_arm(arms)
    adjusted = holm([each.difference.p_value for each in found])
    found = [replace(each, adjusted=p) for each, p in zip(found, adjusted, strict=True)]
    leading = list(_leading(found, arms))
    lines = tuple((_name(each, names), (_dot("difference", each.difference),)) for each in leading)
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
    if by_domain := _by_domain(leading, names):
        figures.append(by_domain)
    table = _table("differences", "Differences, first minus second", leading, names)
    folded = [_parts(leading, names), _flips(leading, names)]
    if len(leading) < len(found):
        every = f"All {len(found)} pairs, first minus second"
        folded.insert(0, _table("differences-of-all-pairs", every, found, names))
    return Section(
        "compared",
        "Code against words" if _only_modes(found) else "Side by side",
        tuple(_sentences(leading, len(found), names)),
        tuple(figures),
        tables=(table, _four_counts(leading, names)),
        folded=tuple(table for table in folded if table.rows),
    )


def _leading(found: Sequence[Comparison], arms: Sequence[Named]) -> Iterator[Comparison]:
    """All but the pairs of one model's modes that leave out its first mode."""
    first: dict[tuple[str, str], str] = {}
    for arm in arms:
        first.setdefault((arm.run.name, arm.arm.model), arm.arm.mode)
    for each in found:
        a, b = each.a, each.b
        within = (a.run, a.model) == (b.run, b.model)
        if not within or first[a.run, a.model] in (a.mode, b.mode):
            yield each


def _table(name: str, title: str, found: Sequence[Comparison], names: Names) -> Table:
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
            *_numbers(each.difference, each.adjusted),
            each.difference.detectable,
            (each.of_all or each.difference).value,
            len(each.left_out),
            each.difference.test,
        )
        for each in found
    ]
    note = (
        "Paired by problem, over trials scored on both sides; “of all” counts unscored trials as"
        " wrong. “Detectable” is the smallest true difference that this many problems would show"
        " 4 times in 5. “Left out” are problems without a scored trial on both sides. Holm’s p is"
        " over all pairs on this page, those in folded tables included."
    )
    return Table(name, title, columns, tuple(rows), note)


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
    drawn = found[:MOST_BY_DOMAIN]
    for each in drawn:
        for part in each.domains:
            lines[short(part.name, 60)].append(_dot(_name(each, names), part.difference))
    if len(lines) < 2:
        return None
    return Forest(
        "differences-by-domain",
        "The same by domain, in points",
        tuple(_name(each, names) for each in drawn),
        tuple((name, tuple(dots)) for name, dots in lines.items()),
        note=f"The first {len(drawn)} comparisons." if len(drawn) < len(found) else "",
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


def _sentences(found: Sequence[Comparison], pairs: int, names: Names) -> Iterator[str]:
    """One for each clear difference; one for all arms that cannot be told from the same arm."""
    clear: list[str] = []
    unclear: dict[str, list[Comparison]] = defaultdict(list)
    for each in found:
        if each.difference.low <= 0 <= each.difference.high:
            unclear[_of_side(each.a, names)].append(each)
        else:
            clear.append(_clear(each, pairs, names))
    yield from clear[:MOST_SENTENCES]
    for first, group in list(unclear.items())[:MOST_SENTENCES]:
        yield _unclear(first, group, names)


def _clear(each: Comparison, pairs: int, names: Names) -> str:
    found = each.difference
    p = f"; p {text_of(each.adjusted, Kind.CHANCE)} after Holm over {pairs} pairs" * (pairs > 1)
    first, second = _of_side(each.a, names), _of_side(each.b, names)
    points = text_of(abs(found.value), Kind.SHARE).removesuffix(" %")
    better, worse = (first, second) if found.value > 0 else (second, first)
    return (
        f"{better} is {points} points more accurate than {worse} (first minus second, 95 %"
        f" interval: {_span(found)} points; n = {found.n_problems:,} problems{p})."
    )


def _unclear(first: str, group: Sequence[Comparison], names: Names) -> str:
    others = [
        f"{_of_side(each.b, names)} ({text_of(each.difference.value, Kind.POINTS)};"
        f" {_span(each.difference)})"
        for each in group
    ]
    sizes = sorted({each.difference.n_problems for each in group})
    problems = f"{sizes[0]:,}" + (f" to {sizes[-1]:,}" if len(sizes) > 1 else "")
    return (
        f"{first} cannot be told apart with this many problems from {listed(others)}: in brackets"
        " the difference in points, first minus second, and its 95 % interval;"
        f" n = {problems} problems."
    )


def _span(found: Difference) -> str:
    return text_of((found.low, found.high), Kind.POINTS_INTERVAL)
