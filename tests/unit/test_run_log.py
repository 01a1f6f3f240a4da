"""The log of a run: what happened, line by line, and nothing that should not be there."""

import logging

import pytest

from judge import JudgeError, Verdict
from solver.errors import ConfigError
from solver.run import log
from tests.fakes import PROBLEMS, ExactJudge, finished_run, program


def lines(folder):
    return (folder / "run.log").read_text(encoding="utf-8").splitlines()


async def logged(folder, replies, **how):
    folder.mkdir(exist_ok=True)
    with log.logging_to(folder, live=False):
        async with finished_run(folder, replies, problems=PROBLEMS[:1], **how):
            pass
    return [line.split(" ", 2)[2] for line in lines(folder)]


async def test_each_event_of_a_trial_is_a_line_that_names_it(tmp_path):
    name = "p1 · scripted/test · code · repeat 0: "
    assert await logged(tmp_path, [program("print(1)")]) == [
        f"INFO {name}request to scripted/test",
        f"INFO {name}answered in 0.0 s: 63 tokens in, 3 out",
        f"INFO {name}ended: correct after 1 turns, score 5 by rules",
    ]


async def test_a_failed_request_is_logged_with_its_reason_and_the_wait(tmp_path, monkeypatch):
    monkeypatch.setattr("solver.run.schedule.FIRST_WAIT", 0.001)
    line = {"text": program("print(1)"), "fails": 1, "status": 503}
    found = await logged(tmp_path, [line])
    failed = [line for line in found if line.startswith("WARNING")]
    assert len(failed) == 1
    assert "request 1 failed: " in failed[0]
    assert failed[0].endswith("scripted failure 503; again in 0.0 s")


async def test_neither_prompts_nor_replies_nor_answers_are_logged(tmp_path):
    await logged(tmp_path, [f"SECRETWORD {program('print(271828)')}"])
    text = "\n".join(lines(tmp_path))
    for body in ("SECRETWORD", "271828", PROBLEMS[0].question):
        assert body not in text


class NoisyJudge(ExactJudge):
    """Fails with a message made to forge lines and colour terminals."""

    async def grade(self, question: str, reference: str, answer: str) -> Verdict:
        logging.getLogger("judge").warning("bad\n2026-01-01 forged \x1b[31m line %s", "x" * 10_000)
        raise JudgeError("away")


async def test_what_others_say_is_one_harmless_line_of_bounded_length(tmp_path):
    found = await logged(tmp_path, [program("print(1)")], judge=NoisyJudge())
    (bad,) = (line for line in found if "forged" in line)
    assert "bad 2026-01-01 forged \\u001b[31m line" in bad
    assert len(bad) <= 600


def test_the_file_is_bounded_and_keeps_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "MOST_BYTES", 2_000)
    with log.logging_to(tmp_path, live=False):
        for number in range(1_000):
            logging.getLogger("solver.run").info("event %d", number)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5_000
    assert lines(tmp_path)[-1].endswith("event 999")


def test_live_prints_the_same_lines(tmp_path, capsys):
    with log.logging_to(tmp_path, live=True):
        logging.getLogger("sandbox.pool").warning("worker 3 is lost")
    logging.getLogger("sandbox.pool").warning("after the run")
    assert capsys.readouterr().err.splitlines()[0] == lines(tmp_path)[0]
    assert len(lines(tmp_path)) == 1


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "run.log").mkdir()
    wanted = pytest.raises(ConfigError, match=r"run\.log: cannot be read or written: ")
    with wanted, log.logging_to(tmp_path, live=False):
        pass


def test_nothing_is_written_for_a_library(tmp_path):
    with log.logging_to(tmp_path, live=False):
        logging.getLogger("httpx").error("HTTP Request: POST http://host/?key=abc")
    assert lines(tmp_path) == []
