"""Count what a run cost: tokens, seconds, requests and money, per trial and per correct answer.

Not counted: the judge's model, and the power or rent of the machine that a local model ran on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from solver.errors import ConfigError
from solver.records import Record
from solver.store import Trials
from solver.yaml_file import read_yaml

SHIPPED = Path(__file__).with_name("prices.yaml")


class Price(Record):
    """What a provider charges for a model."""

    input: float = Field(ge=0)
    """Price of a million tokens sent; `output` is that of a million received."""
    output: float = Field(ge=0)
    currency: str = "USD"
    dated: date
    """The day this price was looked up, or came into force."""

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """Return what so many tokens cost, in `currency`."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


Prices = Mapping[str, Price]
"""By the model's name in the config, `provider/name`."""


@dataclass(frozen=True)
class Usage:
    """What some trials used, and how many of them were correct."""

    trials: int
    correct: int
    requests: float
    """Requests, failed ones included."""
    input_tokens: float
    output_tokens: float
    thought_tokens: float
    """Of those, what thoughts took."""
    model_seconds: float
    """Seconds spent waiting for replies; those of simultaneous requests are added up."""
    sandbox_seconds: float
    """Wall time of the programs."""

    @property
    def tokens(self) -> float:
        """Count tokens sent and received."""
        return self.input_tokens + self.output_tokens

    def per_trial(self) -> "Usage | None":
        """Divide the usage by the number of trials; None where there is none."""
        return self._divided_by(self.trials)

    def per_correct(self) -> "Usage | None":
        """Divide the usage by the number of correct answers; None where there is none."""
        return self._divided_by(self.correct)

    def _divided_by(self, count: int) -> "Usage | None":
        if count == 0:
            return None
        return Usage(
            trials=self.trials,
            correct=self.correct,
            requests=self.requests / count,
            input_tokens=self.input_tokens / count,
            output_tokens=self.output_tokens / count,
            thought_tokens=self.thought_tokens / count,
            model_seconds=self.model_seconds / count,
            sandbox_seconds=self.sandbox_seconds / count,
        )


@dataclass(frozen=True)
class ArmCost:
    """What one model in one mode cost."""

    model: str
    mode: str
    usage: Usage
    price: Price | None
    """None where the price of the model is not known."""

    @property
    def money(self) -> float | None:
        """Return the cost of all trials, in the price's currency; None without a price."""
        if self.price is None:
            return None
        return self.price.of(self.usage.input_tokens, self.usage.output_tokens)


def costs(trials: Trials, prices: Prices) -> tuple[ArmCost, ...]:
    """Count what each model cost in each mode, in the order of the trials."""
    return tuple(
        ArmCost(model, mode, usage(of_arm), prices.get(model))
        for model, mode, of_arm in trials.by_arm()
    )


def usage(trials: Trials) -> Usage:
    """Add up what these trials used. Errors of ours are included, since replies cost money too."""
    return Usage(
        trials=len(trials),
        correct=int(trials.correct.sum()),
        requests=trials.total("requests"),
        input_tokens=trials.total("input_tokens"),
        output_tokens=trials.total("output_tokens"),
        thought_tokens=trials.total("thought_tokens"),
        model_seconds=trials.total("model_seconds"),
        sandbox_seconds=trials.total("sandbox_seconds"),
    )


def load_prices(path: Path | None = None) -> dict[str, Price]:
    """Return the shipped price table, with its entries overridden by those of the user's file.

    Raises ConfigError where the file cannot be read or an entry is not a price.
    """
    prices = _read(SHIPPED)
    return {**prices, **_read(path)} if path is not None else prices


def _read(path: Path) -> dict[str, Price]:
    content = read_yaml(path)
    try:
        return TypeAdapter(dict[str, Price]).validate_python(content or {})
    except ValidationError as invalid:
        first = invalid.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{path}: {place}: {first['msg']};"
            " an entry is `provider/name: {input: 0.15, output: 0.6, dated: 2024-07-18}`,"
            " for a million tokens"
        ) from invalid
