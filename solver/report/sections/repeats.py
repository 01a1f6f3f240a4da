"""What repeats tell, and what everything cost."""

from collections.abc import Iterator, Sequence

from solver.analysis.cost import costs, load_prices
from solver.analysis.repeats import AtK, Reading, Stability, stability
from solver.report.figures import Curves, Point, Scatter
from solver.report.parts import Rows, Section, by_arm, table_or_none, value_and_range
from solver.report.runs import Named, Run
from solver.report.tables import Column, Kind, Table

TAUS = ("0", "0.125", "0.25", "0.375", "0.5", "0.625", "0.75", "0.875", "1.0")
MOST_COMPARED = 20_000
"""Trials up to which answers vote together when equal as mathematics; above, when equal as text."""


def stable(runs: Sequence[Run], arms: Sequence[Named]) -> Section | None:
    """Pass@k, G-Pass@k and majority votes, where there are repeats."""
    found = list(_stabilities(runs, arms))
    if not found:
        return None
    k = max(at.k for _, each in found for at in _shown(each).at if at.k <= 16)
    over_tau = Curves(
        "g-pass",
        f"G-Pass@{k}: at least a share τ of {k} repeats right",
        "τ",
        f"G-Pass@{k}",
        tuple(
            (name, tuple(_threshold(at, tau) for tau in TAUS))
            for name, each in found
            for at in _shown(each).at
            if at.k == k
        ),
        note="A flat curve is a stable model. τ = 0 is Pass@k, τ = 1 all repeats right.",
    )
    over_k = [
        Curves(
            name,
            title,
            "k",
            y,
            tuple((arm, tuple(_of_k(at, tau) for at in _shown(each).at)) for arm, each in found),
            steps=True,
        )
        for name, title, y, tau in (
            ("pass", "Pass@k: at least one of k right", "Pass@k", "0"),
            ("all-of-k", "G-Pass@k at τ = 1: all k right", "G-Pass@k", "1.0"),
        )
    ]
    words = [
        "Exact over all draws of k from the repeats that every problem has"
        " (arXiv 2107.03374, 2412.13147, 2203.11171).",
    ]
    unscored = [(name, each) for name, each in found if each.unscored and each.of_scored]
    of_all = _at_k(
        "repeats-of-all",
        "By k, trials that were not scored counted as wrong",
        [(name, each.repeats, each.of_all) for name, each in unscored],
    )
    if unscored:
        words.append("Problems with a trial that was not scored are left out; below, they are not.")
    words += [
        f"{name}: greedy, {100 * each.greedy.value:.1f} % ({100 * each.greedy.low:.1f} –"
        f" {100 * each.greedy.high:.1f}, {each.greedy.n_problems:,} problems)."
        for name, each in found
        if each.greedy
    ]
    table = _at_k("repeats", "By k", [(name, each.repeats, _shown(each)) for name, each in found])
    return Section(
        "repeats",
        "Stability over repeats",
        tuple(words),
        (over_tau, *over_k),
        (table, *table_or_none(_votes(found))),
        table_or_none(of_all),
    )


def cost(runs: Sequence[Run], arms: Sequence[Named]) -> Section | None:
    """Tokens, seconds and money, beside accuracy."""
    prices = load_prices()
    used = {
        (run.name, each.model, each.mode): each for run in runs for each in costs(run.rows, prices)
    }
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        Column("correct"),
        Column("requests"),
        Column("tokens in"),
        Column("tokens out"),
        Column("tokens a trial", Kind.NUMBER),
        Column("tokens a correct answer", Kind.NUMBER),
        Column("model s a trial", Kind.NUMBER),
        Column("model s a correct answer", Kind.NUMBER),
        Column("sandbox s a trial", Kind.NUMBER),
        Column("price", Kind.TEXT),
    )
    rows: Rows = []
    points = []
    for arm in arms:
        each = used[arm.run.name, arm.arm.model, arm.arm.mode]
        usage, mean, share = each.usage, each.usage.per_trial(), each.usage.per_correct()
        money = "not listed"
        if each.price is not None and each.money is not None:
            money = f"{each.money:,.2f} {each.price.currency} ({each.price.dated})"
        rows.append(
            (
                arm.name,
                *(usage.trials, usage.correct, round(usage.requests)),
                *(round(usage.input_tokens), round(usage.output_tokens)),
                *(found.tokens if found else None for found in (mean, share)),
                *(found.model_seconds if found else None for found in (mean, share)),
                mean.sandbox_seconds if mean else None,
                money,
            )
        )
        accuracy = arm.arm.overall.of_scored
        if accuracy and mean and mean.tokens:
            spot = Point(mean.tokens, accuracy.value, accuracy.low, accuracy.high)
            points.append((arm.name, spot))
    figure = Scatter(
        "cost", "Accuracy against tokens", "tokens a trial, sent and received", "accuracy",
        tuple(points), note="Up and to the left is better.",
    )  # fmt: skip
    table = Table("cost", "Cost", columns, tuple(rows))
    words = (
        "What the models under test used, errors included, since they were paid for. The judge's"
        " model is not in it. Prices are list prices of the day in brackets.",
    )
    return Section("cost", "Cost", words, (figure,) if points else (), (table,)) if rows else None


def _stabilities(runs: Sequence[Run], arms: Sequence[Named]) -> Iterator[tuple[str, Stability]]:
    """Each arm with repeats; beside it what the same model did in a run at temperature 0."""
    greedy = [row for run in runs if _is_greedy(run) for row in run.rows]

    def found_in(run: Run) -> Iterator[tuple[str, str, Stability]]:
        same = None if len(run.rows) <= MOST_COMPARED else str.__eq__
        found = stability(run.rows, taus=TAUS, greedy=greedy, same=same, weights=run.vote_weights)
        return ((each.model, each.mode, each) for each in found)

    return by_arm(runs, arms, found_in)


def _is_greedy(run: Run) -> bool:
    sampling = run.manifest.get("config", {}).get("sampling", {})
    return bool(sampling.get("temperature") == 0)


def _shown(each: Stability) -> Reading:
    return each.of_scored or each.of_all


def _at_k(name: str, title: str, found: Sequence[tuple[str, int, Reading]]) -> Table:
    shown = ("0.25", "0.5", "0.75", "1.0")
    columns = (
        Column("arm", Kind.TEXT),
        Column("k"),
        Column("problems"),
        Column("repeats"),
        Column("Pass@k", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        *(Column(f"G-Pass@k τ {tau.removesuffix('.0')}", Kind.SHARE) for tau in shown),
        Column("95 % interval at τ 1", Kind.INTERVAL),
        Column("mG-Pass@k", Kind.SHARE),
        Column("maj@k", Kind.SHARE),
        Column("95 % interval of maj@k", Kind.INTERVAL),
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
            at.mg_pass.value,
            *value_and_range(at.majority),
        )
        for arm, repeats, reading in found
        for at in reading.at
    ]
    note = (
        "maj@k: the answer most repeats gave, equal answers voting together (equal as mathematics"
        f" up to {MOST_COMPARED:,} trials, as text above)."
        " mG-Pass@k reaches 100 % only for even k."
    )
    return Table(name, title, columns, tuple(rows), note)


def _votes(found: Sequence[tuple[str, Stability]]) -> Table:
    """Where answers were self-verified."""
    columns = (
        Column("arm", Kind.TEXT),
        Column("repeats"),
        Column("problems"),
        Column("maj@n", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
        Column("verification-weighted vote", Kind.SHARE),
        Column("95 % interval", Kind.INTERVAL),
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
        "All n repeats vote, trials that were not scored counted as wrong. In the weighted vote an"
        " answer counts by what its check found: csv.weights in the config (arXiv 2308.07921)."
    )
    return Table("votes", "Votes of self-verified answers", columns, tuple(rows), note)


def _threshold(at: AtK, tau: str) -> Point:
    found = at.g_pass[tau]
    return Point(float(tau), found.value, found.low, found.high)


def _of_k(at: AtK, tau: str) -> Point:
    found = at.g_pass[tau]
    return Point(at.k, found.value, found.low, found.high)
