"""Show what arms get for their tokens, and modes of a model at the same number of tokens."""

from collections.abc import Iterator, Mapping, Sequence

from solver.analysis.budget import Budgets, EqualTokens, Spending
from solver.report.figures import Curves, Point
from solver.report.parts import Rows, Section, by_arm, table_or_none
from solver.report.runs import Key, Named, Run, names_by_arm
from solver.report.sections.comparison_words import EFFORT
from solver.report.tables import Column, Kind, Table, Value


def budgeted(arms: Sequence[Named]) -> Section | None:
    """Show accuracy against tokens for every arm, where retries or repeats can spend more."""
    found = by_arm(arms, lambda run: run.budgets.arms)
    if not any(len(each.policies) > 1 for _, each in found):
        return None
    names = names_by_arm(arms)
    runs = {arm.run.name: arm.run for arm in arms}.values()
    equal = [(run, each) for run in runs for each in run.budgets.equal]
    words = (
        "More tokens let a mode try longer (attempts) or more often (trials that vote). A budget is"
        " kept on average over problems; tokens are those sent and received.",
        *(words for run in runs for words in _unequal(run.name, run.budgets, names)),
    )
    figure = Curves(
        "budget",
        "Accuracy for a budget of tokens",
        "tokens a problem",
        "accuracy",
        tuple((name, tuple(_points(each))) for name, each in found),
        note="From left to right: more attempts, then more trials whose majority counts.",
    )
    table = Table("equal-tokens", "At the same tokens", _COLUMNS, _rows(equal, names), _NOTE)
    return Section("budget", "For the same tokens", words, (figure,), table_or_none(table))


def _points(each: Spending) -> Iterator[Point]:
    for policy, found in zip(each.policies, each.estimates, strict=True):
        yield Point(policy.tokens, found.value, found.low, found.high)


_COLUMNS = (
    Column("comparison", Kind.TEXT),
    Column("tokens", Kind.NUMBER),
    Column("first", Kind.TEXT),
    Column("first's tokens", Kind.NUMBER, minor=True),
    Column("first's accuracy", Kind.SHARE),
    Column("second", Kind.TEXT),
    Column("second's tokens", Kind.NUMBER, minor=True),
    Column("second's accuracy", Kind.SHARE),
    Column("problems"),
    Column("difference, points", Kind.POINTS),
    Column("95 % interval", Kind.POINTS_INTERVAL),
    Column("p", Kind.CHANCE, minor=True),
    Column("p after Holm", Kind.CHANCE),
)
_NOTE = (
    "Neither side may use more than these tokens a problem, and each does what spends most of them;"
    " first minus second. A vote is the exact mean over all choices of so many repeats. Over the"
    " problems whose repeats are all scored on both sides; p is of a paired t test over problems,"
    " or McNemar’s where nothing but 0 and 1 occurs, and Holm’s is over all rows of a run."
)


def _rows(
    equal: Sequence[tuple[Run, EqualTokens]], names: Mapping[Key, str]
) -> tuple[tuple[Value, ...], ...]:
    rows: Rows = []
    for run, each in equal:
        found = each.difference
        first, second = _names(run.name, each.model, (each.a_mode, each.b_mode), names)
        rows.append(
            (
                *(f"{first} − {second}", each.tokens),
                *(each.a.name, each.a.tokens, each.a.accuracy),
                *(each.b.name, each.b.tokens, each.b.accuracy),
                *(each.n_problems, found.value, (found.low, found.high)),
                *(found.p_value, each.adjusted),
            )
        )
    return tuple(rows)


def _unequal(run: str, found: Budgets, names: Mapping[Key, str]) -> Iterator[str]:
    """Say which modes have nothing to spend the tokens of a dearer one on."""
    compared = {(each.model, each.b_mode) for each in found.equal}
    first: dict[str, Spending] = {}
    for arm in found.arms:
        a = first.setdefault(arm.model, arm)
        spent = sorted((each.policies[-1].tokens, each.mode) for each in (a, arm))
        apart = spent[1][0] > EFFORT * spent[0][0]
        if a is not arm and apart and (arm.model, arm.mode) not in compared:
            cheap, dear = _names(run, arm.model, [mode for _, mode in spent], names)
            yield (
                f"{cheap} has no repeats that could vote with the {spent[1][0]:,.0f} tokens a"
                f" problem of {dear}; it used {spent[0][0]:,.0f}."
            )


def _names(run: str, model: str, modes: Sequence[str], names: Mapping[Key, str]) -> tuple[str, ...]:
    return tuple(names[run, model, mode] for mode in modes)
