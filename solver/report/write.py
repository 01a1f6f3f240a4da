"""Write the report of some runs to files: the page, its figures, its tables."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from solver.collector import no_garbage_collection
from solver.errors import ConfigError, reason_of
from solver.outputs import replacing
from solver.report.content import Content, content_of
from solver.report.render.files import comma_separated, latex, markdown
from solver.report.render.html import render
from solver.report.runs import runs_of
from solver.store import Store
from solver.store.reading import require_distinct

FIGURE_FORMATS = ("png", "svg", "pdf")
TABLE_FORMATS = {"md": markdown, "latex": latex, "csv": comma_separated}
_ENDINGS = {"latex": "tex"}


def write_report(
    folders: Sequence[Path], output: Path | None = None, *, with_trials: bool = False
) -> Path:
    """Write the page, by default inside the first run, and return its path.

    With `with_trials` it holds whole trials: an example of each failure, and problems in dispute.
    Raises ConfigError where a run is missing or the file cannot be written.
    """
    path = output or _home(folders) / "report.html"
    page = render(_content(folders, with_trials=with_trials))
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def write_figures(
    folders: Sequence[Path], form: str = "png", output: Path | None = None
) -> list[Path]:
    """Write every figure into a folder, by default `figures` inside the first run.

    Raises ConfigError for an unknown format, a missing run, or a folder that cannot be written.
    """
    if form not in FIGURE_FORMATS:
        raise ConfigError(f"--format: {form!r} is unknown; choices: {', '.join(FIGURE_FORMATS)}")
    from solver.report.render.plot import save  # matplotlib takes half a second

    folder, content = output or _home(folders) / "figures", _content(folders)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [save(figure, folder / f"{figure.name}.{form}") for figure in content.figures()]
    except OSError as failure:
        raise _unwritable(folder, failure) from failure


def write_tables(folders: Sequence[Path], form: str, output: Path | None = None) -> list[Path]:
    """Write every table into a folder, by default `tables` inside the first run.

    Raises ConfigError for an unknown format, a missing run, or a folder that cannot be written.
    """
    if form not in TABLE_FORMATS:
        raise ConfigError(f"--tables: {form!r} is unknown; choices: {', '.join(TABLE_FORMATS)}")
    folder, content = output or _home(folders) / "tables", _content(folders)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in content.tables():
            path = folder / f"{table.name}.{_ENDINGS.get(form, form)}"
            path.write_text(TABLE_FORMATS[form](table), encoding="utf-8")
            written.append(path)
    except OSError as failure:
        raise _unwritable(folder, failure) from failure
    return written


def _content(folders: Sequence[Path], *, with_trials: bool = False) -> Content:
    require_distinct(folders)
    with no_garbage_collection(), ExitStack() as stack:
        stores = [stack.enter_context(closing(Store.open(folder))) for folder in folders]
        return content_of(runs_of(stores), with_trials=with_trials)


def _home(folders: Sequence[Path]) -> Path:
    return folders[0] if folders[0].is_dir() else folders[0].parent


def _unwritable(path: Path, failure: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot be written: {reason_of(failure)}")
