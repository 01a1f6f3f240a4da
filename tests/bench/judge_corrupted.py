r"""Change one sign, digit, bracket, relation or factorial of real references: none may pass.

    python -m tests.bench.judge_corrupted            # every reference under ../shared/data
    python -m tests.bench.judge_corrupted --all      # print also what is undecided

A corrupted reference is a wrong answer that looks like the right one. Exit code 1 where the rules
accept one, or where they do not accept a reference as an answer to itself. Not covered: changes
that keep the value, which `corruptions` leaves out (a sign within an even power, brackets that
group).
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from judge import Relation, compare

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = ("math_test", "livemathbench_202412_en", "livemathbench_202505_en_100", "aime2024",
        "gsm8k_test")  # fmt: skip

_RELATIONS = (
    (r"\\leq?(?![a-z])", r"\\ge "), (r"\\geq?(?![a-z])", r"\\le "), (r"\\leq?(?![a-z])", "<"),
    (r"\\geq?(?![a-z])", ">"), ("<", ">"), (">", "<"), ("<", r"\\le "), (">", r"\\ge "),
    ("≤", "<"), ("≥", ">"), (r"\\ne(?:q)?(?![a-z])", "="), (r"\\equiv", r"\\not\\equiv"),
    (r"\\subset", r"\\supset"), (r"\\perp", r"\\parallel"), (r"\\cup", r"\\cap"),
    (r"(?<=[A-Za-z)]) ?= ?(?=[^=])", r" \\ne "),
)  # fmt: skip
_INTERVAL = re.compile(r"[\[(][^\[\]()]*,[^\[\]()]*[\])]")
_BRACKETS = str.maketrans("([)]", "[(])")
_WORDS = re.compile(r"[A-Za-z]{4,} [A-Za-z]{2,}")


def corruptions(reference: str) -> Iterator[tuple[str, str]]:
    """Yield wrong answers made from a reference, each with the kind of change."""
    digits = [match.start() for match in re.finditer(r"\d", reference)]
    for place in {*digits[:2], *digits[-2:]}:
        digit = str((int(reference[place]) + 1) % 10)
        yield "digit", reference[:place] + digit + reference[place + 1 :]
    if re.fullmatch(r"-?[1-9][\d.,]*", reference):
        yield "sign", reference[1:] if reference[0] == "-" else f"-{reference}"
    signs = [match for match in re.finditer(r"(?<=[\w})]) ?([+-]) ?(?=[\w\\(])", reference)]
    if signs and not re.search(r"[kn] ?\\in|\^\{?[\dn]|\||\\cos|\\sqrt|[A-Za-z]{4}", reference):
        place = signs[0].start(1)
        other = "-" if reference[place] == "+" else "+"
        yield "sign", reference[:place] + other + reference[place + 1 :]
    for old, new in _RELATIONS:
        if re.search(old, reference):
            yield "relation", re.sub(old, new, reference, count=1)
    for found in _INTERVAL.finditer(reference):
        if "[" in reference or "]" in reference or "infty" in reference:
            low, high = found[0].split(",", maxsplit=1)
            for place, end in ((found.start(), low), (found.end() - 1, high)):
                if "infty" not in end:
                    swapped = reference[place].translate(_BRACKETS)
                    yield "bracket", reference[:place] + swapped + reference[place + 1 :]
    if re.search(r"(?<!\\)!", reference):
        yield "factorial", re.sub(r"(?<!\\)!", "", reference, count=1)
    elif re.fullmatch(r"[3-9]|[1-9]\d", reference):
        yield "factorial", f"{reference}!"
    if re.search(r"\bnot\b", reference):
        yield "negation", re.sub(r"\bnot\b ?", "", reference)
    elif _WORDS.fullmatch(reference):
        yield "negation", f"not {reference}"
    if re.fullmatch(r"\d+\.\d+", reference):
        yield "point", reference.replace(".", "", 1)
    fraction = re.fullmatch(r"\\d?frac\{(\w+)\}\{(\w+)\}", reference)
    if fraction and fraction[1] != fraction[2]:
        yield "fraction", rf"\frac{{{fraction[2]}}}{{{fraction[1]}}}"
    if re.fullmatch(r"\(?[A-D]\)?|\\text\{\(?[A-D]\)?\}", reference):
        yield "letter", re.sub("[A-D](?![a-z])", lambda m: "BCDA"["ABCD".index(m[0])], reference)


def references() -> Iterator[str]:
    """Yield every reference answer there is, each once."""
    seen: set[str] = set()
    for name in SETS:
        path = DATA / f"{name}.jsonl"
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                answer = str(row["answer"]).rpartition("####")[2].strip()
                if answer not in seen:
                    seen.add(answer)
                    yield answer


def accepted(reference: str) -> Iterator[tuple[str, str, Relation]]:
    """Yield the corruptions of a reference, and what the rules say of each, in the worse order."""
    for kind, wrong in corruptions(reference):
        if wrong == reference:
            continue
        found = {compare(*pair).relation for pair in ((reference, wrong), (wrong, reference))}
        worst = next(relation for relation in _WORST if relation in found)
        yield kind, wrong, worst


_WORST = (Relation.EQUAL, Relation.UNDECIDED, Relation.DIFFERENT)


def main() -> int:
    """Print what is accepted, and a table; return 1 where anything is."""
    table: Counter[tuple[str, Relation]] = Counter()
    mistakes = 0
    for reference in references():
        itself = compare(f"${reference}$", reference.replace(r"\dfrac", r"\frac"))
        if itself.relation is not Relation.EQUAL:
            mistakes += 1
            print(f"not equal to itself: {reference!r}")
        for kind, wrong, relation in accepted(reference):
            table[kind, relation] += 1
            mistakes += relation is Relation.EQUAL
            if relation is Relation.EQUAL or (
                relation is Relation.UNDECIDED and "--all" in sys.argv
            ):
                print(f"{kind:10} {relation:10} {reference!r}  {wrong!r}")
    for kind in dict.fromkeys(kind for kind, _ in table):
        print(f"{kind:10}", "  ".join(f"{r} {table[kind, r]}" for r in _WORST))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
