"""Compare two nodes of any kind: choose the rule for their kinds."""

from itertools import product

from judge.policy import Policy
from judge.reading import tree
from judge.reading.build import as_matrix
from judge.reading.show import show
from judge.reading.tree import Node, SetOp, children, is_infinite, names
from judge.relation import Finding, Relation, different, equal, undecided
from judge.rules import groups, shapes
from judge.rules.numeric import compare_numbers
from judge.rules.prose import compare_words
from judge.rules.quantities import compare_based, compare_clocks, compare_ratios, compare_units
from judge.rules.sampling import compare_expressions
from judge.rules.sets import compare_sets, is_set, with_elements
from judge.rules.statements import compare_statements, is_statement

_MAX_DEPTH = 60
_PROPORTIONS = (tree.Ratio, tree.Clock)


class Structure:
    """Compares nodes under one policy; `letters` is the number of variables in both answers."""

    def __init__(self, policy: Policy, letters: int) -> None:
        self.policy = policy
        self.letters = letters
        self.depth = 0

    def compare(self, reference: Node, answer: Node) -> Finding:
        """Compare two nodes of any kind."""
        if reference == answer:
            return equal("structure", "the same expression")
        if self.depth > _MAX_DEPTH:
            return undecided("limit", f"nested deeper than {_MAX_DEPTH}")
        self.depth += 1
        found = self.compare_normalised(reference, answer)
        self.depth -= 1
        return found

    def compare_normalised(self, reference: Node, answer: Node) -> Finding:
        """Bring both into normal form, then compare them by kind."""
        left, right = (with_elements(shapes.normalised(node)) for node in (reference, answer))
        if left == right:
            return equal("structure", "the same expression")
        single = all(shapes.is_scalar(n) and not shapes.has_signs(n) for n in (left, right))
        return self.scalars(left, right) if single else self.others(left, right)

    def scalars(self, left: Node, right: Node) -> Finding:
        """Compare two single values."""
        if isinstance(left, tree.Quantity) or isinstance(right, tree.Quantity):
            return compare_units(left, right, self.policy, self.compare)
        if isinstance(left, tree.Based) or isinstance(right, tree.Based):
            return compare_based(left, right, self.policy)
        if is_infinite(left) or is_infinite(right):
            other = "an expression" if names(left) or names(right) else "another value"
            return different("infinity", f"infinite against {other}")
        if names(left) or names(right):
            return compare_expressions(left, right, self.policy, letters=self.letters)
        return compare_numbers(left, right, self.policy)

    def others(self, left: Node, right: Node) -> Finding:
        """Compare nodes that are not two single values."""
        if is_statement(left) or is_statement(right):
            return compare_statements(left, right, self.policy, self.compare)
        if isinstance(left, tree.Text) and isinstance(right, tree.Text):
            return compare_words(show(left), show(right))
        if isinstance(left, tree.Text) or isinstance(right, tree.Text):
            return different("kind", "words against mathematics")
        if isinstance(left, tree.Clock) and isinstance(right, tree.Clock):
            return compare_clocks(left, right)
        if isinstance(left, _PROPORTIONS) or isinstance(right, _PROPORTIONS):
            if not all(isinstance(n, _PROPORTIONS) or shapes.is_scalar(n) for n in (left, right)):
                return different("kind", "a proportion against something else")
            return compare_ratios(left, right, self.policy, self.compare)
        if shapes.has_signs(left) or shapes.has_signs(right):
            return self.signs(left, right)
        if isinstance(left, tree.Matrix) or isinstance(right, tree.Matrix):
            return self.matrices(left, right)
        left, right = shapes.as_set_operation(left), shapes.as_set_operation(right)
        if is_set(left) or is_set(right):
            return self.sets(left, right)
        if isinstance(left, tree.Group) and isinstance(right, tree.Group):
            if shapes.has_infinite_end(left) or shapes.has_infinite_end(right):
                return self.sets(left, right)
            found = groups.compare_groups(left, right, self.compare)
            if found.is_equal and {left.kind, right.kind} == {"set", "tuple"}:
                return self.policy.set_for_tuple.finding(found.tier, found.reason)
            return found
        return different("kind", "one value against several")

    def signs(self, left: Node, right: Node) -> Finding:
        """Compare nodes with ±, each of which stands for several values."""
        readings = product(shapes.expand_signs(left), shapes.expand_signs(right))
        findings = [groups.compare_in_any_order(*values, self.compare) for values in readings]
        best = groups.first_of(findings, Relation.EQUAL, Relation.UNDECIDED)
        return best or findings[0]

    def matrices(self, left: Node, right: Node) -> Finding:
        """Compare a matrix with a matrix, or with a list or tuple that may mean one."""
        if isinstance(left, tree.Matrix) and isinstance(right, tree.Matrix):
            return groups.compare_matrices(left, right, self.policy, self.compare, tuples=False)
        first, second = (n if isinstance(n, tree.Matrix) else as_matrix(n) for n in (left, right))
        if first is None or second is None:
            letter = left if first is None else right
            if names(letter) & {"I", "E"}:
                return undecided("kind", "a matrix, and a letter that may name one")
            return different("kind", "a matrix against something else")
        return groups.compare_matrices(first, second, self.policy, self.compare, tuples=True)

    def sets(self, left: Node, right: Node) -> Finding:
        """Compare two nodes of which at least one is a set of real numbers."""
        if shapes.is_scalar(left) or shapes.is_scalar(right):
            return different("kind", "a set against one value")
        if any(tree.is_group(node, "tuple") and len(node.items) != 2 for node in (left, right)):
            return different("kind", "a set against a point")
        left, right = shapes.as_interval(left), shapes.as_interval(right)
        if isinstance(left, tree.Interval) and isinstance(right, tree.Interval):
            ends = groups.compare_in_order(children(left), children(right), self.compare)
            if (left.low_closed, left.high_closed) == (right.low_closed, right.high_closed):
                return ends
            if ends.is_equal and not (is_infinite(left.low) or is_infinite(left.high)):
                return different("brackets", "intervals with other brackets")
        if isinstance(left, SetOp) and isinstance(right, SetOp) and left.kind == right.kind:
            in_order = left.kind == "difference"
            match = groups.compare_in_order if in_order else groups.compare_in_any_order
            parts = match(left.parts, right.parts, self.compare)
            if parts.is_equal:
                return parts
        return compare_sets(left, right)
