"""Build the nodes of constructors as sympy and Python print them: Interval(0, 1), Eq(x, 2)."""

from judge.reading import tree
from judge.reading.build import as_matrix
from judge.reading.tree import HALF, Node, Unreadable, quotient

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
    first = args[0] if args else tree.Group("set", ())
    if name in _INTERVALS and 2 <= len(args) <= 4:
        low, high = _INTERVALS[name]
        flags = [arg == tree.Sym("True") for arg in args[2:]] + [False, False]
        return tree.Interval(args[0], args[1], low and not flags[0], high and not flags[1])
    if name in _SETS:
        return tree.SetOp(_SETS[name], args) if len(args) > 1 else first
    if name in PYTHON_RELATIONS and len(args) == 2:
        return tree.Chain(args, (PYTHON_RELATIONS[name],))
    if name in ("Rational", "Fraction") and len(args) == 2:
        return quotient(args[0], args[1])
    if name in ("Integer", "Float", "Rational", "Fraction") and args:
        return first
    if name == "Sqrt" and len(args) == 1:
        return tree.Pow(first, HALF)
    if name == "Pow" and len(args) == 2:
        return tree.Pow(args[0], args[1])
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
