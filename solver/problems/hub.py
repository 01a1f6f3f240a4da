"""Download a data set from the dataset hub, at a pinned revision.

The files go to huggingface_hub's own cache, so a second run needs no network. Their contents are
checked in `pinned.py`: a revision names a commit, but does not prove what the text is.
"""

import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from solver.errors import ConfigError
from solver.install import pip_install

_SECONDS_TO_CONNECT = 5.0


@dataclass(frozen=True)
class Dataset:
    """Files of a data set at one commit."""

    id: str
    revision: str
    files: tuple[str, ...]
    """Their names; patterns such as `*.parquet` where the names are not known."""


def download(dataset: Dataset, name: str) -> dict[str, Path]:
    """Download the files that are not in the cache, and return the local path of each.

    Raises ConfigError where the hub cannot be used, and says how to do without it.
    """
    otherwise = (
        f"get {dataset.id}, revision {dataset.revision}, by other means, as one .jsonl, .csv or"
        " .parquet file, for `problems_file: FILE` (checked) or `--problems FILE`;"
        " `--problems starter` needs no download"
    )
    try:
        import huggingface_hub as hub  # optional, and slow to import
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as missing:
        raise ConfigError(
            f"problems {name!r} come from the dataset hub: {pip_install('hub')}. Or {otherwise}"
        ) from missing
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    if not all(
        _is_here(dataset, file) for file in dataset.files if "*" not in file
    ) and _is_unreachable(address):
        raise ConfigError(
            f"problems {name!r} come from the dataset hub, and {address} does not answer."
            f" Try again, or {otherwise}"
        )
    # Broken connections raise the HTTP library's own error, the first base of this one.
    http_error: type[Exception] = HfHubHTTPError.__bases__[0]
    commit = dataset.revision
    try:
        if any("*" in file for file in dataset.files):
            folder = hub.snapshot_download(
                dataset.id,
                repo_type="dataset",
                revision=commit,
                allow_patterns=[*dataset.files],
            )
            return _matching(Path(folder), dataset, name)
        return {
            file: Path(hub.hf_hub_download(dataset.id, file, repo_type="dataset", revision=commit))
            for file in dataset.files
        }
    except (http_error, OSError) as failure:
        raise ConfigError(
            f"problems {name!r}: the download from the dataset hub failed ({_why(failure)})."
            f" Try again, or {otherwise}"
        ) from failure


def _matching(folder: Path, dataset: Dataset, name: str) -> dict[str, Path]:
    """Return the downloaded files that match the patterns. Raises ConfigError without any."""
    found = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and any(fnmatch(file.name, Path(p).name) for p in dataset.files)
    }
    if not found:
        raise ConfigError(
            f"problems {name!r}: {dataset.id} has no {' or '.join(dataset.files)} at revision"
            f" {dataset.revision}"
        )
    return found


def _is_here(dataset: Dataset, file: str) -> bool:
    """Tell whether an earlier download of a file is in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(dataset.id, file, repo_type="dataset", revision=dataset.revision)
    return isinstance(found, str)


def _is_unreachable(address: str) -> bool:
    """Tell whether the hub cannot be connected to. Its client would find out in half a minute."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False  # nobody is asked, and its client says so at once
    try:
        urllib.request.urlopen(
            urllib.request.Request(address, method="HEAD"), timeout=_SECONDS_TO_CONNECT
        ).close()
    except urllib.error.HTTPError:
        return False
    except (OSError, http.client.HTTPException):
        return True
    return False


def _why(failure: Exception) -> str:
    """Return the failure's type and HTTP status. Its message may hold addresses and tokens."""
    status = getattr(getattr(failure, "response", None), "status_code", None)
    return f"{type(failure).__name__}{f', HTTP {status}' if status else ''}"
