"""What a run cost or would cost, as text in a terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from solver.analysis.cost import ArmCost, Price, Usage
from solver.analysis.plan import ArmPlan, Detectable, Plan, Range
from solver.text import one_line, open_console, put


def show_costs(costs: Sequence[ArmCost]) -> None:
    """Print what each arm used: in all, per trial, per correct answer."""
    console = open_console()
    for cost in costs:
        usage = cost.usage
        title = f"\n{one_line(cost.model)} · {cost.mode}"
        put(
            console, Text(f"{title} · {usage.trials} trials, {usage.correct} correct", style="bold")
        )
        table = Table(box=box.SIMPLE, pad_edge=False)
        table.add_column("", no_wrap=True, min_width=18)
        for column in ("requests", "tokens in", "tokens out", "model s", "sandbox s", "money"):
            table.add_column(column, justify="right")
        for name, used in (
            ("in all", usage),
            ("per trial", usage.per_trial()),
            ("per correct answer", usage.per_correct()),
        ):
            table.add_row(name, *_used(used, cost.price))
        put(console, table)
        if cost.price is not None:
            dated = (
                f"price of {cost.price.dated}: {cost.price.input:g} in, {cost.price.output:g} out"
            )
            put(console, Text(f"{dated}, {one_line(cost.price.currency)} for a million tokens"))
    put(console, Text("Not counted: what the judge's model cost. `--prices FILE` sets prices."))


def show_plan(plan: Plan) -> None:
    """Print what the run would take and could show."""
    console = open_console()
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("arm", overflow="fold")
    for column in ("trials", "calls", "tokens in", "tokens out", "cost"):
        table.add_column(column, justify="right")
    for arm in plan.arms:
        table.add_row(
            one_line(f"{arm.model} · {arm.mode}"),
            f"{arm.trials:,}",
            _range(arm.calls),
            _range(arm.input_tokens),
            _range(arm.output_tokens),
            _cost(arm),
        )
    put(console, table)
    for line in _plan_lines(plan):
        put(console, Text(line))


def _used(usage: Usage | None, price: Price | None) -> Iterator[str]:
    if usage is None:
        yield from ("–",) * 6
        return
    yield f"{usage.requests:,.1f}".removesuffix(".0")
    yield f"{usage.input_tokens:,.0f}"
    yield f"{usage.output_tokens:,.0f}"
    yield f"{usage.model_seconds:,.1f}"
    yield f"{usage.sandbox_seconds:,.2f}"
    if price is None:
        yield "–"
    else:
        yield f"{price.of(usage.input_tokens, usage.output_tokens):,.4g}"


def _range(span: Range) -> str:
    if span.likely is not None:
        return f"about {span.likely:,.0f}, at most {span.most:,.0f}"
    if span.least == span.most:
        return f"{span.most:,.0f}"
    least = f"{span.least:,.0f} to " if span.least else "at most "
    return f"{least}{span.most:,.0f}"


def _cost(arm: ArmPlan) -> str:
    if arm.money is None:
        return "–"
    likely = "" if arm.money.likely is None else f"about {arm.money.likely:,.2f}, "
    return f"{likely}at most {arm.money.most:,.2f} {one_line(arm.currency)}"


def _power(found: Detectable) -> str:
    if found.difference is None:
        return "no difference would show, for there are too few problems"
    points = f"{100 * found.difference:.1f} points"
    if found.difference > found.discordance:
        return f"not enough to show any difference, for that takes {points}"
    return f"a difference of {points} would show 4 times in 5"


def _plan_lines(plan: Plan) -> Iterator[str]:
    if plan.seconds is not None:
        yield f"time       about {plan.seconds / 3600:.1f} hours at the pace of {plan.pilot}"
    elif plan.pilot is None:
        yield "time       give `--like RUN`, an earlier and smaller run, to go by its habits"
    else:
        yield f"time       unknown: {plan.pilot} has no whole session with these modes to go by"
    yield (
        f"interval   ±{100 * plan.widest:.1f} points at 50 % over {plan.problems} problems"
        + (
            f", down to ±{100 * plan.narrowest:.1f} where {plan.repeats} repeats differ freely"
            if plan.repeats > 1
            else ""
        )
    )
    for found in plan.detectable:
        basis = f"as in {plan.pilot}, " if found.observed else "if "
        basis += (
            f"{100 * found.discordance:.0f} % of problems are solved by exactly one of two arms"
        )
        yield f"power      {basis}: {_power(found)}"
    yield (
        "Tokens in are estimated at 4 characters each; not counted: requests that fail,"
        " and the judge's model."
    )
