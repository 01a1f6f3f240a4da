"""What several unit tests share."""

import pytest

from tests.viewed import client_of, write


@pytest.fixture
def client(tmp_path):
    """A client of the viewer over one small run, `first`."""
    write(tmp_path / "first")
    with client_of(tmp_path) as client:
        yield client
