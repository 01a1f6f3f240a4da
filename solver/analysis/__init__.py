"""Compute results from stored trials: one file for each question."""
