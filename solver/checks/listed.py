"""Print the problem sets and prompts that a run can name, and what a set holds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import yaml

from solver.modes import shipped
from solver.problems import ProblemSet
from solver.problems.known import KnownSet, known
from solver.prompts import OURS, Prompt, shipped_prompts
from solver.report.parts import Rows, Section, of
from solver.report.render.terminal import print_sections
from solver.report.tables import Column, Kind, Table
from solver.text import say, short


def show_sets(found: Sequence[KnownSet]) -> None:
    """Print the problem sets that a run can name."""
    names = ("set", "problems", "answers", "published", "licence", "checked by", "from")
    columns = tuple(
        Column(name, Kind.COUNT if name == "problems" else Kind.TEXT, minor=name == "checked by")
        for name in names
    )
    rows: Rows = [
        (
            *(each.name, each.problems, each.answers, each.published or None, each.licence),
            *(each.check, _place_of(each)),
        )
        for each in found
    ]
    note = (
        "“Copy” needs a local copy (`problems_file`), or the commit to fetch, as NAME@COMMIT."
        " arxivmath-MMYY is any month of ArXivMath. `solver problems NAME` loads and checks a set."
    )
    table = Table("sets", "Problem sets", columns, tuple(rows), note)
    print_sections([Section("sets", "", tables=(table,))])


def _place_of(found: KnownSet) -> str:
    if found.check == "shipped":
        return "solver"
    return "hub" if found.revision else "copy"


def show_checked_set(found: ProblemSet, unread: Mapping[str, str]) -> None:
    """Print what a problem set holds, and the references that the rules cannot read."""
    listed = known(found.name)
    facts = [
        *((("about", listed.about), ("licence", listed.licence)) if listed else ()),
        ("problems", f"{len(found.problems):,}"),
        ("from", " · ".join(_origin(found.source))),
        ("published", " · ".join(sorted({p.published or "unknown" for p in found.problems}))),
        ("domains", _counted(problem.domain for problem in found.problems)),
        ("levels", _counted(str(problem.level or "none") for problem in found.problems)),
        *(("note", note) for note in found.notes()),
        ("references", f"{of(len(unread), len(found.problems))} cannot be read by the rules"),
        *((f"  {name}", short(why, 200)) for name, why in unread.items()),
    ]
    print_sections([Section("set", found.name, facts=tuple(facts))])


def _origin(source: Mapping[str, object]) -> list[str]:
    keys = ("kind", "dataset", "revision", "path")
    return [str(source[key]) for key in keys if key in source]


def _counted(names: Iterable[str]) -> str:
    return " · ".join(f"{name} {count:,}" for name, count in sorted(Counter(names).items()))


def show_prompts() -> None:
    """Print the prompts that ship, mode by mode."""
    columns = (Column("prompt", Kind.TEXT), Column("what it is", Kind.TEXT))
    rows: Rows = [
        (f"{mode.name}@{name}", short(about, 400))
        for mode in shipped()
        if mode.texts and mode.compared_with is None
        for name, about in (
            (OURS, "the mode's own texts"),
            *((name, prompt.about) for name, prompt in shipped_prompts(mode.name).items()),
        )
    ]
    note = "Several wordings of ours are run and compared by `wordings: 5`."
    table = Table("prompts", "Prompts", columns, tuple(rows), note)
    print_sections([Section("prompts", "", tables=(table,))])


def show_prompt(name: str, prompt: Prompt) -> None:
    """Print a prompt in the form of a file."""
    content = prompt.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    text = yaml.dump(content, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=100)
    say(f"# {name}\n{text.rstrip()}")


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as a person would."""


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Blocks.add_representer(str, _as_block)
