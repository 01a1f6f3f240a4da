"""The report: its numbers are the summary's, and nothing a model wrote becomes markup."""

import csv
import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from solver.analysis.accuracy import accuracy_of_run
from solver.cli import app
from solver.errors import ConfigError
from solver.records import Message, Problem
from solver.report import write_figures, write_report, write_tables
from solver.report.runs import Run
from solver.report.warnings import warnings_of
from solver.run.start import store_ends
from solver.run.watch import Watch
from solver.store import FILE, Store
from tests.bench.report import write_run
from tests.fakes import EchoSandbox, config_of, finished_run, program
from tests.pages import FIGURES, FORMULAS, NASTY, STRUCTURE, TABLES, WORDS, Page, page_of
from tests.stored import changed, problem, said, stored, trial


def summary_at(folder):
    store = Store.open(folder)
    try:
        return accuracy_of_run(store)
    finally:
        store.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A run of two models in two modes with repeats, retries, errors and a judge model."""
    folder = tmp_path_factory.mktemp("runs") / "demo"
    models = ("scripted/medium", "scripted/good")
    return write_run(folder, problems=21, repeats=4, models=models, errors=0.03)


@pytest.fixture(scope="module")
def demo_page(demo):
    return page_of(demo, output=demo / "page.html")


@pytest.fixture(scope="module")
def demo_tables(demo):
    paths = write_tables([demo], "csv", demo / "csv")
    return {path.stem: list(csv.reader(path.open(encoding="utf-8"))) for path in paths}


def test_two_arms_need_no_table_of_all_pairs(tmp_path):
    write_run(tmp_path / "r", problems=5)
    names = {path.stem for path in write_tables([tmp_path / "r"], "csv", tmp_path / "t")}
    assert "differences" in names
    assert "differences-of-all-pairs" not in names


def test_the_headline_is_the_accuracy_of_the_summary(demo, demo_page):
    shown = Page(demo_page).text
    for arm in summary_at(demo).arms:
        found = arm.overall.of_scored
        value, low, high = (f"{100 * share:.1f}" for share in (found.value, found.low, found.high))
        n = f"{found.n_problems} problems, {found.n_trials} scored trials"
        assert f"{value} % 95 % interval {low} – {high} {n}" in shown


def test_the_difference_of_two_arms_is_a_headline_and_of_more_it_is_not(demo_page, tmp_path):
    write_run(tmp_path / "r", problems=5)
    values = re.compile(r'class="value">[^<]* points<')
    assert len(values.findall(page_of(tmp_path / "r", output=tmp_path / "page.html"))) == 1
    assert not values.findall(demo_page)


def test_every_column_has_a_heading(demo_tables):
    assert [name for name, (head, *_) in demo_tables.items() if "" in head] == []


@pytest.mark.parametrize("name", ["domains", "levels"])
def test_parts_add_up_to_the_overall_row(demo, demo_tables, name):
    head, *rows = demo_tables[name]
    arms = {f"{arm.model} · {arm.mode}": arm.overall for arm in summary_at(demo).arms}
    assert len(arms) == 4
    for arm, cell in arms.items():
        for column in ("problems", "trials", "correct", "unscored"):
            at = head.index(column)
            parts = [int(row[at]) for row in rows if row[1] == arm and row[0] != "all"]
            whole = [int(row[at]) for row in rows if row[1] == arm and row[0] == "all"]
            assert [sum(parts)] == whole == [getattr(cell, column)]


def test_n_of_a_figure_counts_problems_and_not_trials(tmp_path):
    folder = write_run(tmp_path / "r", problems=5, repeats=4)
    shown = Page(page_of(folder, output=tmp_path / "page.html")).text
    assert "n = 5" in shown
    assert "n = 20" not in shown


def test_outcomes_add_up_to_the_trials(demo, demo_tables):
    head, *rows = demo_tables["outcomes"]
    for row in rows:
        assert sum(map(int, row[2:])) == int(row[1])
    assert sum(int(row[1]) for row in rows) == summary_at(demo).trials
    assert {"correct", "wrong", "error"} <= set(head)


def test_the_last_attempt_has_the_accuracy_of_the_arm(demo, demo_tables):
    head, *rows = demo_tables["retries"]
    for arm in summary_at(demo).arms:
        if arm.mode == "code":
            last = [row for row in rows if row[0] == f"{arm.model} · code"][-1]
            assert float(last[head.index("accuracy")]) == arm.overall.of_scored.value
            assert int(last[head.index("correct by then")]) == arm.overall.correct


def test_pass_at_1_is_the_lower_reading_when_nothing_is_left_out(demo, demo_tables):
    head, *rows = demo_tables["repeats-of-all"]
    for arm in summary_at(demo).arms:
        found = [row for row in rows if row[0] == f"{arm.model} · {arm.mode}" and row[1] == "1"]
        shown = float(found[0][head.index("Pass@k")])
        assert shown == pytest.approx(arm.overall.of_all.value, abs=1e-12)


def test_csv_keeps_every_digit_of_an_accuracy(demo, demo_tables):
    shown = {row[0]: float(row[1]) for row in demo_tables["accuracy"][1:]}
    for arm in summary_at(demo).arms:
        assert shown[f"{arm.model} · {arm.mode}"] == arm.overall.of_scored.value


def test_every_section_of_a_full_run_is_there(demo_page):
    anchors = set(re.findall(r'<h2 id="([a-z]+)"', demo_page))
    assert anchors >= {"accuracy", "compared", "parts", "outcomes", "retries", "failures"}
    assert anchors >= {"repeats", "cost", "judge", "repeat"}


def test_the_page_points_nowhere_but_into_itself(demo_page):
    page = Page(demo_page)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("href", "src", "xlink:href", "action", "srcset"):
            assert value.startswith("#")
    assert "url(" not in demo_page
    assert "@import" not in demo_page
    assert "default-src 'none'" in demo_page


def test_links_of_the_page_lead_somewhere(demo_page):
    targets = re.findall(r'href="#([^"]+)"', demo_page)
    assert len(targets) > 8
    assert [target for target in targets if f'id="{target}"' not in demo_page] == []


def test_warnings_come_before_the_first_number(tmp_path):
    run = write_run(tmp_path / "r", problems=7, repeats=2, errors=0.3, judge=None)
    store = Store.create_or_open(run)
    store.write_manifest(trials=1000, sandbox={"kind": "native"}, warnings=["judge: rules alone"])
    store.close()
    shown = Page(page_of(run, output=tmp_path / "p.html")).text
    first = shown.index("95 % interval")
    for warning in ("partial: 28 of 1,000", "error of ours", "without a usable verdict", "native"):
        assert shown.index(warning) < first


def test_how_replies_ended_is_counted_over_all_starts_and_said_once(tmp_path):
    run = write_run(tmp_path / "r", problems=2)
    store = Store.create_or_open(run)
    for _ in range(2):
        watch = Watch()
        watch.ends.update({"refusal: no": 2, "tool_calls": 1})
        store_ends(store, watch)
    store_ends(store, Watch())  # a start that reached no server
    found = [w.text for w in warnings_of(Run(store, "r")) if "neither by a stop" in w.text]
    store.close()
    assert found == [
        "4 replies ended neither by a stop nor at the cap: refusal: no",
        "2 replies ended neither by a stop nor at the cap: tool_calls",
    ]


def test_a_run_without_trouble_has_no_warnings(tmp_path):
    run = write_run(tmp_path / "r", problems=3, modes=("cot",), errors=0, skill=50)
    assert "Before you believe" not in page_of(run, output=tmp_path / "p.html")


@pytest.mark.parametrize(
    "made",
    [
        pytest.param({"problems": 1, "repeats": 1, "modes": ("code",)}, id="one arm, one problem"),
        pytest.param({"problems": 1, "repeats": 2, "modes": ("cot",)}, id="one problem, repeats"),
        pytest.param({"problems": 4, "skill": -60}, id="zero correct"),
        pytest.param({"problems": 4, "errors": 1.0}, id="errors only"),
        pytest.param({"problems": 4, "skill": 60, "errors": 0}, id="all correct"),
        pytest.param({"problems": 0}, id="no trial yet"),
    ],
)
def test_odd_runs_have_a_page_tables_and_figures(tmp_path, made):
    run = write_run(tmp_path / "r", **made)
    assert Page(page_of(run, output=tmp_path / "p.html")).text
    write_tables([run], "latex", tmp_path / "tables")
    write_figures([run], "svg", tmp_path / "figures")


async def test_a_run_of_nothing_but_nastiness_renders_harmlessly(tmp_path):
    problems = [
        Problem(id=f"{n}{NASTY}", question=NASTY, answer="1", domain=f"{n}{NASTY}", level=n)
        for n in (1, 2)
    ]
    replies = [
        (program(f"# exit: crashed\n# {NASTY}"), program("print(2)"), "\\boxed{" + NASTY + "}")
    ]
    clean = [tuple(text.replace("\x00", "") for text in group) for group in replies]
    config = config_of(mode="code,cot", repeats=2, sampling={"temperature": 1})
    async with finished_run(
        tmp_path / "r", clean, problems=problems, config=config, sandbox=EchoSandbox(broken=1)
    ) as store:
        store.write_manifest(
            trials=8,
            warnings=[NASTY],
            config={**config.model_dump(mode="json"), "note": NASTY},
            judge={"model": NASTY},
            sandbox={"kind": NASTY},
        )
    text = page_of(tmp_path / "r", output=tmp_path / "p.html")
    page = Page(text)
    assert set(page.tags) <= STRUCTURE | WORDS | FIGURES | FORMULAS | TABLES
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "\\u001b[31mred" in page.text
    assert "{{ 7*7 }}" in page.text


def test_a_lone_surrogate_in_the_manifest_is_written_out(tmp_path):
    run = write_run(tmp_path / "r", problems=2)
    with sqlite3.connect(run / FILE) as database:
        database.execute(
            "INSERT OR REPLACE INTO manifest VALUES ('warnings', ?)", ('["half \\ud800 a pair"]',)
        )
    assert "half \\ud800 a pair" in page_of(run, output=tmp_path / "p.html")


def test_lines_of_a_megabyte_do_not_reach_the_page(tmp_path):
    run = write_run(tmp_path / "r", problems=2)
    store = Store.create_or_open(run)
    store.write_manifest(warnings=["w" * 1_000_000])
    long = Problem(id="synthetic/0", question="q", answer="0", domain="d" * 1_000_000, level=1)
    store.add_problems([long])
    store.close()
    assert len(page_of(run, output=tmp_path / "p.html")) < 300_000


def test_credentials_in_a_url_do_not_reach_the_page(tmp_path):
    run = write_run(tmp_path / "r", problems=2)
    store = Store.create_or_open(run)
    config = store.manifest()["config"]
    config["providers"] = {"openai": {"base_url": "https://me:hunter2@example.org/v1"}}
    store.write_manifest(config=config)
    store.close()
    text = page_of(run, output=tmp_path / "p.html")
    assert "hunter2" not in text
    assert "example.org/v1" in text


def test_two_runs_are_compared_on_one_page(tmp_path):
    for name, skill in (("first", 0.0), ("second", 2.0)):
        write_run(tmp_path / name, problems=30, modes=("code",), skill=skill)
    shown = Page(page_of(tmp_path / "first", tmp_path / "second", output=tmp_path / "p.html")).text
    assert "second · code is" in shown
    assert "points more accurate than first · code" in shown


def test_what_sets_two_runs_apart_stands_on_their_page(tmp_path):
    for name in ("first", "second"):
        turn = said("1", text=name)
        turn = changed(turn, prompt=(Message(role="user", text=f"Solve: {name}"),))
        trials = [trial("p1", turn, right=True), trial("p1", turn, right=True, mode="cot")]
        stored(tmp_path / name, [problem(1)], trials, versions={"solver": name}).close()
    shown = Page(page_of(tmp_path / "first", tmp_path / "second", output=tmp_path / "p.html")).text
    assert "differ in versions.solver: first → second" in shown
    assert "differ in the prompt of mode code" in shown


def test_runs_that_cannot_be_compared_say_why_and_are_reported_alone(tmp_path):
    write_run(tmp_path / "first", problems=3, modes=("code",))
    write_run(tmp_path / "second", problems=4, modes=("code",))
    shown = Page(page_of(tmp_path / "first", tmp_path / "second", output=tmp_path / "p.html")).text
    assert "first and second cannot be compared: 1 problem only in second: synthetic/3" in shown


def test_folders_of_the_same_name_are_told_apart(tmp_path):
    for parent in ("a", "b"):
        write_run(tmp_path / parent / "run", problems=3, modes=("code",))
    page_of(tmp_path / "a" / "run", tmp_path / "b" / "run", output=tmp_path / "p.html")
    write_tables([tmp_path / "a" / "run", tmp_path / "b" / "run"], "csv", tmp_path / "t")
    rows = list(csv.reader((tmp_path / "t" / "accuracy.csv").open(encoding="utf-8")))[1:]
    assert len({row[0] for row in rows}) == 2


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_every_figure_is_written_in_each_format(demo, tmp_path, form):
    paths = write_figures([demo], form, tmp_path)
    names = {path.stem for path in paths}
    assert {"accuracy", "domains", "outcomes", "retries", "g-pass", "cost"} <= names
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert all(path.read_bytes().startswith(magic) for path in paths)


def test_a_figure_is_the_same_file_each_time(demo, tmp_path):
    first, second = (write_figures([demo], "svg", tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("write", [write_figures, write_tables])
def test_an_unknown_format_is_refused_with_the_choices(demo, tmp_path, write):
    with pytest.raises(ConfigError, match="'gif' is unknown; choices: "):
        write([demo], "gif", tmp_path)


def test_a_missing_run_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no run there"):
        write_report([tmp_path / "nothing"])


def test_a_page_that_cannot_be_written_is_one_line(demo, tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report([demo], tmp_path)


def test_the_commands_print_where_they_wrote(demo, tmp_path):
    def solver(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == 0, done.output
        return [Path(line) for line in done.output.splitlines()]

    assert solver("report", demo, "-o", tmp_path / "r.html") == [tmp_path / "r.html"]
    tables = solver("report", demo, "--tables", "md", "-o", tmp_path / "t")
    figures = solver("plot", demo, "--format", "svg", "-o", tmp_path / "f")
    assert len(tables) > 8
    assert len(figures) > 8
    assert all(path.is_file() for path in [tmp_path / "r.html", *tables, *figures])


def test_a_greedy_run_stands_next_to_the_repeats(tmp_path):
    write_run(tmp_path / "many", problems=14, repeats=4, modes=("cot",))
    greedy = write_run(tmp_path / "greedy", problems=14, repeats=1, modes=("cot",))
    store = Store.create_or_open(greedy)
    config = store.manifest()["config"]
    config["sampling"]["temperature"] = 0
    store.write_manifest(config=config)
    store.close()
    shown = Page(page_of(tmp_path / "many", greedy, output=tmp_path / "p.html")).text
    value = summary_at(greedy).arms[0].overall.of_scored.value
    assert f"many · cot: greedy, {100 * value:.1f} %" in shown
