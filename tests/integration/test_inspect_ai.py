"""The plug-in within inspect_ai itself, on a model of fixed replies."""

import json
import subprocess
import sys

import pytest

from solver.bridges.inspect_export import export_inspect
from tests.needs import require
from tests.stored import problem, said, stored, trial

MODEL = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model

def model(replies):
    outputs = [ModelOutput.from_content("mockllm/model", text) for text in replies]
    for output in outputs:
        output.usage = ModelUsage()  # else it is counted, by a file from the network
    return get_model("mockllm/model", custom_outputs=outputs)

def evaluated(task, replies, **more):
    [log] = eval(task, model=model(replies), display="none", log_dir="logs", max_samples=1, **more)
    print(json.dumps({
        "status": log.status,
        "error": str(log.error)[:500],
        "values": [str(score.value) for s in log.samples for score in s.scores.values()],
        "roles": [[m.role for m in s.messages] for s in log.samples],
    }))
"""


@pytest.fixture(autouse=True)
def installed():
    require("inspect")


def run(folder, script):
    """What a script printed last, run in a process of its own: inspect_ai keeps one loop."""
    done = subprocess.run(
        [sys.executable, "-c", MODEL + script],
        cwd=folder, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["status"] == "success", found["error"]
    return found


@pytest.mark.native
def test_the_task_runs_programs_in_our_sandbox_and_grades_what_they_print(tmp_path):
    require("native")
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"question": "What is 6 times 7?", "answer": "42"}) + "\n", encoding="utf-8"
    )
    found = run(
        tmp_path,
        """
replies = ["```python\\n1/0\\n```", "```python\\nprint(6 * 7)\\n```"]
evaluated("solver/math_code", replies,
          task_args={"problems": "mine.jsonl", "sandbox": "native,seconds=5"})
""",
    )
    assert found["values"] == ["C"]
    assert found["roles"] == [["system", "user", "assistant", "tool", "user", "assistant", "tool"]]


def test_inspect_reads_our_logs_and_leaves_out_what_is_not_scored(tmp_path):
    from inspect_ai.log import read_eval_log

    trials = [
        trial("p1", said("1"), right=True),
        trial("p2", said("9"), right=False),
        trial("p3", said("9")),
        trial("p4", error="away"),
    ]
    run = stored(tmp_path / "run", [problem(n) for n in range(1, 5)], trials)
    [path] = export_inspect(run, tmp_path / "out")
    log = read_eval_log(str(path))
    assert log.results.scores[0].metrics["accuracy"].value == 0.5
    assert (len(log.samples), log.samples[3].error.message) == (4, "away")


def test_the_scorer_leaves_an_undecided_answer_unscored(tmp_path):
    found = run(
        tmp_path,
        r"""
from solver.bridges.inspect_plugin import solver_judge
said = [r"so \boxed{0.5}", r"so \boxed{9^{9^{9^9}}}", r"\boxed{7}", r"<think>so \boxed{1/2}"]
samples = [Sample("What is half of 1?", target=["one half", "1/2"]) for _ in said]
evaluated(Task(dataset=samples, scorer=solver_judge()), said)
""",
    )
    assert found["values"] == ["C", "nan", "I", "I"]
