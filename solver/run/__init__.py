"""Run every trial of a config and keep what came of it."""
