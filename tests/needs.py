"""Decides what happens to a test whose machine lacks what the test needs.

It is skipped, and pytest's summary names it with the reason. Two variables make the lack a failure;
`.ci/run` sets both, so nothing is skipped there:

    SOLVER_SHARED_DATA=FOLDER           where published data sets lie
    SOLVER_REQUIRE=docker,native,...    what must be there: docker, native, browser, model, inspect,
                                        root, ray
"""

import os
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

from sandbox import SandboxError
from sandbox.boxes.image import image_status
from sandbox.boxes.native import find_bwrap, working_flags

_SHARED_DATA = "SOLVER_SHARED_DATA"
_REQUIRE = "SOLVER_REQUIRE"


def shared_data(name: str) -> Path:
    """Return the path of a published file, or skip the test where no such data was named."""
    folder = os.environ.get(_SHARED_DATA)
    if not folder:
        pytest.skip(f"needs {name}, published data: set {_SHARED_DATA} to the folder that has it")
    path = Path(folder) / name
    if not path.exists():
        pytest.fail(f"{_SHARED_DATA} is set, but {path} is missing")
    return path


def require(need: str) -> None:
    """Skip the test, or fail it where SOLVER_REQUIRE says so, if this machine lacks `need`."""
    if reason := _lack(need):
        lacking(need, reason)


def lacking(need: str, reason: str) -> NoReturn:
    """Skip the test for this reason, or fail it where SOLVER_REQUIRE names `need`."""
    if is_required(need):
        pytest.fail(f"{_REQUIRE} names {need!r}: {reason}")
    pytest.skip(reason)


def is_required(need: str) -> bool:
    """Tell whether SOLVER_REQUIRE names `need`; "docker" stands for "docker-strict" too."""
    return need.removesuffix("-strict") in os.environ.get(_REQUIRE, "").split(",")


def chromium() -> str | None:
    """Find the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@cache
def _lack(need: str) -> str:
    """Say why this machine cannot give `need`; an empty text means that it can."""
    match need:
        case "docker" | "docker-strict":
            return _no_docker()
        case "native" | "reduced" if not sys.platform.startswith("linux"):
            return f"{need} needs Linux"
        case "native":
            return _no_bubblewrap()
        case "reduced":
            return ""
        case "browser":
            found = chromium() and shutil.which("chromedriver")
            return "" if found else "needs Debian's packages chromium and chromium-driver"
        case "model":
            return _no_model()
        case "inspect":
            return (
                "" if find_spec("inspect_ai") else "needs inspect_ai: pip install -e '.[inspect]'"
            )
        case "ray":
            found = find_spec("ray") and shutil.which("unshare")
            return "" if found else "needs ray (pip install -e '.[ray]') and unshare"
        case "root":
            return "" if os.geteuid() == 0 else "needs root"
    raise ValueError(need)


def _no_docker() -> str:
    try:
        image = image_status()
    except SandboxError as error:
        return f"needs a Docker engine: {error}"
    return "" if image.present else f"needs the sandbox's image: {image.note}"


def _no_bubblewrap() -> str:
    try:
        working_flags(find_bwrap())
    except SandboxError as error:
        return str(error)
    return ""


def _no_model() -> str:
    from solver.errors import ConfigError, ModelError
    from solver.models import connect
    from solver.models._weights import get_smollm2
    from solver.records import Sampling

    try:
        connect("local/smollm2", Sampling(), {})
        get_smollm2()  # downloads the file if need be
    except (ConfigError, ModelError) as error:
        return f"no local model: {error}"
    return ""
