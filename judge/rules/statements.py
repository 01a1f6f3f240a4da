"""Compare statements: named values, equations, inequalities, logic."""

from judge.policy import Policy
from judge.reading import tree
from judge.reading.show import show
from judge.reading.tree import INFINITY, SCALARS, E, Node, children, names, rewrite, walk
from judge.reading.words import KNOWN_FUNCTIONS, MEASURES_OF, terms
from judge.relation import Finding, different, equal, undecided
from judge.rules.arithmetic import FLOATS
from judge.rules.equations import MIRRORED, compare_equations, compare_inequalities, gap
from judge.rules.evaluate import value
from judge.rules.groups import Compare, combine, compare_in_any_order, compare_in_order
from judge.rules.sets import compare_sets, variable_of

_STATEMENT = (tree.Chain, tree.Logic)
_INEQUALITIES = frozenset(terms("< <= > >= != in")) | {"not in"}


def is_statement(node: Node) -> bool:
    """Tell whether the node is a statement rather than a value."""
    parts = node.items if isinstance(node, tree.Group) else (node,)
    return any(isinstance(part, _STATEMENT) for part in parts)


def stated_value(node: Node) -> Node | None:
    """Return the value that a statement names: 3 for x = 3, a group for several; else None."""
    found = _stated_value(node)
    if found is None or any(isinstance(part, _STATEMENT) for part in walk(found)):
        return None
    return found


def _stated_value(node: Node) -> Node | None:
    if isinstance(node, tree.Logic) and node.kind in ("or", "and"):
        named = any(isinstance(part, _STATEMENT) for part in node.parts)
        return _stated_group("bare", node.parts) if named else None
    if isinstance(node, tree.Group):
        return _stated_group(node.kind, node.items)
    if not isinstance(node, tree.Chain):
        return node
    if node.relations == ("in",) and is_name(node.operands[0]):
        return node.operands[1]
    exact_part = node
    if "~" in node.relations:
        cut = node.relations.index("~")
        if cut == 0:
            first, second = node.operands[0], node.operands[1]
            return second if is_name(first) else first
        exact_part = tree.Chain(node.operands[: cut + 1], node.relations[:cut])
    if set(exact_part.relations) != {"="}:
        return None
    first, last = exact_part.operands[0], exact_part.operands[-1]
    if is_name(first) or len(exact_part.operands) > 2 or not names(exact_part):
        return None if names(first) & names(last) and not isinstance(first, tree.Call) else last
    return first if is_name(last) and not names(first) & names(last) else None


def _stated_group(kind: str, parts: tuple[Node, ...]) -> Node | None:
    """Return the values of several statements, or of one with more values: x = 1, 2, 3."""
    values: list[Node] = []
    for part in parts:
        found = _stated_value(part)
        if found is None:
            return None
        values += found.items if tree.is_group(found, "bare") else (found,)
    return tree.Group(kind, tuple(values))


def stated_names(node: Node) -> list[str]:
    """Return the names that statements give values to, in order."""
    if isinstance(node, tree.Logic | tree.Group):
        return [name for part in children(node) for name in stated_names(part)]
    if isinstance(node, tree.Chain):
        return [show(side) for side in (node.operands[0], node.operands[-1]) if is_name(side)][:1]
    return []


def is_name(node: Node) -> bool:
    """Tell whether a node can be given a value: x, f(x), AB, |AB|, Maximum, (x, y)."""
    if isinstance(node, tree.Sym | tree.Text):
        return True
    if isinstance(node, tree.Call):
        if node.name == "abs":
            return isinstance(node.args[0], tree.Mul) and is_name(node.args[0])
        return node.name not in KNOWN_FUNCTIONS
    if isinstance(node, tree.Group | tree.Ratio):
        kind = getattr(node, "kind", "tuple")
        return kind in ("tuple", "list") and all(map(is_name, children(node)))
    if isinstance(node, tree.Mul):
        first = node.factors[0]
        if isinstance(first, tree.Pow) and first.base in _INVERTED:
            return True  # f^{-1}(x)
        lower = isinstance(first, tree.Sym) and first.name in _TAKE_ANY
        letters = node.factors[1:] if lower or first == tree.Sym("m") else node.factors
        return all(isinstance(f, tree.Sym) and (lower or f.name[0].isupper()) for f in letters)
    return False


def compare_statements(reference: Node, answer: Node, policy: Policy, compare: Compare) -> Finding:
    """Compare two nodes of which at least one is a statement."""
    both = is_statement(reference) and is_statement(answer)
    for side in (reference, answer):
        if contradicts_itself(side, compare) and not (both and tree.is_chain(side, "=")):
            return different("chain", "it says that different numbers are equal")
    if not both:
        return _compare_with_value(reference, answer, policy, compare)
    named = _compare_named(reference, answer, compare)
    if named is not None and named.is_equal:
        return named
    if isinstance(reference, tree.Chain) and isinstance(answer, tree.Chain):
        same_names = stated_names(reference) == stated_names(answer)
        if named is not None and (same_names or named.tier == "names"):
            return named
        if reference.relations == answer.relations == ("=",) and _are_scalar(reference, answer):
            found = compare_equations(gap(reference), gap(answer), policy)
            return named if named is not None and found.is_undecided else found
    if named is not None:
        clauses = _clauses(reference)[1], _clauses(answer)[1]
        several = len(clauses[0]) == len(clauses[1]) > 1
        matched = compare_in_any_order(*clauses, compare) if several else named
        return matched if matched.is_equal else named
    return _compare_conditions(reference, answer, policy, compare)


def _are_scalar(*chains: tree.Chain) -> bool:
    return all(isinstance(operand, SCALARS) for chain in chains for operand in chain.operands)


def _compare_with_value(reference: Node, answer: Node, policy: Policy, compare: Compare) -> Finding:
    """Compare a statement with a value, which may be the value that it names."""
    statement, value = (reference, answer) if is_statement(reference) else (answer, reference)
    stated = _in_order_of_names(statement, stated_value(statement), value)
    if stated is not None:
        for member in (stated, *_exact_members(statement)):
            finding = compare(member, value) if statement is reference else compare(value, member)
            if finding.is_equal:
                break
        if finding.is_equal and _order_is_named(statement, value, compare):
            return undecided("order", "named values in another order than the list")
        return finding
    if isinstance(value, SCALARS):
        if (given := _given_value(statement, value, compare)) is not None:
            return given
        if tree.is_chain(statement, "=") and not isinstance(value, tree.Num) and compare_equations(
            gap(statement), value, policy
        ).is_equal:  # fmt: skip
            return undecided("kind", "an equation without its right-hand side")
        return different("kind", "a condition against a value")
    if len(names(statement)) > 1 and isinstance(statement, tree.Chain):
        return different("kind", "a condition on several variables against a value")
    found = compare_sets(reference, answer)
    if found.is_equal:
        return policy.interval_for_inequality.finding(found.tier, found.reason)
    return found


def _given_value(statement: Node, value: Node, compare: Compare) -> Finding | None:
    """Compare the number that an expression is said to have: tan θ = 2/3, m + n = 17.

    None where there is no such number. Equal only where nobody would solve the equation: for a
    function of an angle or point, and for letters that are added or multiplied.
    """
    if not isinstance(statement, tree.Chain) or not {*statement.relations} <= {"=", "~"}:
        return None
    first, *members = statement.operands
    if not names(first) or any(names(m) or not isinstance(m, SCALARS) for m in members):
        return None
    found = [compare(member, value) for member in members]
    best = next((f for f in found if f.is_equal), found[-1])
    parts = children(first) if isinstance(first, tree.Add | tree.Mul) else []
    measured = isinstance(first, tree.Big) or (
        isinstance(first, tree.Call) and first.name in _MEASURED and not names(first) <= _UNKNOWNS
    )
    joined = len(parts) > 1 and all(map(is_name, parts))
    if best.is_equal and not (measured or joined):
        return undecided("kind", "the value of an expression, which may be an equation to solve")
    return best


_INVERTED = tuple(map(tree.Sym, "fgFG"))
_TAKE_ANY = MEASURES_OF | {"Delta"}
_MEASURED = frozenset(terms("sin cos tan cot sec csc abs re im arg gcd lcm"))
_UNKNOWNS = frozenset(terms("x y t u n k m"))
"""Letters for which an equation is solved: |x| = 3 is not the number 3."""


def _in_order_of_names(statement: Node, stated: Node | None, value: Node) -> Node | None:
    """Return named values as a tuple in the order of their names where the value is a tuple."""
    ordered = stated_names(statement)
    if not isinstance(stated, tree.Group) or not tree.is_group(value, "tuple"):
        return stated
    alphabetical = "".join(sorted(ordered)) in "abcdefg hkl mn pq rstuvwxyz"
    if not alphabetical or len({*ordered}) != len(ordered) or len(ordered) != len(stated.items):
        return stated
    pairs = sorted(zip(ordered, stated.items, strict=True), key=lambda pair: pair[0])
    return tree.Group("tuple", tuple(item for _, item in pairs))


def contradicts_itself(statement: Node, compare: Compare) -> bool:
    """Tell whether a chain of equations joins two numbers that differ: 5 + 3 = 7, 7 = x = 8."""
    last: Node | None = None
    relations = ("", *statement.relations) if isinstance(statement, tree.Chain) else ()
    for relation, operand in zip(relations, getattr(statement, "operands", ()), strict=False):
        if relation not in ("=", "~"):
            last = None
        if is_number(operand) and not names(operand) and operand != E:  # e may be an eccentricity
            if last is not None and (relation == "=" or _far_apart(last, operand)):
                found = compare(last, operand)
                if not (found.is_equal or found.tier == "rounding"):
                    return True
            last = operand
    return False


def _far_apart(left: Node, right: Node) -> bool:
    """Tell whether two numbers are too different for either to approximate the other."""
    try:
        first, second = (complex(value(node, {}, FLOATS)) for node in (left, right))
    except (ArithmeticError, ValueError, TypeError):
        return False
    return abs(first - second) > _ROUGHLY * max(abs(first), abs(second))


_ROUGHLY = 0.05


def is_number(node: Node) -> bool:
    """Tell whether a node is a scalar without infinity, so that a chain with it can be checked."""
    return isinstance(node, SCALARS) and INFINITY not in walk(node)


def _exact_members(statement: Node) -> tuple[Node, ...]:
    """Return the numbers in a chain before its last, which may be rounded: x = √2 = 1.414."""
    if not isinstance(statement, tree.Chain) or not {*statement.relations} <= {"=", "~"}:
        return ()
    return tuple(o for o in statement.operands[:-1] if isinstance(o, SCALARS) and not names(o))


def _order_is_named(statement: Node, value: Node, compare: Compare) -> bool:
    """Tell whether named values match a bare list only in another order."""
    stated = stated_value(statement)
    if len({name.split("_")[0] for name in stated_names(statement)}) < 2:
        return False
    if not isinstance(stated, tree.Group) or not tree.is_group(value, "bare"):
        return False
    same_count = len(stated.items) == len(value.items)
    return same_count and not all(
        compare(a, b).is_equal for a, b in zip(stated.items, value.items, strict=True)
    )


def _compare_named(reference: Node, answer: Node, compare: Compare) -> Finding | None:
    """Compare two statements by the values they name; None where they do not name values."""
    left, right = stated_value(reference), stated_value(answer)
    if left is None or right is None or not (names(reference) and names(answer)):
        return None
    left_names, right_names = stated_names(reference), stated_names(answer)
    if isinstance(left, tree.Group) and isinstance(right, tree.Group):
        by_name = dict(zip(right_names, right.items, strict=False))
        counts = {len(left.items), len(right.items), len(left_names), len(right_names)}
        if by_name.keys() == set(left_names) and counts == {len(by_name)}:
            pairs = zip(left_names, left.items, strict=True)
            return combine([compare(value, by_name[name]) for name, value in pairs])
    if not (isinstance(reference, tree.Chain) and isinstance(answer, tree.Chain)):
        return compare(left, right)
    finding = compare(left, _with_argument(reference, answer, right))
    if finding.is_equal and left_names and right_names and _is_other_name(reference, answer):
        return undecided("names", f"{right_names[0]} where {left_names[0]} is asked")
    return finding


def _is_other_name(reference: tree.Chain, answer: tree.Chain) -> bool:
    """Tell whether the names differ in a way that may matter; f(x) may be called y, f(t) or g(x).

    It does matter whether f, its inverse or its derivative is meant, and at which point.
    """
    first, second = reference.operands[0], answer.operands[0]
    if isinstance(first, tree.Call) and isinstance(second, tree.Call):
        plain = [call.name.removesuffix("^-1").rstrip("'") for call in (first, second)]
        points = tree.Group("tuple", first.args), tree.Group("tuple", second.args)
        elsewhere = points[0] != points[1] and (
            first.name in KNOWN_FUNCTIONS or names(points[0]) == names(points[1])
        )
        return plain[0] == plain[1] and (first.name != second.name or elsewhere)
    if isinstance(first, tree.Call) or isinstance(second, tree.Call):
        return False
    left, right = ({show(o) for o in node.operands if is_name(o)} for node in (reference, answer))
    return not left & right


def _with_argument(reference: tree.Chain, answer: tree.Chain, value: Node) -> Node:
    """Rename the argument of the answer's function as in the reference: f(m) to f(n)."""
    left, right = reference.operands[0], answer.operands[0]
    if not (isinstance(left, tree.Call) and isinstance(right, tree.Call)):
        return value
    renamed = {
        new.name: old
        for old, new in zip(left.args, right.args, strict=False)
        if isinstance(new, tree.Sym) and isinstance(old, tree.Sym)
    }
    if len(left.args) != len(right.args):
        return value
    return rewrite(value, lambda n: renamed.get(n.name, n) if isinstance(n, tree.Sym) else n)


def _compare_conditions(reference: Node, answer: Node, policy: Policy, compare: Compare) -> Finding:
    """Compare inequalities, systems and logic."""
    left, right = _clauses(reference), _clauses(answer)
    products = _product_of_equations(*left), _product_of_equations(*right)
    if products[0] is not None and products[1] is not None:
        found = compare_equations(products[0], products[1], policy)
        if not found.is_undecided:
            return found
    variables = variable_of(reference) | variable_of(answer)
    if len(variables) <= 1 or len(variable_of(reference)) == len(variable_of(answer)) == 1:
        found = compare_sets(reference, answer)
        if not found.is_undecided or "variables" in found.reason:
            return found
    if isinstance(reference, tree.Chain) and isinstance(answer, tree.Chain):
        if len(reference.operands) != len(answer.operands):
            return undecided("inequality", "chains of different length")
        if "in" in reference.relations or INFINITY in reference.operands:
            return _side_by_side(reference, answer, compare)
        if len({_INEQUALITIES.isdisjoint(n.relations) for n in (reference, answer)}) == 2:
            return different("kind", "an equation against an inequality")
        if len(reference.relations) > 1:
            return _side_by_side(reference, answer, compare)
        return compare_inequalities(reference, answer)
    if left[0] == right[0] and len(left[1]) == len(right[1]) > 1:
        return compare_in_any_order(left[1], right[1], compare)
    return undecided("logic", "conditions of different shape")


def _side_by_side(reference: tree.Chain, answer: tree.Chain, compare: Compare) -> Finding:
    mirrored = tuple(MIRRORED.get(relation, relation) for relation in reversed(answer.relations))
    if mirrored == reference.relations != answer.relations:
        answer = tree.Chain(answer.operands[::-1], mirrored)
    if reference.relations != answer.relations:
        return undecided("inequality", "other relations in the chain")
    if compare_in_order(reference.operands, answer.operands, compare).is_equal:
        return equal("structure", "the same chain")
    return undecided("inequality", "chains that differ somewhere")


def _clauses(node: Node) -> tuple[str, tuple[Node, ...]]:
    """Return how the parts of a condition are joined, and the parts."""
    if isinstance(node, tree.Logic):
        return node.kind, node.parts
    return ("and", node.items) if isinstance(node, tree.Group) else ("or", (node,))


def _product_of_equations(join: str, clauses: tuple[Node, ...]) -> Node | None:
    """Return a product that is zero where any of the clauses holds; None if one is no equation."""
    gaps = [gap(part) for part in clauses if tree.is_chain(part, "=") and _are_scalar(part)]
    return tree.Mul(tuple(gaps)) if join == "or" and len(gaps) == len(clauses) else None
