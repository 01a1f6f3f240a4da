"""Resume: what has changed since the run began is refused, and what may change is not."""

import pytest

from solver.errors import ConfigError
from solver.models import provider_of
from solver.models.scripted import Scripted
from solver.run.sameness import check_resume, check_served, look_again
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.store import Store
from tests.fakes import PROBLEMS, config_of, program, run_of

FACTS = {"digest": "aa", "quantisation": "Q4_0", "context": 8192, "weights": []}


@pytest.fixture
async def store(tmp_path):
    """A run of which one trial of each problem is stored."""
    check = Store.create_or_open(tmp_path)
    resume(check)
    check.close()
    store = await run_of(tmp_path, [program("print(1)")])
    yield store
    store.close()


def resume(store, problems=PROBLEMS, **content):
    check_resume(store, config_of(**content), problems, {})


async def test_the_same_run_goes_on(store):
    resume(store)


async def test_another_config_is_refused_with_the_difference(store):
    with pytest.raises(ConfigError, match="seed: 0 → 1"):
        resume(store, seed=1)


async def test_a_changed_prompt_is_refused_by_its_mode(store):
    store.write_manifest(prompts={"code": "0123456789abcdef", "cot": "of a mode that is not run"})
    with pytest.raises(ConfigError, match="prompts of mode code: 0123456789abcdef → "):
        resume(store)


async def test_a_run_of_an_earlier_version_is_held_against_its_keys(store):
    """Its manifest holds no prompts."""
    manifest = store.manifest()
    store.forget()
    store.add_problems(PROBLEMS)
    store.write_manifest(identity=manifest["identity"], config=manifest["config"])
    resume(store)
    store.forget()
    store.add_problems(PROBLEMS)
    store.write_manifest(identity=manifest["identity"], config=manifest["config"])
    others = [problem.model_copy(update={"id": f"x{problem.id}"}) for problem in PROBLEMS]
    with pytest.raises(ConfigError, match="3 stored trials were made with other prompts"):
        resume(store, others)


async def test_a_run_of_which_nothing_is_stored_starts_again(tmp_path):
    store = Store.create_or_open(tmp_path)
    resume(store, model="scripted/mistyped")
    resume(store)
    assert store.manifest()["config"]["model"][0]["name"] == "scripted/test"
    store.close()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"digest": "bb"}, "digest: aa → bb"),
        ({"quantisation": "Q8_0"}, "quantisation: Q4_0 → Q8_0"),
        ({"context": 4096}, "context: 8192 → 4096"),
    ],
)
async def test_another_model_under_the_same_name_is_refused(store, now, said):
    store.write_manifest(models={"m": FACTS})
    with pytest.raises(ConfigError, match=f"began with another model: m: {said}"):
        check_served(store, {"m": {**FACTS, **now}})


@pytest.mark.parametrize(
    "now", [{}, {"version": "9"}, {"hosts": ["other"]}, {"weights": ["ff"]}, {"parallel": 4}]
)
async def test_what_decides_no_reply_may_change(store, now):
    store.write_manifest(models={"m": FACTS})
    check_served(store, {"m": {**FACTS, **now}})


async def test_a_digest_of_a_path_decides_nothing_where_the_weights_are_told(store):
    store.write_manifest(models={"m": {**FACTS, "weights": ["ff"]}})
    check_served(store, {"m": {**FACTS, "weights": ["ff"], "digest": "bb"}})
    with pytest.raises(ConfigError, match="weights"):
        check_served(store, {"m": {**FACTS, "weights": ["ee"]}})


def test_what_a_provider_sends_unasked_is_part_of_a_trials_key():
    assert provider_of("ollama").decisive({}) == {"repeat_penalty": 1.0}


def test_sampling_left_unset_keeps_the_keys_of_before():
    """Written down before there were penalties."""
    config = config_of(model="openai/x", mode="code")
    sampling = config.sampling_of(config.model[0]).measured()
    assert sampling == {
        "temperature": 0.0, "top_p": None, "top_k": None, "max_tokens": 2048, "stop": [],
    }  # fmt: skip
    warm = config_of(model="openai/x", mode="code", sampling={"min_p": 0.1})
    assert {t.key for t in tasks_of(config, PROBLEMS)}.isdisjoint(
        t.key for t in tasks_of(warm, PROBLEMS)
    )


class Exchanged(Scripted):
    """Serves what it is told to."""

    digest = "aa"

    async def served(self):
        return [{"digest": self.digest, "version": "9"}]


async def test_a_model_that_is_exchanged_during_the_run_ends_it():
    model, watch = Exchanged(replies=["x"]), Watch()
    began = {model.name: {"digest": "aa"}}
    await look_again([model], began, watch)
    assert watch.ended_by is None
    model.digest = "bb"
    await look_again([model, Scripted(replies=["x"])], began, watch)
    assert watch.stopping
    assert "exchanged during the run: digest: aa → bb" in str(watch.ended_by)
