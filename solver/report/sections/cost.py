"""Show what each arm cost: requests, tokens, seconds and money, next to its accuracy."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from solver.analysis.cost import ArmCost, Price, Usage
from solver.report.figures import Point, Scatter
from solver.report.parts import Rows, Section
from solver.report.tables import Column, Kind, Table, Value
from solver.stats.metrics import Estimate
from solver.text import command, first_of, plain, short


def cost(
    found: Sequence[tuple[str, ArmCost]],
    accuracy: Mapping[str, Estimate | None],
    *,
    folder: Path | None = None,
) -> Section | None:
    """Show what each arm used: in all, per trial, and per correct answer. `accuracy` is by arm.

    Where no price is known, money is left out. The `folder` of the run goes into the command that
    takes prices.
    """
    if not found:
        return None
    thoughts = any(each.usage.thought_tokens for _, each in found)
    currencies = list(dict.fromkeys(each.price.currency for _, each in found if each.price))
    columns = (
        Column("arm", Kind.TEXT),
        Column("spent", Kind.TEXT),
        Column("n"),
        *(Column(name, Kind.NUMBER) for name in ("requests", "tokens in", "tokens out")),
        *([Column("of them thoughts", Kind.NUMBER)] if thoughts else []),
        *(Column(name, Kind.NUMBER) for name in ("tokens", "model s", "sandbox s")),
        *(Column(f"money, {short(name, 8)}", Kind.MONEY) for name in currencies),
    )
    rows: Rows = [
        (
            *(name, spent, n, *_used(usage, thoughts)),
            *(_money(usage, each.price, currency) for currency in currencies),
        )
        for name, each in found
        for spent, n, usage in _readings(each.usage)
    ]
    words = (
        "What the models under test used, in trials that ended in an error too, since these cost"
        " as much. The judge's model is not included.",
        *dict.fromkeys(_price(each.model, each.price) for _, each in found if each.price),
        *_without_price([each.model for _, each in found if each.price is None], folder),
    )
    note = "n counts trials, or correct answers. Seconds of simultaneous requests are added up."
    table = Table("cost", "Cost", columns, tuple(rows), note)
    figure = _figure(found, accuracy)
    return Section("cost", "Cost", words, (figure,) if figure.points else (), (table,))


def _readings(usage: Usage) -> Iterator[tuple[str, int, Usage]]:
    """Yield what was used in all, for a trial and, where there is one, for a correct answer."""
    yield "in all", usage.trials, usage
    if (of_trial := usage.per_trial()) is not None:
        yield "a trial", usage.trials, of_trial
    if (of_correct := usage.per_correct()) is not None:
        yield "a correct answer", usage.correct, of_correct


def _used(usage: Usage, thoughts: bool) -> tuple[Value, ...]:
    return (
        *(usage.requests, usage.input_tokens, usage.output_tokens),
        *([usage.thought_tokens] if thoughts else []),
        *(usage.tokens, usage.model_seconds, usage.sandbox_seconds),
    )


def _money(usage: Usage, price: Price | None, currency: str) -> float | None:
    if price is None or price.currency != currency:
        return None
    return price.of(usage.input_tokens, usage.output_tokens)


def _price(model: str, price: Price) -> str:
    return (
        f"{model}: price of {price.dated}: {price.input:g} in, {price.output:g} out,"
        f" {price.currency} for a million tokens."
    )


def _without_price(models: Sequence[str], folder: Path | None) -> Iterator[str]:
    """Say of which models no price is known, and how to give one."""
    if models:
        names = list(dict.fromkeys(models))
        how = command("cost", folder or "RUN", "--prices", "FILE")
        yield (
            f"No price is known for {first_of([short(name, 80) for name in names], 3)}. `{how}`"
            " takes prices from a YAML file, for a million tokens, with a line for each model:"
            f" {plain(names[0])}: {{input: 0.15, output: 0.6, dated: 2026-01-31}}"
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
