"""The canaries of a run: asked once for weights with a digest, in every run for a hosted model."""

import pytest

from judge import JudgeError
from solver.config import JudgeOptions, Patience
from solver.models.scripted import Scripted
from solver.run.canaries import pass_canaries
from solver.run.schedule import Endpoint, Gate
from solver.run.watch import Watch
from tests.unit.test_judge_audit import Gullible, Honest

WEIGHTS = {"digest": "sha256:1"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLVER_CACHE", str(tmp_path))


async def asked(described, options=None, ask=None):
    """How many requests the canaries took."""
    ask = ask or Honest()
    watch = Watch()
    endpoint = Endpoint(Scripted(replies=["x"]), Patience(), Gate(2), watch.judge_traffic)
    await pass_canaries(ask, endpoint, options or JudgeOptions(), described, watch)
    assert watch.phase == "solving"
    return ask.calls


async def test_weights_with_a_digest_are_asked_once():
    assert [await asked(WEIGHTS), await asked(WEIGHTS)] == [50, 0]


@pytest.mark.parametrize(
    ("described", "options"),
    [
        ({"digest": "sha256:2"}, JudgeOptions()),
        (WEIGHTS, JudgeOptions(max_tokens=4000)),
        (WEIGHTS, JudgeOptions(options={"think": False})),
        (WEIGHTS, JudgeOptions(preset="model-only")),
    ],
)
async def test_other_weights_settings_or_questions_are_asked_again(described, options):
    await asked(WEIGHTS)
    assert await asked(described, options) == 50


async def test_a_hosted_model_is_asked_in_every_run():
    assert [await asked({}), await asked({})] == [50, 50]


async def test_a_judge_that_failed_is_asked_again_and_given_up_early():
    ask = Gullible()
    for _ in range(2):
        before = ask.calls
        with pytest.raises(JudgeError, match="judge drifted"):
            await asked(WEIGHTS, ask=ask)
        assert 0 < ask.calls - before < 10
