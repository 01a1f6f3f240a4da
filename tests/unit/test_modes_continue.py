"""A partial reply: which lines are at fault, where it is cut, and what it has cost."""

import ast
import gzip
import json
import re
import warnings
from pathlib import Path

import pytest

from sandbox.screen import screen
from solver.models.scripted import Line, Scripted
from solver.modes._continue import LineCheck, PartialReply, another_token, line_begin
from solver.records import Message, Reply, Token
from tests.needs import shared_data

ROOT = Path(__file__).parents[2]
FENCE = "```python\n"
QUESTION = (Message(role="user", text="q"),)


def watched(text, *, step=1, begun="", check=None):
    """What a check finds in a reply that arrives `step` characters at a time."""
    check = check or LineCheck(begun, screen)
    for end in range(step, len(text) + step, step):
        if check(text[:end]):
            break
    return check


def kept_of(text, **how):
    check = watched(FENCE + text, **how)
    return check.found, (FENCE + text)[len(FENCE) : check.at]


# ---- what is no fault ----

BEGINNINGS = [
    "x = (1 +\n",
    "x = [\n    1,  # one\n\n    2,\n",
    "x = 1 + \\\n",
    "x = 1 + \\\n    2\n",
    "assert x, \\\n",
    's = "a\\\n',
    's = "a\\\nb"\n',
    'f"{x}\\\n',
    '"""a\n\nb\n',
    "s = '''a \\\n",
    'f"""{\n',
    "@cache\n",
    "@cache\n# why\n\n",
    "@cache\ndef f(n):\n    return n\n",
    "try:\n    x = 1\n",
    "try:\n    x = 1\nexcept ValueError:\n",
    "try:\n    x = 1\n\n# why\nexcept ValueError as e:\n    pass\nelse:\n    x = 2\n",
    "try:\n    x = 1\nfinally:\n    y\n",
    "match x:\n",
    "match x:\n    case 1:\n",
    "match x:\n    case 1:\n        y = 1\n    # why\n    case _:\n",
    "def f(\n    a,\n",
    "def f():\n# why\n",
    "def f():\n\n    x = 1\n\n# why\n    return x\n",
    'def f():\n    """What it does.\n\n    And how.\n',
    "class A:\n    x: int\n\n    def f(self):\n",
    "if x:\n    pass\n# why\nelse:\n    pass\n",
    "for i in x:\n    for j in y:\n        if i:\n            break\n    else:\n        z\n",
    "with a as b, c as d:\n    pass\n",
    "async def f():\n    async with x:\n        await y\n",
    "if True: x = 1\nelse: x = 2\n",
    "# a comment alone\n",
    "\n\n   \n",
    "x = '\\d'  # an escape that the compiler warns of\n",
    "x = 1;\n",
    "lambda x: (\n",
    "def f(): return 1\n",
    "x = {\n 'a': 1,\n}\nprint(x)\n",
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_beginning_that_can_go_on_is_no_fault(beginning, step):
    assert watched(FENCE + beginning, step=step).found is None


def our_programs():
    """Return the shorter files of this project that hold no code fence."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("[js]*/**/*.py"))]
    return [text for text in texts if text.count("\n") < 80 and "```" not in text]


def published_programs():
    """Return a fifth of the whole programs in published transcripts."""
    with gzip.open(shared_data("judge/transcripts_dev.jsonl.gz"), "rt", encoding="utf-8") as lines:
        outputs = [json.loads(line)["output"] for line in lines]
    blocks = (
        block for text in outputs for block in re.findall(r"```python\n(.*?\n)```", text, re.DOTALL)
    )
    return [block for block in [*dict.fromkeys(blocks)][::5] if compiles(block)]


def compiles(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on escapes in strings
        try:
            compile(text, "p", "exec")
        except (SyntaxError, ValueError):
            return False
    return True


@pytest.mark.parametrize(("programs", "least"), [(our_programs, 20), (published_programs, 300)])
def test_no_beginning_of_a_real_program_is_a_fault(programs, least):
    found = programs()
    assert len(found) > least
    for text in found:
        check = LineCheck("", lambda program: ())
        ends = [line_break.end() for line_break in re.finditer("\n", FENCE + text)]
        faults = [end for end in ends if check((FENCE + text)[:end])]
        assert not faults, text
        assert check(f"{FENCE}{text}```"), text
        assert (check.found, check.at) == ("closed", len(f"{FENCE}{text}```"))


# ---- what is one, and where the reply is cut ----


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("", "x = = 1\n"),
        ("x = 1\n", "print 'x'\n"),
        ("x = 1\n", "    y = 2\n"),
        ("try:\n    x\n", "y\n"),
        ("def f():\n", "return 1\n"),
        ("x = (1\n", "print(x)\n"),
        ("x = 1\n\n\n", "y = = 1\n"),
        ("for i in x:\n    pass\n\n", "  y\n"),
        ("", "return 1\n"),
        ("", "\x00\n"),
    ],
)
def test_a_line_that_cannot_follow_is_dropped_and_what_was_before_it_kept(good, bad, step):
    assert kept_of(good + bad, step=step) == ("unparsable", good)


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("", "import socket\n"),
        ("x = 1\n\n", "import socket\n"),
        ("def f():\n", "    import socket\n"),
        ("try:\n", "    import socket\nexcept ImportError:\n    pass\n"),
        ("import os\nx = [\n", "    os.system('ls'),\n    1,\n]\n"),
    ],
)
def test_a_refused_line_is_dropped_though_its_statement_ends_later(good, bad, step):
    assert kept_of(good + bad, step=step) == ("refused", good)


@pytest.mark.parametrize("broken_off", ["x = (1 +\n", "def f():\n", "try:\n    x = 1\n", "@f\n"])
def test_a_fence_that_closes_an_unfinished_program_is_dropped(broken_off):
    assert kept_of(f"{broken_off}```") == ("unparsable", broken_off)


def test_the_first_closing_fence_ends_the_reply():
    text = f"Words.\n{FENCE}print(1)\n```\nMore words.\n{FENCE}print(2)\n```"
    for step in (1, 1000):
        check = watched(text, step=step)
        assert (check.found, text[: check.at]) == ("closed", f"Words.\n{FENCE}print(1)\n```")


@pytest.mark.parametrize("text", ["x = = 1\n", "```\nx = = 1\n```", "```text\nx = = 1\n```\n"])
def test_what_is_not_fenced_as_python_is_not_watched(text):
    assert watched(text).found is None


@pytest.mark.parametrize("opening", ["```py\n", "```Python \n", "  ```python3\n"])
def test_models_mark_a_program_in_many_ways(opening):
    assert watched(f"{opening}x = = 1\n").found == "unparsable"


def test_without_a_screen_only_the_end_is_watched_for():
    check = LineCheck("", None)
    assert watched(f"{FENCE}x = = 1\nimport socket\n```", check=check).found == "closed"


def test_lines_that_the_reply_began_with_are_not_checked_again():
    begun = f"{FENCE}x = = 1\ny"
    assert watched(" = 1\n", begun=begun, check=LineCheck(begun, lambda program: ())).at == len(
        f"{FENCE}x = = 1\n"
    )


def test_the_line_that_the_reply_began_with_the_start_of_is_checked_whole():
    begun = f"{FENCE}x = 1\ny = "
    check = watched("= 2\n", begun=begun)
    assert (check.found, check.at) == ("unparsable", len(f"{FENCE}x = 1\n"))


def test_a_continuation_told_from_the_start_again_is_checked_from_the_start():
    check = LineCheck("", screen)
    watched(f"{FENCE}x = 1\ny = 2\nz = 3\n", check=check)
    watched(f"{FENCE}x = = 1\n", check=check, step=4)
    assert (check.found, check.at) == ("unparsable", len(FENCE))


def test_lines_begin_where_python_counts_them():
    text = "a\n'\f\u2028'\n\nc\nd"
    for statement in ast.parse(text).body:
        assert line_begin(text, statement.lineno - 1) == text.index(ast.unparse(statement)[0])
    assert line_begin(text, -1) == len(text) - 1
    assert line_begin("c\n", -1) == line_begin("", 0) == 0


# ---- text and bill ----


def piece(text, *logprobs, **more):
    words = re.findall(r"\s*\S+", text)
    tokens = [Token(text=w, logprob=p) for w, p in zip(words, logprobs, strict=False)]
    return Reply(text=text, tokens=tuple(tokens), output_tokens=len(words), **more)


def test_a_cut_drops_the_tokens_behind_it_and_says_why():
    partial = PartialReply()
    partial.add(piece("a b c d", -1, -2, -3, -4))
    partial.cut("unparsable", 3)
    reply = partial.reply(capped=False)
    assert reply.text == "a b"
    assert [token.logprob for token in reply.tokens] == [-1, -2]
    (made,) = reply.interventions
    assert (made.kind, made.at, made.dropped) == ("unparsable", 3, " c d")


def test_what_was_dropped_is_paid_for_all_the_same():
    partial = PartialReply()
    partial.add(piece("a b c d", input_tokens=5, seconds=1.0))
    partial.cut("refused", 3)
    partial.count(piece("x", input_tokens=6, seconds=0.5, requests=2))
    partial.add(piece(" y", input_tokens=7, seconds=0.5))
    reply = partial.reply(capped=False)
    assert (reply.output_tokens, reply.input_tokens) == (6, 18)
    assert (reply.seconds, reply.requests) == (2.0, 4)


def test_tokens_are_told_for_the_whole_text_or_not_at_all():
    partial = PartialReply()
    partial.add(piece("a b", -1, -2))
    partial.append(" c", None)
    partial.add(piece(" d", -4))
    assert partial.reply(capped=False).tokens == ()


def test_a_cut_inside_a_token_leaves_none_known():
    partial = PartialReply()
    partial.add(piece("aa bb", -1, -2))
    partial.cut("closed", 4)
    assert partial.reply(capped=False).tokens == ()


def test_a_prompt_that_was_cut_once_was_cut():
    partial = PartialReply()
    partial.add(piece("a", prompt_cut=True))
    partial.add(piece(" b"))
    assert partial.reply(capped=False).prompt_cut


def test_what_an_earlier_reply_brought_is_under_the_cap_and_not_paid_again():
    partial = PartialReply.cut_from(piece("a b c d", -1, -2, -3, -4), 3)
    assert partial.room(10) == 8
    assert partial.reply(capped=False).output_tokens == 0


def test_without_tokens_an_earlier_reply_counts_by_its_letters():
    partial = PartialReply.cut_from(piece("x" * 400), 200)
    assert partial.room(100) == 50


# ---- another token ----


class Silent(Scripted):
    """Tells no probabilities."""

    async def extend(self, chat, begun, *, logprobs=0, **how):
        return await super().extend(chat, begun, **how)


async def another(model, kept, dropped):
    partial = PartialReply()
    token = await another_token(model.extend, QUESTION, kept, dropped, 0, partial)
    return token, partial


async def test_the_likeliest_other_token_is_taken():
    model = Scripted(replies=[Line(text="x = 1", instead=("x = 2", "x = 3"))])
    token, partial = await another(model, "x =", [" 1"])
    assert token == (" 2", pytest.approx(-1.1))
    assert (partial.requests, partial.written) == (1, 1)


async def test_a_token_that_any_dropped_text_begins_with_is_not_taken():
    model = Scripted(replies=[Line(text="x = 1", instead=("x = 2", "x = 3"))])
    token, _ = await another(model, "x =", [" 1 + 1", " 2 + 2"])
    assert token[0] == " 3"


@pytest.mark.parametrize("special", ["<|im_end|>", "</s>", "<eos>", "<end_of_turn>", "\ufffd"])
async def test_the_end_of_a_reply_is_no_other_token(special):
    model = Scripted(replies=[Line(text="x = 1", instead=(f"x ={special}", "x = 3"))])
    token, _ = await another(model, "x =", [" 1"])
    assert token[0] == " 3"


async def test_a_model_that_offers_no_other_token_has_none():
    token, _ = await another(Scripted(replies=["x = 1"]), "x =", [" 1"])
    assert token is None


async def test_without_probabilities_another_token_is_drawn():
    model = Silent(replies=[("x = 1", "x = 1", "x = 2")])
    token, partial = await another(model, "x =", [" 1"])
    assert token == (" 2", None)
    assert partial.requests == 3


async def test_drawing_in_vain_ends():
    token, partial = await another(Silent(replies=["x = 1"]), "x =", [" 1"])
    assert token is None
    assert partial.requests == partial.written == 6
