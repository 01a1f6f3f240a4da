"""The addresses of the viewer's pages."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode


def run_address(run: str, query: Mapping[str, Any] | None = None, **more: Any) -> str:
    """Return the address of a run's list of trials."""
    return f"/run/{quote(run, safe='')}" + query_of({**(query or {}), **more})


def trial_address(run: str, key: str, query: Mapping[str, Any] | None = None) -> str:
    """Return the address of a trial, which stays valid as long as the run keeps its name."""
    return f"/run/{quote(run, safe='')}/trial/{quote(key)}" + query_of(query or {})


def raw_address(run: str, key: str, turn: int, part: str) -> str:
    """Return the address of one whole text of a trial."""
    return f"/run/{quote(run, safe='')}/raw/{turn}/{part}/{quote(key)}"


def beside_address(left: tuple[str, str], right: tuple[str, str]) -> str:
    """Return the address of two trials side by side, each given by its run and key."""
    return "/beside" + query_of({"left": "/".join(left), "right": "/".join(right)})


def query_of(parts: Mapping[str, Any]) -> str:
    """Return the parts that are not empty as a query string; a list is given value by value."""
    kept = {name: value for name, value in parts.items() if value not in (None, "", [])}
    return f"?{urlencode(kept, doseq=True)}" if kept else ""
