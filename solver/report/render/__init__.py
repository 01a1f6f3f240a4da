"""Draw the content of a report: for a terminal, as a page, as files."""
