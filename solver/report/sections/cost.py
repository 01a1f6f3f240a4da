"""Show what each arm cost: requests, tokens, seconds and money, next to its accuracy."""

from collections.abc import Mapping, Sequence

from solver.analysis.cost import ArmCost, Price, Usage
from solver.report.figures import Point, Scatter
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table, Value
from solver.stats.metrics import Estimate


def cost(
    found: Sequence[tuple[str, ArmCost]], accuracy: Mapping[str, Estimate | None]
) -> Section | None:
    """Show what each arm used: in all, per trial, and per correct answer. `accuracy` is by arm."""
    if not found:
        return None
    thoughts = any(each.usage.thought_tokens for _, each in found)
    columns = (
        Column("arm", Kind.TEXT),
        Column("spent", Kind.TEXT),
        Column("n"),
        *(Column(name, Kind.NUMBER) for name in ("requests", "tokens in", "tokens out")),
        *([Column("of them thoughts", Kind.NUMBER)] if thoughts else []),
        *(Column(name, Kind.NUMBER) for name in ("tokens", "model s", "sandbox s")),
        Column("money", Kind.TEXT),
    )
    rows: Rows = []
    for name, each in found:
        usage = each.usage
        rows += [
            (name, "in all", usage.trials, *_used(usage, each.price, thoughts)),
            (name, "a trial", usage.trials, *_used(usage.per_trial(), each.price, thoughts)),
            (
                name,
                "a correct answer",
                usage.correct,
                *_used(usage.per_correct(), each.price, thoughts),
            ),
        ]
    words = (
        "What the models under test used, in trials that ended in an error too, since these cost"
        " as much. The judge's model is not included.",
        *dict.fromkeys(_price(each.model, each.price) for _, each in found),
    )
    note = "n counts trials, or correct answers. Seconds of simultaneous requests are added up."
    table = Table("cost", "Cost", columns, tuple(rows), note)
    figure = _figure(found, accuracy)
    return Section("cost", "Cost", words, (figure,) if figure.points else (), (table,))


def _used(usage: Usage | None, price: Price | None, thoughts: bool) -> tuple[Value, ...]:
    if usage is None:
        return (None,) * (7 + thoughts)
    money = None
    if price is not None:
        money = f"{price.of(usage.input_tokens, usage.output_tokens):,.4g} {price.currency}"
    return (
        *(usage.requests, usage.input_tokens, usage.output_tokens),
        *([usage.thought_tokens] if thoughts else []),
        *(usage.tokens, usage.model_seconds, usage.sandbox_seconds),
        money,
    )


def _price(model: str, price: Price | None) -> str:
    if price is None:
        return f"{model}: no price is listed; `solver cost --prices FILE` sets prices."
    return (
        f"{model}: price of {price.dated}: {price.input:g} in, {price.output:g} out,"
        f" {price.currency} for a million tokens."
    )


def _figure(
    found: Sequence[tuple[str, ArmCost]], accuracy: Mapping[str, Estimate | None]
) -> Scatter:
    points = []
    for name, each in found:
        right, mean = accuracy.get(name), each.usage.per_trial()
        if right and mean and mean.tokens:
            points.append((name, Point(mean.tokens, right.value, right.low, right.high)))
    return Scatter(
        "cost", "Accuracy and tokens of each mode", "tokens a trial, sent and received", "accuracy",
        tuple(points), note="Up and to the left is better.",
    )  # fmt: skip
