"""Say how an optional part of solver is installed."""

from pathlib import Path

DISTRIBUTION = "solver-bench"
"""The name on the package index, where `solver` is another project."""


def pip_install(extra: str) -> str:
    """Return the command that installs an extra: from the clone that this is, or the index."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        return f"pip install '{DISTRIBUTION}[{extra}]'"
    place = "." if root == Path.cwd() else root
    return f"pip install '{place}[{extra}]'"
