"""The report of one or several runs: an HTML page, and its figures and tables as files.

    write_report   one HTML page that needs no network and no script
    write_figures  its figures as PNG, SVG or PDF
    write_tables   its tables as Markdown, LaTeX or CSV

`show` prints the same sections in a terminal. The numbers are computed by `solver.analysis`.
"""

from solver.report.write import (
    FIGURE_FORMATS,
    TABLE_FORMATS,
    write_figures,
    write_report,
    write_tables,
)

__all__ = ["FIGURE_FORMATS", "TABLE_FORMATS", "write_figures", "write_report", "write_tables"]
