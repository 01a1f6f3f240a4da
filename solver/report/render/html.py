"""The content as one HTML page.

Everything is escaped by the template engine and passes through `plain` first, the page forbids
itself scripts and the network, and nothing in it points anywhere but into itself.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from solver.report.content import Content
from solver.report.figures import Figure, Forest, Stack, names_of
from solver.report.render.svg import COLOURS, draw, marker_path
from solver.text import plain


def render(content: Content) -> str:
    """Write the page."""
    pages = Environment(
        loader=PackageLoader("solver.report.render", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(draw=draw, legend=legend)
    return pages.get_template("page.html.j2").render(content=content)


def legend(figure: Figure) -> list[tuple[str, str, str]]:
    """Return for each entry its name, the style of its sign, and the sign's path."""
    if isinstance(figure, Stack):
        return [
            (name, f"part p-{name.replace(' ', '-')}", "M0,1h12v10h-12z") for name in figure.parts
        ]
    names = names_of(figure)
    if len(names) < 2 or (isinstance(figure, Forest) and figure.names_itself):
        return []
    return [(n, f"m s{i % COLOURS}", marker_path(i, 6, 6)) for i, n in enumerate(names)]


def _harmless(value: Any) -> Any:
    """Write out control characters in text; leave markup of the template itself alone."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
