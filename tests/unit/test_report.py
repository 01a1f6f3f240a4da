"""The report: its numbers are the summary's, and nothing a model wrote becomes markup."""

import csv
import random
import re
import sqlite3
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from judge import Verdict
from sandbox import Execution, Exit
from solver.analysis.accuracy import summary_of
from solver.analysis.arms import stored_rows
from solver.analysis.checks import checks_of, vote_weights
from solver.analysis.regeneration import regeneration_of
from solver.analysis.repeats import repeats_of
from solver.analysis.rounds import rounds_of
from solver.cli import app
from solver.errors import ConfigError
from solver.records import Intervention, Problem, Reply, Trial, Turn, Verification
from solver.report import write_figures, write_report, write_tables
from solver.report.render.files import comma_separated, latex, markdown
from solver.report.render.svg import COLOURS
from solver.report.tables import Column, Kind, Table, short, text_of
from solver.stats.paired import holm
from solver.store import FILE, Store
from tests.bench.report import DOMAINS, write_run
from tests.fakes import EchoSandbox, config_of, finished_run, program

NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"
    "{{ 7*7 }}{% raw %}</style></title></pre>&lt; \x1b[31mred\x1b]0;owned\x07\x00\u202e$x$ |a|"
)
VOID = {"meta", "br", "img", "link", "input", "hr"}
STRUCTURE = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "section",
    "footer",
}
WORDS = {
    "nav",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "a",
    "code",
    "pre",
    "div",
    "span",
}
FIGURES = {"figure", "figcaption", "svg", "path", "line", "rect", "text"}
TABLES = {"details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """Tags, attributes and visible text of a page; a tag closed by another raises ValueError."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            raise ValueError(f"left open: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        if (top := self.open.pop()) != tag:
            raise ValueError(f"<{top}> is closed by </{tag}>")

    def handle_data(self, text):
        if not self.open or self.open[-1] != "style":
            self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def page_of(*folders, output):
    return write_report(list(folders), output).read_text(encoding="utf-8")


def summary_at(folder):
    store = Store.open(folder)
    try:
        return summary_of(store)
    finally:
        store.close()


def write_seven(folder, *, problems=20, repeats=2, models=("scripted/a",), text=""):
    """A run in seven modes, drawn at random: regeneration, rounds and checks among them."""
    draw = random.Random(0)
    modes = ("code", "code+literal", "code+guided", "code+refine", "cot", "tir", "csv")
    store = Store.create_or_open(folder)
    chosen = [
        Problem(id=f"p/{n}", question="q", answer="0", domain=DOMAINS[n % 7], level=1 + n % 5)
        for n in range(problems)
    ]
    store.add_problems(chosen)
    store.write_manifest(trials=problems * repeats * len(models) * len(modes))
    cells = product(models, modes, chosen, range(repeats))
    for started, (model, mode, problem, repeat) in enumerate(cells):
        turns = turns_of(draw, mode, text)
        for number, turn in enumerate(turns):
            store.add_turn(f"{model}{mode}{problem.id}{repeat}", number, turn)
        right = turns[-1].answer == "0"
        verdict = Verdict(5 if right else 1, "rules", "", "equal", rules="equal")
        trial = Trial(
            problem_id=problem.id, model=model, mode=mode, repeat=repeat, seed=0,
            started=started, turns=tuple(turns), verdict=verdict if turns[-1].answer else None,
        )  # fmt: skip
        store.add_trial(f"{model}{mode}{problem.id}{repeat}", trial, judge="j")
    store.close()
    return folder


def turns_of(draw, mode, text):
    """The turns of one trial in one of the seven modes."""

    def turn(answer=None, *, ran=True, exit=Exit.OK, **facts):
        seconds = draw.uniform(0.05, 0.2)
        done = Execution(exit, f"{answer}\n{text}", "", seconds, seconds, 10.0, False)
        reply = Reply(
            text=f"reply {draw.randint(0, 3)} {text}", input_tokens=200,
            output_tokens=draw.randint(50, 200), seconds=draw.uniform(3, 9),
            requests=100 if mode == "code+literal" else 1,
            interventions=tuple(
                Intervention(kind=kind, at=3, dropped=text or "while:")
                for kind in ("closed", "unparsable", "refused")
                if mode == "code+guided" and draw.random() < 0.4
            ),
        )  # fmt: skip
        return Turn(
            prompt=(), reply=reply, program="print(0)" if ran else None, answer=answer,
            execution=done if ran else None, answer_rule="last_line" if answer else None,
            runs_code=facts.pop("runs_code", ran), **facts,
        )  # fmt: skip

    answer = draw.choice("00000012")
    match mode:
        case "cot":
            return [turn(answer, ran=False)]
        case "tir":
            rounds = [turn(runs_code=False) for _ in range(draw.randint(0, 3))]
            return [*rounds, turn(answer, ran=False)]
        case "csv":
            found = draw.choice("ttuf" if answer == "0" else "tuff")
            state = next(state for state in Verification if state.startswith(found))
            return [turn(answer), turn(answer, verification=state)]
        case _:
            failed = [turn(exit=Exit.CRASHED) for _ in range(draw.randint(0, 2))]
            return [*failed, turn(answer)]


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


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """A run in seven modes."""
    return write_seven(tmp_path_factory.mktemp("runs") / "seven")


@pytest.fixture(scope="module")
def seven_page(seven):
    return Page(page_of(seven, output=seven / "page.html")).text


@pytest.fixture(scope="module")
def seven_tables(seven):
    paths = write_tables([seven], "csv", seven / "csv")
    return {path.stem: list(csv.DictReader(path.open(encoding="utf-8"))) for path in paths}


def test_each_arm_is_compared_with_the_first_and_all_pairs_are_there(seven_tables):
    others = ("code+literal", "code+guided", "code+refine", "cot", "tir", "csv")
    compared = [row["comparison"] for row in seven_tables["differences"]]
    assert compared == [f"code − {other}" for other in others]
    every = seven_tables["differences-of-all-pairs"]
    assert len(every) == 21
    p_values = [float(row["p"]) for row in every]
    assert [float(row["p after Holm"]) for row in every] == pytest.approx(holm(p_values))


def test_holm_takes_in_the_pairs_that_are_folded(seven_tables):
    every = {row["comparison"]: row for row in seven_tables["differences-of-all-pairs"]}
    for row in seven_tables["differences"]:
        assert row["p after Holm"] == every[row["comparison"]]["p after Holm"]


def test_two_arms_need_no_table_of_all_pairs(tmp_path):
    write_run(tmp_path / "r", problems=5)
    names = {path.stem for path in write_tables([tmp_path / "r"], "csv", tmp_path / "t")}
    assert "differences" in names
    assert "differences-of-all-pairs" not in names


def test_regeneration_on_the_page_is_what_was_found(seven, seven_tables):
    (arms,) = found_at(seven, regeneration_of)
    rows = zip(
        seven_tables["regeneration"],
        seven_tables["regeneration-executions"],
        seven_tables["regeneration-cost"],
        arms,
        strict=True,
    )
    for brought, executed, spent, arm in rows:
        assert brought["arm"] == arm.mode
        assert float(brought["accuracy"]) == arm.accuracy
        assert float(spent["requests"]) == arm.spent.requests
        assert float(executed["execution s a trial"]) == arm.spent.execution_seconds
        if arm.difference:
            assert float(brought["minus plain, points"]) == arm.difference.value
            assert float(brought["p"]) == arm.difference.p_value
            plain = arms[0].spent.execution_seconds
            change = arm.spent.execution_seconds / plain - 1
            assert float(executed["change, %"]) == pytest.approx(change)


def test_interventions_are_counted_by_kind(seven, seven_tables):
    (arms,) = found_at(seven, regeneration_of)
    rows = {row["arm"]: row for row in seven_tables["interventions"]}
    assert set(rows) == {arm.mode for arm in arms} - {"code"}
    guided = next(arm for arm in arms if arm.mode == "code+guided")
    for kind in ("closed", "unparsable", "refused"):
        assert int(rows["code+guided"][kind]) == guided.interventions[kind] > 0


def test_checks_of_every_state_add_up_to_the_answers(seven, seven_tables):
    rows = {row["found"]: row for row in seven_tables["checks"]}
    assert list(rows) == ["true", "uncertain", "false"]
    for row in rows.values():
        assert int(row["right"]) + int(row["wrong"]) == int(row["judged"]) > 0
    assert sum(int(row["answers"]) for row in rows.values()) == 40
    found = found_at(seven, checks_of)[0].accuracy[Verification.TRUE]
    assert float(rows["true"]["95 % interval: low"]) == found.low


def test_rounds_on_the_page_are_what_was_found(seven, seven_tables):
    (row,) = seven_tables["rounds"]
    found = found_at(seven, rounds_of)[0]
    assert (int(row["replies"]), int(row["programs run"])) == (found.replies, found.executions)


def test_the_weighted_vote_stands_next_to_the_majority(seven, seven_tables):
    (row,) = seven_tables["votes"]
    store = Store.open(seven)
    rows = stored_rows(store)
    found = next(
        each for each in repeats_of(rows, weights=vote_weights(store, rows)) if each.mode == "csv"
    )
    store.close()
    assert float(row["verification-weighted vote"]) == found.verified.value
    assert float(row["maj@n"]) == found.of_all.at[-1].majority.value


def test_each_mode_is_defined_where_it_is_used(seven_page, demo_page):
    for words in ("the definitions of these modes are ours", "one token a request",
                  "2309.17452", "2308.07921"):  # fmt: skip
        assert words in seven_page
        assert words not in demo_page


def test_arms_that_cannot_be_told_apart_share_a_sentence(seven_page):
    assert seven_page.count("cannot be told apart with this many problems") == 1


def test_seven_series_have_seven_signs():
    assert len({(order % COLOURS, order % 4) for order in range(28)}) == 28


def test_texts_of_turns_do_not_reach_the_page(tmp_path):
    text = page_of(
        write_seven(tmp_path / "bad", problems=4, text=NASTY), output=tmp_path / "p.html"
    )
    assert "alert(" not in text
    assert set(Page(text).tags) <= STRUCTURE | WORDS | FIGURES | TABLES


def found_at(folder, analysis):
    store = Store.open(folder)
    try:
        return analysis(store, stored_rows(store))
    finally:
        store.close()


def test_the_headline_is_the_accuracy_of_the_summary(demo, demo_page):
    shown = Page(demo_page).text
    for arm in summary_at(demo).arms:
        found = arm.overall.of_scored
        value, low, high = (f"{100 * share:.1f}" for share in (found.value, found.low, found.high))
        n = f"{found.n_problems} problems, {found.n_trials} scored trials"
        assert f"{value} % 95 % interval {low} – {high} {n}" in shown


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
    assert set(page.tags) <= STRUCTURE | WORDS | FIGURES | TABLES
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


TABLE = Table(
    "t",
    "Title",
    (Column("name", Kind.TEXT), Column("n"), Column("share", Kind.SHARE)),
    (("a|b_c*[x](http://y)<b>`$&%#{}~^\\", 1234, 0.5), ("=1+2", 0, None)),
)


def test_markdown_cells_stay_cells():
    lines = markdown(TABLE).splitlines()
    row = next(line for line in lines if "1,234" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert "<b>" not in row.replace("\\<b\\>", "")
    assert "](http" not in row


def test_latex_cells_hold_no_bare_special_character():
    row = next(line for line in latex(TABLE).splitlines() if "1,234" in line)
    cell = row.split(" & ")[0]
    bare = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}", "", cell
    )
    assert not re.search(r"(?<!\\)[&%$#_{}~^<>]", bare)


def test_csv_text_is_never_a_formula():
    rows = list(csv.reader(comma_separated(TABLE).splitlines()))
    assert rows[2] == ["'=1+2", "0", ""]
    assert rows[1][1:] == ["1234", "0.5"]


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\x1b\u202e" * 1_000_000, "é\n" * 50])
def test_a_shortened_text_is_harmless_and_short(text):
    found = short(text, 40)
    assert len(found) == 40
    assert not set(found) & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.5, Kind.SHARE, "50.0 %"),
        (1, Kind.SHARE, "100.0 %"),
        ((0.0, 1.0), Kind.INTERVAL, "0.0 – 100.0"),
        (-0.051, Kind.POINTS, "−5.1"),
        (-0.0001, Kind.POINTS, "0.0"),
        ((-0.1, 0.2), Kind.POINTS_INTERVAL, "−10.0 to +20.0"),
        (-0.0321, Kind.CHANGE, "−0.032"),
        (0.0004, Kind.CHANGE, "0.000"),
        ((-1.5, 1200.0), Kind.CHANGE_INTERVAL, "−1.50 to +1,200"),
        (0.0004, Kind.CHANCE, "< 0.001"),
        (12345, Kind.COUNT, "12,345"),
        (None, Kind.SHARE, "–"),
    ],
)
def test_values_are_printed_for_people(value, kind, text):
    assert text_of(value, kind) == text
