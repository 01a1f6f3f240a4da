"""The template engine of the pages, and the filters and functions that templates use.

Every string on a page passes through `plain` and the engine's escaping, or through `solver.markup`.
"""

import time
from collections.abc import Sequence

from jinja2 import Environment

from solver import markup
from solver.analysis.other_judge import word_of
from solver.markup.markdown import reply_html
from solver.modes import stored_mode
from solver.records import Turn
from solver.templates import build_engine
from solver.text import model_name, plain_name
from solver.view.addresses import beside_address, query_of, raw_address, run_address, trial_address
from solver.view.certainty import marked_html


def build_environment() -> Environment:
    """Build the engine, with what the templates use."""
    environment = build_engine("solver.view", "templates")
    environment.globals.update(
        query_of=query_of,
        run_address=run_address,
        trial_address=trial_address,
        raw_address=raw_address,
        beside_address=beside_address,
        text_limit=markup.TEXT_LIMIT,
        mode_of=stored_mode,
        first_alike=first_alike,
    )
    environment.filters.update(
        answer=markup.answer_html,
        code=markup.code_html,
        marked=marked_html,
        line=markup.line_html,
        math=markup.math_html,
        reply=reply_html,
        text=markup.text_html,
        brief=brief,
        word_of=word_of,
        value=lambda text: markup.answer_html(text) if len(text) <= 60 else brief(text, 60),
        named=plain_name,
        model=model_name,
        duration=duration,
        clock=lambda unix: time.strftime("%Y-%m-%d %H:%M", time.localtime(unix)),
    )
    return environment


def first_alike(turns: Sequence[Turn], number: int) -> int | None:
    """Return the first turn before the given one, from 1, that wrote and printed the same."""

    def seen(turn: Turn) -> tuple[object, ...]:
        ran = turn.execution
        return turn.reply.text, turn.program, ran and (ran.exit, ran.stdout, ran.stderr)

    last = seen(turns[number - 1])
    return next((n for n, turn in enumerate(turns[: number - 1], 1) if seen(turn) == last), None)


def duration(seconds: float) -> str:
    """Format seconds as `40 s`, `12 min` or `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def brief(text: str, most: int = 120) -> str:
    """Return the start of a name, since names in a run from elsewhere may have any length."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
