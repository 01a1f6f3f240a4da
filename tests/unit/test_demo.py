"""The demo: which model and problems it takes, and where programs run."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import probe
from solver.checks import demo
from solver.run.start import INTERRUPTED

WORKS = {"Docker engine": False, "sandbox image": False, "bubblewrap": True}


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """What the demo would run on a machine of which this tells what works."""

    def run(*, hub, code=0, **works):
        jobs, pages = [], []
        facts = [replace(fact, works=(WORKS | works).get(fact.what, False)) for fact in probe()]
        monkeypatch.setattr(demo, "has_qwen_coder", lambda: hub)
        monkeypatch.setattr(demo, "probe", lambda: facts)
        monkeypatch.setattr(demo, "execute", lambda job: jobs.append(job) or code)
        monkeypatch.setattr(
            demo, "write_report", lambda folders, _: pages.append(folders) or Path("page.html")
        )
        assert demo.run_demo(tmp_path) == code
        (job,) = jobs
        return job, pages

    return run


def test_qwen_coder_is_asked_for_easy_starter_problems_where_a_hub_answers(ran, tmp_path, capsys):
    job, pages = ran(hub=True)
    assert [model.name for model in job.config.model] == ["local/qwen2.5-coder-0.5b"]
    assert {problem.set for problem in job.problems} == {"starter"}
    assert {problem.level for problem in job.problems} == {1}
    assert pages == [[tmp_path / "quickstart"]]
    assert "hub" not in capsys.readouterr().out


def test_smollm2_is_asked_for_sums_without_a_hub_and_that_is_said(ran, tmp_path, capsys):
    job, _ = ran(hub=False)
    assert [model.name for model in job.config.model] == ["local/smollm2"]
    assert {problem.set for problem in job.problems} == {"sums"}
    assert job.folder == tmp_path / "sums"
    said = " ".join(capsys.readouterr().out.split())
    assert "The model hub does not answer: SmolLM2" in said
    assert "solver view" in said
    assert "page: page.html" in said


@pytest.mark.parametrize(("hub", "problems"), [(True, 9), (False, 21)])
def test_programs_and_words_are_asked_the_problems_that_the_readme_counts(ran, hub, problems):
    job, _ = ran(hub=hub)
    assert job.config.mode == ("code", "cot")
    assert len(job.problems) == problems


def test_programs_run_with_reduced_isolation_only_where_nothing_else_works(ran, tmp_path, capsys):
    job, _ = ran(hub=False, bubblewrap=False)
    assert (job.config.sandbox.kind, job.folder.name) == ("reduced", "sums-reduced")
    assert "reduced isolation" in capsys.readouterr().out
    job, _ = ran(hub=False, **{"bubblewrap": False, "Docker engine": True, "sandbox image": True})
    assert job.folder.name == "sums"


def test_an_interrupted_demo_writes_no_page(ran):
    assert ran(hub=False, code=INTERRUPTED)[1] == []
