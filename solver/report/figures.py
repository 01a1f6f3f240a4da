"""Hold the data of the report's figures; `svg.py` draws them in the page, `plot.py` in files."""

from dataclasses import dataclass
from math import ceil
from typing import TypeAlias


@dataclass(frozen=True)
class Dot:
    """One value with its interval."""

    series: str
    value: float
    low: float
    high: float
    n: int
    """The trials, or in a difference the problems, that it is computed from."""


@dataclass(frozen=True)
class Forest:
    """Shares with intervals: a line for each name, a dot for each series."""

    name: str
    """The file's name, without ending."""
    title: str
    series: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Dot, ...]], ...]
    note: str = ""
    signed: bool = False
    """The values are differences from -1 to 1, instead of shares from 0 to 1."""

    @property
    def names_itself(self) -> bool:
        """Tell whether each line has one dot, of a series with the same name: no legend then."""
        return all([dot.series for dot in dots] == [name] for name, dots in self.lines)


@dataclass(frozen=True)
class Stack:
    """Stacked bars: each is divided into the shares of its parts."""

    name: str
    title: str
    parts: tuple[str, ...]
    """The parts that occur, in order."""
    bars: tuple[tuple[str, tuple[int, ...]], ...]
    """Each bar's name, and its count for each part."""
    note: str = ""


@dataclass(frozen=True)
class Point:
    """One point of a curve, with an interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curves:
    """Curves of shares, such as accuracy over the number of attempts."""

    name: str
    title: str
    x_name: str
    y_name: str
    series: tuple[tuple[str, tuple[Point, ...]], ...]
    note: str = ""
    steps: bool = False
    """The x axis holds whole numbers."""


@dataclass(frozen=True)
class Scatter:
    """One point for each series: what it costs and how often it is right."""

    name: str
    title: str
    x_name: str
    y_name: str
    points: tuple[tuple[str, Point], ...]
    note: str = ""


Figure: TypeAlias = Forest | Stack | Curves | Scatter


def names_of(figure: Figure) -> tuple[str, ...]:
    """Return what the legend lists."""
    match figure:
        case Forest():
            return figure.series
        case Stack():
            return figure.parts
        case Curves():
            return tuple(name for name, _ in figure.series)
        case Scatter():
            return tuple(name for name, _ in figure.points)


def ticks(high: float, *, whole: bool = False) -> list[float]:
    """Return round numbers from 0 to at least `high`, seven at most."""
    steps = (size * 10.0**power for power in range(-4, 16) for size in (1, 2, 5))
    step = next(s for s in steps if high <= 6 * s and (s >= 1 or not whole))
    return [round(i * step, 6) for i in range(ceil(round(high / step, 6)) + 1)]
