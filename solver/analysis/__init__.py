"""From stored trials to findings: one file for each concern."""
