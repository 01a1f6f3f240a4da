"""The viewer in a real Chromium, driven by the keyboard."""

import shutil
import subprocess
import sys
import time

import pytest

from solver.records import Intervention, Reply, Token
from solver.store import Store
from tests.needs import chromium as find_chromium
from tests.needs import require
from tests.viewed import ATTACK, CRASH, PROBLEMS, add, hostile_run, write

pytestmark = pytest.mark.browser

SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1100,800",
)  # fmt: skip

TOKENS = ("\n", "```python", "\n", "x", " = ", "<b>", "\n\n", "print(x)  ", "\n", "```", "\n")
CONTINUED = CRASH.model_copy(
    update={
        "reply": Reply(
            text="".join(TOKENS),
            tokens=tuple(Token(text=text, logprob=-0.4 * n) for n, text in enumerate(TOKENS)),
            interventions=(Intervention(kind="refined", at=12, dropped="y" * 5_000),),
        )
    }
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write(folder / "first")
    hostile_run(folder / "bad", ATTACK)
    write(folder / "modes", modes=("code", "code+refine"), turns=(CONTINUED,))
    return folder


@pytest.fixture(scope="module")
def address(runs):
    """Where `solver view` answers."""
    command = [sys.executable, "-m", "solver.cli", "view", str(runs), "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline()
            yield next(word for word in said.split() if word.startswith("http")).rstrip("/")
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    require("browser")
    browser, driver = find_chromium(), shutil.which("chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def press(chromium):
    from selenium.webdriver import ActionChains

    return lambda *keys: ActionChains(chromium).send_keys(*keys).perform()


def opened(chromium, address, path):
    """Open a page; a run that is read for the first time comes back by itself."""
    chromium.get(address + path)
    until(lambda: "for the first time" not in chromium.page_source)


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def path_of(chromium):
    return chromium.current_url.split("/", 3)[3]


def focused(chromium):
    return chromium.execute_script("return document.activeElement.textContent")


def test_a_trial_is_reached_and_left_by_keys_alone(chromium, address, press):
    opened(chromium, address, "/")
    press("j")
    while focused(chromium) != "first":
        press("j")
    press("\ue007")
    until(lambda: path_of(chromium) == "run/first" and "/0" in chromium.page_source)
    press("j")
    press("\ue015")
    press("j")
    press("k")
    assert focused(chromium) == PROBLEMS[0].id
    press("\ue007")
    until(lambda: path_of(chromium) == "run/first/trial/cot-0")
    press("]")
    until(lambda: path_of(chromium) == "run/first/trial/code-1")
    press("[")
    until(lambda: path_of(chromium) == "run/first/trial/cot-0")
    press("u")
    until(lambda: path_of(chromium) == "run/first")


def test_the_search_is_reached_by_a_key_and_types_what_is_typed(chromium, address, press):
    opened(chromium, address, "/run/first")
    press("/")
    press("algebra/2", "\ue007")
    until(lambda: "q=algebra" in chromium.current_url)
    assert path_of(chromium) == "run/first?q=algebra%2F2"
    assert len(chromium.find_elements("css selector", "a[data-row]")) == 2


def test_the_focused_row_can_be_seen(chromium, address, press):
    opened(chromium, address, "/run/first")
    press("j")
    script = "return getComputedStyle(document.activeElement.closest('tr')).outlineStyle"
    assert chromium.execute_script(script) == "solid"


def test_a_chosen_filter_applies_at_once(chromium, address):
    from selenium.webdriver.support.ui import Select

    opened(chromium, address, "/run/first")
    Select(chromium.find_element("name", "mode")).select_by_value("cot")
    until(lambda: path_of(chromium) == "run/first?mode=cot")


def test_a_mode_with_a_plus_is_chosen_from_the_list(chromium, address):
    from selenium.webdriver.support.ui import Select

    opened(chromium, address, "/run/modes")
    Select(chromium.find_element("name", "mode")).select_by_value("code+refine")
    until(lambda: path_of(chromium) == "run/modes?mode=code%2Brefine")
    chromium.find_element("css selector", "a[data-row]").click()
    until(lambda: path_of(chromium) == "run/modes/trial/code%2Brefine-0?mode=code%2Brefine")


def test_the_marked_reply_is_selected_to_the_letter(chromium, address):
    opened(chromium, address, "/run/modes/trial/code%2Brefine-1")
    text = chromium.execute_script(
        "const box = document.querySelector('pre.tokens');"
        " box.closest('details').open = true;"
        " getSelection().selectAllChildren(box);"
        " return [box.textContent, getSelection().toString()]"
    )
    whole = "".join(TOKENS)
    assert text == [whole, whole.removesuffix("\n")]  # no browser selects a last empty line


def test_less_certain_tokens_are_shaded_more(chromium, address):
    opened(chromium, address, "/run/modes/trial/code%2Brefine-1")
    shades = chromium.execute_script(
        "return ['u1', 'u2', 'u3'].map(name =>"
        " getComputedStyle(document.querySelector('pre.tokens .' + name)).backgroundColor)"
    )
    assert len(set(shades)) == 3
    assert "rgba(0, 0, 0, 0)" not in shades


def test_formulas_are_drawn_as_formulas(chromium, address):
    opened(chromium, address, "/run/first/trial/code-1")
    sizes = (
        "return [...document.querySelectorAll('msup')].map(e => e.getBoundingClientRect().width)"
    )
    assert min(chromium.execute_script(sizes)) > 0


def test_a_hostile_run_runs_nothing(chromium, address):
    chromium.get_log("browser")
    for path in ("/", "/run/bad", "/run/bad/trial/k1", "/run/bad/trial/k2", "/run/bad/manifest",
                 "/beside?left=bad/k1&right=bad/k2"):  # fmt: skip
        opened(chromium, address, path)
        assert chromium.execute_script("return document.scripts.length") == 1
        assert chromium.execute_script("return document.images.length") == 0
    assert chromium.get_log("browser") == []  # nothing was blocked, because nothing was tried


def test_a_page_needs_no_script(chromium, address):
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(chromium, address, "/run/first?mode=cot&outcome=correct")
        chromium.find_element("css selector", "a[data-row]").click()
        until(lambda: "/trial/cot-0" in chromium.current_url)
        assert "Score 5 of 5" in chromium.page_source
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_progress_moves_while_the_page_is_open(chromium, address, runs):
    store = Store.create_or_open(write(runs / "going", trials=20))
    store.begin_session()
    opened(chromium, address, "/run/going")
    assert "8 of 20" in chromium.page_source
    add(store, "new", PROBLEMS[3], repeat=1)
    until(lambda: "9 of 20" in chromium.page_source)
    opened(chromium, address, "/")
    add(store, "newer", PROBLEMS[3], repeat=2)
    until(lambda: "10 of 20" in chromium.page_source)
    store.close()


@pytest.mark.parametrize("width", [360, 768, 1400])
@pytest.mark.parametrize(
    "path",
    ["/", "/run/first", "/run/first/trial/code-1", "/run/bad", "/run/bad/trial/k1",
     "/run/modes/trial/code%2Brefine-1", "/beside?left=first/code-1&right=first/cot-1"],
)  # fmt: skip
def test_no_page_is_wider_than_its_window(chromium, address, path, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened(chromium, address, path)
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
