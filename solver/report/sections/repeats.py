"""Show how stable answers are over repeats: Pass@k, G-Pass@k and votes."""

from collections.abc import Iterable, Iterator, Sequence

from solver.analysis.repeats import AtK, Reading, Repeats, repeats_of
from solver.report.figures import Curves, Point
from solver.report.parts import Rows, Section, by_arm, of, table_or_none, value_and_range
from solver.report.runs import MOST_COMPARED, Named, Run
from solver.report.tables import Column, Kind, Table
from solver.stats.votes import FIRST, MOST_REPEATS, voters
from solver.store import Trials

TAUS = ("0", "0.125", "0.25", "0.375", "0.5", "0.625", "0.75", "0.875", "1.0")


_Found = Sequence[tuple[str, Repeats]]


def repeated(found: _Found) -> Section | None:
    """Show Pass@k, G-Pass@k and majority votes, where there are repeats."""
    if not found:
        return None
    unscored = [(name, each) for name, each in found if each.unscored and each.of_scored]
    of_all = _at_k(
        "repeats-of-all",
        "By k, trials that were not scored counted as wrong",
        [(name, each.repeats, each.of_all) for name, each in unscored],
    )
    table = _at_k("repeats", "By k", [(name, each.repeats, _shown(each)) for name, each in found])
    return Section(
        "repeats",
        "Repeats",
        tuple(_words(found, left_out=bool(unscored))),
        tuple(_figures(found)),
        (table, *table_or_none(_votes(found))),
        table_or_none(of_all),
    )


def _words(found: _Found, *, left_out: bool) -> Iterator[str]:
    yield (
        "Exact values over all choices of k of the repeats that every problem has"
        " (arXiv 2107.03374, 2412.13147, 2203.11171)."
    )
    if left_out:
        yield "Problems with an unscored trial are left out here; the last table includes them."
    for name, each in found:
        if each.of_scored and each.of_scored.problems < each.of_all.problems:
            part, whole = each.of_scored.at[-1], each.of_all.at[-1]
            left = each.of_all.problems - each.of_scored.problems
            yield (
                f"{name}: {of(left, each.of_all.problems)}"
                f" problems are left out; all {part.k} repeats are right in"
                f" {100 * part.g_pass['1.0'].value:.1f} % of the others, and in"
                f" {100 * whole.g_pass['1.0'].value:.1f} % of all problems, unscored trials"
                " counted as wrong."
            )
        if each.greedy:
            yield (
                f"{name}: greedy, {100 * each.greedy.value:.1f} % ({100 * each.greedy.low:.1f} –"
                f" {100 * each.greedy.high:.1f}, {each.greedy.n_problems:,} problems)."
            )


def _figures(found: _Found) -> Iterator[Curves]:
    k = max(at.k for _, each in found for at in _shown(each).at if at.k <= 16)
    yield Curves(
        "g-pass",
        f"G-Pass@{k}: at least a share τ of {k} repeats right",
        "τ",
        f"G-Pass@{k}",
        tuple(
            (name, tuple(_point(float(tau), at, tau) for tau in TAUS))
            for name, each in found
            for at in _shown(each).at
            if at.k == k
        ),
        note="Where a curve is flat, repeats of a problem agree, as identical replies do. τ = 0 is"
        " Pass@k, τ = 1 all repeats right.",
    )
    for name, title, y, tau in (
        ("pass", "Pass@k: at least one of k right", "Pass@k", "0"),
        ("all-of-k", "G-Pass@k at τ = 1: all k right", "G-Pass@k", "1.0"),
    ):
        series = (
            (arm, tuple(_point(at.k, at, tau) for at in _shown(each).at)) for arm, each in found
        )
        yield Curves(name, title, "k", y, tuple(series), steps=True)


def repeats_in(
    arms: Sequence[Named],
    *,
    greedy: Sequence[Trials] = (),
    ks: Sequence[int] | None = None,
) -> _Found:
    """Compute the metrics over repeats of every arm.

    `greedy` are trials of the same models at temperature 0. By default they come from those of the
    reported runs that have temperature 0.
    """
    runs = {arm.run.name: arm.run for arm in arms}.values()
    once = greedy or [run.trials for run in runs if _is_greedy(run)]

    def found_in(run: Run) -> Iterable[Repeats]:
        same = None if len(run.trials) <= MOST_COMPARED else str.__eq__
        weights = run.vote_weights
        return repeats_of(run.trials, ks=ks, taus=TAUS, greedy=once, same=same, weights=weights)

    return by_arm(arms, found_in)


def _is_greedy(run: Run) -> bool:
    sampling = run.manifest.get("config", {}).get("sampling", {})
    return bool(sampling.get("temperature") == 0)


def _shown(each: Repeats) -> Reading:
    return each.of_scored or each.of_all


def _at_k(name: str, title: str, found: Sequence[tuple[str, int, Reading]]) -> Table:
    shown = ("0.25", "0.5", "0.75", "1.0")
    columns = (
        Column("arm", Kind.TEXT),
        Column("k"),
        Column("problems"),
        Column("repeats", minor=True),
        Column("Pass@k", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL, minor=True),
        *(Column(f"G-Pass@k τ {tau.removesuffix('.0')}", Kind.SHARE) for tau in shown),
        Column("95 % interval at τ 1", Kind.INTERVAL, minor=True),
        Column("mG-Pass@k", Kind.SHARE),
        Column("maj@k", Kind.SHARE),
        Column("95 % interval of maj@k", Kind.INTERVAL, minor=True),
    )
    rows: Rows = [
        (
            arm,
            at.k,
            reading.problems,
            repeats,
            *value_and_range(at.pass_at),
            *(at.g_pass[tau].value for tau in shown),
            value_and_range(at.g_pass["1.0"])[1],
            at.mg_pass.value if at.k > 1 else None,  # 0 by definition
            *value_and_range(at.majority),
        )
        for arm, repeats, reading in found
        for at in reading.at
    ]
    note = (
        "maj@k: whether the answer that most repeats gave is right. Equal answers vote together"
        f" (mathematically equal up to {MOST_COMPARED:,} trials, equal as text above that)."
        f"{_of_the_first(found)} mG-Pass@k reaches 100 % only for even k."
    )
    return Table(name, title, columns, tuple(rows), note)


def _of_the_first(found: Sequence[tuple[str, int, Reading]]) -> str:
    """Say where votes are not of all repeats."""
    if all(voters(repeats) == repeats for _, repeats, _ in found):
        return ""
    return f" Where there are more than {MOST_REPEATS} repeats, the first {FIRST} vote."


def _votes(found: Sequence[tuple[str, Repeats]]) -> Table:
    """Show the votes over repeats for modes that check their own answers."""
    columns = (
        Column("arm", Kind.TEXT),
        Column("repeats"),
        Column("problems"),
        Column("maj@n", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("verification-weighted vote", Kind.SHARE),
        Column("its interval", Kind.INTERVAL),
    )
    rows: Rows = [
        (
            *(name, each.repeats, each.of_all.problems),
            *value_and_range(each.of_all.at[-1].majority),
            *value_and_range(each.verified),
        )
        for name, each in found
        if each.verified
    ]
    note = (
        "All n repeats vote; unscored trials count as wrong. In the weighted vote the weight of an"
        " answer depends on what its check found; the config sets the weights (arXiv 2308.07921)."
    )
    return Table("votes", "Votes of self-verified answers", columns, tuple(rows), note)


def _point(x: float, at: AtK, tau: str) -> Point:
    found = at.g_pass[tau]
    return Point(x, found.value, found.low, found.high)
