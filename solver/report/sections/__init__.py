"""Write the sections of the report: one file for each analysis, with the same name."""
