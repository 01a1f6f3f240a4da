"""What comparisons say in sentences, each difference by itself."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from solver.analysis.comparable import counted
from solver.analysis.compare import Comparison, Side, Tried
from solver.report.parts import listed, share
from solver.report.runs import Key
from solver.report.tables import Kind, text_of
from solver.stats.paired import Difference

Names = Mapping[Key, str]

MOST_SENTENCES = 6
CAPPED, LEFT_OUT, EFFORT = 0.05, 0.01, 2
"""From which share of cut replies, which share of errors or shift by unscored trials, and which
ratio of tokens on a difference in accuracy is told with a caution."""


def sentences(found: Sequence[Comparison], pairs: int, names: Names) -> Iterator[str]:
    """Yield a sentence for each clear difference, and one for all that are not clear.

    A difference is clear by p after Holm alone: of many intervals, some exclude 0 by chance.
    """
    clear: list[str] = []
    unclear: dict[str, list[Comparison]] = defaultdict(list)
    for each in found:
        if is_clear(each):
            clear.append(_clear(each, pairs, names) + "".join(_cautions(each, names)))
        else:
            unclear[of_side(each.a, names)].append(each)
    yield from clear[:MOST_SENTENCES]
    for first, group in list(unclear.items())[:MOST_SENTENCES]:
        cautions = dict.fromkeys(caution for each in group for caution in _cautions(each, names))
        yield _unclear(first, group, pairs, names) + "".join(cautions)


def is_clear(each: Comparison) -> bool:
    """Tell whether a difference is more than chance, by p after Holm."""
    return each.adjusted < 0.05


def _clear(each: Comparison, pairs: int, names: Names) -> str:
    found = each.difference
    p = f"; p {text_of(each.adjusted, Kind.CHANCE)}{_holm(pairs)}"
    first, second = of_side(each.a, names), of_side(each.b, names)
    points = text_of(abs(found.value), Kind.SHARE).removesuffix(" %")
    better, worse = (first, second) if found.value > 0 else (second, first)
    return (
        f"{better} is {points} points more accurate than {worse} (first minus second, 95 %"
        f" interval: {span(found)} points; n = {counted(found.n_problems, 'problem')}{p})."
    )


def _cautions(each: Comparison, names: Names) -> Iterator[str]:
    """Yield what else could have made the difference: caps, trials left out, and effort."""
    for side in (each.a, each.b):
        if is_capped(side):
            cut = text_of(share(side.capped, side.replies), Kind.SHARE)
            yield f" The token cap cut {cut} of the replies of {of_side(side, names)}."
        if has_errors(side):
            lost = text_of(share(side.errors, side.trials), Kind.SHARE)
            yield f" Errors of ours ended {lost} of the trials of {of_side(side, names)}."
    if each.of_all and shift_of(each) > LEFT_OUT:
        yield (
            f" With unscored trials counted as wrong, {_minus(each, names)} is"
            f" {text_of(each.of_all.value, Kind.POINTS)} points ({span(each.of_all)})."
        )
    if is_uneven(each):
        a, b = tokens_of(each)
        yield f" {_minus(each, names)}: {a:,.0f} and {b:,.0f} tokens a trial."


def is_capped(side: Side) -> bool:
    """Tell whether the token cap cut so many of its replies that a reader must know."""
    return side.capped > CAPPED * side.replies


def has_errors(side: Side) -> bool:
    """Tell whether errors of ours ended so many of its trials that a reader must know."""
    return side.errors > LEFT_OUT * side.trials


def shift_of(each: Comparison) -> float:
    """Return by how much the difference shifts if unscored trials count as wrong."""
    return abs(each.of_all.value - each.difference.value) if each.of_all else 0.0


def is_uneven(each: Comparison) -> bool:
    """Tell whether one side takes so many more tokens than the other that a reader must know."""
    tokens = tokens_of(each)
    return max(tokens) > EFFORT * min(tokens) > 0


def tokens_of(each: Comparison) -> tuple[float, float]:
    """Return the mean tokens of a trial on both sides; 0 where they are not known."""
    a, b = (side.usage.per_trial() for side in (each.a, each.b))
    return (a.tokens if a else 0, b.tokens if b else 0)


def _minus(each: Comparison, names: Names) -> str:
    return f"{of_side(each.a, names)} − {of_side(each.b, names)}"


def _unclear(first: str, group: Sequence[Comparison], pairs: int, names: Names) -> str:
    if len(group) == 1:
        return _alone(group[0], pairs, names)
    others = [f"{of_side(each.b, names)} {bracket(each)}" for each in group]
    return (
        f"{first} cannot be told apart with this many problems from {listed(others)}:"
        f" {in_brackets(group, pairs)}"
    )


def bracket(each: Comparison) -> str:
    """Write a difference, its interval and its p, which `in_brackets` explains."""
    p = text_of(each.adjusted, Kind.CHANCE)
    return f"({text_of(each.difference.value, Kind.POINTS)}; {span(each.difference)}; p {p})"


def in_brackets(group: Sequence[Comparison], pairs: int) -> str:
    """Explain what `bracket` writes of these comparisons."""
    sizes = sorted({each.difference.n_problems for each in group})
    problems = counted(sizes[-1], "problem")
    if len(sizes) > 1:
        problems = f"{sizes[0]:,} to {problems}"
    return (
        "in brackets the difference in points, first minus second, its 95 % interval, and"
        f" p{_holm(pairs)}; n = {problems}.{_without_zero(group)}"
    )


def _alone(each: Comparison, pairs: int, names: Names) -> str:
    """Return the sentence on the only unclear difference of an arm."""
    found = each.difference
    return (
        f"{of_side(each.a, names)} and {of_side(each.b, names)} cannot be told apart with this many"
        f" problems: {_minus(each, names)} is {text_of(found.value, Kind.POINTS)} points (95 %"
        f" interval: {span(found)} points; n = {counted(found.n_problems, 'problem')};"
        f" p {text_of(each.adjusted, Kind.CHANCE)}{_holm(pairs)}).{_without_zero([each])}"
    )


def _without_zero(group: Sequence[Comparison]) -> str:
    """Explain an interval that excludes 0 where p does not."""
    if all(is_clear(e) or e.difference.low <= 0 <= e.difference.high for e in group):
        return ""
    return " An interval without 0 is of that pair alone; p allows for all pairs."


def _holm(pairs: int) -> str:
    return f" after Holm over {pairs} pairs" * (pairs > 1)


def span(found: Difference) -> str:
    """Write the interval of a difference, in points."""
    return text_of((found.low, found.high), Kind.POINTS_INTERVAL)


def key_of(side: Tried) -> Key:
    """Return the side's arm."""
    return side.run, side.model, side.mode


def of_side(side: Tried, names: Names) -> str:
    """Return the side's short name."""
    return names[key_of(side)]


def pair_name(a: Tried, b: Tried, names: Names) -> str:
    """Write `first − second`, what both share said once."""
    first, second = (of_side(side, names).split(" · ") for side in (a, b))
    shared = 0
    while shared < min(len(first), len(second)) - 1 and first[shared] == second[shared]:
        shared += 1
    rest = f"{' · '.join(first[shared:])} − {' · '.join(second[shared:])}"
    return f"{' · '.join(first[:shared])}: {rest}" if shared else rest
