"""Skips tests of boxes that this machine cannot build, names theirs and finds their containers."""

import os
import subprocess

import pytest

from sandbox.boxes.owners import LABEL
from tests.needs import require as require

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
STRICT = pytest.param("docker-strict", marks=pytest.mark.docker)
NATIVE = pytest.param("native", marks=pytest.mark.native)
REDUCED = pytest.param("reduced", marks=pytest.mark.native)


def ours(name: str) -> str:
    """Return a name for boxes that no other process has: clones may test on one engine at once."""
    return f"{name}-{os.getpid()}"


def containers_of(owner: str, *options: str) -> list[str]:
    """Return the ids of an owner's containers, running or not.

    `options` are docker's own, `--host` for another engine than the usual one. Raises
    CalledProcessError where no engine answers.
    """
    label = f"label={LABEL}.run={owner}"
    asked = ["docker", *options, "ps", "--all", "--quiet", "--no-trunc", "--filter", label]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
