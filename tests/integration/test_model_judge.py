"""The model judge over the wire: asked only where the rules are undecided, and stored."""

import asyncio
import json

import pytest

from solver.store import Store
from tests.integration.test_end_to_end import run_solver
from tests.servers import serving
from tests.wires import OpenAIWire, Said

CONFIG = """
model: scripted/test
providers:
  scripted: {{replies: ["so \\\\boxed{{0.33}}"]}}
  openai: {{base_url: "{url}/v1"}}
problems: problems.jsonl
mode: cot
judge: {{model: openai/judge, canaries: {canaries}}}
"""


async def opinion(messages, body):
    """A judge that finds everything the same under the problem's convention."""
    assert body["response_format"]["type"] == "json_schema"
    answer = {
        "reference_form": "1/3",
        "candidate_form": "0.33",
        "relation": "same_by_convention",
        "score": 4,
        "reason": "rounded as asked",
    }
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    return Said(json.dumps({key: answer.get(key, "0.33") for key in properties}))


def prepare(folder, url, *, canaries):
    text = CONFIG.format(url=url, canaries=str(canaries).lower())
    (folder / "run.yaml").write_text(text, encoding="utf-8")
    rows = [
        {"id": "third", "question": "Write 1/3, rounded to two digits.", "answer": "\\frac{1}{3}"},
        {"id": "half", "question": "What is a half?", "answer": "\\frac{1}{2}"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "problems.jsonl").write_text(text, encoding="utf-8")


async def test_only_what_the_rules_leave_open_is_asked_and_both_columns_are_shown(tmp_path):
    async with serving(OpenAIWire(reply=opinion, model="judge")) as server:
        prepare(tmp_path, server.url, canaries=False)
        done = await in_thread(run_solver, tmp_path, "run", "run.yaml")
        asked = len(server.wire.asked("/v1/chat/completions"))
    assert done.returncode == 0, done.stderr
    assert "rules 1 · model 1" in done.stdout
    assert asked in (1, 2)  # a second look swaps the sides
    store = Store.open(tmp_path / "runs/run")
    by = {row.problem_id: row.verdict.by for row in store.rows()}
    assert by == {"third": "model", "half": "rules"}
    store.close()


async def test_a_judge_that_errs_on_the_canaries_stops_the_run_before_it_is_believed(tmp_path):
    async with serving(OpenAIWire(reply=opinion, model="judge")) as server:
        prepare(tmp_path, server.url, canaries=True)
        done = await in_thread(run_solver, tmp_path, "run", "run.yaml")
    assert done.returncode == 2
    assert "judge drifted" in done.stderr
    assert "judge.canaries: false" in done.stderr
    assert done.stderr.count("\n") == 1


OWN_SERVER = """
model: openai/test
providers:
  openai: {{base_url: "{url}/v1"}}
problems: problems.jsonl
mode: cot
judge: {{model: openai/judge, canaries: false, preset: {preset}}}
"""


@pytest.mark.parametrize(
    ("preset", "asked"), [("model-only", 2), ("yes-no", 2), ("rules-then-model", 1)]
)
async def test_a_judge_on_the_models_own_server_is_asked_all_that_its_preset_asks(
    tmp_path, preset, asked
):
    """It waits until the model is done, and the rules decide first; their verdicts do not stay."""

    async def either(messages, body):
        if body["model"] == "test":
            third = "1/3" in messages[-1]["content"]
            return Said("so \\boxed{0.33}" if third else "so \\boxed{0.5}")
        if "response_format" not in body:
            return Said("\\boxed{no}")
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        different = {"relation": "different", "score": 1}
        return Said(json.dumps({key: different.get(key, "") for key in properties}))

    async with serving(OpenAIWire(reply=either, model="judge")) as server:
        prepare(tmp_path, server.url, canaries=False)
        text = OWN_SERVER.format(url=server.url, preset=preset)
        (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
        done = await in_thread(run_solver, tmp_path, "run", "run.yaml")
        bodies = [request.body for request in server.wire.asked("/v1/chat/completions")]
    assert done.returncode == 0, done.stderr
    by_model = [body for body in bodies if body["model"] == "judge"]
    assert len(by_model) == asked
    assert {body["max_tokens"] for body in by_model} == {600}
    store = Store.open(tmp_path / "runs/run")
    verdicts = {row.problem_id: row.verdict for row in store.rows()}
    store.close()
    assert verdicts["third"].by == "model"
    assert verdicts["half"].correct is (preset == "rules-then-model")
    assert verdicts["half"].rules == "equal"


async def test_a_judge_whose_replies_are_cut_is_said_to_be_cut(tmp_path):
    async def cut(messages, body):
        assert body["max_tokens"] == 50
        return Said('{"reference_form": "1/3", "candi', finish="length")

    async with serving(OpenAIWire(reply=cut, model="judge")) as server:
        prepare(tmp_path, server.url, canaries=False)
        text = (tmp_path / "run.yaml").read_text(encoding="utf-8")
        text = text.replace("canaries: false", "canaries: false, max_tokens: 50")
        (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
        done = await in_thread(run_solver, tmp_path, "run", "run.yaml")
    assert done.returncode == 0, done.stderr
    store = Store.open(tmp_path / "runs/run")
    relations = {row.problem_id: row.verdict.relation for row in store.rows()}
    store.close()
    assert relations == {"third": "judge_cut", "half": "different"}


async def in_thread(function, *arguments):

    return await asyncio.to_thread(function, *arguments)
