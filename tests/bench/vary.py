"""What `solver vary` makes of the published programs of three systems for MATH-500.

    python -m tests.bench.vary [-o variants.jsonl]

Needs `judge/transcripts_dev.jsonl.gz` and a sandbox. Prints the funnel, the reasons and a sample to
check by eye; with -o the variants are kept, to read them all. Takes minutes: some 300 programs are
run, each with its own numbers and with others.

Not covered: whether a variant is well posed, which only a reader can tell.
"""

import argparse
import gzip
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path

from solver.bridges.normal_form import normal_form
from solver.contamination.shown import show_funnel
from solver.contamination.vary import Solved, vary, write_rejections, write_variants
from solver.extract import extract_program
from solver.records import Problem
from tests.bench.published import TRANSCRIPTS

SEED = 7


def solved() -> list[Solved]:
    """Return each problem of the transcripts with the programs written for it."""
    problems: dict[str, Problem] = {}
    programs: dict[str, dict[str, str]] = defaultdict(dict)
    with gzip.open(TRANSCRIPTS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            program = extract_program(row["output"]) if row["style"] == "tool" else None
            if program is None:
                continue
            question = row["problem"]
            one = Problem(
                id=str(len(problems)), question=question, answer=row["gold"], domain="", level=0
            )
            found = programs[problems.setdefault(" ".join(question.split()), one).id]
            found.setdefault(normal_form(program), printing(program))
    return [Solved(each, tuple(programs[each.id].values())) for each in problems.values()]


def printing(program: str) -> str:
    """Return a program; where it prints nothing, with a call of its function, as PAL's are run."""
    function = re.search(r"^def (solution\w*)\(\)", program, re.MULTILINE)
    if function is None or "print(" in program:
        return program
    return f"{program}\nprint({function[1]}())\n"


def main() -> None:
    """Print what became of the problems."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("-o", "--output", type=Path, help="where the variants are kept")
    given = options.parse_args().output
    funnel = vary(solved(), wanted=1, seed=SEED, agree=2)
    with tempfile.TemporaryDirectory() as folder:
        output = given or Path(folder) / "variants.jsonl"
        rejected = output.with_name(f"{output.stem}.rejected.jsonl")
        write_variants(output, funnel.variants)
        write_rejections(rejected, funnel.rejections)
        show_funnel(funnel, output, rejected)


if __name__ == "__main__":
    main()
