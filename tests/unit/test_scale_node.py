"""What a node of a cluster does with its trials, with everything that it says sent as bytes."""

import asyncio
import pickle
import re

import pytest

from solver.errors import ConfigError
from solver.records import Problem, Reply, Trial, Turn
from solver.run.resume import todo_of
from solver.run.tasks import Todo, tasks_of
from solver.run.watch import Watch
from solver.scale.messages import Place
from solver.scale.node import Node, Outbox
from solver.scale.opening import on_cluster
from solver.store import Store
from tests.fakes import config_of

PROBLEMS = [
    Problem(id=f"p{n}", question=f"What is {n}?", answer=str(n), domain="algebra", level=1)
    for n in range(20)
]
REPLIES = {"scripted": {"replies": ["so \\boxed{7}"], "parallel": 4}}
CONFIG = config_of(mode="cot", judge="rules", providers=REPLIES)


class Far:
    """A real node, reached as over a wire: arguments and results are bytes on the way."""

    def __init__(self):
        self._node = Node()

    def __getattr__(self, method):
        async def call(*args, **kwargs):
            args, kwargs = pickle.loads(pickle.dumps((args, kwargs)))
            return pickle.loads(pickle.dumps(await getattr(self._node, method)(*args, **kwargs)))

        return call

    def kill(self):
        pass


class Two:
    """A cluster of two of them."""

    async def places(self):
        return [Place("1", "one"), Place("2", "two")]

    async def start(self, place):
        return Far()


@pytest.fixture
async def node(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    node = Far()
    yield node
    await node.close()


async def opened(node, tmp_path, **scripted):
    config = config_of(
        mode="cot", judge="rules", providers={"scripted": {**REPLIES["scripted"], **scripted}}
    )
    content = config.model_dump(mode="json")
    await node.open(content, owner="test", folder=str(tmp_path))
    return [Todo(task) for task in tasks_of(config, PROBLEMS)]


async def until_drained(node, todos=()):
    events, report = [], await node.exchange(todos)
    while True:
        events += report.events
        if report.drained:
            return events, report
        report = await node.exchange(())


async def test_a_run_on_two_nodes_stores_what_a_run_here_would(tmp_path, capsys):
    store, watch = Store.create_or_open(tmp_path), Watch()
    store.add_problems(PROBLEMS)
    async with on_cluster(Two())(CONFIG, tmp_path, watch) as crew:
        await crew.run(PROBLEMS, store, watch)
    rows = {row.problem_id: row for row in store.rows()}
    store.close()
    assert {name: str(row.outcome) for name, row in rows.items()} == {
        problem.id: "correct" if problem.answer == "7" else "wrong" for problem in PROBLEMS
    }
    assert {row.turns for row in rows.values()} == {1}
    said = capsys.readouterr().err
    did = dict(re.findall(r"node (\w+): (\d+) trials, .* 0 errors, idle", said))
    assert sum(map(int, did.values())) == len(PROBLEMS)
    assert all(int(did[name]) > 0 for name in ("one", "two"))


async def test_a_node_reports_as_soon_as_all_its_trials_have_ended(node, tmp_path, monkeypatch):
    monkeypatch.setattr("solver.scale.node.GATHERED_FOR", 600)
    todos = await opened(node, tmp_path)
    for part in (todos[:4], todos[4:7]):
        async with asyncio.timeout(60):
            report = await node.exchange(part)
        ended = {event.key for event in report.events if isinstance(event.what, Trial)}
        assert ended == {todo.task.key for todo in part}


async def test_a_stopped_node_ends_what_is_in_flight_and_begins_no_more(node, tmp_path):
    todos = await opened(node, tmp_path, delay=3)
    begun = asyncio.create_task(node.exchange(todos[:8]))
    await asyncio.sleep(0.5)  # four have been asked, and none has replied
    await node.stop()
    first = await begun
    events, _ = await until_drained(node)
    ended = [event for event in (*first.events, *events) if isinstance(event.what, Trial)]
    assert len(ended) == 4


async def test_a_node_whose_model_refuses_every_request_says_so_and_is_drained(node, tmp_path):
    todos = await opened(node, tmp_path, replies=[{"fails": -1, "status": 401}])
    _, report = await until_drained(node, todos)
    assert "401" in report.ended_by


async def test_a_node_that_lacks_a_key_names_its_variable(node, tmp_path, monkeypatch):
    monkeypatch.delenv("NODE_KEY", raising=False)
    config = config_of(
        model="openai/x", mode="cot", judge="rules",
        providers={"openai": {"base_url": "https://api.example.com/v1", "api_key_env": "NODE_KEY"}},
    )  # fmt: skip
    with pytest.raises(ConfigError, match="NODE_KEY"):
        await node.open(config.model_dump(mode="json"), owner="test", folder=str(tmp_path))


async def test_a_trial_with_a_stored_reply_asks_for_none(node, tmp_path):
    todos = await opened(node, tmp_path)
    store = Store.create_or_open(tmp_path / "run")
    store.add_reply(todos[3].task.key, 0, Reply(text="so \\boxed{3}"))
    begun = todo_of(todos[3].task, store, begun=False)
    store.close()
    report = await node.exchange([begun])
    every = list(report.events)
    while not any(isinstance(event.what, Trial) for event in every):
        report = await node.exchange(())
        every += report.events
    (trial,) = (event.what for event in every if isinstance(event.what, Trial))
    assert trial.verdict.score == 5
    assert report.counts.answered == 0


def test_a_turn_takes_the_place_of_its_reply_and_comes_before_the_end_of_its_trial():
    outbox = Outbox()
    reply, turn = Reply(text="one"), Turn(prompt=(), reply=Reply(text="one"))
    outbox.add_reply("k", 0, reply)
    outbox.add_turn("k", 0, turn)
    outbox.add_reply("k", 1, reply)
    assert [event.what for event in outbox.taken()] == [turn, reply]
    assert outbox.taken() == ()
