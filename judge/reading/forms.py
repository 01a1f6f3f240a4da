"""Parse what known functions and LaTeX commands take: arguments, roots, sums, environments."""

from fractions import Fraction

from judge.reading import build, tree
from judge.reading.expressions import Expressions
from judge.reading.tokens import tokenize
from judge.reading.tree import IMAGINARY, MINUS_ONE, Node, Unreadable, product, quotient, walk
from judge.reading.words import GREEK, INVERSE


class Forms(Expressions):
    """The part of the parser for functions and LaTeX commands with arguments."""

    def function(self, name: str) -> Node:
        """Parse the base, power and argument of a function: sin^2 x, log_3 5, tan^{-1}(1)."""
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
        if args and isinstance(args[0], tree.Group) and args[0].kind == "set":  # max{3, 5}
            args = args[0].items
        if base is not None:
            args = (*args, base)
        node = build.apply(name, args)
        return node if power is None else tree.Pow(node, power)

    def variable(self, name: str) -> Node:
        """Parse a variable, or an unknown function with its arguments in brackets."""
        if self.token.kind == "sub":
            name = f"{name}_{build.subscript_name(self.next().value)}"
        while self.accept("'"):
            name += "'"
        if self.is_op("^") and self.tokens[self.at + 1].value in ("'", "{"):
            name += self.primes()
        if name in self.functions and self.inverse_follows():
            name += "^-1"
            return tree.Call(name, tree.flat(tree.Group("bare", self.arguments())))
        if self.is_op("(") and (name.rstrip("'") in self.functions or (
            len(name) > 2 and "_" not in name and name not in GREEK and not self.token.spaced
        )):  # fmt: skip
            return tree.Call(name, tree.flat(tree.Group("bare", self.arguments())))
        return tree.Sym(name)

    def inverse_follows(self) -> bool:
        """Take ^{-1} if a bracket follows it, which means the inverse of a function."""
        values = [token.value for token in self.tokens[self.at : self.at + 6]]
        for tokens in (["^", "{", "-", "1", "}", "("], ["^", "-", "1", "("]):
            if values[: len(tokens)] == tokens:
                self.at += len(tokens) - 1
                return True
        return False

    def primes(self) -> str:
        r"""Take ^' or ^{\prime\prime} if it comes next. Return the primes."""
        start, count = self.at, 0
        self.next()
        braced = bool(self.accept("{"))
        while self.accept("'"):
            count += 1
        if not count or (braced and not self.accept("}")):
            self.at = start
            return ""
        return "'" * count

    def bare_argument(self) -> Node:
        """Parse an argument without parentheses: the simple factors that follow."""
        if self.is_op("-", "+"):
            return self.unary()
        factors: list[Node] = [self.power()]
        while self.starts_factor() and self.token.kind in ("num", "name", "const", "form"):
            factors.append(self.power())
        return product(factors)

    def form(self, name: str) -> Node:
        """Parse the arguments of a LaTeX command."""
        if name == "frac":
            return quotient(self.argument(), self.argument())
        if name == "binom":
            return tree.Call("binomial", (self.argument(), self.argument()))
        if name in build.ROOTS:
            return self.radical(build.ROOTS[name])
        if name in ("sum", "prod", "int", "lim"):
            return self.big(name)
        if name == "begin":
            return self.environment()
        if name == "boxed":
            return self.argument()
        if name in ("overline", "bar", "dot"):
            inner = self.argument()
            if isinstance(inner, tree.Num):
                raise Unreadable("digits under a bar")
            if isinstance(inner, tree.Sym):  # a mean, a conjugate or a complement; AB is a segment
                return tree.Sym(f"{'dot' if name == 'dot' else 'bar'}_{inner.name}")
            if name != "dot" and IMAGINARY in walk(inner):
                return tree.Call("conj", (inner,))
            return inner
        raise Unreadable(f"\\{name} out of place")

    def radical(self, index: int) -> Node:
        """Parse a root, perhaps with its order in brackets."""
        order: Node = tree.Num(Fraction(index))
        if self.accept("["):
            order = self.sum()
            self.expect("]")
        return build.root(self.argument(split=False), order)

    def big(self, kind: str) -> Node:
        """Parse a sum or product with its bounds."""
        variable, low, high = "", None, None
        for _ in range(2):
            if self.token.kind == "sub":
                bound = self.parse_inside(self.next().value)
                match bound:
                    case tree.Chain((tree.Sym(name) | tree.Const("i" as name), first, *_)):
                        variable, low = name, first
                    case _:
                        low = bound
            elif self.accept("^"):
                high = self.exponent()
        if kind in ("int", "lim") or not variable:
            raise Unreadable(f"\\{kind} is not evaluated")
        body = self.product()
        if variable == "i":
            body = tree.replaced(body, IMAGINARY, tree.Sym("i"))
        return tree.Big(kind, variable, low, high, body)

    def environment(self) -> Node:
        r"""Parse \begin{...} ... \end{...}: a matrix, or the lines of a system."""
        name = self.braced_name()
        if name.startswith("array"):
            if self.accept("{"):
                while not self.accept("}"):
                    self.next()
            self.accept("|")
        lines: list[list[Node]] = [[]]
        while self.token[:2] != ("form", "end"):
            if self.accept("\\\\"):
                lines.append([])
            elif not self.accept("&"):
                lines[-1].append(self.statement())
            self.count()
        self.next()
        self.braced_name()
        rows = [tuple(line) for line in lines if line]
        if "matrix" in name or name == "array":
            if not rows or len({len(row) for row in rows}) != 1:
                raise Unreadable("a matrix with ragged rows")
            if any(isinstance(entry, tree.Chain) for row in rows for entry in row):
                return tree.Group("bare", tuple(entry for row in rows for entry in row))
            return build.determinant(rows) if name == "vmatrix" else tree.Matrix(tuple(rows))
        if any(len(row) != 1 for row in rows):
            raise Unreadable("cases with conditions")
        return tree.Group("bare", tuple(row[0] for row in rows))

    def braced_name(self) -> str:
        """Parse the name of an environment in braces."""
        self.expect("{")
        letters = ""
        while not self.accept("}"):
            letters += self.next().value
        return letters.replace("*", "")

    def parse_inside(self, text: str) -> Node:
        """Parse a separate text, such as a subscript, with the current depth and node count."""
        parser = type(self)(tokenize(text), latex=self.latex, depth=self.depth + 1)
        node = parser.statement()
        if parser.token.kind != "end":
            raise Unreadable("a subscript that cannot be read")
        self.nodes += parser.nodes
        return node
