"""Draw the content of a report: in a terminal, as an HTML page, and as files."""
