"""Skips tests of boxes that this machine cannot build."""

import os
import shutil
import subprocess
import sys

import pytest

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
STRICT = pytest.param("docker-strict", marks=pytest.mark.docker)
NATIVE = pytest.param("native", marks=pytest.mark.native)
REDUCED = pytest.param("reduced", marks=pytest.mark.native)


def require(kind: str) -> None:
    """Skip where this machine has no such box; on the build server, fail."""
    missing = _missing(kind)
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def _missing(kind: str) -> str:
    if kind.startswith("docker"):
        asked = subprocess.run(["docker", "version"], capture_output=True, check=False, text=True)
        return f"needs a Docker engine: {asked.stderr.strip()}" if asked.returncode else ""
    if not sys.platform.startswith("linux"):
        return f"{kind} needs Linux"
    if kind == "native" and shutil.which("bwrap") is None:
        return "needs bubblewrap: apt-get install bubblewrap"
    return ""
