"""Show comparisons of arms in pairs: modes, models or runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from solver.analysis import comparable
from solver.analysis.compare import Apart, Comparison, Tried, apart, compare_runs
from solver.errors import ConfigError
from solver.modes import stored_mode
from solver.report.figures import Dot, Forest
from solver.report.parts import (
    WHOLE_TRIALS,
    Rows,
    Section,
    listed,
    share,
    table_or_none,
    value_and_range,
)
from solver.report.runs import Run, short_names
from solver.report.sections.comparison_summary import summary
from solver.report.sections.comparison_words import Names, key_of, pair_name, sentences
from solver.report.sections.flips import flips, to_read
from solver.report.sections.other_judge import by_other_judges
from solver.report.sections.ranks import ranks
from solver.report.tables import Column, Kind, Table, Value, text_of
from solver.stats.paired import Difference, holm
from solver.text import short

MOST_ONE_BY_ONE = 3
"""The most comparisons that are told in sentences of their own; more are told together."""
MOST_BY_DOMAIN = 6
"""The most comparisons in the figure by domain; the tables hold all of them."""

_COLUMNS = (
    Column("problems"),
    Column("difference, points", Kind.POINTS),
    Column("95 % interval", Kind.POINTS_INTERVAL),
    Column("p", Kind.CHANCE),
    Column("p after Holm", Kind.CHANCE),
)


@dataclass(frozen=True)
class Compared:
    """What comparing the arms of some runs gave."""

    found: Sequence[Comparison]
    apart: Sequence[Apart]
    """Pairs that cannot be compared."""
    notes: Sequence[str]
    """In what settings the runs differ, and why they may not be compared, if so."""


def comparisons_of(runs: Sequence[Run]) -> Compared:
    """Make every comparison within and between the runs."""
    sides = [run.compared for run in runs]
    notes = comparable.other_settings(sides)
    groups = [[side] for side in sides] + [sides] * (len(sides) > 1)
    found: list[Comparison] = []
    left_out: list[Apart] = []
    for group in groups:
        try:
            left_out += apart(group)
        except ConfigError as reason:  # the page has other things to say
            notes.append(str(reason))
            continue
        with suppress(ConfigError):  # of no two arms, or of none that are not apart
            found += compare_runs(group)
    return Compared(found, left_out, notes)


def compared(
    found: Sequence[Comparison],
    missing: Sequence[Apart] = (),
    *,
    every: bool = False,
    folders: Mapping[str, Path] | None = None,
) -> Section | None:
    """Show the differences between arms, also by domain and level, and who solves which problem.

    Modes of one model are compared with its first mode only, and one more table shows all pairs;
    with `every`, all pairs are shown everywhere. Of pairs that cannot be compared the reason is
    given. With the runs' `folders`, by their names, lines say how to read problems that one side
    clearly solves.
    """
    pairs: list[tuple[Tried, Tried]] = [(each.a, each.b) for each in found] + [
        (each.a, each.b) for each in missing
    ]
    if not pairs:
        return None
    names = short_names([key_of(side) for pair in pairs for side in pair])
    reasons, not_compared = _reasons(missing, names)
    title = "Programs against words" if _programs_against_words(pairs) else "Side by side"
    if not found:
        return Section("compared", title, reasons, tables=not_compared)
    adjusted = holm([each.difference.p_value for each in found])
    found = [replace(each, adjusted=p) for each, p in zip(found, adjusted, strict=True)]
    leading = found if every else list(_leading(found))
    words = sentences if len(leading) <= MOST_ONE_BY_ONE else summary
    table = _table("differences", "Differences, first minus second", leading, names)
    folded = [_parts(leading, names), flips(leading, names, WHOLE_TRIALS * (folders is None))]
    if len(leading) < len(found):
        all_of_them = f"All {len(found)} pairs, first minus second"
        folded.insert(0, _table("differences-of-all-pairs", all_of_them, found, names))
    return Section(
        "compared",
        title,
        (*words(leading, len(found), names), *reasons),
        tuple(_figures(leading, names)),
        tables=(
            table,
            *table_or_none(by_other_judges((pair_name(e.a, e.b, names), e) for e in leading)),
            _sides(leading, names),
            *ranks(found, names),
            _four_counts(leading, names),
            *not_compared,
        ),
        folded=tuple(table for table in folded if table.rows),
        to_read=tuple(to_read(leading, folders)) if folders else (),
    )


def _reasons(missing: Sequence[Apart], names: Names) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """Say why pairs are not compared: in a sentence each, or of many in a table."""
    pairs = [(pair_name(each.a, each.b, names), each.why) for each in missing]
    if len(pairs) <= MOST_ONE_BY_ONE:
        return tuple(f"{pair}: not compared, because {why}." for pair, why in pairs), ()
    columns = (Column("comparison", Kind.TEXT), Column("not compared, because", Kind.TEXT))
    title = "Pairs that are not compared"
    return (
        (f"{len(pairs)} pairs are not compared; a table below says why.",),
        (Table("not-compared", title, columns, tuple(pairs)),),
    )


def _figures(found: Sequence[Comparison], names: Names) -> Iterator[Forest]:
    yield Forest(
        "differences",
        "Difference in accuracy, in points",
        ("difference",),
        tuple(
            (pair_name(each.a, each.b, names), (_dot("difference", each.difference),))
            for each in found
        ),
        note="To the right of zero, the first arm is better. n is the number of problems.",
        signed=True,
    )
    if by_domain := _by_domain(found, names):
        yield by_domain


def _leading(found: Sequence[Comparison]) -> Iterator[Comparison]:
    """Yield all but the pairs of one model's modes that leave out its first mode."""
    first: dict[tuple[str, str], str] = {}
    for each in found:
        first.setdefault((each.a.run, each.a.model), each.a.mode)
    for each in found:
        a, b = each.a, each.b
        within = (a.run, a.model) == (b.run, b.model)
        if not within or first[a.run, a.model] in (a.mode, b.mode):
            yield each


_AGAIN = (
    Column("on these problems", Kind.POINTS_INTERVAL, minor=True),
    Column("p on these", Kind.CHANCE, minor=True),
)


def _again(found: Difference) -> tuple[Value, Value]:
    return (
        ((found.again.low, found.again.high), found.again.p_value) if found.again else (None,) * 2
    )


_SIDES = ("scored", "errors", "cap hit", "tokens a trial")
"""Minor columns, since the table of both sides has them too."""


def _both_sides(each: Comparison) -> Iterator[str]:
    """Yield what belongs to a difference of each side: `34 of 35 / 35 of 35`."""
    sides = each.a, each.b
    yield " / ".join(f"{side.scored:,} of {side.trials:,}" for side in sides)
    yield " / ".join(f"{side.errors:,}" for side in sides)
    yield " / ".join(text_of(share(side.capped, side.replies), Kind.SHARE) for side in sides)
    means = [side.usage.per_trial() for side in sides]
    yield " / ".join(text_of(mean.tokens if mean else None, Kind.NUMBER) for mean in means)


def _span(found: Difference) -> tuple[float, float]:
    return found.low, found.high


def _table(name: str, title: str, found: Sequence[Comparison], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        *_COLUMNS,
        Column("of all, points", Kind.POINTS),
        Column("its interval", Kind.POINTS_INTERVAL, minor=True),
        *(Column(title, Kind.TEXT, minor=True) for title in _SIDES),
        Column("detectable, points", Kind.POINTS),
        *(_AGAIN if (repeated := any(each.difference.again for each in found)) else ()),
        Column("left out"),
        Column("test", Kind.TEXT, minor=True),
    )
    rows: Rows = [
        (
            pair_name(each.a, each.b, names),
            *_numbers(each.difference, each.adjusted),
            (each.of_all or each.difference).value,
            _span(each.of_all or each.difference),
            *_both_sides(each),
            each.difference.detectable,
            *(_again(each.difference) if repeated else ()),
            len(each.left_out),
            each.difference.test,
        )
        for each in found
    ]
    tests = listed(list(dict.fromkeys(each.difference.test for each in found)))
    note = (
        "Paired by problem, over trials scored on both sides; “of all” counts unscored trials as"
        " wrong. A slash divides first and second: their scored trials of all, errors of ours,"
        " replies that the token cap cut, and tokens a trial. “Detectable” is the smallest true"
        " difference that this many problems and repeats would show 4 times in 5. “Left out” are"
        " problems without a scored trial on both sides. Holm’s p is"
        f" over all pairs, folded tables included. The test: {tests}."
    )
    if repeated:
        note += (
            " Interval and p are for problems like these; “on these problems” they are for new runs"
            " of the same problems, which repeats tell more surely."
        )
    return Table(name, title, columns, tuple(rows), note)


def _four_counts(found: Sequence[Comparison], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        Column("problems"),
        *(Column(title, Kind.NUMBER) for title in ("both", "only first", "only second", "neither")),
        Column("clearly first"),
        Column("clearly second"),
    )
    rows: Rows = []
    for each in found:
        counts = each.difference.counts
        four = (counts.both, counts.only_a, counts.only_b, counts.neither)
        clearly = (sum(f.a > f.b for f in each.flips), sum(f.b > f.a for f in each.flips))
        rows.append((pair_name(each.a, each.b, names), each.difference.n_problems, *four, *clearly))
    note = (
        "Problems solved by both, one or neither; with repeats, the expected number for one repeat."
        " “Clearly”: one arm is right in more repeats than the other, by more than half of them."
    )
    return Table("solved-by", "Who solves what", columns, tuple(rows), note)


def _sides(found: Sequence[Comparison], names: Names) -> Table:
    columns = (
        Column("comparison", Kind.TEXT),
        Column("side", Kind.TEXT),
        Column("accuracy", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("trials"),
        Column("scored"),
        Column("errors"),
        Column("cap hit", Kind.SHARE),
        Column("replies a trial", Kind.NUMBER),
        Column("tokens a trial", Kind.NUMBER),
        Column("tokens a correct answer", Kind.NUMBER),
        Column("model s a trial", Kind.NUMBER),
        Column("sandbox s a trial", Kind.NUMBER),
    )
    rows: Rows = []
    for each in found:
        for which, side in (("first", each.a), ("second", each.b)):
            mean, of_correct = side.usage.per_trial(), side.usage.per_correct()
            rows.append(
                (
                    *(pair_name(each.a, each.b, names), which, *value_and_range(side.accuracy)),
                    *(side.trials, side.scored, side.errors, share(side.capped, side.replies)),
                    side.replies / side.trials if side.trials else None,
                    mean.tokens if mean else None,
                    of_correct.tokens if of_correct else None,
                    mean.model_seconds if mean else None,
                    mean.sandbox_seconds if mean else None,
                )
            )
    note = (
        "Accuracy over the trials that are compared, all else of all trials. “Errors” are ours;"
        " “cap hit” is the share of replies that the token cap cut."
    )
    return Table("sides", "What each side got, and for what", columns, tuple(rows), note)


def _parts(found: Sequence[Comparison], names: Names) -> Table:
    counts = ("both", "only first", "only second", "neither")
    columns = (
        Column("comparison", Kind.TEXT),
        Column(
            "set, domain or level" if any(e.sets for e in found) else "domain or level", Kind.TEXT
        ),
        *(replace(column, minor=column.title == "p") for column in _COLUMNS),
        *(Column(title, Kind.NUMBER) for title in counts),
    )
    rows: Rows = []
    for each in found:
        for part in (*each.sets, *each.domains, *each.levels):
            four = part.difference.counts
            rows.append(
                (
                    *(pair_name(each.a, each.b, names), short(part.name, 60)),
                    *_numbers(part.difference, part.adjusted),
                    *(four.both, four.only_a, four.only_b, four.neither),
                )
            )
    note = "Holm’s correction of p covers the sets, the domains, or the levels of one comparison."
    title = "Differences by domain and level"
    return Table("differences-by-part", title, columns, tuple(rows), note)


def _by_domain(found: Sequence[Comparison], names: Names) -> Forest | None:
    lines: dict[str, list[Dot]] = defaultdict(list)
    drawn = found[:MOST_BY_DOMAIN]
    for each in drawn:
        for part in each.domains:
            lines[short(part.name, 60)].append(
                _dot(pair_name(each.a, each.b, names), part.difference)
            )
    if len(lines) < 2:
        return None
    return Forest(
        "differences-by-domain",
        "The same by domain, in points",
        tuple(pair_name(each.a, each.b, names) for each in drawn),
        tuple((name, tuple(dots)) for name, dots in lines.items()),
        note=f"The first {len(drawn)} comparisons." if len(drawn) < len(found) else "",
        signed=True,
    )


def _numbers(found: Difference, adjusted: float) -> Iterator[Value]:
    yield from (found.n_problems, found.value, _span(found), found.p_value, adjusted)


def _dot(series: str, found: Difference) -> Dot:
    return Dot(series, found.value, found.low, found.high, found.n_problems)


def _programs_against_words(pairs: Sequence[tuple[Tried, Tried]]) -> bool:
    return all(stored_mode(a.mode).runs_code != stored_mode(b.mode).runs_code for a, b in pairs)
