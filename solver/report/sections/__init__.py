"""The sections of the report: one file for each analysis, under the same name."""
