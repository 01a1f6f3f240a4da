"""Tables of the words in answers: functions, constants, Greek letters, LaTeX commands."""


def terms(text: str) -> tuple[str, ...]:
    """Return the words of a table that is written as one string."""
    return tuple(text.split())


def named(aliases: dict[str, str]) -> dict[str, str]:
    """Map each alias to its name, given the aliases of each name as one string."""
    return {alias: name for name, text in aliases.items() for alias in text.split()}


_FUNCTION_ALIASES = {
    **{name: name for name in terms("""
        sin cos sec coth sech csch log2 exp sqrt cbrt root abs floor factorial factorial2 gcd lcm
        max min mod re im arg gamma cis
    """)},
    "tan": "tan tg",
    "cot": "cot ctg cotan",
    "csc": "csc cosec",
    "asin": "asin arcsin",
    "acos": "acos arccos",
    "atan": "atan arctan arctg",
    "acot": "acot arccot arcctg",
    "asec": "asec arcsec",
    "acsc": "acsc arccsc",
    "sinh": "sinh sh",
    "cosh": "cosh ch",
    "tanh": "tanh th",
    "asinh": "asinh arcsinh arsinh",
    "acosh": "acosh arccosh arcosh",
    "atanh": "atanh arctanh artanh",
    "log": "log ln",
    "log10": "lg log10",
    "ceil": "ceil ceiling",
    "binomial": "binomial binom comb nck",
    "conj": "conj conjugate",
    "sign": "sign sgn",
}  # fmt: skip
FUNCTIONS = named(_FUNCTION_ALIASES)
KNOWN_FUNCTIONS = frozenset(_FUNCTION_ALIASES) | {"degree", "percent"}
ONLY_BEFORE_BRACKET = frozenset(terms("sh ch th re im root mod gamma tg comb nck arg"))
"""Names that mean a function only before a bracket."""
MEASURES_OF = frozenset(terms("det deg dim rank rk tr ker ord Pr Var Cov vol area perimeter"))
"""Names of what something has, as in "det A" and "deg f": with it they are one name."""
INVERSE = {name: f"a{name}" for name in terms("sin cos tan cot sec csc sinh cosh tanh")}
ARGUMENTS = {
    **dict.fromkeys(terms("log root"), (1, 2)),
    **dict.fromkeys(terms("binomial mod"), (2, 2)),
    **dict.fromkeys(terms("gcd lcm max min"), (1, 20)),
}
"""How many arguments a function takes, where that is not exactly one."""

CONSTRUCTORS = frozenset(
    terms("""
        Rational Fraction Integer Float Interval Union Intersection Complement FiniteSet Eq Ne
        Lt Le Gt Ge Matrix ImmutableMatrix array Tuple And Or Not Pow Mul Add Range set list
        tuple frozenset Point Point2D Point3D Sum Product Integral Piecewise EmptySet Sqrt
    """)
)
"""Names sympy and Python print before a bracket, whose meaning is not a function of numbers."""

GREEK = frozenset(
    terms("""
        alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu
        nu xi omicron rho varrho sigma varsigma tau upsilon phi varphi chi psi omega ell hbar
        Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho
        Sigma Tau Upsilon Phi Chi Psi Omega
    """)
)
GREEK_ALIASES = {"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho"}
CONSTANTS = named({"pi": "pi", "oo": "oo inf infty infinity Infinity Inf", "e": "e", "i": "i"})
RELATIONS = named({
    "<=": "le leq leqslant leqq",
    ">=": "ge geq geqslant geqq",
    "<": "lt",
    ">": "gt",
    "!=": "ne neq",
    "=": "eq equiv coloneqq",
    "in": "in",
    "~": "approx approxeq simeq doteq",
})  # fmt: skip
OPERATORS = named({
    **{sign: sign for sign in terms("% $ # _")},
    "*": "cdot times ast cdotp",
    "/": "div",
    "±": "pm",
    "∓": "mp",
    "∪": "cup cupdot bigcup sqcup",
    "∩": "cap bigcap",
    "∖": "setminus backslash smallsetminus",
    "|": "| mid vert",
    "|(": "lvert lVert",
    "|)": "rvert rVert",
    ":": "colon",
    ",": "&",
    "∧": "land wedge",
    "∨": "lor vee",
    "not": "lnot neg",
    "mod": "pmod mod",
    "bmod": "bmod",
    "...": "ldots cdots dots dotsc dotsb hdots vdots",
    "'": "prime",
    "°": "circ degree textdegree textcirc textcircled",
    "\\{": "{ lbrace",
    "\\}": "} rbrace",
    "[": "lbrack",
    "]": "rbrack",
    "(": "langle lparen",
    ")": "rangle rparen",
    "⌊": "lfloor",
    "⌋": "rfloor",
    "⌈": "lceil",
    "⌉": "rceil",
    "£": "pounds",
    "€": "euro",
    "∅": "emptyset varnothing",
})  # fmt: skip
FORMS = frozenset(terms("frac binom sqrt sum prod int lim begin end overline bar dot boxed"))
FORM_ALIASES = named(
    {"frac": "dfrac rac tfrac cfrac sfrac", "binom": "dbinom tbinom", "boxed": "fbox framebox"}
)
TEXT_COMMANDS = frozenset(
    terms("""
        text mbox hbox textrm textbf textit textsf texttt mathrm mathbf mathit mathsf mathtt
        operatorname boldsymbol bm mathcal mathbb mathfrak textnormal underline emph bold
    """)
)
SKIPPED = frozenset(
    terms("""
        left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle quad
        qquad displaystyle textstyle scriptstyle limits nolimits , ; : ! > negmedspace
        thinspace negthinspace medspace thickspace enspace enskip hfill nobreak allowbreak
        angle triangle space therefore thinspace hspace vspace phantom hphantom left. right.
        small large Large LARGE huge Huge normalsize tiny rm bf it bfseries mathstrut strut
        noindent centering
        cancel checkmark
    """)
)
ACCENTS = frozenset(terms("vec hat widehat overrightarrow tilde"))
UNIT_VECTORS = frozenset("ijk")
BLACKBOARD = frozenset("RQZNC")

ALTERING = frozenset(
    terms("""
        not no non negative minus half third quarter double twice triple dozen or more less than
        most least except without besides greater fewer inverse reciprocal opposite and
        below under above over beyond doubled tripled halved power choose factorial plus root error
    """)
)
"""Words that change the value next to them, so that neither a label nor a remark may hold them."""
ANSWER_MARKERS = (
    r"(?:(?:答案|答え|结果|結果|정답|답|Antwort|Ergebnis|Lösung|respuesta|resultado|solución|réponse"
    r"|résultat|resposta|risposta|risultato|ответ|відповідь|odpowied[zź]|odpověď|odpoveď|cevap|svar(?:et)?"
    r"|jawaban(?:nya)?|đáp án|antwoord|vastaus|válasz|răspuns|απάντηση|उत्तर|الجواب|الإجابة|תשובה"
    r"|คำตอบ|答)(?:\s|[*_]){0,9}(?:corre[ck]ta|correcte|richtig)?\s?"
    r"(?:finale?)?\s?(?::|：|=|ist|lautet|est|es|è|é|är|er|هو|是|为|為|は|은|는|là|to|wynosi|adalah|равен"
    r"|равна|равно|选|—|-|(?=\s?[$\\]))"
    r"(?: (?:gleich|égale? à|igual a|uguale a|l[ae]|el|der|die))?\s?(?::|：)?"
    r"|(?:故选|应选|選|选(?=\s?[A-J](?![A-Za-z])))\s?[:：]?)"
)
"""What announces an answer in other languages than English."""

SCALES = {
    **{"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12},
    **{"dozen": 12, "dozens": 12, "万": 10**4, "萬": 10**4, "亿": 10**8},
}
NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        terms("""
            zero one two three four five six seven eight nine ten eleven twelve thirteen
            fourteen fifteen sixteen seventeen eighteen nineteen twenty
        """)
    )
}
NUMBER_WORDS |= {word: 10 * place for place, word in enumerate(terms("""
    thirty forty fifty sixty seventy eighty ninety
"""), start=3)}  # fmt: skip
PART_WORDS = {"half": 2, "quarter": 4} | {
    word: part
    for part, word in enumerate(terms("third fourth fifth sixth seventh eighth ninth tenth"), 3)
}
BASE_WORDS = {**NUMBER_WORDS, "binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16, "hex": 16}
