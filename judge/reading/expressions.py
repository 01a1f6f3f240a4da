"""Parse one value: sums, products, powers, and the numbers, names and brackets in them.

A recursive-descent parser. `forms` adds the arguments of known functions and LaTeX commands;
`grammar` adds lists, sets, equations and everything else made of values.
"""

from collections.abc import Callable
from fractions import Fraction

from judge.reading import build, tree
from judge.reading.cursor import Cursor, Token
from judge.reading.tree import INFINITY, ZERO, Node, Unreadable, negative, product, quotient, total
from judge.reading.units import CELSIUS, FAHRENHEIT, Unit

_MONEY = {"$": "dollar dollars", "€": "euro euros", "£": "sterling", "¥": "yen", "₹": "rupees"}
_CURRENCIES = {
    sign: Unit(words.split()[-1], ((words.split()[0], 1),)) for sign, words in _MONEY.items()
}
_PARSERS = {"num": "number", "name": "variable", "const": "variable", "text": "text",
            "func": "function", "form": "form", "make": "constructor", "set": "number_set",
            "op": "bracket"}  # fmt: skip
"""The method that parses a value which begins with a token of this kind."""
_TEMPERATURES = {"C": CELSIUS, "F": FAHRENHEIT}
_VALUES = {"...": tree.ELLIPSIS, "∅": tree.EMPTY_SET}
_STARTS = frozenset(("(", "[", "{", "|(", "⌊", "⌈", "\\{", "..."))


class Expressions(Cursor):
    """The part of the parser for one value. Subclasses implement its first six methods."""

    statement: Callable[[], Node]
    """Parse whatever may be between brackets."""
    function: Callable[[str], Node]
    """Parse what follows the name of a known function."""
    form: Callable[[str], Node]
    r"""Parse what follows a LaTeX command such as \frac."""
    variable: Callable[[str], Node]
    """Parse what follows a letter: a subscript, primes, arguments."""
    constructor: Callable[[str], Node]
    """Parse what follows the name of a sympy or Python constructor such as Interval."""
    bracketed: Callable[[str], Node]
    """Parse what follows an opening bracket, up to its closing bracket."""

    # --- operators, loosest first --------------------------------------------------------------

    def sum(self) -> Node:
        """Parse terms joined by + − ± ∓."""
        terms = [self.product()]
        while sign := self.accept("+", "-", "±", "∓"):
            if sign in "+-" and self.is_op(",", ")", "]"):
                break  # a dangling sign
            term = self.product()
            terms.append(term if sign == "+" else self.signed(sign, term))
        return total(terms)

    @staticmethod
    def signed(sign: str, node: Node) -> Node:
        """Return a node with a sign before it."""
        if sign == "-":
            return negative(node)
        return tree.Mul((tree.PlusMinus(1 if sign == "±" else -1), node))

    def product(self) -> Node:
        """Parse factors joined by * and /, or next to each other."""
        factors = [self.unary()]
        while True:
            if self.accept("*"):
                factors.append(self.unary())
            elif self.accept("bmod"):
                factors = [tree.Call("mod", (product(factors), self.unary()))]
            elif self.accept("//"):
                divided = quotient(self.joined(factors), build.unlisted(self.unary()))
                factors = [tree.Call("floor", (divided,))]
            elif self.is_op("/") and self.tokens[self.at + 1].kind != "text":
                self.next()
                factors.append(tree.Pow(build.unlisted(self.unary()), tree.MINUS_ONE))
            elif self.starts_factor() and not isinstance(factors[-1], tree.Chain | tree.Logic):
                if self.token.kind == "num" and isinstance(factors[-1], tree.Num):
                    raise Unreadable("two numbers side by side")
                factors.append(self.power())
            else:
                return self.joined(factors) if len(factors) > 1 else factors[0]
            self.count()

    @staticmethod
    def joined(factors: list[Node]) -> Node:
        """Return a product whose factors may be in square brackets."""
        return product(list(map(build.unlisted, factors)))

    def unary(self) -> Node:
        """Parse a power, perhaps with signs before it."""
        sign = self.accept("+", "-", "±", "∓")
        if not sign:
            return self.power()
        self.deeper()
        node = self.unary()
        self.depth -= 1
        return node if sign == "+" else self.signed(sign, node)

    def starts_factor(self) -> bool:
        """Tell whether the next token begins a factor, so that a product needs no sign."""
        kind, value, _ = self.token
        if kind == "op":
            if value == "(" and self.tokens[self.at + 1].value == "mod":
                return False
            return value in _STARTS or (value == "|" and not self.bars and not self.in_builder)
        return kind in ("num", "name", "func", "const") or (
            kind == "form" and value not in ("end", "overline", "bar", "dot")
        )

    def power(self) -> Node:
        """Parse an atom with its postfixes and exponents."""
        node = self.postfix(self.atom())
        while self.accept("^"):
            self.count()
            if self.token.kind == "end":
                return node  # "90^", which lost a degree sign
            if self.accept_raised("°"):
                node = self.minutes(tree.Call("degree", (node,)))
            elif not (isinstance(node, tree.Num) and self.accept_raised("th", "st", "nd", "rd")):
                node = tree.Pow(build.unlisted(node), self.exponent())
            node = self.postfix(node)
        return node

    def exponent(self) -> Node:
        """Parse what follows a caret."""
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
            node = tree.Pow(node, self.exponent()) if self.accept("^") else node
        self.depth -= 1
        return node

    def accept_raised(self, *values: str) -> bool:
        """Take one of these tokens after a caret, perhaps in braces: ^° and ^{th}."""
        braced = self.is_op("{")
        if self.tokens[self.at + braced].value not in values:
            return False
        self.at += 1 + braced
        if braced:
            self.expect("}")
        return True

    def minutes(self, degrees: tree.Call) -> Node:
        """Parse what may follow a degree sign: minutes of arc (60° 42'), or C and F."""
        if self.token.kind in ("name", "text") and self.token.value in _TEMPERATURES:
            unit = _TEMPERATURES[self.next().value]
            return tree.Quantity(degrees.args[0], unit)
        if self.token.kind == "num" and self.tokens[self.at + 1].value == "'":
            minutes = tree.Num(Fraction(self.next().value) / 60)
            self.next()
            return tree.Call("degree", (tree.Add((degrees.args[0], minutes)),))
        return degrees

    def postfix(self, node: Node) -> Node:
        """Apply the signs ! % ° ' that follow a node."""
        while True:
            if self.tokens[self.at].kind != "op":
                return node
            if bangs := self.bangs():
                for _ in range(1 if bangs == 2 else bangs):
                    node = tree.Call("factorial2" if bangs == 2 else "factorial", (node,))
            elif self.accept("%"):
                node = tree.Call("percent", (node,))
            elif isinstance(node, tree.Num) and (sign := self.accept(*_CURRENCIES)):
                node = tree.Quantity(node, _CURRENCIES[sign])
            elif (
                isinstance(node, tree.Sym)
                and self.is_op("°")
                and self.tokens[self.at + 1].kind == "name"
            ):
                raise Unreadable("functions composed")
            elif self.accept("°"):
                node = self.minutes(tree.Call("degree", (node,)))
            elif isinstance(node, tree.Sym) and self.accept("'"):
                node = tree.Sym(node.name + "'")
                continue
            else:
                return node
            self.count()

    def bangs(self) -> int:
        """Take the signs of a factorial, and return how many there are."""
        start = self.at
        while self.accept("!"):
            pass
        return self.at - start

    # --- atoms --------------------------------------------------------------------------------

    def atom(self) -> Node:
        """Parse a value that no operator divides."""
        self.count()
        self.deeper()
        node = self.starting_with(self.next())
        self.depth -= 1
        return node

    def starting_with(self, token: Token) -> Node:
        """Parse the value that begins with a token just taken."""
        kind, value, _ = token
        if kind == "const" and self.token.kind != "sub":
            return tree.Const(value)
        if kind not in _PARSERS:
            raise Unreadable(f"{value or 'the end'!r} where a value should be")
        parser: Callable[[str], Node] = getattr(self, _PARSERS[kind])
        return parser(value)

    def number_set(self, letter: str) -> Node:
        r"""Parse what may follow the letter of a number set: \mathbb{Z}^+, \mathbb{N}^*, Z_{>0}."""
        signs = ("+", "{+}", "*", "{*}") if letter == "N" else ("+", "{+}")
        positive = self.token.kind == "sub" and self.token.value.replace(" ", "") in ("+", ">0")
        self.at += positive
        for size in (4, 2):
            sign, *name = (token.value for token in self.tokens[self.at : self.at + size])
            if sign == "^" and "".join(name) in signs:
                self.at += size
                positive = True
        if letter == "R":
            return tree.Interval(ZERO if positive else negative(INFINITY), INFINITY, False, False)
        return tree.Sym("set_N+" if positive and letter in "NZ" else f"set_{letter}")

    def number(self, digits: str) -> Node:
        """Parse what may follow the digits of a number: a base, repeating digits, a fraction."""
        if self.token.kind == "sub" and (base := build.base_named(self.token.value)):
            self.next()
            return tree.Based(digits, base)
        if "." in digits and self.token in (("form", "overline", False), ("form", "bar", False),
                                            ("form", "dot", False)):  # fmt: skip
            return self.repeating(digits)
        node = build.decimal(digits)
        return self.mixed(node) if digits.isdigit() else node

    def repeating(self, digits: str) -> Node:
        """Parse repeating digits under a bar, after the decimal before them."""
        self.next()
        start = self.argument(split=False)
        if not isinstance(start, tree.Num) or start.value.denominator != 1:
            raise Unreadable("repeating digits that are not digits")
        repeated = str(start.value)
        places = len(digits.partition(".")[2])
        tail = Fraction(int(repeated), 10 ** len(repeated) - 1) / 10**places
        return tree.Num(Fraction(digits.rstrip(".")) + tail)

    def mixed(self, whole: tree.Num) -> Node:
        r"""Add a proper fraction that follows a whole number: 2\frac12, 1 1/2."""
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
            top, bottom = self.next().value, self.tokens[self.at + 1].value
            part = quotient(build.decimal(top), build.decimal(bottom))
            self.at += 2
        value = build.literal_fraction(part)
        if value is not None and 0 < value < 1:
            return tree.Num(whole.value + value)
        self.at, self.nodes = start, nodes
        return whole

    def text(self, words: str) -> Node:
        """Parse words; a single letter is a variable."""
        if len(words) == 1 and words.isalpha():
            return self.variable(words)
        parts = [words]
        while self.token.kind == "text":
            parts.append(self.next().value)
        return tree.Text(" ".join(parts))

    def bracket(self, opening: str) -> Node:
        """Parse a value that begins with a bracket or another sign."""
        if opening in ("(", "[", "\\{", "{"):
            return self.bracketed(opening)
        if opening in ("|", "|("):
            self.bars += 1
            node = self.statement()
            self.bars -= 1
            self.expect("|)" if opening == "|(" else "|", "|", "|)")
            return tree.Call("abs", (build.scalar(node),))
        if opening in ("⌊", "⌈"):
            node = build.scalar(self.statement())
            self.expect("⌋" if opening == "⌊" else "⌉")
            return tree.Call("floor" if opening == "⌊" else "ceil", (node,))
        if opening in _CURRENCIES:
            return tree.Quantity(self.unary(), _CURRENCIES[opening])
        if opening in _VALUES:
            return _VALUES[opening]
        raise Unreadable(f"{opening!r} where a value should be")

    def arguments(self) -> tuple[Node, ...]:
        """Parse arguments in parentheses."""
        self.expect("(")
        if self.accept(")"):
            return ()
        bars, self.bars = self.bars, 0
        node = self.statement()
        self.bars = bars
        self.expect(")")
        return node.items if tree.is_group(node, "bare") else (node,)

    def argument(self, *, split: bool = True) -> Node:
        """Parse a TeX argument: a group in braces, or a single digit, letter or command."""
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
            return build.decimal(token.value[0])
        if token.kind == "num":
            self.next()
            return build.decimal(token.value)
        return self.atom()
