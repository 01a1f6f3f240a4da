"""Draw the report's figures as PNG, SVG or PDF files with matplotlib, for printing."""

import warnings
from functools import singledispatch
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from solver.report.figures import Curves, Figure, Forest, Scatter, Stack, ticks
from solver.report.tables import Kind, text_of
from solver.text import plain, short

COLOURS = ("#0067a8", "#c04a00", "#007a5a", "#a1437d", "#8a6a00", "#4a4fb5", "#b3203c")
MARKERS = ("o", "s", "D", "^")
PARTS = {
    "correct": "#0072b2",
    "wrong": "#d55e00",
    "no answer": "#e9b24a",
    "no code": "#efc67d",
    "truncated": "#f4daab",
    "crashed": "#b0699a",
    "timeout": "#c390b2",
    "out of memory": "#d3b0c8",
    "no output": "#e5d2df",
    "unsafe": "#5f3d78",
    "undecided": "#9aa3ad",
    "error": "#c4cad0",
}
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5b6470",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titleweight": "bold",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "grid.color": "#dfe3e7",
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar sign in a problem's domain is no formula
    "svg.hashsalt": "solver",  # the same figure gives the same file
    "pdf.fonttype": 42,  # text stays text
}
_WIDTH = 6.0
"""Inches."""


def save(figure: Figure, path: Path) -> Path:
    """Draw a figure into a file, in the format of its ending, and return its path."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = Canvas(layout="constrained")
        _draw(figure, canvas)
        dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        canvas.savefig(path, dpi=200, metadata=dates[path.suffix[1:]])
    return path


@singledispatch
def _draw(figure: Figure, canvas: Canvas) -> None:
    raise TypeError(f"no drawing for {type(figure).__name__}")


@_draw.register
def _(figure: Forest, canvas: Canvas) -> None:
    height, places, y = 0.0, [], 0.0
    for _, dots in figure.lines:
        places.append(y + (len(dots) - 1) / 2)
        y += len(dots) + 0.7
    height = 1.1 + 0.17 * y
    axes = _axes(figure, canvas, height)
    axes.grid(axis="y", visible=False)
    y = 0.0
    for _, dots in figure.lines:
        for dot in dots:
            order = figure.series.index(dot.series)
            colour = COLOURS[order % len(COLOURS)]
            axes.plot([100 * dot.low, 100 * dot.high], [y, y], color=colour, lw=1.6, alpha=0.8)
            axes.plot(100 * dot.value, y, MARKERS[order % 4], color=colour, ms=5)
            kind = Kind.POINTS if figure.signed else Kind.SHARE
            axes.annotate(
                f"{text_of(dot.value, kind)}  n {dot.n:,}",
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=7,
                annotation_clip=False,
            )
            y += 1
        y += 0.7
    axes.set_yticks(places, [_label(name, 28) for name, _ in figure.lines])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(y - 0.7, -0.7)
    if figure.signed:
        axes.axvline(0, color="#5b6470", lw=1)
        axes.set_xlabel("percentage points")
    else:
        axes.set_xlim(-1, 101)
        axes.set_xlabel("accuracy, %, with 95 % interval")
    if not figure.names_itself:
        _legend(axes, figure.series)


@_draw.register
def _(figure: Stack, canvas: Canvas) -> None:
    axes = _axes(figure, canvas, 1.4 + 0.42 * len(figure.bars) + 0.1 * len(figure.parts))
    axes.grid(axis="y", visible=False)
    left = [0.0] * len(figure.bars)
    for order, part in enumerate(figure.parts):
        shares = [100 * counts[order] / (sum(counts) or 1) for _, counts in figure.bars]
        colour = PARTS.get(part, "#cccccc")
        bars = axes.barh(
            range(len(shares)), shares, left=left, color=colour, ec="white", lw=0.6, label=part
        )
        texts = [f"{share:.0f}" if share >= 4 else "" for share in shares]
        axes.bar_label(bars, texts, label_type="center", fontsize=7)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    names = [f"{_label(name, 28)}\nn {sum(counts):,}" for name, counts in figure.bars]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of trials")
    canvas.legend(loc="outside lower center", ncols=4, fontsize=7)


@_draw.register
def _(figure: Curves, canvas: Canvas) -> None:
    axes = _axes(figure, canvas, 3.6)
    for order, (_, points) in enumerate(figure.series):
        colour = COLOURS[order % len(COLOURS)]
        x, y = [p.x for p in points], [100 * p.y for p in points]
        marker = MARKERS[order % 4] if len(points) <= 24 else ""
        axes.plot(x, y, marker=marker, color=colour, ms=4, lw=1.6)
        bounded = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
        if bounded:
            low, high = ([100 * bound[i] for bound in bounded] for i in (1, 2))
            axes.fill_between([b[0] for b in bounded], low, high, color=colour, alpha=0.12, lw=0)
    _plane(axes, figure)
    if figure.steps:
        axes.set_xticks(sorted({p.x for _, points in figure.series for p in points}))
    _legend(axes, names=tuple(name for name, _ in figure.series))


@_draw.register
def _(figure: Scatter, canvas: Canvas) -> None:
    axes = _axes(figure, canvas, 3.6)
    for order, (_, p) in enumerate(figure.points):
        colour = COLOURS[order % len(COLOURS)]
        if p.low is not None and p.high is not None:
            axes.plot([p.x, p.x], [100 * p.low, 100 * p.high], color=colour, lw=1.6, alpha=0.8)
        axes.plot(p.x, 100 * p.y, MARKERS[order % 4], color=colour, ms=6)
    _plane(axes, figure)
    axes.set_xlim(0, ticks(1.05 * max(p.x for _, p in figure.points))[-1])
    _legend(axes, tuple(name for name, _ in figure.points))


def _axes(figure: Figure, canvas: Canvas, height: float) -> Axes:
    canvas.set_size_inches(_WIDTH, height)
    axes = canvas.add_subplot()
    axes.set_title(_label(figure.title, 80))
    return axes


def _plane(axes: Axes, figure: Curves | Scatter) -> None:
    axes.set_ylim(0, 101)
    axes.set_xlabel(figure.x_name)
    axes.set_ylabel(f"{figure.y_name}, %")


def _legend(axes: Axes, names: tuple[str, ...]) -> None:
    """Add one entry for each series, outside the axes, by colour and marker."""
    if len(names) < 2:
        return
    for order, name in enumerate(names):
        colour = COLOURS[order % len(COLOURS)]
        axes.plot([], [], MARKERS[order % 4], color=colour, ms=5, label=_label(name, 40))
    figure = axes.figure
    if isinstance(figure, Canvas):
        figure.legend(loc="outside lower left", ncols=2 if len(names) > 1 else 1, fontsize=8)


def _label(text: str, most: int) -> str:
    return short(plain(" ".join(text.split())), most)
