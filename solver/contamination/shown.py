"""Print what `solver vary` made, what it rejected and why, and a sample for a person to check."""

from collections.abc import Sequence
from pathlib import Path

from solver.contamination.vary import Funnel
from solver.records import Problem
from solver.text import say

SAMPLE = 10
"""Variants that are printed whole."""


def show_funnel(funnel: Funnel, output: Path, rejected: Path) -> None:
    """Print the steps from problems to variants, the reasons, and a sample."""
    steps = (
        (funnel.with_program, "problems that a program solved"),
        (funnel.redrawable, "whose text and programs keep to the rules"),
        (funnel.verified, "whose programs print the reference when they are run again"),
        (funnel.varied, "with a variant on which all programs agree"),
    )
    for count, what in steps:
        say(f"{count:7,} {what}")
    say("")
    if funnel.reasons:
        say(f"{len(funnel.rejections):7,} problems left out:")
    for reason, count in funnel.reasons.most_common():
        say(f"{count:7,}   {reason}")
    if funnel.rejections:
        say(f"each with its reason: {rejected}")
    _show_sample(funnel.variants)
    say(f"{len(funnel.variants):,} variants: {output}")


def show_templates(variants: Sequence[Problem], output: Path) -> None:
    """Print how many problems the templates made, and a sample."""
    _show_sample(variants)
    originals = len({problem.variant_of for problem in variants})
    say(f"{len(variants):,} variants of {originals} starter problems: {output}")


def _show_sample(variants: Sequence[Problem]) -> None:
    """Print some variants whole, evenly spread."""
    step = max(1, len(variants) // SAMPLE)
    shown = variants[::step][:SAMPLE]
    if shown:
        say("")
        say(f"check these {len(shown)} by eye: is each well posed, and its answer right?")
    for problem in shown:
        say(f"── {problem.id}")
        say(problem.question)
        say(f"answer: {problem.answer}")
        say("")
