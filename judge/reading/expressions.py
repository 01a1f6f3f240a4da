"""Read the scalar part of the language: sums, products, powers, functions, atoms.

A recursive-descent parser over the tokens of `tokens`; the caps on depth and size hold here.
`grammar` adds lists, sets, equations and everything else made of scalars.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from judge.reading.syntax import (
    HALF,
    IMAGINARY,
    MINUS_ONE,
    ONE,
    Add,
    Based,
    Big,
    Call,
    Chain,
    Clock,
    Const,
    E,
    Group,
    Interval,
    Matrix,
    Mul,
    Node,
    Num,
    PlusMinus,
    Pow,
    Quantity,
    Sym,
    Text,
    Unreadable,
    negative,
    product,
    quotient,
    rewrite,
    total,
)
from judge.reading.tokens import Token, tokenize
from judge.reading.units import CELSIUS, DOLLAR, FAHRENHEIT, parse_unit
from judge.reading.words import ARGUMENTS, BASE_WORDS, FUNCTIONS, GREEK, INVERSE, terms

MAX_DEPTH = 50
MAX_NODES = 500
MAX_EXPONENT = 10_000

_CURRENCIES = {"$": DOLLAR, "€": parse_unit("euros"), "£": parse_unit("sterling"),
               "¥": parse_unit("yen")}  # fmt: skip
_TEMPERATURES = {"C": CELSIUS, "F": FAHRENHEIT}
_FUNCTION_LETTERS = frozenset(terms("f g F G"))
_STARTS = frozenset(("(", "[", "{", "|(", "⌊", "⌈", "\\{"))
_ROOTS = {"sqrt": 2, "cbrt": 3}
_FONT = re.compile(r"\\(?:text|mathrm|mathit|mbox|rm)\b\s*|[{}\s]|\\[,;!]")


class Expressions:
    """The scalar half of the parser. `statement` is what stands inside brackets."""

    def __init__(self, tokens: list[Token], *, latex: bool, depth: int = 0) -> None:
        self.tokens = tokens
        self.latex = latex  # a plain brace groups, as in LaTeX, or makes a set, as in Python
        self.at = 0
        self.depth = depth
        self.nodes = 0
        self.bars = 0
        self.in_builder = False
        self.functions: set[str] = set(_FUNCTION_LETTERS)

    def statement(self) -> Node:
        """Whatever may stand between brackets."""
        raise NotImplementedError

    # --- tokens -------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise Unreadable("it ends too early")
        self.at += 1
        return token

    def is_op(self, *values: str) -> bool:
        """Whether the next token is one of these operators."""
        kind, value, _ = self.tokens[self.at]
        return kind == "op" and value in values

    def accept(self, *values: str) -> str:
        """The operator taken, or an empty string."""
        if self.is_op(*values):
            return self.next().value
        return ""

    def expect(self, *values: str) -> str:
        """Take an operator that must come."""
        found = self.accept(*values)
        if not found:
            raise Unreadable(f"{self.token.value or 'the end'!r} where {values[0]!r} should be")
        return found

    def deeper(self) -> None:
        """Count a level against the cap."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"deeper than {MAX_DEPTH} levels")

    def count(self) -> None:
        """Count a node against the cap."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} nodes")

    # --- operators, loosest first --------------------------------------------------------------

    def sum(self) -> Node:
        """Terms joined by + − ± ∓."""
        terms = [self.product()]
        while sign := self.accept("+", "-", "±", "∓"):
            if sign in "+-" and self.is_op(",", ")", "]"):
                break  # a dangling sign
            term = self.product()
            terms.append(term if sign == "+" else self.signed(sign, term))
        return total(terms)

    @staticmethod
    def signed(sign: str, node: Node) -> Node:
        """A node with a sign before it."""
        if sign == "-":
            return negative(node)
        return Mul((PlusMinus(1 if sign == "±" else -1), node))

    def product(self) -> Node:
        """Factors joined by * and /, or simply side by side."""
        factors = [self.unary()]
        while True:
            if self.accept("*"):
                factors.append(self.unary())
            elif self.is_op("/") and self.tokens[self.at + 1].kind != "text":
                self.next()
                factors.append(Pow(self.unary(), MINUS_ONE))
            elif self.starts_factor():
                if self.token.kind == "num" and isinstance(factors[-1], Num):
                    raise Unreadable("two numbers side by side")
                factors.append(self.power())
            else:
                return product(factors)
            self.count()

    def unary(self) -> Node:
        """A power, perhaps with signs before it."""
        sign = self.accept("+", "-", "±", "∓")
        if not sign:
            return self.power()
        self.deeper()
        node = self.unary()
        self.depth -= 1
        return node if sign == "+" else self.signed(sign, node)

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor, so that a product needs no sign."""
        kind, value, _ = self.token
        if kind == "op":
            return value in _STARTS or (value == "|" and not self.bars and not self.in_builder)
        return kind in ("num", "name", "func", "const") or (
            kind == "form" and value not in ("end", "overline", "bar", "dot")
        )

    def power(self) -> Node:
        """An atom with its postfixes and exponents."""
        node = self.postfix(self.atom())
        while self.accept("^"):
            self.count()
            if self.token.kind == "end":
                return node  # "90^": the exponent, a degree sign, was lost
            if self.degree_sign():
                node = self.minutes(Call("degree", (node,)))
            elif isinstance(node, Num) and self.ordinal():
                pass
            else:
                node = Pow(node, self.exponent())
            node = self.postfix(node)
        return node

    def exponent(self) -> Node:
        """What stands after a caret."""
        if self.accept("{"):
            node = self.sum()
            self.expect("}")
            return self.postfix(node) if self.is_op("!") else node
        self.deeper()
        if sign := self.accept("-", "+"):
            node = self.exponent()
            node = negative(node) if sign == "-" else node
        else:
            node = self.postfix(self.atom())
            node = Pow(node, self.exponent()) if self.accept("^") else node
        self.depth -= 1
        return node

    def degree_sign(self) -> bool:
        """Take ° or {°} after a caret."""
        if self.accept("°"):
            return True
        if self.is_op("{") and self.tokens[self.at + 1].value == "°":
            self.at += 2
            self.expect("}")
            return True
        return False

    def ordinal(self) -> bool:
        """Take {th}, {nd}, ... after a caret."""
        braced = self.is_op("{")
        token = self.tokens[self.at + braced]
        if token.value not in ("th", "st", "nd", "rd"):
            return False
        self.at += 1 + braced
        if braced:
            self.expect("}")
        return True

    def minutes(self, degrees: Call) -> Node:
        """What may follow a degree sign: minutes of arc (60° 42'), or C and F."""
        if self.token.kind == "name" and self.token.value in _TEMPERATURES:
            unit = _TEMPERATURES[self.next().value]
            return Quantity(degrees.args[0], unit)
        if self.token.kind == "num" and self.tokens[self.at + 1].value == "'":
            minutes = Num(Fraction(self.next().value) / 60)
            self.next()
            return Call("degree", (Add((degrees.args[0], minutes)),))
        return degrees

    def postfix(self, node: Node) -> Node:
        """A node with the ! % ° ' that follow it."""
        while True:
            if self.accept("!"):
                node = Call("factorial", (node,))
            elif self.accept("%"):
                node = Call("percent", (node,))
            elif self.accept("°"):
                node = self.minutes(Call("degree", (node,)))
            elif isinstance(node, Sym) and self.accept("'"):
                node = Sym(node.name + "'")
                continue
            else:
                return node
            self.count()

    # --- atoms --------------------------------------------------------------------------------

    def atom(self) -> Node:
        """A value that no operator splits."""
        self.count()
        self.deeper()
        node = self.begun(self.next())
        self.depth -= 1
        return node

    def begun(self, token: Token) -> Node:
        """The value that a token begins."""
        kind, value, _ = token
        if kind == "num":
            return self.number(value)
        if kind == "name":
            return self.variable(value)
        if kind == "const":
            if self.token.kind == "sub":
                return self.variable(value)
            return Const(value)
        if kind == "func":
            return self.function(value)
        if kind == "form":
            return self.form(value)
        if kind == "text":
            return self.text(value)
        if kind == "make":
            return self.constructor(value)
        if kind == "set":
            return (
                Interval(negative(Const("oo")), Const("oo"), False, False)
                if value == "R"
                else (Sym(f"set_{value}"))
            )
        if kind == "op":
            return self.bracket(value)
        raise Unreadable(f"{value or 'the end'!r} where a value should be")

    def constructor(self, name: str) -> Node:
        """A sympy or Python constructor such as Interval(...)."""
        raise NotImplementedError

    def bracketed(self, opening: str) -> Node:
        """Values in brackets."""
        raise NotImplementedError

    def number(self, digits: str) -> Node:
        """A number, perhaps with a base, repeating digits or a fraction after it."""
        if self.token.kind == "sub" and (base := self.base(self.token.value)):
            self.next()
            return Based(digits, base)
        if "." in digits and self.token in (("form", "overline", False), ("form", "bar", False),
                                            ("form", "dot", False)):  # fmt: skip
            return self.repeating(digits)
        node = decimal(digits)
        if digits.isdigit():
            return self.mixed(node)
        return node

    @staticmethod
    def base(subscript: str) -> int:
        """The base a subscript names, or 0."""
        word = _FONT.sub("", subscript).lower()
        base = int(word) if word.isdigit() and len(word) < 3 else BASE_WORDS.get(word, 0)
        return base if 2 <= base <= 36 else 0

    def repeating(self, digits: str) -> Node:
        """A decimal with repeating digits under a bar."""
        self.next()
        start = self.argument(split=False)
        if not isinstance(start, Num) or start.value.denominator != 1:
            raise Unreadable("repeating digits that are not digits")
        repeated = str(start.value)
        places = len(digits.partition(".")[2])
        tail = Fraction(int(repeated), 10 ** len(repeated) - 1) / 10**places
        return Num(Fraction(digits.rstrip(".")) + tail)

    def mixed(self, whole: Num) -> Node:
        r"""A proper fraction right after a whole number belongs to it: 2\frac12, 1 1/2."""
        start, nodes = self.at, self.nodes
        part: Node | None = None
        if self.token[:2] == ("form", "frac"):
            self.next()
            part = self.form("frac")
        elif (
            self.token.kind == "num"
            and self.token.spaced
            and self.tokens[self.at + 1].value == "/"
            and self.tokens[self.at + 2].kind == "num"
        ):
            part = quotient(decimal(self.next().value), decimal(self.tokens[self.at + 1].value))
            self.at += 2
        value = literal_fraction(part)
        if value is not None and 0 < value < 1:
            return Num(whole.value + value)
        self.at, self.nodes = start, nodes
        return whole

    def variable(self, name: str) -> Node:
        """A name, or an unknown function of what follows in brackets."""
        if self.token.kind == "sub":
            name = f"{name}_{subscript_name(self.next().value)}"
        while self.accept("'"):
            name += "'"
        if self.is_op("^") and self.tokens[self.at + 1].value in ("'", "{"):
            name += self.primes()
        if name in self.functions and self.inverse_follows():
            name += "^-1"
            return Call(name, tuple(flat(self.arguments())))
        if self.is_op("(") and (name.rstrip("'") in self.functions or (
            len(name) > 2 and "_" not in name and name not in GREEK and not self.token.spaced
        )):  # fmt: skip
            return Call(name, tuple(flat(self.arguments())))
        return Sym(name)

    def inverse_follows(self) -> bool:
        """Take ^{-1} when a bracket follows it: the inverse of a function."""
        values = [token.value for token in self.tokens[self.at : self.at + 6]]
        for spelling in (["^", "{", "-", "1", "}", "("], ["^", "-", "1", "("]):
            if values[: len(spelling)] == spelling:
                self.at += len(spelling) - 1
                return True
        return False

    def primes(self) -> str:
        r"""Take ^' or ^{\prime\prime}, if that is what follows."""
        start, count = self.at, 0
        self.next()
        braced = bool(self.accept("{"))
        while self.accept("'"):
            count += 1
        if not count or (braced and not self.accept("}")):
            self.at = start
            return ""
        return "'" * count

    def text(self, words: str) -> Node:
        """Words; a single letter is a variable after all."""
        if len(words) == 1 and words.isalpha():
            return self.variable(words)
        parts = [words]
        while self.token.kind == "text":
            parts.append(self.next().value)
        return Text(" ".join(parts))

    def bracket(self, opening: str) -> Node:
        """A value that begins with an operator sign."""
        if opening in ("(", "[", "\\{", "{"):
            return self.bracketed(opening)
        if opening in ("|", "|("):
            self.bars += 1
            node = self.statement()
            self.bars -= 1
            self.expect("|)" if opening == "|(" else "|", "|", "|)")
            return Call("abs", (scalar(node),))
        if opening in ("⌊", "⌈"):
            node = scalar(self.statement())
            self.expect("⌋" if opening == "⌊" else "⌉")
            return Call("floor" if opening == "⌊" else "ceil", (node,))
        if opening in _CURRENCIES:
            unit = _CURRENCIES[opening]
            if unit is None:
                raise Unreadable("a currency nobody knows")
            value = self.unary()
            return Quantity(value, unit)
        if opening == "∅":
            return Group("set", ())
        raise Unreadable(f"{opening!r} where a value should be")

    # --- functions and forms -------------------------------------------------------------------

    def function(self, name: str) -> Node:
        """A function with its base, its power and its argument: sin^2 x, log_3 5, tan^{-1}(1)."""
        base = power = None
        for _ in range(2):
            if self.token.kind == "sub":
                base = self.parse_inside(self.next().value)
            elif self.accept("^"):
                power = self.exponent()
        if power == MINUS_ONE and name in INVERSE:
            name, power = INVERSE[name], None
        if name == "exp" and not self.starts_factor() and not self.is_op("("):
            raise Unreadable("exp without an argument")
        args = self.arguments() if self.is_op("(") else (self.bare_argument(),)
        if base is not None:
            args = (*args, base)
        node = apply(name, args)
        return node if power is None else Pow(node, power)

    def arguments(self) -> tuple[Node, ...]:
        """Arguments in parentheses."""
        self.expect("(")
        if self.accept(")"):
            return ()
        bars, self.bars = self.bars, 0
        node = self.statement()
        self.bars = bars
        self.expect(")")
        return node.items if isinstance(node, Group) and node.kind == "bare" else (node,)

    def bare_argument(self) -> Node:
        """The argument of a function without parentheses: the simple factors that follow."""
        if self.is_op("-", "+"):
            return self.unary()
        factors: list[Node] = [self.power()]
        while self.starts_factor() and self.token.kind in ("num", "name", "const", "form"):
            factors.append(self.power())
        return product(factors)

    def form(self, name: str) -> Node:
        """A LaTeX construction with arguments in braces."""
        if name == "frac":
            top = self.argument()
            return quotient(top, self.argument())
        if name == "binom":
            top = self.argument()
            return Call("binomial", (top, self.argument()))
        if name in _ROOTS:
            return self.radical(_ROOTS[name])
        if name in ("sum", "prod", "int", "lim"):
            return self.big(name)
        if name == "begin":
            return self.environment()
        if name == "boxed":
            return self.argument()
        if name in ("overline", "bar", "dot"):
            inner = self.argument()
            if isinstance(inner, Num):
                raise Unreadable("digits under a bar")
            return inner
        raise Unreadable(f"\\{name} out of place")

    def radical(self, index: int) -> Node:
        """A root, perhaps with its order in brackets."""
        if self.accept("["):
            order = self.sum()
            self.expect("]")
            return root(self.argument(split=False), order)
        return root(self.argument(split=False), Num(Fraction(index)))

    def argument(self, *, split: bool = True) -> Node:
        """A TeX argument: a group in braces, or a single digit, letter or command."""
        if self.accept("{"):
            bars, self.bars = self.bars, 0
            node = self.sum()
            self.bars = bars
            self.expect("}")
            return node
        token = self.token
        if token.kind == "num" and split and len(token.value) > 1 and token.value.isdigit():
            self.tokens = list(self.tokens)
            self.tokens[self.at] = Token("num", token.value[1:])
            return decimal(token.value[0])
        if token.kind == "num":
            self.next()
            return decimal(token.value)
        return self.atom()

    def big(self, kind: str) -> Node:
        """A sum, product or integral with its bounds."""
        variable, low, high = "", None, None
        for _ in range(2):
            if self.token.kind == "sub":
                bound = self.parse_inside(self.next().value)
                if isinstance(bound, Chain) and isinstance(bound.operands[0], Sym):
                    variable, low = bound.operands[0].name, bound.operands[1]
                elif isinstance(bound, Chain) and bound.operands[0] == IMAGINARY:
                    variable, low = "i", bound.operands[1]
                else:
                    low = bound
            elif self.accept("^"):
                high = self.exponent()
        if kind in ("int", "lim") or not variable:
            raise Unreadable(f"\\{kind} is not evaluated")
        body = self.product()
        if variable == "i":
            body = without_imaginary(body)
        return Big(kind, variable, low, high, body)

    def environment(self) -> Node:
        r"""\begin{...} ... \end{...}: a matrix, or the lines of a system."""
        name = self.braced_name()
        if name.startswith("array"):
            if self.accept("{"):
                while not self.accept("}"):
                    self.next()
            self.accept("|")
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            if self.token[:2] == ("form", "end"):
                self.next()
                self.braced_name()
                break
            if self.token.kind == "end":
                raise Unreadable("an environment without its end")
            if self.accept("\\\\"):
                rows += [tuple(row)] if row else []
                row = []
            elif not self.accept("&"):
                row.append(self.statement())
            self.count()
        rows += [tuple(row)] if row else []
        if "matrix" in name or name == "array":
            if not rows or len({len(row) for row in rows}) != 1:
                raise Unreadable("a matrix with ragged rows")
            if any(isinstance(entry, Chain) for row in rows for entry in row):
                return Group("bare", tuple(entry for row in rows for entry in row))
            return determinant(rows) if name == "vmatrix" else Matrix(tuple(rows))
        if any(len(row) != 1 for row in rows):
            raise Unreadable("cases with conditions")
        return Group("bare", tuple(row[0] for row in rows))

    def braced_name(self) -> str:
        """The name of an environment."""
        self.expect("{")
        letters = ""
        while not self.accept("}"):
            token = self.next()
            if token.kind == "end":
                raise Unreadable("a brace that never closes")
            letters += token.value
        return letters.replace("*", "")

    def parse_inside(self, text: str) -> Node:
        """Parse a text of its own, such as the content of a subscript, at this depth."""
        parser = type(self)(tokenize(text), latex=self.latex, depth=self.depth + 1)
        node = parser.statement()
        if parser.token.kind != "end":
            raise Unreadable("a subscript that cannot be read")
        self.nodes += parser.nodes
        return node


def decimal(digits: str) -> Num:
    """A number as written; huge exponents are refused."""
    mantissa, _, exponent = digits.lower().partition("e")
    if exponent and abs(int(exponent[:9])) > MAX_EXPONENT:
        raise Unreadable("an exponent too large to write out")
    value = Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)
    return Num(value, digits if "." in digits.rstrip(".") or exponent else "")


def literal_fraction(node: Node | None) -> Fraction | None:
    """The value of a quotient of two whole literals."""
    if (
        isinstance(node, Mul)
        and len(node.factors) == 2
        and isinstance(node.factors[0], Num)
        and isinstance(node.factors[1], Pow)
        and node.factors[1].exponent == MINUS_ONE
        and isinstance(node.factors[1].base, Num)
        and node.factors[1].base.value
    ):
        return node.factors[0].value / node.factors[1].base.value
    return None


def scalar(node: Node) -> Node:
    """The node, which must be one value."""
    if isinstance(node, Group | Chain | Text | Interval | Clock):
        raise Unreadable("several values where one should be")
    return node


def flat(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """The nodes, and those inside groups among them."""
    for node in nodes:
        if isinstance(node, Group):
            yield from flat(node.items)
        else:
            yield node


def root(radicand: Node, order: Node) -> Node:
    """A root; an odd one is real for a negative radicand."""
    if order == Num(Fraction(2)):
        return Pow(radicand, HALF)
    if isinstance(order, Num) and order.value.denominator == 1 and order.value % 2 and order != ONE:
        return Call("root", (radicand, order))
    return Pow(radicand, Pow(order, MINUS_ONE))


def apply(name: str, args: tuple[Node, ...]) -> Node:
    """A known function of its arguments, spelled out where simpler nodes say the same."""
    low, high = ARGUMENTS.get(name, (1, 1))
    if name in FUNCTIONS.values() and not low <= len(args) <= high:
        raise Unreadable(f"{name} does not take {len(args)} arguments")
    args = tuple(map(scalar, args))
    if name in ("sqrt", "cbrt"):
        return root(args[0], Num(Fraction(_ROOTS[name])))
    if name == "root":
        return root(args[0], args[1] if len(args) > 1 else Num(Fraction(2)))
    if name == "exp":
        return Pow(E, args[0])
    if name == "cis":
        return Pow(E, Mul((IMAGINARY, args[0])))
    if name in ("log10", "log2"):
        return apply("log", (args[0], Num(Fraction(int(name[3:])))))
    if name == "log" and len(args) == 2:
        return (
            quotient(Call("log", args[:1]), Call("log", args[1:]))
            if args[1] != E
            else (Call("log", args[:1]))
        )
    return Call(name, args)


def subscript_name(content: str) -> str:
    """One spelling for a subscript however it was braced or set."""
    return _FONT.sub("", content).replace("\\", "") or "0"


def determinant(rows: list[tuple[Node, ...]]) -> Node:
    """The determinant of a small square matrix, spelled out along its first row."""
    if len(rows) != len(rows[0]) or len(rows) > 4:
        raise Unreadable("a determinant that is not square or not small")
    if len(rows) == 1:
        return rows[0][0]
    terms: list[Node] = []
    for column, entry in enumerate(rows[0]):
        minor = [row[:column] + row[column + 1 :] for row in rows[1:]]
        term = Mul((entry, determinant(minor)))
        terms.append(negative(term) if column % 2 else term)
    return total(terms)


def without_imaginary(node: Node) -> Node:
    """A body whose i is the index of its sum."""
    return rewrite(node, lambda n: Sym("i") if n == IMAGINARY else n)
