"""Run the demo with what this machine has, and say what to try next."""

from pathlib import Path

from sandbox import probe
from solver.models._weights import has_qwen_coder
from solver.report import write_report
from solver.run.start import INTERRUPTED, execute, prepare
from solver.text import command, say, say_wrapped


def run_demo(runs: Path) -> int:
    """Run the quickstart or the sums, write its page, and print where it is; return the exit code.

    Qwen2.5-Coder 0.5B is asked where it is here or the hub has it; else SmolLM2, which a package
    index has too, and sums, of which it can solve some. Programs run in Docker or bubblewrap, else
    with reduced isolation.
    """
    name = "quickstart"
    if not has_qwen_coder():
        name = "sums"
        say_wrapped(
            "The model hub does not answer: SmolLM2 (135 million parameters, 98 MB) is asked for"
            " sums, since it solves little else. With the hub it would be Qwen2.5-Coder 0.5B, 491"
            " MB, and problems of algebra, geometry and so on."
        )
    config = Path(name)
    overrides: dict[str, object] = {}
    works = {fact.what: fact.works for fact in probe()}
    if not (works["Docker engine"] and works["sandbox image"]) and not works["bubblewrap"]:
        say_wrapped(
            "Neither Docker nor bubblewrap works here: running with reduced isolation. For the real"
            " thing install one, e.g. apt-get install bubblewrap; then run this again."
        )
        overrides["sandbox"] = "reduced"
        name += "-reduced"
    job = prepare(config, overrides, name=name, runs=runs)
    code = execute(job)
    if code != INTERRUPTED:
        say(f"page: {write_report([job.folder], None)}")
    say_wrapped("\nNext: every trial in a page, and a model of your own on starter problems:")
    say(f"  {command('view', runs)}\n  solver run --model ollama/NAME")
    return code
