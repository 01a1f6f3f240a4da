"""Boxes that the tests of a file share, since opening one takes seconds; and a real model's file.

A test that changes or ends its box, or needs it to be of another size, opens one of its own:
`opened` in `boxes.py`. One that needs other limits of time or output takes `limited`.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox import Sandbox
from solver.models._weights import get_smollm2
from tests.integration.boxes import opened
from tests.integration.engines import DOCKER, NATIVE, REDUCED, STRICT, require


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[DOCKER, NATIVE, REDUCED])
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Open a pool of each kind, with one worker: the next program would see what one left."""
    async with opened(request.param) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[DOCKER, STRICT, NATIVE, REDUCED]
)
async def every_kind(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Open a sandbox of every kind, with two workers."""
    async with opened(request.param, workers=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def weights() -> None:
    """Have the file of local/smollm2, downloaded if need be."""
    require("model")
    get_smollm2()
