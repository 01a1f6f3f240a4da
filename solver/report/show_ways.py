"""What the modes beyond one program did, as text: rounds, checks, regeneration beside `code`."""

from collections.abc import Iterable, Sequence
from math import isnan

from rich.console import Console
from rich.table import Table
from rich.text import Text

from solver.analysis.accuracy import Pair
from solver.analysis.ways import Checks, Regrown, Rounds, Ways
from solver.records import Verification
from solver.stats.paired import MeanDifference, holm
from solver.text import interval, numbers_table, percent, plain, put, put_uncut, share_of


def show_ways(console: Console, ways: Ways) -> None:
    """Print what `ways_of` found; nothing for a run of `code` and `cot` alone."""
    for rounds in ways.rounds:
        _title(console, rounds.model, "tir")
        _lines(console, _rounds(rounds))
    for checks in ways.checks:
        _title(console, checks.model, "csv")
        _lines(console, _checks(checks))
    for regrown in ways.regrown:
        _title(console, regrown[0].model, "regeneration")
        for table in (_brought(regrown), _executed(regrown), _tried(regrown), _spent(regrown)):
            put_uncut(console, table)
        _lines(console, _interventions(regrown))
        _lines(
            console,
            [
                f"means over the {regrown[0].trials} trials that all of these have;"
                " points, change: from code"
            ],
        )


def show_pairs(console: Console, pairs: Sequence[Pair]) -> None:
    """Print the differences of one model's modes from its first, as a table."""
    _title(console, pairs[0].model, f"against {pairs[0].first}")
    columns = ("points", "95 % range", "p", "Holm", "both", "gained", "lost", "none")
    table = numbers_table("mode", *columns)
    adjusted = holm([pair.difference.p_value for pair in pairs])
    for pair, p in zip(pairs, adjusted, strict=True):
        found, counts = pair.difference, pair.difference.counts
        table.add_row(
            pair.second,
            _signed(-100 * found.value, 1),
            _range(-100 * found.high, -100 * found.low, 1),
            f"{found.p_value:.2g}",
            f"{p:.2g}",
            *(
                f"{round(n, 1):g}"
                for n in (counts.both, counts.only_b, counts.only_a, counts.neither)
            ),
        )
    put_uncut(console, table)
    put(
        console,
        Text(
            f"Holm: p adjusted for these {len(pairs)} · `solver compare` has all pairs, with power"
        ),
    )


def _title(console: Console, model: str, what: str) -> None:
    put(console, Text(f"\n{plain(model)} · {what}", style="bold"))


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        put(console, Text(line))


def _rounds(found: Rounds) -> Iterable[str]:
    mean = found.replies / found.trials
    yield f"rounds     {found.replies} replies in {found.trials} trials, {mean:.2f} a trial"
    failed = share_of(found.failed, found.executions)
    yield f"programs   {found.executions} run · failed {failed} · refused {found.refused}"
    rules = " · ".join(f"{rule.replace('_', ' ')} {n}" for rule, n in found.answers.most_common())
    yield f"answers    {rules}"


def _checks(found: Checks) -> Iterable[str]:
    for state in (Verification.TRUE, Verification.UNCERTAIN, Verification.FALSE):
        count, right = found.found[state], share_of(found.right[state], found.judged[state])
        line = f"{state:<10} {count} answer{'s' * (count != 1)} · right {right}"
        if known := found.accuracy.get(state):
            line += f" · over problems {percent(known)} [{interval(known)}]"
        yield line
    yield f"revised    {found.revised} trials solved again after a check found false"


def _brought(arms: Sequence[Regrown]) -> Table:
    table = numbers_table("mode", "accuracy", "points", "95 % range", "p", "same first reply")
    for arm in arms:
        found = arm.difference
        table.add_row(
            arm.mode,
            f"{100 * arm.accuracy:.1f} %",
            _signed(100 * found.value, 1) if found else "",
            _range(100 * found.low, 100 * found.high, 1) if found else "",
            f"{found.p_value:.2g}" if found else "",
            f"{arm.same}/{arm.trials}" if arm.same is not None else "",
        )
    return table


def _executed(arms: Sequence[Regrown]) -> Table:
    table = numbers_table("mode", "execution s", "change", "95 % range")
    for arm in arms:
        mean = f"{arm.spent.execution_seconds:.3f}"
        table.add_row(arm.mode, mean, *_mean(arm.execution_seconds, 3))
    return table


def _tried(arms: Sequence[Regrown]) -> Table:
    table = numbers_table("mode", "attempts", "change", "95 % range", "programs refused")
    for arm in arms:
        refused = share_of(arm.refused, arm.programs)
        table.add_row(arm.mode, f"{arm.spent.attempts:.2f}", *_mean(arm.attempts, 2), refused)
    return table


def _spent(arms: Sequence[Regrown]) -> Table:
    table = numbers_table("mode", "requests", "tokens in", "tokens out", "model s", "tokens/s")
    for arm in arms:
        spent = arm.spent
        table.add_row(
            arm.mode,
            f"{spent.requests:,.1f}",
            f"{spent.input_tokens:,.0f}",
            f"{spent.output_tokens:,.0f}",
            f"{spent.model_seconds:,.1f}",
            f"{spent.output_tokens / spent.model_seconds:.1f}" if spent.model_seconds else "–",
        )
    return table


def _interventions(arms: Sequence[Regrown]) -> Iterable[str]:
    width = max(len(arm.mode) for arm in arms)
    for arm in arms:
        if arm.mode != "code":
            counts = [f"{kind} {n}" for kind, n in arm.interventions.most_common()]
            yield f"{arm.mode:<{width}}  interventions: {' · '.join(counts) or 'none'}"
            if arm.parted is not None:
                yield f"{'':<{width}}  other first replies part from character {arm.parted}"


def _mean(found: MeanDifference | None, digits: int) -> tuple[str, str]:
    if found is None:
        return "", ""
    known = not isnan(found.low)
    return _signed(found.value, digits), _range(found.low, found.high, digits) if known else "–"


def _range(low: float, high: float, digits: int) -> str:
    return f"[{_signed(low, digits)}, {_signed(high, digits)}]"


def _signed(value: float, digits: int) -> str:
    """With its sign, which what rounds to nothing has not."""
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"
