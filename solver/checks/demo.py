"""Run the quickstart with what this machine has, and say what to try next."""

from pathlib import Path

from sandbox import probe
from solver.models._weights import has_qwen_coder
from solver.report import write_report
from solver.run.start import INTERRUPTED, execute, prepare
from solver.text import command, say, say_wrapped

CONFIG = Path("quickstart")


def run_demo(runs: Path) -> int:
    """Run the quickstart, write its page, and print where it is; return the exit code.

    Qwen2.5-Coder 0.5B is asked where it is here or the hub has it, else SmolLM2, which a package
    index has too. Programs run in Docker or bubblewrap, else with reduced isolation.
    """
    name = "quickstart"
    overrides: dict[str, object] = {}
    changes: list[str] = []
    if not has_qwen_coder():
        say_wrapped(
            "The model hub does not answer: using SmolLM2 (135 million parameters), 98 MB, which"
            " solves few problems; with the hub it would be Qwen2.5-Coder 0.5B, 491 MB."
        )
        name += "-smollm2"
        overrides["model"] = ["local/smollm2"]
        changes.append("code.examples=3")  # it needs to be shown how
    works = {fact.what: fact.works for fact in probe()}
    if not (works["Docker engine"] and works["sandbox image"]) and not works["bubblewrap"]:
        say_wrapped(
            "Neither Docker nor bubblewrap works here: running with reduced isolation. For the real"
            " thing install one, e.g. apt-get install bubblewrap; then run this again."
        )
        overrides["sandbox"] = "reduced"
        name += "-reduced"
    job = prepare(CONFIG, overrides, changes, name=name, runs=runs)
    code = execute(job)
    if code != INTERRUPTED:
        say(f"page: {write_report([job.folder], None)}")
    say_wrapped("\nNext: every trial in a page, and your own model on the same kind of problems:")
    say(f"  {command('view', runs)}\n  solver run --model ollama/NAME")
    return code
