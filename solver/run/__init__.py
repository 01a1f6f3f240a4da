"""Run every trial of a config and store its result."""
