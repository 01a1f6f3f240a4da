"""Prints what stands in each package, how its rooms import each other, and how long they are.

    python -m tests.bench.imports [FOLDER]

A room is a file or a folder that stands directly in a package. An edge is one room that imports
another. Floors are the rooms of the longest way down. An edge runs upward if it is against the
best order found for the rooms; without cycles there is none. Imports inside functions count,
those for type checkers do not. FOLDER is another checkout; the default is this one.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

PACKAGES = ("solver", "judge", "sandbox")


def main() -> int:
    """Print a line for each package, and one for each of its rooms."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    for package in PACKAGES:
        files = {module(path, root): path for path in sorted((root / package).rglob("*.py"))}
        graph = rooms(files)
        floors = nx.dag_longest_path_length(nx.condensation(graph)) + 1
        print(
            f"{package}: {len(files)} modules, {sum(map(lines, files.values()))} lines; "
            f"{len(graph)} rooms on {floors} floors, {graph.number_of_edges()} edges, "
            f"upward: {', '.join(f'{a} -> {b}' for a, b in upward(graph)) or 'none'}"
        )
        for name in sorted(graph):
            inside = [path for key, path in files.items() if room(key) == name]
            print(f"    {name:22}{len(inside):4} modules{sum(map(lines, inside)):7} lines")
    return 0


def module(path: Path, root: Path) -> str:
    """Return the dotted name of a file."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def room(name: str) -> str:
    """Return the part of a dotted name that says in which room of its package a module lies."""
    return name.split(".")[1] if "." in name else "__init__"


def lines(path: Path) -> int:
    """Count the lines of a file."""
    return path.read_text(encoding="utf-8").count("\n")


def rooms(files: dict[str, Path]) -> nx.DiGraph:
    """Return the graph of rooms: an edge leads from one to another that it imports."""
    graph = nx.DiGraph()
    graph.add_nodes_from(map(room, files))
    for name, path in files.items():
        for target in imported(ast.parse(path.read_text(encoding="utf-8"))):
            while target and target not in files:
                target = target.rpartition(".")[0]
            same = target.partition(".")[0] == name.partition(".")[0]
            if same and "." in target and room(target) != room(name):
                graph.add_edge(room(name), room(target))
    return graph


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that some code imports, those for type checkers left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node)


def upward(graph: nx.DiGraph) -> list[tuple[str, str]]:
    """Return edges without which the rooms have an order, found one cycle at a time.

    Of a cycle, the edge goes whose start is used by many rooms and whose end uses many: it leads
    from a low room to a high one.
    """
    left, found = graph.copy(), []
    while not nx.is_directed_acyclic_graph(left):
        cycle = nx.find_cycle(left)
        edge = max(cycle, key=lambda edge: left.in_degree(edge[0]) + left.out_degree(edge[1]))
        left.remove_edge(*edge)
        found.append(edge)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
