"""How models are named in titles, tables and pages."""

import pytest

from solver.report.runs import short_names, stored_run
from solver.report.show import show_run
from solver.store import Store
from solver.text import model_name
from solver.view.templating import build_environment
from tests.bench.report import write_run

FILES = ("local//work/models/q4/x-1.5b.gguf", "local//work/models/q8/x-1.5b.gguf")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (FILES[0], "local/x-1.5b"),
        ("local/qwen2.5", "local/qwen2.5"),
        ("local/models/qwen2.5", "local/qwen2.5"),
        ("ollama/qwen2.5-coder:7b", "ollama/qwen2.5-coder:7b"),
        ("openai/meta-llama/Llama-3.1-8B", "openai/meta-llama/Llama-3.1-8B"),
        ("gpt-4", "gpt-4"),
    ],
)
def test_a_model_has_one_name_in_the_report_and_in_the_viewer(model, name):
    assert model_name(model) == name
    page = build_environment().from_string("{{ name|model }}")
    assert page.render(name=model) == name
    assert (
        short_names([("", model, "cot"), ("", "a/b", "cot")])["", model, "cot"] == f"{name} · cot"
    )


def test_files_of_one_name_in_two_folders_are_told_apart():
    names = short_names([("", model, "cot") for model in FILES])
    assert list(names.values()) == [f"{model} · cot" for model in FILES]


def test_show_titles_an_arm_with_the_name_of_its_model_file_alone(tmp_path):
    store = Store.open(write_run(tmp_path / "run", problems=3, repeats=1, models=(FILES[0],)))
    seen = []
    show_run(stored_run(store), draw=seen.extend)
    store.close()
    titles = [section.title for section in seen if section is not None and section.title]
    assert titles[0].startswith("local/x-1.5b · ")
