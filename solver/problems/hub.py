"""Fetching a data set from the dataset hub, at a pinned revision.

The files land in huggingface_hub's own cache, so the second run needs no network. What they hold is
checked elsewhere (`pinned.py`): a revision names a commit, it does not vouch for the text.
"""

from dataclasses import dataclass
from pathlib import Path

from solver.errors import ConfigError


@dataclass(frozen=True)
class Dataset:
    """Files of a data set at one commit."""

    id: str
    revision: str
    files: tuple[str, ...]


def download(dataset: Dataset, name: str) -> dict[str, Path]:
    """The data set's files and where each lies here, fetched unless they are already in the cache.

    Raises ConfigError where the hub cannot be used, saying how to do without it.
    """
    otherwise = (
        f"get {dataset.id}, revision {dataset.revision}, by other means, as one .jsonl, .csv or"
        " .parquet file, for `problems_file: FILE` (checked) or `--problems FILE`"
    )
    try:
        from huggingface_hub import hf_hub_download  # optional, and slow to import
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as missing:
        raise ConfigError(
            f"problems {name!r} come from the dataset hub: pip install 'solver[hub]'."
            f" Or {otherwise}"
        ) from missing
    # Its first base is the HTTP library's own error, which broken connections raise as it is.
    http_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        return {
            file: Path(
                hf_hub_download(dataset.id, file, repo_type="dataset", revision=dataset.revision)
            )
            for file in dataset.files
        }
    except (http_error, OSError) as failure:
        raise ConfigError(
            f"problems {name!r}: the dataset hub does not give it ({_why(failure)})."
            f" Try again, or {otherwise}"
        ) from failure


def _why(failure: Exception) -> str:
    """The failure's kind and HTTP status: its message may hold addresses and tokens."""
    status = getattr(getattr(failure, "response", None), "status_code", None)
    return f"{type(failure).__name__}{f', HTTP {status}' if status else ''}"
