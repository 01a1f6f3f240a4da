"""Divide a formula into tokens, the same ones for LaTeX, plain text and Python notation.

This decides what a sequence of letters is: a function, a constant, a unit, a word, or a product of
letters. Structure is left to the parser.
"""

import re

from judge.reading.cursor import Token, join_digit_groups
from judge.reading.tree import Unreadable
from judge.reading.units import CHINESE_UNITS, UNIT_LETTERS, UNIT_SYMBOLS, UNIT_WORDS, upright_unit
from judge.reading.words import CONSTRUCTORS, FUNCTIONS, GREEK, LISTS, MEASURES_OF, named, terms
from judge.reading.wrappers import matching_brace

_ACCENTED = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0126\u0128-\u017f"
"""Latin letters that English does not have, without × ÷ ħ: a part of a pattern."""
_END = [Token("end", "")] * 5
_SCAN = re.compile(
    r"(?P<space>[\s~]+)"
    r"|(?P<num>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z\d.]))?)"
    rf"|(?P<word>[A-Za-z]++(?![{_ACCENTED}]))"
    r"|(?P<chinese>[\u3400-\u9fff]+)"
    rf"|(?P<foreign>[A-Za-z{_ACCENTED}]+|[\u0400-\u04ff]+|[\u3040-\u30ff]+)"
    r"|(?P<command>\\(?:[A-Za-z]+|.))"
    r"|(?P<op>\*\*|<=|>=|=<|=>|!=|//|/=|==|:=|<>|=/=|~=|&&|[-+*/^=<>()\[\]{}|,;:!%'#&$])"
    r"|(?P<sub>_)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_MODULES = re.compile(r"\b(?:math|cmath|np|numpy|sympy|sp|sym|S)\.(?=[A-Za-z])")
_JOINS_VALUES = {1: re.compile(r"\s+\d"), 2: re.compile(r"\s+(?:-?\d|[a-z]\s*=)")}
"""What follows a connector of one or two letters that is no product of letters."""
_BEFORE_NAME = re.compile(r"\s*[A-Za-z(\[]")
_CONSTANTS, _CONNECTORS = named("constants"), named("connectors")
_SHORT_CONNECTORS = named("short_connectors")
_ONLY_BEFORE_BRACKET = LISTS["only_before_bracket"]
_SETS = {name: ("set", letter) for name, letter in named("number_sets").items()}
_FIXED = {word: ("op", sign) for word, sign in _CONNECTORS.items()} | _SETS
"""Words that always mean the same, as (kind, value)."""
_SIGNS = {sign: ("op", operator) for sign, operator in named("signs").items()} | {
    **{letter: ("name", name) for letter, name in named("greek").items()},
    **{"π": ("const", "pi"), "∞": ("const", "oo"), "√": ("form", "sqrt"), "∛": ("form", "cbrt")},
    **_SETS,
}
_COMMANDS = (
    {name: ("name", name) for name in GREEK}
    | {alias: ("name", name) for alias, name in named("greek_aliases").items()}
    | {name: ("func", function) for name, function in FUNCTIONS.items()}
    | {name: ("const", constant) for name, constant in _CONSTANTS.items() if len(name) > 1}
    | {name: ("op", operator) for name, operator in named("relations").items()}
    | {name: ("op", operator) for name, operator in named("operators").items()}
    | {name: ("form", name) for name in LISTS["forms"]}
    | {alias: ("form", name) for alias, name in named("form_aliases").items()}
    | {"not": ("op", "not"), "\\": ("op", "\\\\")}
)
"""LaTeX commands that always mean the same, as (kind, value); the later table has precedence."""
_UNIT_VECTORS, _BLACKBOARD = frozenset("ijk"), frozenset("RQZNC")
_CHINESE = re.compile(rf"或者|[或且和及与]|{CHINESE_UNITS}|[万萬亿]|[^或且和及与万萬亿]+")
_UNITS = UNIT_WORDS | UNIT_LETTERS
_ORDINALS = frozenset(terms("st nd rd th"))
_UPRIGHT = frozenset(terms("mathrm text rm"))
_BOLD = frozenset(terms("mathbf boldsymbol bm"))
_UNBRACED = {**dict.fromkeys(_BOLD, "ijk"), "mathbb": "RQZNC"}
"""The letters that a command takes without braces; before others it says how to go on."""
_PROSE_IN_MATH = re.compile(r"[A-Za-z]{2}|^[A-Za-z]$")
_MAX_TOKENS = 1_500
_OPERAND_ENDS = frozenset(terms(") ] } \\} |) ! % ' ° ⌋ ⌉"))


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a cleaned text and some `end` tokens. Raises `Unreadable`."""
    scanner = _Scanner(text)
    scanner.run()
    return [*join_digit_groups(scanner.tokens), *_END]


class _Scanner:
    """Goes through the text once and appends to `tokens`."""

    def __init__(self, text: str) -> None:
        self.text = _MODULES.sub("", text)
        self.latex = "\\" in text
        self.tokens: list[Token] = []
        self.spaced = False

    def run(self) -> None:
        index = 0
        while index < len(self.text):
            match = _SCAN.match(self.text, index)
            if match is None or len(self.tokens) > _MAX_TOKENS:
                raise Unreadable("too many tokens")
            index = match.end()
            kind, value = match.lastgroup, match[0]
            if kind == "space":
                self.spaced = True
            elif kind == "num":
                self.add("num", value)
            elif kind == "word":
                index = self.word(value, index)
            elif kind == "chinese":
                self.chinese(value)
            elif kind == "foreign":
                self.connective(value)
            elif kind == "command":
                index = self.command(value[1:], index)
            elif kind == "sub":
                index = self.subscript(index)
            elif value in _SIGNS:
                self.add(*_SIGNS[value])
            elif kind == "op":
                self.add("op", value)
            elif value not in '"`∠△Δ∆':
                raise Unreadable(f"the character {value!r} is not in the grammar")

    def add(self, kind: str, value: str) -> None:
        self.tokens.append(Token(kind, value, self.spaced))
        self.spaced = False

    def connective(self, word: str) -> None:
        """Add a word of another language: a connective, or text."""
        self.add(*_FIXED.get(word, ("text", word)))

    def subscript(self, index: int) -> int:
        """Read a subscript: text in braces, one letter or number, or (outside LaTeX) a word."""
        if (braced := self.braced(index, "a subscript")) is not None:
            content, end = braced
            self.add("sub", content.strip())
            return end
        pattern = r"\s*(\d+|\\[A-Za-z]+|[A-Za-z])" if self.latex else r"(\w+)"
        match = re.match(pattern, self.text[index:])
        if match is None:
            raise Unreadable("a subscript without content")
        self.add("sub", match[1])
        return index + match.end()

    def braced(self, index: int, what: str) -> tuple[str, int] | None:
        """Return what is in the braces that follow, and where they end; None without braces."""
        start = index + len(self.text[index:]) - len(self.text[index:].lstrip())
        if self.text[start : start + 1] != "{":
            return None
        end = matching_brace(self.text, start)
        if end < 0:
            raise Unreadable(f"{what} without its closing brace")
        return self.text[start + 1 : end], end + 1

    def joined(self, kind: str, word: str, pattern: str, index: int) -> int:
        """Add a word together with what the pattern finds directly behind it."""
        match = re.match(pattern, self.text[index:])
        self.add(kind, word + (match[0] if match else ""))
        return index + (match.end() if match else 0)

    def words(self, words: str) -> None:
        """Add words of a text command. "and" and "or" at either end become operators."""
        match = re.fullmatch(r"(and |or )?(.*?)( and| or)?", words)
        before, middle, after = match.groups() if match else (None, words, None)
        for kind, value in (("op", before), ("text", middle), ("op", after)):
            if value:
                self.add(kind, value.strip(" ,"))

    def word(self, run: str, index: int) -> int:
        """Read a sequence of letters outside LaTeX commands."""
        following = self.text[index : index + 1]
        lower = run.lower()
        opens = self.text[index:].lstrip().startswith(("(", r"\left(", "{"))
        if run in CONSTRUCTORS and following in ("(", ".", "["):
            return self.joined("make", run, r"\.[A-Za-z]+", index)
        if run in ("plus", "minus") and self.text[index:].startswith(("_minus", "_plus")):
            self.add("op", "±" if run == "plus" else "∓")
            return index + len("_minus" if run == "plus" else "_plus")
        if run == "log" and (match := re.match(r"(10|2)(?=\s*\()", self.text[index:])):
            self.add("func", run + match[1])
            return index + match.end()
        if operator := self.connector(run, index, opens):
            self.add("op", operator)
            return index
        function = FUNCTIONS.get(run) or (FUNCTIONS.get(lower) if len(run) > 2 else None)
        if function and (opens or lower not in _ONLY_BEFORE_BRACKET):
            is_unit = lower in _UNITS and self.after_number() and not opens
            self.add(*(("text", run) if is_unit else ("func", function)))
        elif run in _CONSTANTS or (lower in _CONSTANTS and len(run) > 3):
            self.add("const", _CONSTANTS.get(run) or _CONSTANTS[lower])
        elif run in _FIXED:
            self.add(*_FIXED[run])
        elif run in GREEK and len(run) > 1:
            self.add("name", run)
        elif len(run) == 1:
            return self.letter(run, index)
        elif run in _ORDINALS and self.after_number() and not self.spaced:
            pass
        elif self.is_unit(run) or self.is_word(run, opens) or self.is_ordinal(run):
            self.add("text", run)
        elif following == "_" and not self.latex:
            return self.joined("name", run, r"(?:_\w+)+", index)
        else:
            self.letters(run, opens)
        return index

    def connector(self, run: str, index: int, opens: bool) -> str:
        """Return the operator that a word stands for in its place: in, mod, 3 to 4, 3 y 4."""
        last = self.tokens[-1] if self.tokens else _END[0]
        if run in _SHORT_CONNECTORS:
            joins = self.spaced and _JOINS_VALUES[len(run)].match(self.text, index)
            return _SHORT_CONNECTORS[run] if joins and self.after_number() else ""
        if run.lower() in ("mod", "modulo"):
            return "" if opens and not (self.spaced and self.after_operand()) else "mod"
        if run == "to" and self.after_number():
            return ":" if any(token.kind == "num" for token in self.tokens) else ""
        if run == "in":
            return "in" if last.kind not in ("num", "end") else ""
        return "∪" if run == "U" and last.value in (")", "]") else ""

    def chinese(self, run: str) -> None:
        """Read Chinese words, which no spaces divide: connectives, large numbers, units."""
        for piece in _CHINESE.findall(run):
            self.connective(piece)

    def letter(self, letter: str, index: int) -> int:
        """Read a letter: a unit after a number and a space, else a variable (x, x1)."""
        at_end = re.match(r"[ .)]*$|\s+\d", self.text[index:])
        if self.spaced and self.after_number() and at_end and letter in UNIT_LETTERS:
            self.add("text", letter)
            return index
        return self.joined("name", letter, "" if self.latex else r"\d+(?![\d.])", index)

    def letters(self, run: str, opens: bool) -> None:
        """Read letters without spaces as a product, perhaps with a function: xsin(x)."""
        for size in range(len(run) - 1, 2, -1):
            if run[:size] in FUNCTIONS and len(run) - size == 1:
                self.add("func", FUNCTIONS[run[:size]])
                self.add("name", run[size:])
                return
            if opens and run[-size:] in FUNCTIONS and len(run) - size <= 2:
                self.letters(run[:-size], opens=False)
                self.add("func", FUNCTIONS[run[-size:]])
                return
        if opens and len(run) > 2:
            self.add("name", run)  # a function nobody declared: int(f(x)), print(x)
            return
        for letter in run:
            self.add("const" if letter in ("e", "i") else "name", letter)

    def is_word(self, run: str, opens: bool) -> bool:
        """Tell whether unknown letters are a word rather than a product."""
        if opens or (self.after_number() and not self.spaced):
            return False
        if len(run) > 5 or run in ("Yes", "No", "True", "False"):
            return True
        return len(run) > 2 and self.spaced and self.after_operand()

    def is_unit(self, run: str) -> bool:
        """Tell whether letters name a unit: a word behind a value, or a symbol behind a number."""
        if run.lower() in UNIT_WORDS:
            return self.after_operand()
        apart = self.spaced or not run.islower()
        return apart and run in UNIT_SYMBOLS and self.after_number()

    def is_ordinal(self, run: str) -> bool:
        """Tell whether letters after a caret make an ordinal: 7^{th}."""
        before = [token.value for token in self.tokens[-2:] if token.value != "{"]
        return run in _ORDINALS and before[-1:] == ["^"]

    def after_operand(self) -> bool:
        if not self.tokens:
            return False
        kind, value, _ = self.tokens[-1]
        return value in _OPERAND_ENDS if kind == "op" else kind in ("num", "name", "const", "text")

    def after_number(self) -> bool:
        return bool(self.tokens) and self.tokens[-1].kind in ("num", "text")

    def command(self, name: str, index: int) -> int:
        """Read a LaTeX command that ends at `index`."""
        if name in ("left", "right"):
            return self.delimiter(name, index)
        if name in _COMMANDS:
            self.add(*_COMMANDS[name])
        elif name in LISTS["text_commands"]:
            return self.font_command(name, index)
        elif name in LISTS["accents"]:
            return self.accent(index)
        elif name in MEASURES_OF and _BEFORE_NAME.match(self.text, index):
            self.add("name", name)
        elif name.isspace() or name in LISTS["skipped"]:
            self.spaced = True
        elif name.isdigit() or name == "-":
            self.add("op", "\\\\")  # a row break that lost its second backslash
            return index - 1
        else:
            return self.joined_command(name, index)
        return index

    def accent(self, index: int) -> int:
        r"""Read the letter under \vec or \hat, which names a vector; i, j, k are unit vectors."""
        pattern = r"\s*(?:\{\s*([A-Za-z]+|\\[a-z]+)\s*\}|([A-Za-z]|\\[a-z]+))"
        match = re.match(pattern, self.text[index:])
        if match is None:
            raise Unreadable("an accent on something else than a letter")
        letters = (match[1] or match[2]).removeprefix("\\").removesuffix("math")
        self.add("name", f"vec_{letters}" if letters in _UNIT_VECTORS else letters)
        return index + match.end()

    def delimiter(self, side: str, index: int) -> int:
        r"""Read what follows \left or \right: a bar opens or closes, a dot is no bracket."""
        self.spaced = self.spaced or side == "left"
        match = re.match(r"\s*(\||\\vert|\.)", self.text[index:])
        if match is None:
            return index
        if match[1] != ".":
            self.add("op", "|(" if side == "left" else "|)")
        return index + match.end()

    def joined_command(self, name: str, index: int) -> int:
        r"""Read a command joined with the next letters, such as \pir or \cotx."""
        for size in range(len(name) - 1, 1, -1):
            if len(name) - size <= 2 and name[:size] in FUNCTIONS.keys() | _CONSTANTS.keys():
                self.command(name[:size], index)
                self.letters(name[size:], opens=False)
                return index
        raise Unreadable(f"the command \\{name} is not in the grammar")

    def font_command(self, name: str, index: int) -> int:
        """Read the argument of a command that changes the font: words or mathematics."""
        if (braced := self.braced(index, f"\\{name}")) is not None:
            content, end = braced
        elif name in _UNBRACED and (
            letter := re.match(rf"\s*([{_UNBRACED[name]}])", self.text[index:])
        ):
            content, end = letter[1], index + letter.end()
        else:
            return index
        words = " ".join(content.replace("~", " ").split())
        if name == "mathbb" and words in _BLACKBOARD:
            self.add("set", words)
        elif words in _CONNECTORS or words == "mod":
            self.add("op", _CONNECTORS.get(words, words))
        elif words in _UNIT_VECTORS and name in _BOLD:
            self.add("name", f"vec_{words}")
        elif name == "operatorname" and words.lower() in FUNCTIONS:
            self.add("func", FUNCTIONS[words.lower()])
        elif words in MEASURES_OF:
            self.add("name", words)
        elif words in FUNCTIONS.keys() - _ONLY_BEFORE_BRACKET and name in ("mathrm", "text"):
            self.add("func", FUNCTIONS[words])
        elif words in ("e", "i") and name == "mathrm":
            self.add("const", words)
        elif words in GREEK or (
            name.startswith(("math", "bold")) and len(words) == 1 and words.isalpha()
        ):
            self.add("const" if words in ("e", "i") else "name", words)
        elif name in _UPRIGHT and self.after_operand() and (unit := upright_unit(content)):
            self.words(unit)
        elif _PROSE_IN_MATH.search(words) and "\\" not in words:
            self.spaced = self.spaced or content[:1].isspace()
            self.words(words)
        elif words:
            inner = _Scanner(content)
            inner.latex = True
            inner.run()
            self.tokens += inner.tokens
        return end
