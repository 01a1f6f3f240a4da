"""The viewer shows what a run holds, to this machine alone, and no text of a run acts on it."""

import itertools
import re
import socket
import sqlite3
import time
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from judge import Verdict
from sandbox import Execution, Exit, Finding, Level
from solver.errors import ConfigError
from solver.records import (
    Intervention,
    Message,
    Outcome,
    Problem,
    Reply,
    Token,
    Trial,
    Turn,
    Verification,
)
from solver.store import FILE, Store
from solver.view.certainty import marked_html
from solver.view.index import Index, Wanted
from solver.view.library import Library
from solver.view.pages import PAGE, app
from solver.view.server import serve
from tests.bench.report import write_run

TURN = Turn(
    prompt=(Message(role="system", text="Write Python."), Message(role="user", text="$x^2$?")),
    fresh=True,
    reply=Reply(text="Here:\n```python\nprint(9)\n```", input_tokens=5, output_tokens=7),
    program="print(9)",
    execution=Execution(Exit.OK, "9\n", "", 0.25, 0.05, 20.0, False),
    answer="9",
    answer_rule="last_line",
    runs_code=True,
)
CRASH = TURN.model_copy(
    update={
        "answer": None,
        "execution": Execution(Exit.CRASHED, "", "NameError: y", 0.1, 0.1, 9.0, False),
        "findings": (Finding(Level.WARN, "eval_used", 1, "calls eval"),),
    }
)
VERDICT = Verdict(5, "rules", "the same text", "equal", tier="string", rules="equal")
PROBLEMS = [
    Problem(id=f"test/algebra/{n}", question=f"What is ${n}^2$?", answer=str(n * n),
            domain="algebra" if n % 2 else "geometry", level=1 + n % 5)
    for n in range(4)
]  # fmt: skip


def write(folder, *, problems=PROBLEMS, modes=("code", "cot"), turns=(CRASH, TURN), **manifest):
    """A small finished run; its keys are `<mode>-<n>`."""
    store = Store.create_or_open(folder)
    store.add_problems(problems)
    config = {"model": [{"name": "scripted/x"}], "mode": list(modes), "problems": "mine"}
    store.write_manifest(**{"config": config, "trials": len(problems) * len(modes)} | manifest)
    store.end_session(store.begin_session())
    for mode in modes:
        for number, problem in enumerate(problems):
            add(store, f"{mode}-{number}", problem, mode=mode, turns=turns)
    store.close()
    return folder


def add(store, key, problem, *, mode="code", turns=(TURN,), verdict=VERDICT, **facts):
    for number, turn in enumerate(turns):
        store.add_turn(key, number, turn)
    fields = {"model": "scripted/x", "repeat": 0, "seed": 3, "started": 1.7e9, "seconds": 2.0}
    trial = Trial(problem_id=problem.id, mode=mode, turns=turns, verdict=verdict, **fields | facts)
    store.add_trial(key, trial, judge="j")


def client_of(folder):
    return TestClient(app(Library(folder)), base_url="http://localhost")


@pytest.fixture
def client(tmp_path):
    write(tmp_path / "first")
    with client_of(tmp_path) as client:
        yield client


def page(client, address):
    """A page that must come, waiting while the run is read for the first time."""
    for _ in range(200):
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        if "for the first time" not in answer.text:
            return answer.text
        time.sleep(0.02)
    raise AssertionError("the run was never read")


def listed(text):
    """Keys of the trials that a page lists."""
    return re.findall(r'href="/run/[^/"]+/trial/([^"?]+)[^"]*" data-row', text)


def snapshot_of(folder):
    snapshot = Index(folder).snapshot(patience=20)
    assert snapshot is not None
    return snapshot


# -- who may ask ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.5", ""]
)
def test_a_foreign_host_name_is_refused(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "first" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8642", "127.0.0.1:8642"])
def test_this_machine_is_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_but_reading_is_allowed(client, method):
    assert client.request(method, "/run/first").status_code == 405


@pytest.mark.parametrize("path", ["/", "/run/first", "/nope", "/static/style.css", "/run/nope"])
def test_every_answer_forbids_inline_scripts_and_the_network(client, path):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_refused_host_also_gets_the_policy(client):
    answer = client.get("/", headers={"host": "evil.example"})
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/run/..%2f..%2fetc",
        "/run/%2e%2e",
        "/run/first%2f..%2fsecond",
        "/run/.",
        "/static/..%2findex.py",
        "/static/../pages.py",
        "/run/first/trial/..%2f..%2frun.sqlite",
        "/run/first/raw/1/..%2fx/code-0",
        "/beside?left=../x/k&right=first/code-0",
        "/beside",
    ],
)
def test_no_address_leads_out_of_the_runs(client, path):
    assert client.get(path).status_code == 404


def test_a_folder_without_a_run_is_not_listed(tmp_path):
    (tmp_path / "notes").mkdir()
    write(tmp_path / "first")
    assert Library(tmp_path).names() == ["first"]


def test_the_folder_of_one_run_is_enough(tmp_path):
    write(tmp_path / "first")
    with client_of(tmp_path / "first") as client:
        assert len(listed(page(client, "/run/first"))) == 8


def test_a_folder_without_runs_is_one_line_to_the_user(tmp_path):
    with pytest.raises(ConfigError, match="no run there"):
        serve(tmp_path, port=0, open_browser=False)


def test_a_port_that_is_taken_is_one_line_to_the_user(tmp_path):
    write(tmp_path / "first")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}"):
            serve(tmp_path, port=port, open_browser=False)


# -- what is shown -------------------------------------------------------------------------------


def test_the_list_of_runs_tells_what_each_is(client):
    text = page(client, "/")
    assert 'href="/run/first"' in text
    assert "8 of 8" in text
    assert "finished" in text


def test_a_run_lists_its_trials_in_the_order_of_its_problems(client):
    keys = listed(page(client, "/run/first"))
    assert keys == [f"{mode}-{n}" for n in range(4) for mode in ("code", "cot")]


def test_a_trial_is_shown_whole(client):
    text = page(client, "/run/first/trial/code-1")
    for part in ("Write Python.", "eval_used", "calls eval", "NameError: y", "the same text",
                 "Score 5 of 5", "Attempt 2", "0.25 s", "<mi>", '<span class="nb">'):  # fmt: skip
        assert part in text, part


def test_neighbours_follow_the_filter_of_the_list(client):
    text = page(client, "/run/first/trial/code-1?mode=code")
    assert 'rel="prev" href="/run/first/trial/code-0?mode=code"' in text
    assert 'rel="next" href="/run/first/trial/code-2?mode=code"' in text


def test_a_link_to_a_trial_is_an_address_without_a_filter(client):
    assert 'href="/run/first/trial/code-1">link' in page(
        client, "/run/first/trial/code-1?mode=code"
    )


def test_two_modes_stand_side_by_side(client):
    text = page(client, "/beside?left=first/code-1&right=first/cot-1")
    assert text.count("<article") == 2
    assert "two different problems" not in text


def test_two_runs_stand_side_by_side(tmp_path):
    write(tmp_path / "first")
    write(tmp_path / "second", modes=("code",))
    with client_of(tmp_path) as client:
        page(client, "/run/first"), page(client, "/run/second")
        text = page(client, "/beside?left=first/code-1&right=second/code-1")
        assert text.count('<option value="second/code-1" selected>') == 1
        assert '<option value="first/cot-1">' in text


def test_the_same_id_with_another_question_is_not_offered_beside(tmp_path):
    write(tmp_path / "first")
    other = [problem.model_copy(update={"question": "another"}) for problem in PROBLEMS]
    write(tmp_path / "second", problems=other)
    with client_of(tmp_path) as client:
        page(client, "/run/first"), page(client, "/run/second")
        text = page(client, "/beside?left=first/code-1&right=first/cot-1")
        assert "second/code-1" not in text


def test_an_uncut_text_is_plain_text(client):
    answer = client.get("/run/first/raw/1/stderr/code-1")
    assert answer.text == "NameError: y"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("part", ["0/reply", "3/reply", "1/nope", "1/answer"])
def test_a_text_that_is_not_there_is_not_found(client, part):
    assert client.get(f"/run/first/raw/{part}/code-1").status_code == 404


def test_the_manifest_is_shown(client):
    assert "scripted/x" in page(client, "/run/first/manifest")


def test_a_damaged_run_spoils_no_other(tmp_path):
    write(tmp_path / "first")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_bytes(b"not a database" * 100)
    with client_of(tmp_path) as client:
        assert "cannot be read" in page(client, "/")
        assert client.get("/run/broken").status_code == 503
        page(client, "/run/first")
        page(client, "/beside?left=first/code-1&right=first/cot-1")


def test_a_damaged_trial_is_said_to_be(tmp_path):
    write(tmp_path / "first")
    with sqlite3.connect(tmp_path / "first" / FILE) as database:
        database.execute("UPDATE turns SET body = x'00ff' WHERE key = 'code-1'")
    with client_of(tmp_path) as client:
        assert client.get("/run/first/trial/code-1").status_code == 503


# -- ways of solving -----------------------------------------------------------------------------


def marks(html):
    """The marked tokens of a page: style, title, text."""
    return re.findall(r'<span class="(u[123])" title="([^"]*)">([^<]*)</span>', html)


def reply_of(*tokens):
    """A reply of these tokens, each with its log-probability."""
    known = tuple(Token(text=text, logprob=logprob) for text, logprob in tokens)
    return Reply(text="".join(text for text, _ in tokens), tokens=known)


def attempt(text, number):
    """One attempt's part of a page."""
    return text.split('<section class="attempt"')[number].partition("</section>")[0]


def test_uncertain_tokens_are_marked_by_how_likely_they_were():
    html = marked_html(reply_of(("a", -0.01), ("b", -0.5), ("c", -1.2), ("d", -3.0)))
    assert marks(html) == [("u1", "61 %", "b"), ("u2", "30 %", "c"), ("u3", "5.0 %", "d")]
    assert html.startswith("a<")


@pytest.mark.parametrize("logprob", [float("-inf"), 0.0, 1e-9, -1e9])
def test_a_token_of_any_probability_is_shown(logprob):
    assert "token" in marked_html(reply_of(("token", logprob)))


def test_the_marked_reply_is_the_reply_to_the_letter():
    reply = reply_of(("\n", -2.0), ("  x\t<b>&amp;", -0.1), ("\n\n", -9.0), ("é😀 ", -0.7))
    assert "".join(Seen(f"<pre>{marked_html(reply)}</pre>").words) == reply.text


def test_tokens_that_are_not_the_reply_are_not_shown():
    reply = reply_of(("a", -2.0), ("b", -2.0)).model_copy(update={"text": "aXb"})
    assert marked_html(reply) == ""


def test_a_reply_of_a_megabyte_of_tokens_is_cut():
    html = marked_html(reply_of(*[("xxxx", -2.0)] * 250_000))
    assert len(html) < 1_000_000
    assert html.endswith("left out here …</span>")


def test_what_the_model_had_instead_is_said():
    token = Token(text="3", logprob=-1.5, alternatives=(("3", -1.5), ('"><b>', -1.0)))
    html = marked_html(Reply(text="3", tokens=(token,)))
    assert marks(html) == [("u2", "22 %; instead: &#39;&#34;&gt;&lt;b&gt;&#39; 37 %", "3")]


def test_interventions_say_what_was_dropped_and_where(tmp_path):
    reply = TURN.reply.model_copy(
        update={
            "interventions": (
                Intervention(kind="unparsable", at=12, dropped="whlie <b>:"),
                Intervention(kind="closed", at=40),
            )
        }
    )
    text = shown_trial(tmp_path, "code+guided", TURN.model_copy(update={"reply": reply}))
    assert "2 interventions while it grew" in text
    assert "<strong>unparsable</strong> at character 12, dropped 10 characters" in text
    assert "whlie &lt;b&gt;:" in text
    assert "<strong>closed</strong> at character 40, nothing dropped" in text


def test_a_check_says_what_it_found(tmp_path):
    check = TURN.model_copy(update={"verification": Verification.FALSE})
    text = shown_trial(tmp_path, "csv", TURN, check)
    assert "found false" not in attempt(text, 1)
    assert "Turn 2, check" in attempt(text, 2)
    assert "The check found <strong>false</strong> of the answer <strong>9</strong>" in text
    assert "<dt>last check</dt><dd>found false</dd>" in text


def test_a_round_that_goes_on_is_not_said_to_have_no_answer(tmp_path):
    going = TURN.model_copy(update={"answer": None, "answer_rule": None, "runs_code": False})
    last = going.model_copy(update={"program": None, "execution": None})
    text = shown_trial(tmp_path, "tir", going, last)
    assert "no answer" not in attempt(text, 1)
    assert "goes on" in attempt(text, 1)
    assert "no answer" in attempt(text, 2)


def test_a_round_reads_as_words_then_output(tmp_path):
    going = TURN.model_copy(update={"answer": None, "runs_code": False})
    text = attempt(shown_trial(tmp_path, "tir", going, TURN), 1)
    assert "Round 1" in text
    assert "<details open><summary>Reply" in text
    assert "<details><summary>Program, as it was run" in text
    assert text.index("Reply,") < text.index("as it was run") < text.index("stdout")


def shown_trial(folder, mode, *turns):
    """The page of one trial in this mode with these turns."""
    write(folder / "ways", modes=(mode,), turns=turns)
    with client_of(folder) as client:
        return page(client, f"/run/ways/trial/{quote(mode)}-1")


def test_a_mode_with_a_plus_is_chosen_and_kept_by_every_link(tmp_path):
    write(tmp_path / "ways", modes=("code", "code+guided"))
    with client_of(tmp_path) as client:
        text = page(client, "/run/ways?mode=code%2Bguided")
        assert len(listed(text)) == 4
        links = re.findall(r'href="(/run/ways/trial/[^"]*)" data-row', text)
        assert all(link.endswith("?mode=code%2Bguided") for link in links)
        text = page(client, links[1])
        assert 'rel="next" href="/run/ways/trial/code%2Bguided-2?mode=code%2Bguided"' in text


# -- filters -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_combination(tmp_path_factory):
    """A run with a trial for every combination of the facts that an outcome depends on."""
    folder = write(tmp_path_factory.mktemp("all") / "all")
    flags = itertools.product((False, True), repeat=6)
    ends, scores = (None, *Exit), ("none", None, 1, 3, 4, 5)
    trials, turns, verdicts = [], [], []
    for number, (facts, end, score) in enumerate(itertools.product(flags, ends, scores)):
        error, answered, runs_code, has_program, capped, cut = facts
        key, problem = f"k{number}", PROBLEMS[number % 4].id
        trials.append(
            (key, problem, "m/y", "tir", number, 0, "ModelError: x" if error else None, 1.0, 2.0)
        )
        first = (key, 0, None, True, True, None, "crashed", 0, 0, 1, 1, 1, 0.0, 0.0, b"")
        last = (key, number % 2, "7" if answered else None, runs_code, has_program, None,
                end and str(end), capped, cut, 1, 1, 1, 0.0, 0.0, b"")  # fmt: skip
        turns += [first, last] if number % 2 else [last]
        if score != "none":
            verdict = Verdict(score, "rules", "", "")
            verdicts.append((key, 1.0, "j", score, 4, "rules", _verdict_text(verdict)))
    trials.append(("bare", PROBLEMS[0].id, "m/y", "tir", 9_999, 0, None, 1.0, 2.0))
    with sqlite3.connect(folder / FILE) as database:
        database.executemany(f"INSERT INTO trials VALUES ({_marks(9)})", trials)
        database.executemany(f"INSERT INTO turns VALUES ({_marks(15)})", turns)
        database.executemany(
            "INSERT INTO verdicts (key, made, judge, score, threshold, by, body)"
            f" VALUES ({_marks(7)})",
            verdicts,
        )
    return folder


def _marks(count):
    return ", ".join("?" * count)


def _verdict_text(verdict):
    from pydantic import TypeAdapter

    return TypeAdapter(Verdict).dump_json(verdict).decode()


def test_every_combination_of_facts_has_the_outcome_of_its_row(every_combination):
    expected = {row.key: row.outcome for row in Store.open(every_combination).rows()}
    seen = {entry.key: entry.outcome for entry in snapshot_of(every_combination).entries}
    assert seen == expected
    assert set(expected.values()) == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_filter_by_outcome_finds_the_rows_with_it(every_combination, outcome):
    rows = Store.open(every_combination).rows()
    found = snapshot_of(every_combination).wanted(Wanted(outcome=str(outcome)))
    assert {entry.key for entry in found} == {row.key for row in rows if row.outcome is outcome}


def test_other_filters_find_the_rows_they_name(every_combination):
    snapshot, store = snapshot_of(every_combination), Store.open(every_combination)
    problems, rows = store.problems(), list(store.rows())

    def score(row):
        return (
            "none" if row.verdict is None or row.verdict.score is None else str(row.verdict.score)
        )

    parts = {
        "domain": lambda row: problems[row.problem_id].domain,
        "level": lambda row: str(problems[row.problem_id].level),
        "model": lambda row: row.model,
        "mode": lambda row: row.mode,
        "score": score,
        "attempts": lambda row: str(row.turns),
    }
    for part, value_of in parts.items():
        for value in snapshot.choices[part]:
            expected = {row.key for row in rows if value_of(row) == value}
            assert {e.key for e in snapshot.wanted(Wanted(**{part: value}))} == expected
            assert expected, (part, value)


def test_a_problem_can_be_linked_to_by_its_whole_id(client):
    assert listed(page(client, "/run/first?problem=test/algebra/1")) == ["code-1", "cot-1"]


def test_filters_narrow_each_other(client):
    keys = listed(page(client, "/run/first?mode=cot&domain=geometry"))
    assert keys == ["cot-0", "cot-2"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("3^2", ["code-3", "cot-3"]),
        ("ALGEBRA/2", ["code-2", "cot-2"]),
        ("9", [f"{mode}-{n}" for n in range(4) for mode in ("code", "cot")]),
        ("nowhere", []),
        ("%", []),
    ],
)
def test_the_search_looks_at_question_reference_id_and_answer(client, words, found):
    assert listed(page(client, f"/run/first?q={quote(words)}")) == found


@pytest.mark.parametrize(
    "query",
    [
        "level=x",
        "page=-1",
        "page=9999999999",
        "page=٣",
        "score=<b>",
        "sort=up",
        "q=%00",
        "mode=%ff",
    ],
)
def test_an_odd_query_is_no_mistake_of_ours(client, query):
    page(client, f"/run/first?{query}")


def test_pages_hold_every_trial_once(tmp_path):
    write_run(tmp_path / "large", problems=40, repeats=2)
    with client_of(tmp_path) as client:
        pages = [listed(page(client, f"/run/large?page={n}")) for n in range(1, 5)]
    assert [len(keys) for keys in pages] == [PAGE, PAGE, PAGE, 160 - 3 * PAGE]
    assert len({key for keys in pages for key in keys}) == 160


def test_the_latest_come_first_when_asked(tmp_path):
    write(tmp_path / "first")
    store = Store.create_or_open(tmp_path / "first")
    add(store, "new", PROBLEMS[3], repeat=1, started=1.8e9)
    store.close()
    with client_of(tmp_path) as client:
        assert listed(page(client, "/run/first?sort=latest"))[0] == "new"


# -- a run that goes on --------------------------------------------------------------------------


def test_a_trial_that_ends_appears(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    index = Index(tmp_path / "first")
    assert len(index.snapshot(patience=20).entries) == 8
    add(store, "new", PROBLEMS[3], repeat=1)
    assert "new" in _eventually(index, lambda snapshot: len(snapshot.entries) == 9).by_key
    store.close()


def test_a_trial_that_is_judged_again_changes(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    index = Index(tmp_path / "first")
    assert index.snapshot(patience=20).by_key["code-0"].outcome is Outcome.CORRECT
    store.add_verdict("code-0", Verdict(1, "model", "no", "different"), judge="k")
    _eventually(index, lambda now: now.by_key["code-0"].outcome is Outcome.WRONG)
    store.close()


def test_a_trial_that_runs_again_after_an_error_changes(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first"))
    add(store, "again", PROBLEMS[3], repeat=1, verdict=None, error="ModelError: away", turns=())
    index = Index(tmp_path / "first")
    assert index.snapshot(patience=20).by_key["again"].outcome is Outcome.ERROR
    add(store, "again", PROBLEMS[3], repeat=1, started=1.9e9)
    _eventually(index, lambda now: now.by_key["again"].outcome is Outcome.CORRECT)
    store.close()


def _eventually(index, holds):
    for _ in range(200):
        snapshot = index.snapshot(patience=20)
        if holds(snapshot):
            return snapshot
        time.sleep(0.02)
    raise AssertionError("the change was never seen")


def test_a_run_in_progress_says_so_and_comes_back_without_scripts(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first", trials=20))
    store.begin_session()
    with client_of(tmp_path) as client:
        text = page(client, "/run/first")
        assert "running" in text
        assert "8 of 20" in text
        assert '<noscript><meta http-equiv="refresh"' in text
        assert "data-running" in page(client, "/run/first/live")
    store.close()


def test_a_run_whose_process_is_gone_is_not_running(tmp_path):
    store = Store.create_or_open(write(tmp_path / "first", trials=20))
    store.begin_session()
    store.close()
    (tmp_path / "first" / "run.lock").write_text("999999999")
    assert Library(tmp_path).about("first").state == "stopped"


def test_reading_leaves_the_run_as_it_is(tmp_path):
    folder = write(tmp_path / "first")
    before = (folder / FILE).read_bytes()
    with client_of(tmp_path) as client:
        page(client, "/run/first")
        page(client, "/run/first/trial/code-1")
    assert (folder / FILE).read_bytes() == before


# -- hostile runs --------------------------------------------------------------------------------

ATTACK = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><a href=javascript:alert(1)>"
    "\x1b[31m\x9b2J\x00\u202e\u2028{{7*7}}{% x %} $\\text{<b>}$ ]]>-->"
)


def hostile_run(folder, attack):
    """A run with the attack in every field that can hold a text."""
    problem = Problem(id=f"p{attack}", question=attack, answer=attack, domain=attack, level=1)
    rest = f"\n```python\n{attack}\n```"
    reply = Reply(
        text=attack + rest,
        capped=True,
        tokens=(
            Token(text=attack, logprob=-3.0, alternatives=((attack, -1.0),)),
            Token(text=rest, logprob=-0.3),
        ),
        interventions=(Intervention(kind="unparsable", at=1, dropped=attack),) * 2,
    )
    turn = Turn(
        prompt=(Message(role="user", text=attack),),
        reply=reply,
        program=attack,
        findings=(Finding(Level.REFUSE, attack, 1, attack),),
        execution=Execution(Exit.OK, attack, attack, 0.1, 0.1, 1.0, True),
        answer=attack,
        answer_rule=attack,
        runs_code=True,
    )
    verdict = Verdict(
        5, "model", attack, attack, tier=attack, reference_form=attack, answer_form=attack,
        judge_model=attack, rules=attack, rules_reason=attack, flags=(attack,),
    )  # fmt: skip
    store = Store.create_or_open(folder)
    store.add_problems([problem])
    config = {"model": [{"name": attack}], "mode": [attack], "problems": attack}
    store.write_manifest(config=config, trials=2, warnings=[attack], **{attack: attack})
    facts = {"model": attack, "mode": attack}
    check = turn.model_copy(update={"verification": Verification.UNCERTAIN})
    add(store, "k1", problem, turns=(turn, check), verdict=verdict, **facts)
    add(store, "k2", problem, verdict=None, error=attack, repeat=1, **facts)
    store.close()
    return folder


class Seen(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, text):
        self.words.append(text)


def assert_harmless(text):
    elements = Seen(text).elements
    scripts = [attributes for tag, attributes in elements if tag == "script"]
    assert scripts in ([], [{"src": "/static/keys.js", "defer": None}])
    names = {name for _, attributes in elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"style", "srcdoc"}
    assert {tag for tag, _ in elements} & {"img", "iframe", "object", "embed", "b", "base"} == set()
    targets = [a.get(name) for _, a in elements for name in ("href", "action", "data-source")]
    assert all(t is None or re.match(r"/(?!/)|#(main|attempt-\d+)$", t) for t in targets)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff]", text)


@pytest.mark.parametrize("attack", [ATTACK, "<i>" + "y" * 1_000_000, "$\\frac{" * 5_000])
def test_no_text_of_a_run_acts_on_a_page(tmp_path, attack):
    hostile_run(tmp_path / "bad", attack)
    with client_of(tmp_path) as client:
        page(client, "/run/bad")
        for address in ("/", "/run/bad", "/run/bad/live", "/run/bad/manifest", "/run/bad/trial/k1",
                        "/run/bad/trial/k2", "/beside?left=bad/k1&right=bad/k2"):  # fmt: skip
            text = page(client, address)
            assert_harmless(text)
            assert len(text) < 3_000_000


def test_no_name_of_a_run_acts_on_a_page(tmp_path):
    name = "<script>alert(1)<&\"'\u202e?#"
    write(tmp_path / name)
    with client_of(tmp_path) as client:
        assert_harmless(page(client, "/"))
        (link,) = [a["href"] for t, a in Seen(page(client, "/")).elements if "data-row" in a]
        text = page(client, link)
        assert_harmless(text)
        assert len(listed(text)) == 8


def test_no_query_acts_on_a_page(client):
    parts = (
        "q",
        "domain",
        "level",
        "mode",
        "model",
        "outcome",
        "score",
        "attempts",
        "sort",
        "page",
    )
    query = "&".join(f"{part}={quote(ATTACK)}" for part in parts)
    assert_harmless(page(client, f"/run/first?{query}"))
    assert_harmless(page(client, f"/run/first/trial/code-1?{query}"))


def test_a_refusal_does_not_repeat_what_was_asked(client):
    assert "alert" not in client.get("/run/<script>alert(1)</script>").text


def test_bytes_that_are_no_text_are_replaced(tmp_path):
    write(tmp_path / "first")
    with sqlite3.connect(tmp_path / "first" / FILE) as database:
        database.execute("UPDATE turns SET answer = CAST(x'61ff62' AS TEXT) WHERE number = 1")
        database.execute("UPDATE trials SET error = CAST(x'ff' AS TEXT) WHERE key = 'cot-1'")
        database.execute("UPDATE verdicts SET judge = CAST(x'ff' AS TEXT)")
    with client_of(tmp_path) as client:
        assert "a\ufffdb" in page(client, "/run/first")
        page(client, "/run/first/trial/cot-1")


def test_an_uncut_text_has_no_escape_sequences(tmp_path):
    hostile_run(tmp_path / "bad", ATTACK)
    with client_of(tmp_path) as client:
        assert "\x1b" not in client.get("/run/bad/raw/1/stdout/k1").text
