"""What tests of several files use: open boxes, since opening one takes seconds, and more.

A test that changes or ends its box, or needs it to be of another size, opens one of its own:
`opened` in `boxes.py`. One that needs other limits of time or output takes `limited`.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Sandbox
from solver.models._weights import get_smollm2
from tests.integration.attacks.launching import SECRET, SECRET_NAME
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


@pytest.fixture(scope="module")
def harness_secret() -> Iterator[None]:
    """Set an environment variable of this process that no program may see."""
    os.environ[SECRET_NAME] = SECRET
    yield
    del os.environ[SECRET_NAME]


@pytest.fixture(scope="module")
def host_canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of the host that attacks try to read, overwrite and remove."""
    path = tmp_path_factory.mktemp("host") / "canary"
    path.write_text("alive", encoding="utf-8")
    return path
