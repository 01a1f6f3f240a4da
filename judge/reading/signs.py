"""Tables of signs and connecting words, with the tokens that they stand for."""

from judge.reading.words import named, terms

OPERATOR_ALIASES = {"**": "^", "=<": "<=", "=>": ">=", "==": "=", ":=": "=", "<>": "!=",
                     "=/=": "!=", "/=": "!=", "~=": "~", "#": "!=", "&&": "and"}  # fmt: skip
SYMBOLS = {
    "≤": "<=", "≥": ">=", "≠": "!=", "⩽": "<=", "⩾": ">=", "≦": "<=", "≧": ">=", "≈": "~",
    "≡": "=", "×": "*", "·": "*", "⋅": "*", "∙": "*", "•": "*", "÷": "/", "±": "±", "∓": "∓",
    "∪": "∪", "∩": "∩", "∈": "in", "∖": "∖", "°": "°", "∅": "∅", "⌊": "⌊", "⌋": "⌋", "⌈": "⌈",
    "⌉": "⌉", "€": "€", "£": "£", "¥": "¥", "⟨": "(", "⟩": ")", "∧": "∧", "∨": "∨", "¬": "not",
    "∣": "|",
}  # fmt: skip
GREEK_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξορστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΡΣΤΥΦΧΨΩ",
        terms("""
            alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron
            rho sigma tau upsilon phi chi psi omega Alpha Beta Gamma Delta Epsilon Zeta Eta
            Theta Iota Kappa Lambda Mu Nu Xi Omicron Rho Sigma Tau Upsilon Phi Chi Psi Omega
        """),
        strict=True,
    )
) | {"ϵ": "epsilon", "ϕ": "phi", "ς": "sigma", "µ": "mu", "ħ": "hbar", "ℓ": "ell"}
SET_LETTERS = dict(zip("ℝℚℤℕℂ", "RQZNC", strict=True))
CONNECTORS = named({
    "and": "and AND und 且 和 及 与 и",
    "or": "or OR oder 或 或者 или または",
    **{word: word for word in terms("not xor")},
    "-": "minus negative",
    "+": "plus",
})  # fmt: skip
SHORT_CONNECTORS = {"et": "and", "y": "and", "és": "and", "ou": "or", "o": "or"}
"""Connectors whose letters may also be a product."""
ACCENTED = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0126\u0128-\u017f"
"""Latin letters that English does not have, without × ÷ ħ: a part of a pattern."""
