"""Show the plan of a run: what it will cost, and the differences that it could detect."""

from collections.abc import Iterator

from solver.analysis.comparable import counted
from solver.analysis.plan import ArmPlan, Detectable, Plan, Range, Stability
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table
from solver.text import model_name


def planned(plan: Plan) -> Section:
    """Show the plan; where no price is known, without money."""
    money = any(arm.money for arm in plan.arms)
    names = ("calls", "tokens in", "tokens out", *["cost"] * money)
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        *(Column(name, Kind.TEXT) for name in names),
    )
    rows: Rows = [
        (
            *(f"{model_name(arm.model)} · {arm.mode}", arm.trials, _range(arm.calls)),
            *(_range(arm.input_tokens), _output(arm), *[_cost(arm)] * money),
        )
        for arm in plan.arms
    ]
    words = (
        "Tokens in are estimated at 4 characters each; tokens out include thoughts; not counted:"
        " requests that fail, and the judge's model.",
    )
    table = Table("plan", "Plan", columns, tuple(rows))
    return Section("plan", "Plan", words, tables=(table,), facts=tuple(_facts(plan)))


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.seconds is not None:
        yield "time", f"about {plan.seconds / 3600:.1f} hours at the pace of {plan.pilot}"
    elif plan.pilot is None:
        yield "time", "give `--like RUN`, an earlier and smaller run, to estimate it"
    else:
        yield "time", f"unknown: {plan.pilot} has no complete session with these modes"
    half = f"±{100 * plan.widest:.1f} points at 50 % over {plan.problems} problems"
    if plan.repeats > 1:
        half += f", ±{100 * plan.narrowest:.1f} if the {plan.repeats} repeats are independent"
    yield "interval", half
    for found in plan.detectable:
        basis = f"as in {plan.pilot}, " if found.observed else "if "
        share = f"{100 * found.discordance:.0f} % of problems are solved by exactly one of two arms"
        yield "power", f"{basis}{share}: {_power(found)}"
    for stable in plan.stability:
        yield "power", f"as in {plan.pilot}, G-Pass@{stable.k} at τ {stable.tau}: {_shown(stable)}"
    if plan.needed:
        sizes = " · ".join(
            f"{_most(each.problems)} problems with {counted(each.repeats, 'repeat')}"
            for each in plan.needed
        )
        yield "needed", f"to see {100 * plan.points:g} points, as in {plan.pilot}: {sizes}"


def _shown(found: Stability) -> str:
    if found.difference is None:
        return "no difference would show"
    return f"a difference of {100 * found.difference:.1f} points would show 4 times in 5"


def _most(problems: int | None) -> str:
    return "over a million" if problems is None else f"{problems:,}"


def _power(found: Detectable) -> str:
    if found.difference is None:
        return "no difference would show, because there are too few problems"
    points = f"{100 * found.difference:.1f} points"
    if found.difference > found.discordance:
        return f"not enough to show any difference, for that takes {points}"
    if found.free is not None:
        points += f", or of {100 * found.free:.1f} where repeats differ freely,"
    return f"a difference of {points} would show 4 times in 5"


def _range(span: Range) -> str:
    if span.likely is not None:
        return f"about {span.likely:,.0f}, at most {span.most:,.0f}"
    if span.least == span.most:
        return f"{span.most:,.0f}"
    least = f"{span.least:,.0f} to " if span.least else "at most "
    return f"{least}{span.most:,.0f}"


def _output(arm: ArmPlan) -> str:
    """Return the tokens out, and how many of them are thoughts where an earlier run shows any."""
    thoughts = f", about {arm.thought_tokens:,.0f} of them thoughts" if arm.thought_tokens else ""
    return f"{_range(arm.output_tokens)}{thoughts}"


def _cost(arm: ArmPlan) -> str | None:
    if arm.money is None:
        return None
    likely = "" if arm.money.likely is None else f"about {arm.money.likely:,.2f}, "
    return f"{likely}at most {arm.money.most:,.2f} {arm.currency}"
