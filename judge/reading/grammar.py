"""Parse a whole answer: lists, tuples, sets, intervals, equations, logic, quantities, words.

`read` is the function to call. It evaluates nothing, and raises `Unreadable`, and nothing else, for
what is not in the grammar or exceeds the caps.
"""

import re
from fractions import Fraction
from functools import lru_cache

from judge.reading import build, tree
from judge.reading.clean import clean
from judge.reading.cursor import MAX_DEPTH, Token, turn_bar
from judge.reading.forms import Forms
from judge.reading.tokens import tokenize
from judge.reading.tree import Node, Unreadable, depth, negative
from judge.reading.units import is_unit, parse_unit
from judge.reading.words import PHRASES, SCALES, terms

_RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "~", "in")
_SET_OPERATORS = {"∪": "union", "∩": "intersection", "∖": "difference"}
_CLOSING = {"(": (")", "]"), "[": ("]", ")"), "\\{": ("\\}", "}"), "{": ("}", "\\}")}
_LOGIC = {"∧": "and", "∨": "or"}
_SEPARATORS = (",", "and", "or", "xor", *_LOGIC)
_CONDITION = PHRASES["condition"]
_MAY_BE_CONDITION = re.compile(r"for|where|with|such|when|\bif\b|provided")
_PROBABILITIES = frozenset(terms("P p E V Pr Var D Cov"))
_BASE_LETTERS = re.compile(r"(-?)(?=\w*\d|[A-F]+_\{?16)([0-9A-F]{2,})_\{?(?:\\text\{)?(\w+)\}?\}?$")


@lru_cache(maxsize=8_192)
def read(text: str) -> Node:
    """Parse an answer. Raises `Unreadable`, and nothing else."""
    return parse(clean(text))


def parse(text: str) -> Node:
    """Parse a cleaned text."""
    if len(text) < 60 and (match := PHRASES["clock"].fullmatch(text)) and (match[2] or match[3]):
        half = f"{match[3].lower()}m" if match[3] else ""
        return tree.Clock(int(match[1]), int(match[2] or 0), half)
    if (match := PHRASES["base_suffix"].match(text) or _BASE_LETTERS.match(text)) and (
        base := build.base_named(match[3])
    ):
        return negative(tree.Based(match[2], base)) if match[1] else tree.Based(match[2], base)
    try:
        return _parse_whole(text)
    except Unreadable:
        if (match := _CONDITION.search(text)) and match.start() > 0:
            return _parse_whole(text[: match.start()])
        raise


def conditions_agree(left: str, right: str) -> bool:
    """Tell whether what each side says of its letters, which `parse` leaves out, fits together.

    A condition that only one side has is a matter of form unless it distinguishes cases.
    """
    if not (_MAY_BE_CONDITION.search(left) or _MAY_BE_CONDITION.search(right)):
        return True
    found = [_CONDITION.search(clean(text)) for text in (left, right)]
    conditions = [match[0] if match else "" for match in found]
    if conditions[0] == conditions[1]:
        return True
    if all(conditions):
        return not any(map(PHRASES["restricts"].search, conditions))
    return not any(map(PHRASES["cases"].search, conditions))


def _parse_whole(text: str) -> Node:
    tokens, latex = tokenize(text), "\\" in text
    try:
        return Grammar(tokens, latex=latex).whole()
    except Unreadable:
        bars = sum(token.value == "|" for token in tokens)
        if not 4 <= bars <= 12:
            raise
        for opening in range(1, bars - 1):
            try:
                return Grammar(turn_bar(tokens, opening), latex=latex).whole()
            except Unreadable:
                continue
        raise


class Grammar(Forms):
    """The complete parser: everything that is made of single values."""

    def whole(self) -> Node:
        """Parse a whole answer, up to the last token."""
        self.accept("=")
        while self.accept(",", "*", ":"):
            pass
        node = self.groups()
        while self.accept("\\\\", ",", "&"):
            pass
        if self.token.kind != "end":
            raise Unreadable(f"{self.token.value!r} out of place")
        if depth(node) > 2 * MAX_DEPTH:
            raise Unreadable("nested too deep")
        return node

    def groups(self) -> Node:
        """Parse statements separated by semicolons."""
        parts = [self.statement()]
        while self.accept(";", "\\\\"):
            if self.token.kind == "end":
                break
            parts.append(self.statement())
        if len(parts) == 1:
            return parts[0]
        tuples = (
            tree.Group("tuple", part.items) if tree.is_group(part, "bare") else part
            for part in parts
        )
        return tree.Group("bare", tuple(tuples))

    def statement(self) -> Node:
        """Parse items separated by commas, "and" or "or"."""
        items = [self.chain()]
        joins: list[str] = []
        while join := self.separator():
            if self.token.kind == "end" or self.is_op(")", "]", "}", "\\}"):
                break
            joins.append(join)
            items.append(self.chain())
            self.count()
        if len(items) == 1:
            return items[0]
        items = build.spread_modulus(items)
        stated = all(isinstance(item, tree.Chain | tree.Logic) for item in items)
        joining = {*_LOGIC, "and", "or"} if stated else _LOGIC.keys()
        if not joining.isdisjoint(joins):
            return build.join_logic(items, [_LOGIC.get(join, join) for join in joins])
        return tree.Group("bare", tuple(items))

    def separator(self) -> str:
        """Take a comma, "and", "or", or sympy's & and | between bracketed relations."""
        found = self.accept(*_SEPARATORS)
        if found == "," and self.is_op("and", "or"):
            found = self.next().value
        if not (found or self.bars) and self.is_op("&", "|"):
            before, behind = self.tokens[self.at - 1].value, self.tokens[self.at + 1].value
            if before == ")" and behind in ("(", "not", *build.PYTHON_RELATIONS):
                found = "and" if self.next().value == "&" else "or"
        return found

    def chain(self) -> Node:
        """Parse operands joined by relations."""
        if self.accept("not"):
            return tree.Logic("not", (self.chain(),))
        self.declare_function()
        operands, relations = [self.ratio()], []
        while self.is_op(*_RELATIONS) or (self.is_op("not") and self.tokens[self.at + 1].value
                                          in ("=", "in")):  # fmt: skip
            relation = self.next().value
            if relation == "not":
                relation = "!=" if self.next().value == "=" else "not in"
            if self.token.kind == "end":
                break
            if relation in "<>" and self.accept("="):
                relation += "="
            relations.append(relation)
            operands.append(self.ratio())
            self.count()
        if (modulus := self.modulus()) is not None:
            operands[-1] = build.residue(operands[-1], modulus)
        if not relations:
            return operands[0]
        return tree.Chain(tuple(operands), tuple(relations))

    def modulus(self) -> Node | None:
        r"""Parse the modulus of a congruence: \pmod 4, (mod 4), mod 4."""
        if not self.is_op("(", "mod"):
            return None
        start = self.at
        bracket = self.accept("(")
        if not self.accept("mod"):
            self.at = start
            return None
        modulus = self.argument(split=False) if self.is_op("{") else self.power()
        if bracket:
            self.expect(")")
        return modulus

    def declare_function(self) -> None:
        """Note that a letter is a function where it is defined: p(x) = ..., T(10) = 2."""
        tokens, at = self.tokens, self.at
        if tokens[at].kind not in ("name", "const") or tokens[at + 1].value not in ("(", "["):
            return
        if tokens[at].value in _PROBABILITIES and self.name_event():
            return
        end = at + 2
        while tokens[end].kind in ("name", "num") or tokens[end].value in (",", "+", "-"):
            end += 1
        inside = [token.value for token in tokens[at + 2 : end]]
        named = bool(inside) and tokens[at].value not in inside  # x(x - 1) = 0 is a product
        if named and tokens[end].value == ")" and tokens[end + 1].value in ("=", "~"):
            self.functions.add(tokens[at].value)

    def name_event(self) -> bool:
        """Make a probability with its event one name, where it is given a value: P(X=2) = 1/4."""
        tokens, at = self.tokens, self.at
        end, level = at + 2, 1
        while level and tokens[end].kind != "end":
            level += (tokens[end].value in ("(", "[")) - (tokens[end].value in (")", "]"))
            end += 1
        if level or tokens[end].value not in ("=", "~"):
            return False
        name = "".join(token.value for token in tokens[at:end])
        self.tokens = [*tokens[:at], Token("name", name), *tokens[end:]]
        return True

    def ratio(self) -> Node:
        """Parse values joined by colons."""
        parts = [self.set_expression()]
        while self.is_op(":") and not self.in_builder:
            self.next()
            parts.append(self.set_expression())
        return tree.Ratio(tuple(map(build.scalar, parts))) if len(parts) > 1 else parts[0]

    def set_expression(self) -> Node:
        """Parse sets joined by union, intersection, difference."""
        node = self.quantity()
        while operator := self.accept(*_SET_OPERATORS):
            kind, part = _SET_OPERATORS[operator], self.quantity()
            same = isinstance(node, tree.SetOp) and node.kind == kind
            node = tree.SetOp(kind, (*(tree.children(node) if same else (node,)), part))
            self.count()
        return node

    def quantity(self) -> Node:
        """Parse a value and the unit after it."""
        node = self.sum()
        per_unit = self.is_op("/") and self.tokens[self.at + 1].kind == "text"
        if self.token.kind != "text" and not per_unit:
            return node
        if isinstance(node, tree.Text):
            raise Unreadable("words among values")
        words: list[str] = []
        while self.token.kind == "text" or (words and self.is_unit_sign()):
            token = self.next()
            words.append("-" + self.next().value if token.value == "^-" else token.value)
        if self.is_op("/") and self.tokens[self.at + 1].kind == "text":
            words += [self.next().value, self.next().value]
        words = " ".join(words).split()
        if words and words[0] in SCALES:
            node = tree.Mul((node, tree.Num(Fraction(SCALES[words.pop(0)]))))
            if not words:
                return node
        unit = parse_unit(" ".join(words))
        if unit is None:
            raise Unreadable("more words than a unit has")
        if isinstance(node, tree.Quantity):  # $5 per hour, $ 5 dollars
            return node
        return self.compound(tree.Quantity(node, unit))

    def compound(self, first: tree.Quantity) -> tree.Quantity:
        """Add a second quantity of the same dimension that follows: 1 hour 30 minutes."""
        unit, start = first.unit, self.at
        if not (unit.measures and self.token.kind == "num"):
            return first
        second = self.quantity()
        if not isinstance(second, tree.Quantity) or second.unit.dimension != unit.dimension:
            self.at = start
            return first
        rest = tree.Mul((second.value, tree.Num(second.unit.size / unit.size)))
        return tree.Quantity(tree.Add((first.value, rest)), unit)

    def is_unit_sign(self) -> bool:
        """Tell whether the next token belongs to the unit being parsed."""
        kind, value, _ = self.token
        following = self.tokens[self.at + 1]
        if kind == "num":
            return self.tokens[self.at - 1].value in ("^", "^-")
        if kind == "name":
            return self.tokens[self.at - 1].value in ("/", "*") and is_unit(value)
        if kind != "op" or value not in "^/*":
            return False
        if value == "^" and (following.value in ("{", "-")):
            return self.join_power()
        if following.kind == "name" and value != "^":
            return is_unit(following.value)
        return following.kind == "text" or (value == "^" and following.kind == "num")

    def join_power(self) -> bool:
        """Turn ^{2} after a unit into ^2, and ^{-2} or ^-2 into ^- and 2."""
        tokens, at = self.tokens, self.at
        braced = tokens[at + 1].value == "{"
        minus = tokens[at + 1 + braced].value == "-"
        end = at + 2 + braced + minus
        number = tokens[end - 1]
        if number.kind != "num" or (braced and tokens[end].value != "}"):
            return False
        power = Token("op", "^-" if minus else "^")
        self.tokens = [*tokens[:at], power, number, *tokens[end + braced :]]
        return True

    def bracketed(self, opening: str) -> Node:
        """Parse what follows an opening bracket: a value, tuple, set or interval."""
        bars, self.bars = self.bars, 0
        builder, self.in_builder = self.in_builder, opening in ("\\{", "{")
        if closing := self.accept(*_CLOSING[opening]):
            node: Node = tree.Group("bare", ())
        elif opening == "{" and self.token.kind == "name" and self.tokens[self.at + 1].value == ":":
            node = self.dictionary()
            closing = self.expect("}")
        else:
            node = self.statement()
            if self.in_builder and self.accept("|", ":"):
                self.in_builder = False
                node = build.set_builder(node, self.statement())
            elif self.is_op(";"):
                node = self.after_semicolons(node)
            closing = self.expect(*_CLOSING[opening])
        self.bars, self.in_builder = bars, builder
        return build.enclose(opening, node, closing, latex_group=opening == "{" and self.latex)

    def after_semicolons(self, first: Node) -> Node:
        """Parse the other items of brackets in which semicolons separate: (-1; 2]."""
        items = [first]
        while self.accept(";"):
            items.append(self.statement())
        if any(tree.is_group(item, "bare") for item in items):
            raise Unreadable("commas and semicolons in the same brackets")
        return tree.Group("bare", tuple(items))

    def dictionary(self) -> Node:
        """Parse a dictionary as Python prints a solution: {x: 1, y: 2}."""
        self.in_builder = False
        items: list[Node] = []
        while not items or self.accept(","):
            name = self.variable(self.next().value)
            self.expect(":")
            items.append(tree.Chain((name, self.set_expression()), ("=",)))
        return tree.Group("bare", tuple(items))

    def constructor(self, name: str) -> Node:
        """Parse the arguments of a sympy or Python constructor, and build its node."""
        return build.construct(name, self.arguments() if self.is_op("(") else ())
