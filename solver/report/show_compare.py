"""A comparison as text in a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from solver.analysis.compare import Comparison, Flip, Part, Side
from solver.analysis.cost import Usage
from solver.stats.paired import Difference
from solver.text import interval, one_line, open_console, percent, put, put_uncut
from solver.view.addresses import beside_address

MOST_FLIPS = 20


def show_comparisons(compared: Sequence[Comparison], notes: Iterable[str] = ()) -> None:
    """Print each comparison whole. `notes` say what else sets the runs apart."""
    console = open_console()
    for found in compared:
        put(console, Text(f"\n{_title(found)}", style="bold"))
        put(console, _sides(found))
        for line in _headline(found, family=len(compared)):
            put(console, Text(line))
        put_uncut(console, _parts([*found.domains, *found.levels], len(found.domains)))
        put(
            console,
            Text("1st, 2nd: solved by that arm alone · p: after Holm, domains and levels apart"),
        )
        for line in _flips(found):
            put(console, Text(line))
    for note in notes:
        put(console, Text(f"note       {one_line(note, 300)}"))


def _title(found: Comparison) -> str:
    a, b = found.a, found.b
    shared = [one_line(x) for x, y in zip(_parts_of(a), _parts_of(b), strict=True) if x == y]
    return " · ".join([*shared, " against ".join(map(one_line, names(found)))])


def names(found: Comparison) -> tuple[str, str]:
    """The two sides by what sets them apart: run, model, mode, or several of these."""
    differing = [
        pair
        for pair in zip(_parts_of(found.a), _parts_of(found.b), strict=True)
        if pair[0] != pair[1]
    ]
    return " · ".join(x for x, _ in differing), " · ".join(y for _, y in differing)


def _parts_of(side: Side) -> tuple[str, str, str]:
    return side.run, side.model, side.mode


def _sides(found: Comparison) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("arm", overflow="fold")
    for column in (
        "accuracy", "95 % range", "tokens / trial", "per correct", "model s", "sandbox s"
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, side in zip(names(found), (found.a, found.b), strict=True):
        table.add_row(one_line(name), *_side(side))
    return table


def _side(side: Side) -> Iterator[str]:
    yield percent(side.accuracy)
    yield interval(side.accuracy)
    each, correct = side.usage.per_trial(), side.usage.per_correct()
    yield _tokens(each)
    yield _tokens(correct)
    yield "–" if each is None else f"{each.model_seconds:.1f}"
    yield "–" if each is None else f"{each.sandbox_seconds:.2f}"


def _tokens(usage: Usage | None) -> str:
    return "–" if usage is None else f"{usage.tokens:,.0f}"


def _headline(found: Comparison, *, family: int) -> Iterator[str]:
    first, second = map(one_line, names(found))
    difference, counts = found.difference, found.difference.counts
    adjusted = f", {found.adjusted:.3g} after Holm over {family} comparisons" if family > 1 else ""
    yield (
        f"difference {_points(difference)} over {difference.n_problems} problems"
        f" · {difference.test} p = {difference.p_value:.3g}{adjusted}"
    )
    if found.of_all is not None:
        yield f"of all     {_points(found.of_all)} with unscored trials counted as wrong"
    yield (
        f"problems   both {_count(counts.both)} · only {first} {_count(counts.only_a)}"
        f" · only {second} {_count(counts.only_b)} · neither {_count(counts.neither)}"
    )
    if difference.detectable is None:
        yield "power      too few problems to show any difference"
    else:
        least = 100 * difference.detectable
        yield f"power      a true difference of {least:.1f} points would show 4 times in 5"
    if found.left_out:
        some = ", ".join(map(one_line, found.left_out[:3]))
        more = ", …" if len(found.left_out) > 3 else ""
        yield f"left out   {len(found.left_out)} problems not scored on both sides: {some}{more}"


def _count(problems: float) -> str:
    """Whole for single repeats; with repeats, the number expected for one of each side."""
    return f"{problems:,.1f}".removesuffix(".0")


def _points(difference: Difference) -> str:
    return f"{100 * difference.value:+.1f} points [{_range(difference)}]"


def _range(difference: Difference) -> str:
    return f"{100 * difference.low:+.1f}, {100 * difference.high:+.1f}"


def _parts(parts: Sequence[Part], domains: int) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("domain or level", no_wrap=True, min_width=22)
    for column in (
        "n", "both", "1st", "2nd", "none", "points", "95 % range", "p"
    ):  # fmt: skip
        table.add_column(column, justify="right", no_wrap=True)
    for number, part in enumerate(parts, start=1):
        found, counts = part.difference, part.difference.counts
        four = (counts.both, counts.only_a, counts.only_b, counts.neither)
        table.add_row(
            one_line(part.name, 28),
            str(found.n_problems),
            *map(_count, four),
            f"{100 * found.value:+.1f}",
            _range(found),
            f"{part.adjusted:.2g}",
            end_section=number == domains,
        )
    return table


def _flips(found: Comparison) -> Iterator[str]:
    first, second = map(one_line, names(found))
    won = [flip for flip in found.flips if flip.a > flip.b]
    lost = [flip for flip in found.flips if flip.b > flip.a]
    runs = (found.a.run, found.b.run)
    yield from _listed(won, f"{first} solved, {second} did not", runs)
    yield from _listed(lost, f"{second} solved, {first} did not", runs)
    if found.flips:
        yield "The links are pages of `solver view`: both trials side by side."


def _listed(flips: Sequence[Flip], what: str, runs: tuple[str, str]) -> Iterator[str]:
    yield f"flipped    {what}: {len(flips)} of the problems"
    for flip in flips[:MOST_FLIPS]:
        rates = f"{100 * flip.a:.0f} % against {100 * flip.b:.0f} %"
        where = f"{one_line(flip.domain)}, level {flip.level}"
        link = beside_address((runs[0], flip.a_key), (runs[1], flip.b_key))
        yield f"  {one_line(flip.problem_id)} ({where}): {rates} · {link}"
    if len(flips) > MOST_FLIPS:
        yield f"  and {len(flips) - MOST_FLIPS} more"
