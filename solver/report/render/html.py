"""Write the content of a report as one HTML page.

All text passes through `plain` and is then escaped by the template engine, or becomes
harmless markup of `solver.markup`. The page's own policy forbids scripts and the network, and all
its links lead to places in the same page.
"""

from markupsafe import Markup

from solver.markup import FORMULA_CSS, answer_html, line_html
from solver.report.content import Content
from solver.report.figures import Figure, Forest, Stack, names_of
from solver.report.render.fold import folded, more_titles
from solver.report.render.svg import COLOURS, draw, marker_path
from solver.report.tables import Kind, Table, Value
from solver.templates import build_engine

WIDEST_FORMULA = 120
"""The most characters of an answer that is typeset, since a formula is never broken into lines."""


def render(content: Content) -> str:
    """Write the page."""
    pages = build_engine("solver.report.render", ".")
    pages.globals.update(
        cells=cells, draw=draw, folded=folded, formula_css=Markup(FORMULA_CSS), legend=legend,
        more_titles=more_titles,
    )  # fmt: skip
    return pages.get_template("page.html.j2").render(content=content)


def cells(table: Table) -> list[list[str]]:
    """Return what the cells of a table show: formulas typeset, all else as the texts for people."""
    return [
        [
            _cell(value, column.kind, text)
            for value, column, text in zip(row, table.columns, texts, strict=True)
        ]
        for row, texts in zip(table.rows, table.texts(), strict=True)
    ]


def _cell(value: Value, kind: Kind, text: str) -> str:
    if isinstance(value, str) and kind is Kind.FORMULA and len(value) <= WIDEST_FORMULA:
        return answer_html(value)
    if isinstance(value, str) and kind is Kind.PROSE:
        return line_html(value)
    return text


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
