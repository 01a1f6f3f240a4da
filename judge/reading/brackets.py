"""Build what brackets and connectives make of their contents: tuples, sets, intervals, logic."""

from judge.reading import tree
from judge.reading.build import residue
from judge.reading.tree import Node, Unreadable, names, walk


def join_logic(items: list[Node], joins: list[str]) -> Node:
    """Join statements by "and" and "or". "And" binds tighter, and a comma binds like "and"."""
    clauses: list[list[Node]] = [[items[0]]]
    for join, item in zip(joins, items[1:], strict=True):
        if join == "or" or (join == "," and "and" not in joins):
            clauses.append([item])
        else:
            clauses[-1].append(item)
    parts = [part[0] if len(part) == 1 else tree.Logic("and", tuple(part)) for part in clauses]
    return parts[0] if len(parts) == 1 else tree.Logic("or", tuple(parts))


def enclose(opening: str, node: Node, closing: str, *, latex_group: bool) -> Node:
    """Build the value, tuple, list, set or interval that brackets make of their contents."""
    several = isinstance(node, tree.Group) and node.kind == "bare"
    items = node.items if isinstance(node, tree.Group) and several else (node,)
    if latex_group:
        return tree.Group("bare" if several else "set", items) if several else node
    if opening in ("\\{", "{"):
        if isinstance(node, tree.Builder):
            return node
        stated = opening == "{" and several and all(isinstance(item, tree.Chain) for item in items)
        return node if stated else tree.Group("set", items)
    if (opening == "(") != (closing == ")"):
        if len(items) != 2:
            raise Unreadable("mixed brackets that are no interval")
        return tree.Interval(items[0], items[1], opening == "[", closing == "]")
    if opening == "(":
        return tree.Group("tuple", items) if several else node
    return tree.Group("list", items)


def set_builder(element: Node, condition: Node) -> tree.Builder:
    """Build the set of an element under a condition: {x | x > 0}, {x in Z | x > 0}, {2k | k in Z}.

    A value that the condition states is the element: {2k | k in Z} for {x | x = 2k, k in Z}.
    """
    clauses: tuple[Node, ...] = (condition,)
    if (isinstance(condition, tree.Group) and condition.kind == "bare") or (
        isinstance(condition, tree.Logic) and condition.kind == "and"
    ):
        clauses = condition.items if isinstance(condition, tree.Group) else condition.parts
    if isinstance(element, tree.Chain) and element.relations == ("in",):
        clauses, element = (element, *clauses), element.operands[0]
    for clause in clauses:
        if isinstance(clause, tree.Chain) and clause.relations == ("=",) and len(clauses) > 1:
            name, value = clause.operands
            if name == element and names(value) and element not in walk(value):
                element, clauses = value, tuple(part for part in clauses if part is not clause)
                break
    return tree.Builder(element, clauses[0] if len(clauses) == 1 else tree.Logic("and", clauses))


def spread_modulus(items: list[Node]) -> list[Node]:
    """Give the values before a congruence the same modulus: n ≡ 1, 3 (mod 8)."""
    last = items[-1].operands[-1] if isinstance(items[-1], tree.Chain) else items[-1]
    if not isinstance(last, tree.Call) or last.name != "residue":
        return items
    modulus = last.args[1]
    spread: list[Node] = []
    for item in items:
        if isinstance(item, tree.Chain) and item.relations[-1] == "=":
            spread.append(
                tree.Chain(
                    (*item.operands[:-1], residue(item.operands[-1], modulus)), item.relations
                )
            )
        else:
            spread.append(item if isinstance(item, tree.Chain) else residue(item, modulus))
    return spread
