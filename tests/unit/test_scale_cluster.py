"""A run on many nodes: what is lost, late, twice, too much at a time, or not the same."""

import asyncio
import subprocess
import sys
from collections import deque
from contextlib import asynccontextmanager
from functools import cache

import pytest

from judge import Verdict
from solver.errors import ConfigError, ModelError
from solver.records import Message, Problem, Reply, Trial, Turn
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from solver.scale.driver import Team
from solver.scale.hiring import MOST_STARTS, Hiring
from solver.scale.leases import LEASES, Leases, Share
from solver.scale.messages import About, Event, Group, NodeLost, Opened, Place, Report
from solver.scale.opening import on_cluster
from solver.scale.software import software
from solver.store import Store
from tests.fakes import ExactJudge, config_of

AT_ONCE = 4
PROBLEMS = [
    Problem(id=f"p{n}", question=f"What is {n}?", answer=str(n), domain="algebra", level=1)
    for n in range(60)
]
CONFIG = config_of(mode="cot")
here = cache(software)


class Hand:
    """A worker that ends at most `pace` trials an exchange; it may be lost, or report late."""

    def __init__(
        self, place, *, pace=3, dies_at=None, fails_at=None, wait=0.0, sees=lambda n: None, **built
    ):
        self.place = place
        self.holding: deque = deque()
        self.given: list = []
        self.most = 0
        self.killed = False
        self.stopped = False
        self.calls = 0
        self.late: list[Event] = []
        self._pace, self._dies_at, self._fails_at, self._sees = pace, dies_at, fails_at, sees
        self._wait = wait
        self._built = built

    async def about(self, models):
        if answers := self._built.get("answers"):
            await answers.wait()
        return About({**here(tuple(models)), **self._built.get("software", {})})

    async def open(self, content, *, owner, folder):
        if "refuses" in self._built:
            raise ConfigError(self._built["refuses"])
        models = {"scripted/test": {"hash": self._built.get("hash", "same")}}
        sandbox = {"kind": "docker", "image_id": self._built.get("image", "sha256:1")}
        return Opened(
            facts={"models": models, "sandbox": sandbox, "judge": {}},
            cannot={},
            warnings=[],
            judge="exact",
            judges_later=self._built.get("judges_later", False),
            groups=(Group(("scripted/test",), AT_ONCE),),
        )

    async def exchange(self, todos):
        await asyncio.sleep(self._wait)
        self.calls += 1
        self._sees(self.calls)
        if self.killed or self.calls == self._dies_at:
            raise NodeLost("the machine is gone")
        self.given += todos
        self.holding += todos
        self.most = max(self.most, len(self.holding))
        if self._fails_at is not None and self.calls >= self._fails_at:
            return Report(ended_by="its server is down", drained=True)
        events = [*self.late]
        for _ in range(0 if self.stopped else min(self._pace, len(self.holding))):
            events += ended(self.holding.popleft())
        return Report(events=tuple(events), drained=self.stopped)

    async def stop(self):
        self.stopped = True

    async def look(self):
        return self._built.get("exchanged")

    async def close(self):
        pass

    def kill(self):
        self.killed = True


def turn(text="so 1"):
    return Turn(prompt=(Message(role="user", text="q"),), reply=Reply(text=text), answer="1")


def ended(todo):
    """What a trial gives that ends with one turn after those it began with."""
    task, turns = todo.task, (*todo.turns, turn())
    trial = Trial(
        problem_id=task.problem.id, model=task.model, mode=task.mode, repeat=task.repeat,
        seed=task.seed, turns=turns, verdict=Verdict(5, "rules", "same", "equal"), error=None,
        started=0.0, seconds=0.1,
    )  # fmt: skip
    return [Event(task.key, len(todo.turns), turns[-1]), Event(task.key, len(turns), trial)]


class Hands:
    """A cluster of such workers, each made by what `makes` gives for a node's name."""

    def __init__(self, *names, **makes):
        self.names = list(names)
        self.hired: list[Hand] = []
        self._makes = makes

    async def places(self):
        return [Place(name, name) for name in self.names]

    async def start(self, place):
        made = self._makes.get(place.name, {})
        self.hired.append(Hand(place, **(made.pop(0) if isinstance(made, list) else made)))
        return self.hired[-1]


@asynccontextmanager
async def team(cluster, folder):
    hiring = Hiring(CONFIG, folder, cluster)
    await hiring.first()
    yield Team(
        CONFIG,
        hiring,
        hiring.opened.facts,
        {},
        [],
        ExactJudge(),
        look_every=0.01,
        wait_for_nodes=0.2,
    )
    await hiring.close()


async def run_on(cluster, folder, *, watch=None):
    """Do the run on a cluster; return the file's rows and what each node did."""
    store = Store.create_or_open(folder)
    store.add_problems(PROBLEMS)
    try:
        async with team(cluster, folder) as crew:
            await crew.run(PROBLEMS, store, watch or Watch())
        return list(store.rows()), store.manifest()["nodes"]
    finally:
        store.close()


async def test_every_trial_is_done_once_and_every_node_has_its_part(tmp_path):
    rows, nodes = await run_on(Hands("a", "b", "c"), tmp_path)
    assert sorted(row.problem_id for row in rows) == sorted(p.id for p in PROBLEMS)
    assert sum(node["trials"] for node in nodes) == len(PROBLEMS)
    assert all(node["trials"] > 5 for node in nodes)


async def test_a_lost_node_loses_no_trial_and_none_is_stored_twice(tmp_path):
    cluster = Hands("a", "b", b=[{"dies_at": 3}])
    cluster._makes["b"] += [{"dies_at": 1}] * MOST_STARTS
    rows, nodes = await run_on(cluster, tmp_path)
    assert len(rows) == len(PROBLEMS)
    assert sum(node["trials"] for node in nodes) == len(PROBLEMS)
    assert "the machine is gone" in {node["ended_by"] for node in nodes}


async def test_a_lost_node_is_started_again_where_it_comes_back(tmp_path):
    cluster = Hands("a", a=[{"dies_at": 3}, {}])
    rows, nodes = await run_on(cluster, tmp_path)
    assert len(rows) == len(PROBLEMS)
    assert [node["ended_by"] for node in nodes] == ["the machine is gone", None]


async def test_a_node_that_comes_later_works_too(tmp_path):
    def join(calls):
        cluster.names = ["a", "b"]

    cluster = Hands("a", a={"sees": join, "pace": 1, "wait": 0.02})
    rows, nodes = await run_on(cluster, tmp_path)
    assert len(rows) == len(PROBLEMS)
    assert [node["trials"] > 5 for node in nodes] == [True, True]


async def test_no_node_ever_holds_more_than_two_leases(tmp_path):
    cluster = Hands("a", "b", a={"pace": 1}, b={"pace": 40})
    await run_on(cluster, tmp_path)
    assert max(hand.most for hand in cluster.hired) <= LEASES * AT_ONCE


async def test_what_a_node_says_of_anothers_trial_is_dropped(tmp_path):
    cluster = Hands("a", "b", b={"pace": 1})
    store = Store.create_or_open(tmp_path)
    store.add_problems(PROBLEMS)
    async with team(cluster, tmp_path) as crew:
        first, second = cluster.hired

        def tell_of_the_others(calls):
            first.late = [e for todo in list(second.holding) for e in ended(todo)]

        first._sees = tell_of_the_others
        await crew.run(PROBLEMS, store, Watch())
        late = crew.hiring.members[0].late
    assert late > 0
    assert len(list(store.rows())) == len(PROBLEMS)
    turns = sum(row.turns for row in store.rows())
    store.close()
    assert turns == len(PROBLEMS)


async def test_a_node_that_cannot_go_on_gives_its_trials_to_the_others(tmp_path):
    rows, nodes = await run_on(Hands("a", "b", b={"fails_at": 2}), tmp_path)
    assert len(rows) == len(PROBLEMS)
    assert nodes[1]["ended_by"] == "its server is down"


async def test_a_run_without_any_node_left_ends_and_says_why(tmp_path):
    cluster = Hands("a", a={"fails_at": 2})
    with pytest.raises(ModelError, match=r"no node .*a: its server is down.* are stored"):
        await run_on(cluster, tmp_path)


async def test_after_ctrl_c_the_nodes_are_drained_and_the_same_command_goes_on(tmp_path):
    watch = Watch()
    cluster = Hands("a", "b", a={"sees": lambda calls: watch.stop() if calls == 3 else None})
    rows, _ = await run_on(cluster, tmp_path, watch=watch)
    assert 0 < len(rows) < len(PROBLEMS)
    assert all(hand.stopped for hand in cluster.hired)
    again, _ = await run_on(Hands("c"), tmp_path)
    assert len(again) == len(PROBLEMS)


async def test_a_trial_that_a_lost_node_began_goes_on_after_its_stored_turns(tmp_path):
    (task, *_) = tasks_of(CONFIG, PROBLEMS)
    store = Store.create_or_open(tmp_path)
    store.add_turn(task.key, 0, turn())
    store.add_reply(task.key, 1, Reply(text="the second"))
    store.close()
    cluster = Hands("a")
    await run_on(cluster, tmp_path)
    (todo,) = (todo for todo in cluster.hired[0].given if todo.task.key == task.key)
    assert (len(todo.turns), todo.reply.text) == (1, "the second")


@pytest.mark.parametrize(
    ("built", "said"),
    [
        ({"software": {"python": "3.10.1"}}, "node b has other software.*python: .* → 3.10.1"),
        ({"image": "sha256:2"}, "node b differs from a: sandbox image_id: sha256:1 → sha256:2"),
        ({"hash": "other"}, "node b differs from a: scripted/test: hash: same → other"),
        ({"refuses": "no key; set the environment variable K"}, "node b: no key; set .* K"),
        ({"judges_later": True}, ""),
    ],
)
async def test_nodes_that_differ_are_refused_before_the_first_trial(tmp_path, built, said):
    if not said:
        opening = on_cluster(Hands("a", a=built))
        with pytest.raises(ConfigError, match="shares a server"):
            async with opening(CONFIG, tmp_path, Watch()):
                pass
        return
    with pytest.raises(ConfigError, match=said):
        await Hiring(CONFIG, tmp_path, Hands("a", "b", b=built)).first()


async def test_a_model_that_was_exchanged_on_a_node_ends_the_run(tmp_path):
    with pytest.raises(ModelError, match="node a: weights were exchanged"):
        await run_on(Hands("a", a={"exchanged": "weights were exchanged"}), tmp_path)


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("ray", "solver: --on ray needs ray: pip install "),
        ("ray://", "solver: --on ray://: no host there; write ray://HOST:10001"),
        ("slurm", "solver: --on slurm: should be ray, or ray://HOST:10001"),
    ],
)
def test_a_cluster_that_cannot_be_asked_is_one_line_and_leaves_no_run(tmp_path, on, said):
    command = "import sys; sys.modules['ray'] = None; from solver.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", command, "run", "--model", "scripted/x", "--on", on,
         "--set", "providers.scripted.replies=[x]"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def shares(*models, at_once=2):
    tasks = tasks_of(config_of(model=list(models), mode="cot"), PROBLEMS[:4])
    return Leases([Share(iter(list(tasks)), at_once, 4 * len(models))])


def test_a_node_begins_no_model_before_it_has_ended_the_one_before():
    leases = shares("scripted/one", "scripted/two", at_once=8)
    first = leases.lease("a", 1)
    assert {task.model for task in first} == {"scripted/one"}
    for task in first[1:]:
        leases.end("a", task.key)
    assert leases.lease("a", 1) == []
    leases.end("a", first[0].key)
    assert {task.model for task in leases.lease("a", 1)} == {"scripted/two"}


def test_what_is_given_back_is_given_out_first_and_in_its_order():
    leases = shares("scripted/one")
    first = leases.lease("a", 1)
    assert leases.give_back("a") == len(first) == 4
    assert leases.lease("b", 1) == first


def test_few_trials_are_divided_between_the_nodes():
    leases = shares("scripted/one", at_once=8)
    assert [len(leases.lease(node, 2)) for node in "ab"] == [2, 1]


def end(leases, node, tasks, seconds):
    """Have a node end these trials in so many seconds."""
    for task in list(tasks):
        leases.end(node, task.key)
    leases.took(node, seconds)


def share_of(model, at_once):
    config = config_of(model=model, mode="cot", repeats=400, sampling={"temperature": 1})
    tasks = list(tasks_of(config, PROBLEMS[:4]))
    return Share(iter(tasks), at_once, len(tasks))


def test_a_lease_of_a_quick_node_is_what_it_ends_in_a_tenth_of_a_second():
    share = share_of("scripted/one", at_once=8)
    leases = Leases([share])
    for rate, held in ((0, 16), (80, 16), (240, 48), (1e9, 1600)):
        share.rates["a"] = rate
        leases.lease("a", 1)
        assert len(share.held["a"]) == held


def test_no_lease_is_more_than_a_nodes_part_of_the_rest():
    share = share_of("scripted/one", at_once=8)
    leases = Leases([share])
    share.rates["a"] = 1e9
    leases.lease("b", 2)
    share.rates["a"] = 1e9
    assert len(leases.lease("a", 2)) == (1600 - 16) / 2


def test_what_a_node_ends_quickly_enlarges_no_lease_of_slow_trials():
    """Neither at another endpoint, nor of the next model at the same one."""
    both, other = share_of(["scripted/quick", "scripted/slow"], 8), share_of("scripted/other", 1)
    leases, most = Leases([both, other]), 0
    while leases.lease("a", 1) or both.model == "scripted/quick":
        quick = [task for task in both.held["a"].values() if task.model == "scripted/quick"]
        most = max(most, len(quick))
        end(leases, "a", quick, 0.01)
    assert most > LEASES * 8
    assert {task.model for task in both.held["a"].values()} == {"scripted/slow"}
    assert (len(both.held["a"]), len(other.held["a"])) == (LEASES * 8, LEASES)


def test_trials_that_end_together_after_a_long_time_make_no_quick_node():
    """16 replies of 0.2 s that are told in two reports, the second right after the first."""
    share = share_of("scripted/one", at_once=16)
    leases = Leases([share])
    for _ in range(40):
        leases.lease("a", 1)
        first = list(share.held["a"].values())[:16]
        end(leases, "a", first[:8], 0.2)
        end(leases, "a", first[8:], 0.001)
        assert share.rates["a"] < 100
    assert share.rates["a"] > 70


async def test_a_node_that_answers_as_the_run_ends_does_not_keep_it_from_ending(tmp_path):
    cluster, answered = Hands("a"), asyncio.Event()
    async with team(cluster, tmp_path) as crew:
        cluster.names.append("b")
        cluster._makes["b"] = {"answers": answered}
        looking = asyncio.create_task(crew.hiring.newcomers())
        while len(cluster.hired) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        answered.set()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
