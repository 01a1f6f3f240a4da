"""Write a run in one of the formats that `solver export` knows."""

from collections.abc import Iterator
from pathlib import Path

from solver.bridges import tables, training
from solver.errors import ConfigError
from solver.store import Store

FORMATS = (*tables.FORMATS, *training.FORMATS, "inspect", "lm-eval", "eval-results")


def export(
    store: Store,
    form: str,
    output: Path | None = None,
    *,
    per_problem: int = 4,
    source: str | None = None,
    no_formulas: bool = False,
    light: bool = False,
) -> Iterator[str]:
    """Write the run, and yield the path of each file, and what was left out.

    Raises ConfigError for an unknown format, and as the format's own function does.
    """
    if form in tables.FORMATS or no_formulas or light:
        yield str(tables.export_run(store, form, output, no_formulas=no_formulas, light=light))
    elif form in training.FORMATS:
        made = training.write_training(store, form, output, per_problem=per_problem)
        yield str(made)
        yield str(made.path)
    elif form == "inspect":
        from solver.bridges.inspect_export import export_inspect

        yield from map(str, export_inspect(store, output))
    elif form == "lm-eval":
        from solver.bridges.lm_eval_export import export_lm_eval

        yield from map(str, export_lm_eval(store, output))
    elif form == "eval-results":
        from solver.bridges.hub_export import export_eval_results

        yield from map(str, export_eval_results(store, output, source=source))
    else:
        raise ConfigError(f"--format: {form!r} is unknown; choices: {', '.join(FORMATS)}")
