"""Write a table as Markdown, LaTeX or CSV, with all text escaped."""

import csv
import io
import re
from collections.abc import Iterable

from solver.report.tables import Table
from solver.text import no_formula, plain


def markdown(table: Table) -> str:
    """Write GitHub's Markdown, in which no cell can become a link, an image or HTML."""
    bars = ["---" if column.is_text else "---:" for column in table.columns]
    lines = [_row(map(_in_markdown, (column.title for column in table.columns))), _row(bars)]
    for row, texts in zip(table.rows, table.texts(), strict=True):
        cells = [_in_markdown(text) for text in texts]
        lines.append(_row(f"**{c}**" for c in cells) if row[0] in table.emphasis else _row(cells))
    note = f"\n{_in_markdown(table.note)}\n" if table.note else ""
    return f"### {_in_markdown(table.title)}\n\n" + "\n".join(lines) + f"\n{note}"


def latex(table: Table) -> str:
    """Write a `tabular` for booktabs, in which no cell can become a command."""
    form = "".join("l" if column.is_text else "r" for column in table.columns)
    head = " & ".join(_in_latex(column.title) for column in table.columns)
    lines = [r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{{form}}}", r"\toprule"]
    lines += [rf"{head} \\", r"\midrule"]
    for row, texts in zip(table.rows, table.texts(), strict=True):
        cells = [_in_latex(text) for text in texts]
        if row[0] in table.emphasis:
            cells = [rf"\textbf{{{cell}}}" for cell in cells]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def comma_separated(table: Table) -> str:
    """Write CSV with full precision; an interval or a range takes two columns.

    No text begins like a formula of a spreadsheet.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        title
        for c in table.columns
        for title in ((f"{c.title}: low", f"{c.title}: high") if c.kind.is_pair else (c.title,))
    )
    for row in table.rows:
        cells: list[str | int | float] = []
        for value, column in zip(row, table.columns, strict=True):
            if column.kind.is_pair:
                cells += value if isinstance(value, tuple) else ("", "")
            elif isinstance(value, str):
                cells.append(no_formula(plain(value)))
            else:
                cells.append("" if value is None or isinstance(value, tuple) else value)
        writer.writerow(cells)
    return file.getvalue()


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(text: str) -> str:
    line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]()<>#!|~$&])", r"\\\1", line).replace("://", "\\://")


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": "$-$",
    "⌈": r"$\lceil$",
    "⌉": r"$\rceil$",
    "τ": r"$\tau$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
