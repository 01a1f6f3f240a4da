"""The contamination lab: probes for memory, and variants of problems that no model has seen."""
