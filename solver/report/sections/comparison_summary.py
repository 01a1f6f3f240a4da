"""What many comparisons say together, in a few sentences; the tables hold the numbers of each."""

from collections.abc import Iterator, Mapping, Sequence

from solver.analysis.compare import Comparison
from solver.report.parts import listed, share
from solver.report.sections.comparison_words import (
    CAPPED,
    EFFORT,
    LEFT_OUT,
    MOST_SENTENCES,
    Names,
    bracket,
    has_errors,
    in_brackets,
    is_capped,
    is_clear,
    is_uneven,
    of_side,
    pair_name,
    shift_of,
    span,
    tokens_of,
)
from solver.report.tables import Kind, text_of


def summary(found: Sequence[Comparison], pairs: int, names: Names) -> Iterator[str]:
    """Yield which pairs differ clearly, what the others can show, and what to be careful about."""
    yield _differences(found, pairs, names)
    if cautions := [*_of_arms(found, names), *_of_pairs(found, names)]:
        yield f"{' '.join(cautions)} The tables below have these numbers of every pair."


def _differences(found: Sequence[Comparison], pairs: int, names: Names) -> str:
    clear = sorted((each for each in found if is_clear(each)), key=lambda each: each.adjusted)
    unclear = [each for each in found if not is_clear(each)]
    words = ""
    if clear:
        verb = "differs" if len(clear) == 1 else "differ"
        named = [_named(each, names) for each in clear[:MOST_SENTENCES]]
        named += [f"{len(clear) - len(named)} more"] * (len(clear) > len(named))
        words = f"{len(clear)} of {len(found)} pairs {verb} clearly: {listed(named)}. "
    if clear and len(unclear) == 1:
        words += (
            f"The arms of the other pair, {_named(unclear[0], names)}, cannot be told apart with"
            " this many problems. "
        )
    elif unclear:
        largest = max(unclear, key=lambda each: abs(each.difference.value))
        others = f"the other {len(unclear)}" if clear else f"these {len(found)} pairs"
        words += (
            f"The arms of {others} cannot be told apart with this many problems; their largest"
            f" difference is that of {_named(largest, names)}. "
        )
    explained = in_brackets(found, pairs)
    return f"{words}{explained[0].upper()}{explained[1:]}"


def _named(each: Comparison, names: Names) -> str:
    return f"{pair_name(each.a, each.b, names)} {bracket(each)}"


def _of_arms(found: Sequence[Comparison], names: Names) -> Iterator[str]:
    """Yield how many arms lost replies to the cap, or trials to errors, and which one most."""
    arms = {of_side(side, names): side for each in found for side in (each.a, each.b)}
    cut = {n: share(s.capped, s.replies) or 0.0 for n, s in arms.items() if is_capped(s)}
    lost = {n: share(s.errors, s.trials) or 0.0 for n, s in arms.items() if has_errors(s)}
    if cut:
        least = f"more than {100 * CAPPED:g} % of the replies of"
        yield f"The token cap cut {least} {_most(cut, len(arms))}."
    if lost:
        least = f"more than {100 * LEFT_OUT:g} % of the trials of"
        yield f"Errors of ours ended {least} {_most(lost, len(arms))}."


def _most(shares: Mapping[str, float], arms: int) -> str:
    worst = max(shares, key=lambda name: shares[name])
    touched = f"all {arms}" if len(shares) == arms else f"{len(shares)} of {arms}"
    return f"{touched} arms, most of {worst} ({text_of(shares[worst], Kind.SHARE)})"


def _of_pairs(found: Sequence[Comparison], names: Names) -> Iterator[str]:
    """Yield how many differences hang on unscored trials or on effort, and which one most."""
    if moved := [each for each in found if shift_of(each) > LEFT_OUT]:
        most = max(moved, key=shift_of)
        assert most.of_all is not None
        yield (
            f"With unscored trials counted as wrong, {len(moved)} of {len(found)} differences shift"
            f" by more than {100 * LEFT_OUT:g} point, most {pair_name(most.a, most.b, names)}, to"
            f" {text_of(most.of_all.value, Kind.POINTS)} ({span(most.of_all)})."
        )
    if uneven := [each for each in found if is_uneven(each)]:
        most = max(uneven, key=_ratio)
        a, b = tokens_of(most)
        yield (
            f"In {len(uneven)} of {len(found)} pairs one side takes more than {EFFORT} times the"
            f" tokens of the other, most in {pair_name(most.a, most.b, names)}: {a:,.0f} and"
            f" {b:,.0f} a trial."
        )


def _ratio(each: Comparison) -> float:
    tokens = tokens_of(each)
    return max(tokens) / min(tokens)
