"""One grader in a process of its own: reads JSON pairs, answers with its decision and its seconds.

Run by `tests/bench/judge.py`, with the interpreter that has the grader installed:

    python -P tests/bench/judge_peers.py math-verify

Peers are used as their authors recommend: both sides wrapped in dollars for math-verify, normalised
first for lm-eval's Minerva grader.
"""

import importlib
import json
import logging
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable

Grader = Callable[[str, str], str]
"""(reference, answer) to "equal", "different" or "undecided"."""

_MEMORY_MB = 4096


def ours() -> Grader:
    """Load this project's rules."""
    from judge import compare

    return lambda reference, answer: compare(reference, answer).relation.value


def math_verify() -> Grader:
    """Load Hugging Face's math-verify."""
    from math_verify import parse, verify

    def grade(reference: str, answer: str) -> str:
        return _word(verify(parse(f"${reference}$"), parse(f"${answer}$")))

    return grade


def lm_eval() -> Grader:
    """Load the Minerva MATH grader of EleutherAI's lm-evaluation-harness."""
    utils = importlib.import_module("lm_eval.tasks.minerva_math.utils")

    def grade(reference: str, answer: str) -> str:
        normalize = utils.normalize_final_answer
        return _word(utils.is_equiv(normalize(reference), normalize(answer)))

    return grade


def prm800k() -> Grader:
    """Load OpenAI's PRM800K grader as packaged by mathruler."""
    grader = importlib.import_module("mathruler.grader")
    return lambda reference, answer: _word(grader.grade_answer(answer, reference))


GRADERS = {"ours": ours, "math-verify": math_verify, "lm-eval": lm_eval, "prm800k": prm800k}


def main() -> None:
    """Answer pairs until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        grade = GRADERS[sys.argv[1]]()
    except (ImportError, AssertionError) as missing:
        reason = (str(missing).splitlines() or [type(missing).__name__])[0]
        print(json.dumps({"absent": reason[:120]}), file=answers, flush=True)
        return
    size = _MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    grade(r"\frac{1}{2}", "x+1")  # what a grader loads on first use is not its speed
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        reference, answer = json.loads(line)
        started, cpu = time.perf_counter(), time.process_time()
        try:
            found = grade(reference, answer)
        except Exception:  # noqa: BLE001 - a peer may raise anything, and that is a result
            found = "raised " + traceback.format_exc().strip().splitlines()[-1][:100]
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        result = {"found": found, "seconds": seconds, "cpu": cpu, "peak_mb": peak}
        print(json.dumps(result), file=answers, flush=True)


def _word(same: object) -> str:
    return "equal" if same else "different"


if __name__ == "__main__":
    main()
