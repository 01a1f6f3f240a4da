"""Skips tests of boxes that this machine cannot build, and names theirs."""

import os

import pytest

from tests.needs import require as require

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
STRICT = pytest.param("docker-strict", marks=pytest.mark.docker)
NATIVE = pytest.param("native", marks=pytest.mark.native)
REDUCED = pytest.param("reduced", marks=pytest.mark.native)


def ours(name: str) -> str:
    """Return a name for boxes that no other process has: clones may test on one engine at once."""
    return f"{name}-{os.getpid()}"
