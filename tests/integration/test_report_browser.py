"""The report in a real Chromium: light and dark, on a phone and on paper, whatever a run holds."""

import json
import re
import shutil
import subprocess
from html import escape

import pytest

from solver.records import Problem
from solver.report import write_report
from solver.report.render.fold import ROOM
from tests.bench.report import write_run
from tests.fakes import config_of, finished_run, program
from tests.needs import chromium, require
from tests.seven import write_seven

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
HOSTILE = (
    "<script>parent.hacked = 1</script><img src=x onerror='parent.hacked = 2'>"
    "</title></style></svg><svg onload='parent.hacked = 3'>\"><a href='http://evil.example/'>x</a>"
    "\\frac{\\text{<img src=x onerror='parent.hacked = 4'>}}{2}"
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def browser():
    require("browser")


def browse(tmp_path, *arguments):
    """Run Chromium once in a fresh profile; what it printed."""
    profile = tmp_path / "profile"
    done = subprocess.run(
        [chromium(), *FLAGS, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    shutil.rmtree(profile, ignore_errors=True)
    return done.stdout


def measure(tmp_path, page, expression, *, width=1100, flags=()):
    """The JSON value of a JavaScript expression over `view`, the page's window in a frame.

    The script is the surrounding page's: the report itself forbids scripts, and keeps doing so.
    """
    around = tmp_path / "around.html"
    around.write_text(
        "<!doctype html><meta charset=utf-8><title></title>"
        f'<iframe style="width:{width}px;height:3000px" srcdoc="{escape(page)}"></iframe>'
        "<script>window.hacked = 0; onload = () => {"
        " const view = document.querySelector('iframe').contentWindow;"
        f" document.title = JSON.stringify({expression}); }}</script>",
        encoding="utf-8",
    )
    found = browse(tmp_path, *flags, "--dump-dom", around.as_uri())
    title = re.search(r"<title>(.*?)</title>", found, re.DOTALL)
    return json.loads(title.group(1).replace("&amp;", "&").replace("&lt;", "<"))


@pytest.fixture(scope="module", params=["two modes", "seven modes"])
def page(request, tmp_path_factory):
    """A report of two models in two modes, and one of the same in seven."""
    folder = tmp_path_factory.mktemp("runs")
    models = ("scripted/a-model-with-a-rather-long-name", "scripted/b")
    if request.param == "two modes":
        run = write_run(folder / "demo", problems=21, repeats=4, models=models, errors=0.02)
    else:
        run = write_seven(folder / "demo", models=models)
    return write_report([run], folder / "report.html")


BACKGROUND = "view.getComputedStyle(view.document.body).backgroundColor"


def test_the_page_follows_the_readers_colour_scheme(tmp_path, page):
    text = page.read_text(encoding="utf-8")
    light, dark = (measure(tmp_path, text, BACKGROUND, flags=[flag]) for flag in (LIGHT, DARK))
    brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (light, dark)]
    assert brightness[0] > 700
    assert brightness[1] < 100


@pytest.mark.parametrize("width", [390, 1100])
def test_the_page_is_never_wider_than_the_screen(tmp_path, page, width):
    text = page.read_text(encoding="utf-8")
    found = measure(tmp_path, text, "view.document.documentElement.scrollWidth", width=width)
    assert found <= width


def test_no_table_is_scrolled_sideways_on_a_laptop(tmp_path, page):
    found = measure(
        tmp_path,
        page.read_text(encoding="utf-8").replace("<details", "<details open"),
        "[...view.document.querySelectorAll('.scroll')].map(box =>"
        " [box.ariaLabel, box.scrollWidth - box.clientWidth, box.clientWidth])",
        width=1280,
    )
    assert len(found) > 20
    assert [table for table in found if table[1] > 0] == []
    assert {room for _, _, room in found} == {ROOM}


def test_words_in_figures_stay_legible_on_a_phone(tmp_path, page):
    sizes = measure(
        tmp_path,
        page.read_text(encoding="utf-8"),
        "[...view.document.querySelectorAll('figure > svg')].map(svg =>"
        " svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"
        " * parseFloat(view.getComputedStyle(svg.querySelector('text')).fontSize))",
        width=390,
    )
    assert sizes
    assert min(sizes) > 9.5


def test_no_two_values_of_a_figure_overlap(tmp_path, page):
    overlaps = measure(
        tmp_path,
        page.read_text(encoding="utf-8"),
        "[...view.document.querySelectorAll('figure > svg')].flatMap(svg => {"
        " const boxes = [...svg.querySelectorAll('text.end')].map(t => t.getBoundingClientRect());"
        " return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>"
        " a.left < b.right - 1 && b.left < a.right - 1 &&"
        " a.top + 4 < b.bottom - 4 && b.top + 4 < a.bottom - 4)); }).length",
    )
    assert overlaps == 0


def test_a_page_without_scripts_shows_every_table(tmp_path, page):
    text = page.read_text(encoding="utf-8")
    heights = measure(
        tmp_path,
        text,
        "[...view.document.querySelectorAll('section > .scroll table')].map(t => t.offsetHeight)",
    )
    assert len(heights) > 8
    assert min(heights) > 30


def test_the_page_prints(tmp_path, page):
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page.as_uri())
    assert pdf.read_bytes().startswith(b"%PDF")


async def test_nothing_a_model_wrote_runs_or_becomes_an_element(tmp_path):
    problems = [Problem(id=HOSTILE, question=HOSTILE, answer="1", domain=HOSTILE)]
    replies = [(program(f"# exit: crashed\n# {HOSTILE}"), "\\boxed{" + HOSTILE + "}")]
    config = config_of(mode="code,cot", repeats=2, sampling={"temperature": 1})
    run = tmp_path / "hostile"
    async with finished_run(run, replies, problems=problems, config=config) as store:
        store.write_manifest(trials=4, warnings=[HOSTILE], sandbox={"kind": HOSTILE})
    text = write_report([run], tmp_path / "hostile.html").read_text(encoding="utf-8")
    without_policy = re.sub(r"<meta http-equiv=[^>]*>", "", text)  # escaping alone must do
    assert "http-equiv" not in without_policy
    found = measure(
        tmp_path,
        without_policy,
        "[window.hacked, view.document.querySelectorAll('script, img, [onload], [onerror],"
        " a:not([href^=\"#\"])').length, view.document.body.innerText.includes('<script>')]",
    )
    assert found == [0, 0, True]
