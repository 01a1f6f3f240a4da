"""Show the plan of a run: what it will cost, and the differences that it could detect."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from solver.analysis.comparable import counted
from solver.analysis.plan import ArmPlan, Detectable, Plan, Range, Stability
from solver.report.parts import Rows, Section, listed
from solver.report.tables import Column, Kind, Table
from solver.text import duration, model_name


def planned(plan: Plan) -> Section:
    """Show the plan; where no price is known, without money."""
    words = (
        "Tokens in are estimated at 4 characters each, and tokens out include thoughts. Failed"
        " requests and those to the judge's model are not counted.",
    )
    currencies = tuple(dict.fromkeys(arm.currency for arm in plan.arms if arm.money))
    tables = (_bounds(plan.arms, currencies), *_likely(plan, currencies))
    return Section("plan", "Plan", words, tables=tables, facts=tuple(_facts(plan)))


def _bounds(arms: Sequence[ArmPlan], currencies: Sequence[str]) -> Table:
    """Show the least and the most that each arm takes."""
    columns = (
        Column("arm", Kind.TEXT),
        Column("trials"),
        *(Column(name, Kind.RANGE) for name in ("requests", "tokens in", "tokens out")),
        *(Column(f"cost, {each}", Kind.MONEY_RANGE) for each in currencies),
    )
    rows: Rows = [
        (
            *(_name(arm), arm.trials),
            *(_ends(span) for span in (arm.calls, arm.input_tokens, arm.output_tokens)),
            *(
                (arm.money.least, arm.money.most) if arm.money and arm.currency == each else None
                for each in currencies
            ),
        )
        for arm in arms
    ]
    return Table("plan", "At least and at most", columns, tuple(rows))


def _likely(plan: Plan, currencies: Sequence[str]) -> Iterator[Table]:
    """Show what each arm takes if it goes as in the earlier run; nothing without one."""
    known = [arm for arm in plan.arms if arm.calls.likely is not None]
    if not known:
        return
    thoughts = any(arm.thought_tokens for arm in known)
    columns = (
        Column("arm", Kind.TEXT),
        *(Column(name) for name in ("requests", "tokens in", "tokens out")),
        *([Column("of them thoughts")] if thoughts else []),
        *(Column(f"cost, {each}", Kind.MONEY) for each in currencies),
    )
    rows: Rows = [
        (
            _name(arm),
            *(_count(span.likely) for span in (arm.calls, arm.input_tokens, arm.output_tokens)),
            *([_count(arm.thought_tokens)] if thoughts else []),
            *(arm.money.likely if arm.money and arm.currency == e else None for e in currencies),
        )
        for arm in known
    ]
    yield Table("plan-likely", f"Likely, as in {plan.pilot}", columns, tuple(rows))


def _name(arm: ArmPlan) -> str:
    return f"{model_name(arm.model)} · {arm.mode}"


def _ends(span: Range) -> tuple[int, int]:
    return round(span.least), round(span.most)


def _count(number: float | None) -> int | None:
    return None if number is None else round(number)


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.seconds is not None:
        yield "time", f"about {duration(plan.seconds)} at the pace of {plan.pilot}"
    elif plan.pilot is None:
        yield "time", "unknown; `--like RUN` estimates it from an earlier, smaller run"
    else:
        yield "time", f"unknown: {plan.pilot} has no complete session with these modes"
    half = f"±{100 * plan.widest:.1f} points for an accuracy of 50 % over {plan.problems} problems"
    if plan.repeats > 1:
        half += (
            f" whose {plan.repeats} repeats always agree, ±{100 * plan.narrowest:.1f} where they"
            " are independent"
        )
    yield "interval", half
    kinds = groupby(plan.detectable, lambda found: (found.observed, _power(found)))
    for (observed, shown), alike in kinds:
        shares = listed((f"{100 * found.discordance:.0f} %" for found in alike), "or")
        basis = f"as in {plan.pilot}, " if observed else "if "
        yield "power", f"{basis}{shares} of problems are solved by exactly one of two arms: {shown}"
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
        return f"no difference would show, because that takes {points}"
    shown = f"a difference of {points} would show 4 times in 5"
    if found.free is not None:
        shown += f" if repeats always agree, one of {100 * found.free:.1f} if they are independent"
    return shown
