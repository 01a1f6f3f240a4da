"""Build nodes from parsed parts.

These are numbers, roots, functions, determinants and matrices, what brackets and connectives make
of their contents, and the constructors that sympy and Python print: Interval(0, 1), Eq(x, 2).
"""

import re
from fractions import Fraction

from judge.reading import tree
from judge.reading.tree import IMAGINARY, MINUS_ONE, Node, Unreadable, negative, quotient, total
from judge.reading.words import ARGUMENTS, BASE_WORDS, FUNCTIONS

MAX_EXPONENT = 10_000
ROOTS = {"sqrt": 2, "cbrt": 3}
_FONT = re.compile(r"\\(?:text|mathrm|mathit|mbox|rm)\b\s*|[{}\s]|\\[,;!]")


def decimal(digits: str) -> tree.Num:
    """Build a number from its digits. Raises `Unreadable` for a huge exponent."""
    if digits.isdecimal():
        return tree.Num(Fraction(int(digits)))
    mantissa, _, exponent = digits.lower().partition("e")
    if exponent and abs(int(exponent[:9])) > MAX_EXPONENT:
        raise Unreadable("an exponent too large to write out")
    value = Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)
    return tree.Num(value, digits if "." in digits.rstrip(".") or exponent else "")


def literal_fraction(node: Node | None) -> Fraction | None:
    """Return the value of a quotient of two whole literals, None for any other node."""
    match node:
        case tree.Mul((tree.Num(top), tree.Pow(tree.Num(bottom), exponent))):
            return top / bottom if exponent == MINUS_ONE and bottom else None
    return None


def scalar(node: Node) -> Node:
    """Return the node. Raises `Unreadable` where it is not one value."""
    if isinstance(node, tree.Group | tree.Chain | tree.Text | tree.Interval | tree.Clock):
        raise Unreadable("several values where one should be")
    return node


def unlisted(node: Node) -> Node:
    """Return the value in square brackets that only group. Raises `Unreadable` for a statement."""
    if isinstance(node, tree.Chain):
        raise Unreadable("a statement among factors")
    return node.items[0] if tree.is_group(node, "list") and len(node.items) == 1 else node


def root(radicand: Node, order: Node) -> Node:
    """Build a root. An odd root of a negative number is real."""
    if order == tree.Num(Fraction(2)):
        return tree.Pow(radicand, tree.HALF)
    if isinstance(order, tree.Num) and order.value % 2 == 1 and order != tree.ONE:
        return tree.Call("root", (radicand, order))
    return tree.Pow(radicand, tree.Pow(order, MINUS_ONE))


def apply(name: str, args: tuple[Node, ...]) -> Node:
    """Build the call of a function, or simpler nodes with the same meaning."""
    low, high = ARGUMENTS.get(name, (1, 1))
    if name in FUNCTIONS.values() and not low <= len(args) <= high:
        raise Unreadable(f"{name} does not take {len(args)} arguments")
    args = tuple(map(scalar, args))
    if name in ROOTS:
        return root(args[0], tree.Num(Fraction(ROOTS[name])))
    if name == "root":
        return root(args[0], args[1] if len(args) > 1 else tree.Num(Fraction(2)))
    if name == "exp":
        return tree.Pow(tree.E, args[0])
    if name == "cis":
        return tree.Pow(tree.E, tree.Mul((IMAGINARY, args[0])))
    if name in ("log10", "log2"):
        return apply("log", (args[0], tree.Num(Fraction(int(name[3:])))))
    if name == "log" and len(args) == 2:
        natural, base = tree.Call("log", args[:1]), tree.Call("log", args[1:])
        return natural if args[1] == tree.E else quotient(natural, base)
    return tree.Call(name, args)


def residue(node: Node, modulus: Node) -> Node:
    """Build a residue class, with a whole number brought between zero and the modulus."""
    if tree.is_call(node, "residue"):
        return node
    if isinstance(node, tree.Group):
        return tree.Group(node.kind, tuple(residue(item, modulus) for item in node.items))
    numbers = exact_whole(node), exact_whole(modulus)
    if numbers[0] is not None and numbers[1]:
        node = tree.Num(Fraction(numbers[0] % numbers[1]))
    return tree.Call("residue", (scalar(node), scalar(modulus)))


def exact_whole(node: Node) -> int | None:
    """Return a whole number that is written out, perhaps with a minus; None for anything else."""
    if isinstance(node, tree.Mul) and node.factors[0] == MINUS_ONE and len(node.factors) == 2:
        inner = exact_whole(node.factors[1])
        return None if inner is None else -inner
    return int(node.value) if isinstance(node, tree.Num) and node.value.denominator == 1 else None


def subscript_name(content: str) -> str:
    """Return a subscript without braces and fonts."""
    return _FONT.sub("", content).replace("\\", "") or "0"


def determinant(rows: list[tuple[Node, ...]]) -> Node:
    """Expand the determinant of a small square matrix along its first row."""
    if len(rows) != len(rows[0]) or len(rows) > 4:
        raise Unreadable("a determinant that is not square or not small")
    if len(rows) == 1:
        return rows[0][0]
    minors = ([row[:at] + row[at + 1 :] for row in rows[1:]] for at in range(len(rows)))
    terms = [tree.Mul((e, determinant(minor))) for e, minor in zip(rows[0], minors, strict=True)]
    return total([negative(term) if at % 2 else term for at, term in enumerate(terms)])


def base_named(subscript: str) -> int:
    """Return the base that a subscript names, or 0."""
    word = _FONT.sub("", subscript).lower()
    base = int(word) if word.isdecimal() and len(word) < 3 else BASE_WORDS.get(word, 0)
    return base if 2 <= base <= 36 else 0


def as_matrix(node: Node) -> tree.Matrix | None:
    """Build a matrix from a list of equally long lists, a column from a list of values."""
    if not isinstance(node, tree.Group) or node.kind not in ("list", "tuple") or not node.items:
        return None
    if all(isinstance(item, tree.Group) and item.kind in ("list", "tuple") for item in node.items):
        rows = tuple(item.items for item in node.items if isinstance(item, tree.Group))
        return tree.Matrix(rows) if len({len(row) for row in rows}) == 1 and rows[0] else None
    return tree.Matrix(tuple((item,) for item in node.items))


# --- brackets and connectives ------------------------------------------------------------------


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
    several = tree.is_group(node, "bare")
    items = node.items if tree.is_group(node, "bare") else (node,)
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
    joined = getattr(condition, "kind", "") in ("bare", "and")
    clauses = tuple(tree.children(condition)) if joined else (condition,)
    if tree.is_chain(element, "in"):
        clauses, element = (element, *clauses), element.operands[0]
    for clause in clauses:
        if tree.is_chain(clause, "=") and len(clauses) > 1:
            name, value = clause.operands
            if name == element and tree.names(value) and element not in tree.walk(value):
                element, clauses = value, tuple(part for part in clauses if part is not clause)
                break
    return tree.Builder(element, clauses[0] if len(clauses) == 1 else tree.Logic("and", clauses))


def spread_modulus(items: list[Node]) -> list[Node]:
    """Give the values before a congruence the same modulus: n ≡ 1, 3 (mod 8)."""
    last = items[-1].operands[-1] if isinstance(items[-1], tree.Chain) else items[-1]
    if not isinstance(last, tree.Call) or last.name != "residue":
        return items
    modulus = last.args[1]

    def spread(item: Node) -> Node:
        if not isinstance(item, tree.Chain):
            return residue(item, modulus)
        *others, last = item.operands
        same = item.relations[-1] == "="
        return tree.Chain((*others, residue(last, modulus)), item.relations) if same else item

    return list(map(spread, items))


# --- constructors -------------------------------------------------------------------------------

PYTHON_RELATIONS = {"Eq": "=", "Ne": "!=", "Lt": "<", "Le": "<=", "Gt": ">", "Ge": ">="}
_INTERVALS = {
    "Interval": (True, True),
    "Interval.open": (False, False),
    "Interval.Lopen": (False, True),
    "Interval.Ropen": (True, False),
}
_SETS = {"Union": "union", "Intersection": "intersection", "Complement": "difference"}


def construct(name: str, args: tuple[Node, ...]) -> Node:
    """Build the node of a constructor. Raises `Unreadable` for arguments it does not take."""
    first = args[0] if args else tree.EMPTY_SET
    if name in _INTERVALS and 2 <= len(args) <= 4:
        low, high = _INTERVALS[name]
        flags = [arg == tree.Sym("True") for arg in args[2:]] + [False, False]
        return tree.Interval(args[0], args[1], low and not flags[0], high and not flags[1])
    if name in _SETS:
        return tree.SetOp(_SETS[name], args) if len(args) > 1 else first
    if name in PYTHON_RELATIONS and len(args) == 2:
        return tree.Chain(args, (PYTHON_RELATIONS[name],))
    if name in ("Rational", "Fraction", "Pow") and len(args) == 2:
        return (tree.Pow if name == "Pow" else quotient)(*args)
    if name in ("Integer", "Float", "Rational", "Fraction") and args:
        return first
    if name == "Sqrt" and len(args) == 1:
        return tree.Pow(first, tree.HALF)
    if name in ("Mul", "Add") and len(args) > 1:
        return tree.Mul(args) if name == "Mul" else tree.Add(args)
    if name in ("And", "Or", "Not"):
        return tree.Logic(name.lower(), args) if name == "Not" or len(args) > 1 else first
    if name in ("FiniteSet", "EmptySet"):
        return tree.Group("set", args)
    if name == "Tuple" or name.startswith("Point"):
        return tree.Group("tuple", args)
    if name in ("Matrix", "ImmutableMatrix", "array") and len(args) == 1:
        return as_matrix(first) or first
    if name in ("set", "list", "tuple", "frozenset") and len(args) <= 1:
        return tree.Group(name.removeprefix("frozen"), getattr(first, "items", (first,)))
    raise Unreadable(f"{name} of {len(args)} arguments")
