"""A run that is killed again and again loses nothing and requests nothing twice."""

import pytest

from tests.bench.kills import kill_runs
from tests.integration.engines import require


@pytest.mark.native
@pytest.mark.parametrize("arm", ["words", "checked"])
async def test_killed_runs_lose_nothing_and_request_no_reply_again(tmp_path, arm):
    require("native")
    found = await kill_runs(tmp_path, kind="native", arm=arm, kills=2, limit=2)
    assert found.kills == 2
    assert found.good, found
