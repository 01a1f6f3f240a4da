"""Skips tests of boxes that this machine cannot build."""

import pytest

from tests.needs import require as require

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
STRICT = pytest.param("docker-strict", marks=pytest.mark.docker)
NATIVE = pytest.param("native", marks=pytest.mark.native)
REDUCED = pytest.param("reduced", marks=pytest.mark.native)
