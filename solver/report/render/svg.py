"""Lay out figures for the page, as marks with coordinates; the template writes them as inline SVG.

Colours are in the style sheet, so that one drawing works in light and dark mode and on paper. Every
drawing is as wide as a phone's screen, since a wider one would be shrunk there with its text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import singledispatch

from solver.report.figures import Curves, Dot, Figure, Forest, Point, Scatter, Stack, ticks
from solver.report.tables import Kind, number, text_of
from solver.text import short

WIDTH = 440.0
COLOURS = 7
"""Colours of series in the style sheet. There are four markers, so 28 series look different."""
_LINE = 17.0
_TOP = 8.0
_GUTTER = 22
"""The most characters of a name that fit to the left of the dots."""
_VALUES = 114.0
"""The width of the values on the right."""


@dataclass(frozen=True)
class Mark:
    """One SVG element: its name, attributes, text, and the title shown when hovering over it."""

    tag: str
    attributes: dict[str, str | float]
    text: str = ""
    title: str = ""


@dataclass
class Drawing:
    """The marks of one figure, from back to front."""

    height: float
    label: str
    """The text for screen readers; the table next to the figure has the numbers."""
    width: float = WIDTH
    marks: list[Mark] = field(default_factory=list)

    def line(self, kind: str, x1: float, y1: float, x2: float, y2: float, title: str = "") -> None:
        """Draw a straight line."""
        place = {"x1": _r(x1), "y1": _r(y1), "x2": _r(x2), "y2": _r(y2)}
        self.marks.append(Mark("line", {"class": kind, **place}, title=title))

    def text(self, x: float, y: float, text: str, kind: str = "t", title: str = "") -> None:
        """Write one line of text; `kind` holds its CSS classes, such as `end` or `middle`."""
        self.marks.append(Mark("text", {"class": kind, "x": _r(x), "y": _r(y)}, text, title))

    def path(self, kind: str, path: str, title: str = "") -> None:
        """Draw a path."""
        self.marks.append(Mark("path", {"class": kind, "d": path}, title=title))

    def marker(self, number: int, x: float, y: float, title: str = "") -> None:
        """Draw the marker of a series."""
        self.path(f"m s{number % COLOURS}", marker_path(number, x, y), title)


def marker_path(number: int, x: float, y: float, r: float = 4.5) -> str:
    """Return the path of a circle, square, diamond or triangle, which differ without colour."""
    x, y = _r(x), _r(y)
    match number % 4:
        case 0:
            return f"M{_r(x - r)},{y}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 {-2 * r},0z"
        case 1:
            return f"M{_r(x - r + 0.5)},{_r(y - r + 0.5)}h{2 * r - 1}v{2 * r - 1}h{1 - 2 * r}z"
        case 2:
            return f"M{x},{_r(y - r - 1)}l{r + 1},{r + 1}l{-r - 1},{r + 1}l{-r - 1},{-r - 1}z"
        case _:
            return f"M{x},{_r(y - r - 0.5)}l{r + 0.5},{2 * r}h{-2 * r - 1}z"


@singledispatch
def draw(figure: Figure) -> Drawing:
    """Lay a figure out."""
    raise TypeError(f"no drawing for {type(figure).__name__}")


@draw.register
def _(figure: Forest) -> Drawing:
    longest = max(len(name) for name, _ in figure.lines)
    above = longest > _GUTTER  # long names stand over their dots instead of next to them
    left = 16.0 if above else 16 + 7.0 * longest
    head, gap = (17.0, 5.0) if above else (0.0, 9.0)
    bottom = _TOP + sum(head + _LINE * len(dots) + gap for _, dots in figure.lines)
    drawing = Drawing(bottom + 24, figure.title)
    marks, low, high = _axis(figure)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - _VALUES)

    for mark in marks:
        kind = "zero" if mark == 0 and figure.signed else "grid"
        drawing.line(kind, x(mark), _TOP, x(mark), bottom)
        drawing.text(x(mark), bottom + 15, _percent(mark, figure.signed), "t middle faint")
    y = _TOP + gap / 2
    for name, dots in figure.lines:
        if above:
            drawing.text(0, y + 12, short(name, 60), "t halo", title=name)
        else:
            drawing.text(left - 10, y + _LINE * len(dots) / 2 + 4, name, "t end")
        y += head
        for dot in dots:
            _dot(drawing, figure, dot, x, y + _LINE / 2)
            y += _LINE
        y += gap
    return drawing


def _dot(drawing: Drawing, figure: Forest, dot: Dot, x: Callable[[float], float], y: float) -> None:
    order = figure.series.index(dot.series)
    kind = Kind.POINTS if figure.signed else Kind.SHARE
    value = text_of(dot.value, kind)
    said = f"{dot.series}: {value}, {text_of((dot.low, dot.high), Kind.INTERVAL)}, n = {dot.n:,}"
    drawing.line(f"range s{order % COLOURS}", x(dot.low), y, x(dot.high), y, said)
    drawing.marker(order, x(dot.value), y, said)
    drawing.text(WIDTH - 46, y + 4, value, "t end")
    drawing.text(WIDTH, y + 4, f"n {_brief(dot.n)}", "t end faint")


def _axis(figure: Forest) -> tuple[list[float], float, float]:
    """Return where the axis has marks, and its ends."""
    if not figure.signed:
        return [0, 0.25, 0.5, 0.75, 1], 0, 1
    ends = [abs(end) for _, dots in figure.lines for dot in dots for end in (dot.low, dot.high)]
    high = ticks(max([*ends, 0.1]) / 2)[-1] * 2
    return [-high, -high / 2, 0, high / 2, high], -high, high


@draw.register
def _(figure: Stack) -> Drawing:
    each = 46.0
    drawing = Drawing(each * len(figure.bars), figure.title)
    for row, (name, counts) in enumerate(figure.bars):
        top, total, x = each * row, sum(counts), 0.0
        drawing.text(0, top + 13, short(name, 50), "t", title=name)
        drawing.text(WIDTH, top + 13, f"n {total:,}", "t end faint")
        for part, count in zip(figure.parts, counts, strict=True):
            if not count:
                continue
            width = WIDTH * count / total
            place = {"x": _r(x), "y": top + 20, "width": _r(max(width - 1, 0.4)), "height": 18}
            said = f"{part}: {count:,} of {total:,} ({text_of(count / total, Kind.SHARE)})"
            kind = f"part p-{part.replace(' ', '-')}"
            drawing.marks.append(Mark("rect", {"class": kind, **place}, title=said))
            if width >= 34:
                share = f"{100 * count / total:.0f} %"
                drawing.text(x + width / 2, top + 33, share, f"{kind} on middle")
            x += width
    return drawing


@draw.register
def _(figure: Curves) -> Drawing:
    points = [point for _, series in figure.series for point in series]
    first = min(point.x for point in points)
    low = 0.0 if not figure.steps else first
    high = max(point.x for point in points)
    x_marks = ticks(high, whole=figure.steps)
    if not figure.steps:
        high = x_marks[-1]
    else:
        x_marks = sorted({first, *(mark for mark in x_marks if first < mark <= high)})
    drawing = _plane(figure, x_marks, low, high if high > low else low + 1)
    for order, (name, series) in enumerate(figure.series):
        _curve(drawing, order, name, series, low, high if high > low else low + 1, figure.x_name)
    return drawing


def _curve(
    drawing: Drawing,
    order: int,
    name: str,
    series: tuple[Point, ...],
    low: float,
    high: float,
    x_name: str,
) -> None:
    def at(value: float, share: float) -> str:
        return f"{_r(_x(value, low, high))},{_r(_y(share))}"

    bounded = [(p.x, p.low, p.high) for p in series if p.low is not None and p.high is not None]
    if bounded:
        upper = [at(x, top) for x, _, top in bounded]
        lower = [at(x, bottom) for x, bottom, _ in reversed(bounded)]
        drawing.path(f"band s{order % COLOURS}", f"M{'L'.join(upper + lower)}z")
    drawing.path(f"curve s{order % COLOURS}", "M" + "L".join(at(p.x, p.y) for p in series))
    if len(series) <= 24:
        for p in series:
            said = f"{name}: {text_of(p.y, Kind.SHARE)} at {x_name} {p.x:g}"
            drawing.marker(order, _x(p.x, low, high), _y(p.y), said)


@draw.register
def _(figure: Scatter) -> Drawing:
    marks = ticks(1.05 * max(point.x for _, point in figure.points))
    drawing = _plane(figure, marks, 0.0, marks[-1])
    for order, (name, p) in enumerate(figure.points):
        x = _x(p.x, 0.0, marks[-1])
        said = f"{name}: {text_of(p.y, Kind.SHARE)} at {number(p.x)} {figure.x_name}"
        if p.low is not None and p.high is not None:
            drawing.line(f"range s{order % COLOURS}", x, _y(p.low), x, _y(p.high), said)
        drawing.marker(order, x, _y(p.y), said)
    return drawing


_LEFT, _RIGHT, _HEIGHT, _FOOT = 42.0, 12.0, 270.0, 40.0


def _plane(figure: Curves | Scatter, x_marks: list[float], low: float, high: float) -> Drawing:
    """Draw the axes: shares from 0 to 1 upwards, x marks along the bottom."""
    drawing = Drawing(_HEIGHT, figure.title)
    for share in (0, 0.25, 0.5, 0.75, 1):
        drawing.line("grid", _LEFT, _y(share), WIDTH - _RIGHT, _y(share))
        drawing.text(_LEFT - 6, _y(share) + 4, _percent(share), "t end faint")
    for mark in x_marks:
        x = _x(mark, low, high)
        drawing.line("grid", x, _y(0), x, _y(0) + 4)
        drawing.text(
            x, _y(0) + 17, f"{mark:,g}" if mark < 10_000 else f"{mark:,.0f}", "t middle faint"
        )
    drawing.text((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 4, figure.x_name, "t middle")
    return drawing


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + 6 + (value - low) / (high - low) * (WIDTH - _RIGHT - _LEFT - 12)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _FOOT)


def _percent(share: float, signed: bool = False) -> str:
    points = 100 * share
    text = f"{points:+g}" if signed and points else f"{points:g}"
    return text.replace("-", "−") + ("" if signed else " %")


def _brief(count: int) -> str:
    return f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"


def _r(value: float) -> float:
    return round(value, 1)
