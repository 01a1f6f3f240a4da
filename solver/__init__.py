"""Measure how well a language model solves mathematics by writing Python."""

__version__ = "0.1.0"
