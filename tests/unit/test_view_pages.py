"""What the viewer shows of runs and trials, in every mode."""

import re
import sqlite3
from urllib.parse import quote

import pytest

from solver.records import Intervention, Verification
from solver.store import FILE
from tests.viewed import CRASH, PROBLEMS, TURN, client_of, listed, page, write


def attempt(text, number):
    """One attempt's part of a page."""
    return text.split('<section class="attempt"')[number].partition("</section>")[0]


def test_the_list_of_runs_tells_what_each_is(client):
    text = page(client, "/")
    assert 'href="/run/first"' in text
    assert "8 of 8" in text
    assert "finished" in text


def test_the_list_of_runs_tells_the_accuracy_of_each_arm(client):
    page(client, "/run/first")
    assert re.findall(r"code <strong>100.0 %</strong>", page(client, "/"))


def test_a_run_lists_its_trials_in_the_order_of_its_problems(client):
    keys = listed(page(client, "/run/first"))
    assert keys == [f"{mode}-{n}" for n in range(4) for mode in ("code", "cot")]


def test_an_attempt_shows_its_prompt_with_formulas(client):
    text = attempt(page(client, "/run/first/trial/code-1"), 1)
    assert "Write Python." in text
    assert "<mi>x</mi>" in text


def test_an_attempt_shows_its_program_what_the_screen_found_and_how_it_ended(client):
    first, second = (attempt(page(client, "/run/first/trial/code-1"), n) for n in (1, 2))
    assert '<span class="nb">print</span>' in first
    assert "</strong> line 1: eval_used: calls eval</li>" in first
    assert '<pre tabindex="0">NameError: y</pre>' in first
    assert "Attempt 2" in second
    assert "The safety screen found nothing." in second
    assert "0.25 s" in second


def test_a_trial_shows_its_verdict_and_the_reason(client):
    verdict = page(client, "/run/first/trial/code-1").partition('<section class="verdict"')[2]
    assert "<strong>Score 5 of 5</strong>, by rules: the same text" in verdict


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
    assert "2 interventions while the reply was generated" in text
    assert "<strong>unparsable</strong> at character 12, dropped 10 characters" in text
    assert "whlie &lt;b&gt;:" in text
    assert "<strong>closed</strong> at character 40, nothing dropped" in text


def test_a_check_says_what_it_found(tmp_path):
    check = TURN.model_copy(update={"verification": Verification.FALSE})
    text = shown_trial(tmp_path, "csv", TURN, check)
    assert "found false" not in attempt(text, 1)
    assert "Turn 2, check" in attempt(text, 2)
    assert "Check: the answer <strong>9</strong> was found <strong>false</strong>" in text
    assert "<dt>last check</dt><dd>found false</dd>" in text


def test_a_round_before_the_last_is_not_said_to_have_no_answer(tmp_path):
    going = TURN.model_copy(update={"answer": None, "answer_rule": None, "runs_code": False})
    last = going.model_copy(update={"program": None, "execution": None})
    text = shown_trial(tmp_path, "tir", going, last)
    assert "no answer" not in attempt(text, 1)
    assert "continues" in attempt(text, 1)
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
    write(folder / "modes", modes=(mode,), turns=turns)
    with client_of(folder) as client:
        return page(client, f"/run/modes/trial/{quote(mode)}-1")


def test_a_mode_with_a_plus_is_chosen_and_kept_by_every_link(tmp_path):
    write(tmp_path / "modes", modes=("code", "code+guided"))
    with client_of(tmp_path) as client:
        text = page(client, "/run/modes?mode=code%2Bguided")
        assert len(listed(text)) == 4
        links = re.findall(r'href="(/run/modes/trial/[^"]*)" data-row', text)
        assert all(link.endswith("?mode=code%2Bguided") for link in links)
        text = page(client, links[1])
        assert 'rel="next" href="/run/modes/trial/code%2Bguided-2?mode=code%2Bguided"' in text


def test_thoughts_are_folded_and_the_whole_of_them_is_a_link(tmp_path):
    long = "<b>hm</b> " * 20_000
    counted = {"thoughts": long, "thought_tokens": 60_000, "thoughts_counted": "counted"}
    reply = TURN.reply.model_copy(update=counted)
    write(tmp_path / "run", turns=(TURN.model_copy(update={"reply": reply}),))
    with client_of(tmp_path) as client:
        text = attempt(page(client, "/run/run/trial/code-1"), 1)
        folded = text.partition('<details class="thoughts">')[2].partition("</details>")[0]
        assert "Thoughts, 60,000 of these tokens, counted</summary>" in folded
        assert "<b>hm" not in folded
        assert client.get("/run/run/raw/1/thoughts/code-1").text == long


def test_a_cut_while_thinking_is_said(tmp_path):
    reply = TURN.reply.model_copy(update={"text": "", "thought_tokens": 9, "capped": True})
    cut = TURN.model_copy(
        update={"reply": reply, "program": None, "execution": None, "answer": None}
    )
    write(tmp_path / "run", turns=(cut,))
    with client_of(tmp_path) as client:
        text = page(client, "/run/run/trial/code-1")
    assert "hit the cap while thinking" in text
    assert "(cut while thinking)" in text
    assert "The server counted them and did not show them." in text


def test_an_attempt_that_wrote_and_printed_the_same_is_shown_once(tmp_path):
    write(tmp_path / "first", turns=(CRASH, CRASH, TURN))
    with client_of(tmp_path) as client:
        text = page(client, "/run/first/trial/code-1")
    first, second, third = (attempt(text, n) for n in (1, 2, 3))
    assert 'the same as <a href="#attempt-1">number 1</a>' in second
    assert "stderr" in first
    assert "stderr" not in second
    assert "the same as" not in third


def test_every_part_of_two_trials_side_by_side_has_a_name_of_its_own(client):
    text = page(client, "/beside?left=first/code-1&right=first/cot-1")
    names = re.findall(r'<(?:section|article|nav)[^>]* aria-label="([^"]*)"', text)
    assert len(names) == len(set(names))
