"""No text of a run and no address does anything on a page but be shown."""

import re
import sqlite3
from urllib.parse import quote

import pytest

from solver.store import FILE
from tests.viewed import ATTACK, Seen, client_of, hostile_run, listed, page, write


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
