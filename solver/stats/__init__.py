"""Metrics, intervals and tests: functions of numbers alone."""
