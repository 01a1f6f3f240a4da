"""The tasks for lm-eval: whole, on sets and parts that exist, graded by our judge."""

import pytest
import yaml

from solver.bridges.lm_eval_tasks import FOLDER
from solver.bridges.lm_eval_tasks.utils import process_results
from solver.problems import NAMES, load

FILES = sorted(FOLDER.glob("*.yaml"))
DOMAINS = {problem.domain for problem in load("starter").problems}


class Loader(yaml.SafeLoader):
    """Reads `!function` as a text, as lm-eval's own does before it imports it."""


Loader.add_constructor("!function", lambda loader, node: node.value)


def read(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_task_or_group_names_only_what_exists(path):
    content = read(path)
    if "group" in content:
        assert content["group"] == path.stem
        assert {f"{name}.yaml" for name in content["task"]} <= {file.name for file in FILES}
        return
    assert (content["task"], content["include"]) == (path.stem, "_template_yaml")
    asked = content["dataset_kwargs"]
    assert asked["problem_set"] in NAMES
    assert asked.get("domain", "algebra") in DOMAINS
    assert asked.get("level", 1) in range(1, 6)


def test_the_template_calls_functions_that_exist():
    from solver.bridges.lm_eval_tasks import utils

    template = read(FOLDER / "_template_yaml")
    for key in ("custom_dataset", "process_results"):
        module, _, name = template[key].partition(".")
        assert module == "utils"
        assert callable(getattr(utils, name))


@pytest.mark.parametrize(
    ("reply", "correct", "undecided"),
    [
        ("so \\boxed{0.5}", 1.0, 0.0), ("\\boxed{3}", 0.0, 0.0), ("", 0.0, 0.0),
        ("<think>\\boxed{1/2}", 0.0, 0.0), ("\\boxed{9^{9^{9^9}}}", 0.0, 1.0), (None, 0.0, 0.0),
    ],
)  # fmt: skip
def test_a_reply_is_graded_by_our_judge(reply, correct, undecided):
    doc = {"question": "What is half of 1?", "answer": "\\frac{1}{2}"}
    assert process_results(doc, [reply]) == {"correct": correct, "undecided": undecided}
