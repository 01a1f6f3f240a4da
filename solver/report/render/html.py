"""Write the content of a report as one HTML page.

All text passes through `plain` and is then escaped by the template engine. The page's own policy
forbids scripts and the network, and all its links lead to places in the same page.
"""

from solver.report.content import Content
from solver.report.figures import Figure, Forest, Stack, names_of
from solver.report.render.svg import COLOURS, draw, marker_path
from solver.templates import build_engine


def render(content: Content) -> str:
    """Write the page."""
    pages = build_engine("solver.report.render", ".")
    pages.globals.update(draw=draw, legend=legend)
    return pages.get_template("page.html.j2").render(content=content)


def legend(figure: Figure) -> list[tuple[str, str, str]]:
    """Return for each entry its name, and the CSS class and path of its marker."""
    if isinstance(figure, Stack):
        return [
            (name, f"part p-{name.replace(' ', '-')}", "M0,1h12v10h-12z") for name in figure.parts
        ]
    names = names_of(figure)
    if len(names) < 2 or (isinstance(figure, Forest) and figure.names_itself):
        return []
    return [(n, f"m s{i % COLOURS}", marker_path(i, 6, 6)) for i, n in enumerate(names)]
