"""Reject texts that are no answers, without asking a model.

These are empty texts, stock phrases, error messages and texts that address the grader. Not covered:
attacks in words that no pattern here matches. The rubric, the JSON input and the veto of the rules
are the next defences.
"""

import re
import unicodedata

from judge.model.rubric import LONGEST_ANSWER, without_hidden

Refusal = tuple[str, str]
"""The relation and the reason."""


def refusal(question: str, reference: str, answer: str) -> Refusal | None:
    """Return why this answer needs no model, or None."""
    if is_empty(answer):
        return "no_answer", "the answer says nothing"
    text = " ".join(unicodedata.normalize("NFKC", without_hidden(answer)).split())
    if len(text) > LONGEST_ANSWER:
        return "no_answer", f"longer than {LONGEST_ANSWER} characters, so no final answer"
    plain = _plain(text)
    empty = _STOCK_PHRASES.fullmatch(plain) or _TAUTOLOGY.fullmatch(plain)
    if empty or _POINTS_ELSEWHERE.search(plain):
        return "no_answer", "a stock phrase instead of an answer"
    if _SORRY.search(text):
        return "no_answer", "a refusal"
    if _FAILURE.search(text):
        return "no_answer", "an error message"
    if _CODE.search(answer):
        return "no_answer", "a program instead of an answer"
    if _restates(plain, _plain(question)):
        return "no_answer", "the problem restated"
    for name, pattern in _ADDRESSES.items():
        if pattern.search(text) and not pattern.search(reference):
            return "addresses_grader", f"suspicious: {name}"
    return None


def is_empty(answer: str) -> bool:
    """Tell whether an answer has no letter, no digit and no sign for a value (∞, ∅)."""
    return re.search(r"[^\W_]|[∞∅]", answer) is None


def rounding_settles(question: str, answer: str) -> bool:
    """Tell whether the problem asks for rounding and the answer is precise enough for it."""
    places = _requested_places(question)
    if places is None:
        return _ROUNDING.search(question) is not None
    decimals = re.search(r"\.(\d+)", answer)
    return (len(decimals.group(1)) if decimals else 0) >= places


_STOCK_PHRASES = re.compile(
    "answer|final answer|the answer|the final answer|solution|the solution|result|correct|"
    "yes it is correct|q e d|thought process|reasoning|explanation|step 1|lets think step by step|"
    "lets solve this problem step by step|lets solve this step by step|"
    "same as the reference|same as above|see above|as above|to be determined|tbd|unknown|解|"
    "答案|かいせつ|解説|respuesta|solución|réponse|lösung|ответ|решение"
)
_TAUTOLOGY = re.compile(
    r"(?:it is |this is )?(?:the )?"
    r"(?:correct|right|true|same|expected|reference|requested|required)(?: \w+)? "
    r"(?:answer|value|result|number|solution)"
    r"|(?:the )?(?:value|quantity|number|expression|answer|result)"
    r"(?: (?:that is|that was|which is))? (?:asked|requested|required|sought|wanted|described)"
    r"(?: \w+){0,6}"
)
_POINTS_ELSEWHERE = re.compile(
    r"\b(?:see|as|shown|found|given|computed|working|answer)(?: \w+)? above\b|\bas above\b"
    r"|\b(?:answer|solution) to (?:the|this) (?:problem|question)\b|\bright here\b"
    r"|\bis what (?:was|is) (?:wanted|asked|sought|required)\b|\bboth (?:agree|match)\b"
)
"""Words that point at an answer and do not give it."""
_SORRY = re.compile(
    r"\b(?:i(?:'m| am) sorry|i apologi[sz]e|as an ai|i (?:can(?:no|')t|am unable to|am not able to|"
    r"do not know|don't know))\b",
    re.IGNORECASE,
)
_FAILURE = re.compile(r"Traceback \(most recent call|^[\w.]*(?:Error|Exception)\b(?::|$)")
_CODE = re.compile(r"```|\bprint\s*\(|^\s*(?:def \w+\(|import \w|from \w+ import)", re.MULTILINE)
_ADDRESSES = {
    "an instruction": re.compile(
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}"
        r"\b(?:instruction|rubric|rule|above|previous|prior|prompt|reference)"
        r"|\byou (?:must|should|are|will|have to|need to)\b|\bplease\b|\bif you do not\b"
        r"|\byours\b|\b(?:trust|believe|thank|help) (?:you|me|us)\b",
        re.IGNORECASE,
    ),
    "a claim about the grade": re.compile(
        r"\b(?:mark|award|accept|treat|count|rate|consider|assign|declare)\s+"
        r"(?:this|it|me|my|that|the|as|full)\b|\bwhatever\b"
        r"|\b(?:correct|right|true|expected) (?:value|answer|one|result)\b"
        r"|\bscor(?:e|es|ed|ing)\b|\bgrad(?:er|ing)\b|\bjudge?ment\b|\bverdict\b|\bevaluat(?:or|ion)\b"
        r"|\bfull (?:marks|credit|points)\b|\b(?:5|10)\s*/\s*(?:5|10)\s*(?:points|$)|\bexaminer\b"
        r"|\bequivalent\b|\bverified\b",
        re.IGNORECASE,
    ),
    "a claim about the reference": re.compile(
        r"\b(?:reference|answer key|official answer|gold(?:en)? answer|ground truth|typo|outdated)"
        r"\b",
        re.IGNORECASE,
    ),
    "a role or a tag": re.compile(
        r"\[/?(?:system|inst|user|assistant)\b|<\|?/?[a-z_]{3,}\|?>|</|<<sys>>"
        r"|\b(?:system|assistant|user|human)\s*:|\"\s*}|{\s*\"",
        re.IGNORECASE,
    ),
    "encoded text": re.compile(r"(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])[A-Za-z0-9+/]{24,}"),
    "an instruction in another language": re.compile(
        r"忽略|请|評分|评分|給分|给分|判分|满分|滿分|最高分|正确答案|判为|判定|满点|満点|最高点|採点|指示"
        r"|игнорир|оценк|балл|правильн|ignora\b|ignorez|ignoriere|puntuaci|puntaje|calificaci|punteggio"
        r"|pontua|bewert|punktzahl|\bnota m|\bnote max|\botorg|\baccordez|\basign[ae]"
        r"|\battribue[zr]?\b|\bcalifi|\bvergeb|\bvergib|\bassegn|\baprueb|\bacept[ae]|\bakzept|\baccett"
        r"|\b(?:cinco|cinq|cinque|fünf) p[uo]",
        re.IGNORECASE,
    ),
}
_ROUNDING = re.compile(
    r"\b(?:round|nearest|decimal place|significant (?:figure|digit)|approximat|to the tenth)",
    re.IGNORECASE,
)
_PLACES = {
    r"nearest (?:whole|integer|dollar|unit|percent|degree)": 0,
    r"nearest tenth|nearest dime|one decimal place|1 decimal place": 1,
    r"nearest hundredth|nearest cent\b|nearest penny|two decimal places|2 decimal places": 2,
    r"nearest thousandth|three decimal places|3 decimal places": 3,
    r"nearest ten.thousandth|four decimal places|4 decimal places": 4,
}


def _requested_places(question: str) -> int | None:
    for words, places in _PLACES.items():
        if re.search(words, question, re.IGNORECASE):
            return places
    return None


def _restates(answer: str, question: str) -> bool:
    """Tell whether an answer repeats most of the problem. Short quotes may be a choice's text."""
    return len(answer) > 40 and len(answer) > 0.6 * len(question) and answer in question


def _plain(text: str) -> str:
    """Return the words of a text in lower case."""
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", "")))
