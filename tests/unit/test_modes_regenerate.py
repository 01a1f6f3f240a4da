"""Token-by-token regeneration: what each control does to a reply, and what it must leave alone."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from sandbox import Execution, Exit, Finding, Level
from sandbox.screen import screen
from solver.errors import ConfigError
from solver.models.scripted import Line, Scripted
from solver.modes import Tools, mode_of
from solver.modes.refine import failing_line, weakest_place
from solver.records import Message, Outcome, Reply, Token, Turn
from solver.run.build import build
from solver.run.tasks import tasks_of
from solver.run.watch import Watch
from tests.fakes import PROBLEMS, EchoSandbox, config_of, finished_run, program, told
from tests.servers import OpenAIWire, serving

CONTROLS = ("literal", "guided", "refine")


class Silent(Scripted):
    """Tells no probabilities."""

    async def extend(self, chat, begun, *, logprobs=0, **how):
        return await super().extend(chat, begun, **how)


class Bytes(Scripted):
    """Its tokens are bytes, so a letter may take several; half a letter is no text."""

    async def extend(self, chat, begun, *, max_tokens=None, **how):
        whole = (await super().extend(chat, begun, **how)).text.encode()
        said = whole[:max_tokens]
        return Reply(
            text=said.decode(errors="ignore"),
            output_tokens=len(said),
            capped=len(said) < len(whole),
        )


class Mute(Scripted):
    """Never ends, and never says or counts anything."""

    async def extend(self, chat, begun, **how):
        return Reply(text="", output_tokens=0, capped=True)


@dataclass(frozen=True)
class Solved:
    turns: list[Turn]
    history: list
    sandbox: EchoSandbox

    @property
    def replies(self):
        return [turn.reply for turn in self.turns]


async def solve(control, replies, *, model=Scripted, cap=2048, most=8, retries=0, seed=0, **code):
    """One problem solved under one control."""
    history = []
    sandbox = EchoSandbox()
    extend = model(replies=replies, history=history).extend

    async def ask(chat, *, seed, stop=()):
        raise AssertionError("a controlled reply is controlled, not asked for")

    tools = Tools(
        ask=ask,
        control=lambda controller: controller(extend),
        run=sandbox.run,
        step=sandbox.run,
        screen=screen,
        max_tokens=cap,
    )
    regenerate = {"controls": [control], "interventions": most}
    config = config_of(code={"retries": retries, "regenerate": regenerate, **code})
    mode = mode_of(f"code+{control}")
    turns = [turn async for turn in mode.solve(PROBLEMS[0], tools, config, seed)]
    return Solved(turns, history, sandbox)


def kinds(reply):
    return [made.kind for made in reply.interventions]


# ---- what all controls share ----


@pytest.mark.parametrize("control", CONTROLS)
async def test_a_good_reply_is_what_it_would_have_been(control):
    reply = f"Sure.\n{program('x = 1')}"
    found = await solve(control, [reply])
    assert found.replies[0].text == reply


@pytest.mark.parametrize("control", CONTROLS)
async def test_an_answer_ends_the_trial(control):
    found = await solve(control, [program("print(7)")], retries=5)
    assert [turn.answer for turn in found.turns] == ["7"]


@pytest.mark.parametrize("control", CONTROLS)
async def test_a_cut_prompt_ends_the_trial(control):
    found = await solve(control, [Line(text=program("x"), prompt_cut=True)], retries=5)
    assert len(found.turns) == 1
    assert not found.sandbox.ran


@pytest.mark.parametrize("control", CONTROLS)
async def test_retries_are_counted_as_in_mode_code(control):
    found = await solve(control, [program("x = 1")], retries=3)
    assert len(found.turns) == 4


@pytest.mark.parametrize("control", ["literal", "guided"])
async def test_a_failed_program_is_shown_its_error_as_in_mode_code(control):
    found = await solve(control, [program("# exit: crashed"), program("print(7)")], retries=1)
    assert found.turns[-1].answer == "7"
    assert "it ended: crashed" in found.turns[-1].prompt[-1].text


@pytest.mark.parametrize("control", CONTROLS)
async def test_a_reply_is_billed_for_all_its_requests(control):
    found = await solve(control, [f"{program('x = = 1')}\nwords"])
    assert found.replies[0].requests == len(found.history)


@pytest.mark.parametrize("control", CONTROLS)
async def test_what_is_kept_of_a_reply_stays_under_the_cap(control):
    good, bad = (program(f"{first} = 1\n" + "y = 2\n" * 40) for first in ("x", "x = "))
    for cap in (1, 2, 5, 20):
        found = await solve(control, [Line(text=bad, instead=(good,))], cap=cap, retries=2)
        for reply in found.replies:
            assert len(reply.text.split()) <= cap
            assert reply.capped


# ---- literal ----


@pytest.mark.parametrize(
    "text", [program("print(7)"), "Words\n\n  alone. ", " x", "", f"π = 3 €\n{program('x = 1')} 🎈"]
)
@pytest.mark.parametrize("model", [Scripted, Bytes])
async def test_one_token_at_a_time_gives_the_one_shot_reply(model, text):
    found = await solve("literal", [text], model=model)
    assert found.replies[0].text == text
    assert not found.replies[0].capped
    assert not found.replies[0].interventions


async def test_each_token_is_a_request_of_its_own():
    found = await solve("literal", ["a b c d"])
    assert (found.replies[0].requests, found.replies[0].output_tokens) == (4, 4)
    assert [chat[-1].text for chat, _ in found.history[1:]] == ["a", "a b", "a b c"]


async def test_a_line_that_does_not_parse_is_left_alone_by_literal():
    found = await solve("literal", [program("x = = 1")])
    assert found.replies[0].text == program("x = = 1")


async def test_a_letter_half_said_at_the_cap_is_left_out():
    found = await solve("literal", ["ab🎈"], model=Bytes, cap=4)
    assert (found.replies[0].text, found.replies[0].capped) == ("ab", True)


async def test_a_model_that_never_says_anything_is_given_up():
    found = await asyncio.wait_for(solve("literal", ["x"], model=Mute, cap=50), 60)
    assert (found.replies[0].text, found.replies[0].capped) == ("", True)
    assert found.replies[0].requests <= 50


# ---- guided ----


async def test_the_reply_ends_with_its_first_program():
    found = await solve("guided", [f"Sure.\n{program('x = 1')}\nThis is why:\n{program('y')}"])
    (reply,) = found.replies
    assert reply.text == f"Sure.\n{program('x = 1')}"
    assert (kinds(reply), reply.capped) == (["closed"], False)


async def test_a_reply_without_a_program_grows_to_its_end():
    found = await solve("guided", ["I would rather not. print(7"])
    assert found.replies[0].text == "I would rather not. print(7"
    assert not found.replies[0].interventions


async def test_a_line_that_does_not_parse_is_grown_again_from_another_token():
    bad, good = program("x = 1\ny = = 1\nprint(7)"), program("x = 1\nz = 3\nprint(7)")
    found = await solve("guided", [Line(text=bad, instead=(good,))])
    (reply,) = found.replies
    assert reply.text == good
    assert kinds(reply) == ["unparsable", "closed"]
    made = reply.interventions[0]
    assert bad[: made.at] == "```python\nx = 1\n"
    assert made.dropped.startswith("y = = 1\n")
    assert found.turns[0].answer == "7"


async def test_a_line_that_the_screen_refuses_is_grown_again_from_another_token():
    bad, good = program("x = 1\nimport socket\nprint(7)"), program("x = 1\nprint(7)")
    found = await solve("guided", [Line(text=bad, instead=(good,))])
    assert found.replies[0].text == good
    assert kinds(found.replies[0]) == ["refused", "closed"]
    assert not found.turns[0].findings


async def test_a_line_refused_late_is_grown_again_itself_and_not_what_follows_it():
    rest = "except ImportError:\n    pass\nprint(7)"
    bad = program(f"try:\n    import socket\n{rest}")
    good = program(f"try:\n    pass\n{rest}")
    found = await solve("guided", [Line(text=bad, instead=(good,))])
    assert found.replies[0].text == good


async def test_a_program_closed_too_early_goes_on():
    bad, good = program("x = (1 +"), program("x = (1 +\n2)\nprint(7)")
    found = await solve("guided", [Line(text=bad, instead=(good,))])
    assert found.replies[0].text == good
    assert found.turns[0].answer == "7"


async def test_the_first_token_of_every_dropped_line_is_excluded():
    bad, worse, good = (program(line) for line in ("a = = 1", "b = = 1", "c = 1"))
    found = await solve("guided", [Line(text=bad, instead=(worse, good))])
    assert found.replies[0].text == good
    assert kinds(found.replies[0]) == ["unparsable", "unparsable", "closed"]


@pytest.mark.parametrize(("most", "kept"), [(1, 1), (2, 2), (3, 3), (8, 3)])
async def test_no_more_lines_are_grown_again_than_the_cap(most, kept):
    texts = [
        program("".join(f"good{n} = 1\n" if n < mended else f"bad{n} = = 1\n" for n in range(3)))
        for mended in range(4)
    ]
    found = await solve("guided", [Line(text=texts[0], instead=tuple(texts[1:]))], most=most)
    assert found.replies[0].text == texts[kept]
    assert kinds(found.replies[0]).count("unparsable") == kept


async def test_a_line_stays_where_the_model_offers_no_other_token():
    found = await solve("guided", [f"{program('x = = 1')}\nwords"])
    assert found.replies[0].text == program("x = = 1")
    assert kinds(found.replies[0]) == ["closed"]


async def test_another_token_is_drawn_where_no_probabilities_are_told():
    bad, good = program("x = = 1"), program("y = 3\nprint(7)")
    drawn = (Line(text=bad, instead=(good,)), Line(text=good, instead=(bad,)))
    found = await solve("guided", [drawn], model=Silent)
    assert found.replies[0].text == good
    assert found.replies[0].tokens == ()


# ---- refine ----

FAILING = '# exit: crashed\n# stderr:   File "solution.py", line 5, in <module>\n'
"""How a program says that its fifth line crashed."""


def failing(*lines):
    return program(FAILING + "\n".join(lines))


async def test_a_failed_program_is_grown_again_from_its_least_certain_token_before_the_failure():
    bad, good = failing("x = 2", "y = 4", "z = 9"), failing("x = 2", "y = 5", "z = 9")
    line = Line(text=bad, instead=(good,), unsure=("4", "9"))
    found = await solve("refine", [line], retries=1)
    first, second = found.replies
    assert (first.text, second.text) == (bad, good)
    (made,) = second.interventions
    assert made.kind == "refined"
    assert bad[: made.at] == bad[: bad.index(" 4")]
    assert made.dropped == bad[bad.index(" 4") :]


async def test_a_refused_program_is_grown_again_before_the_refused_line():
    bad, good = program("x = 2\ny = 4\nimport socket"), program("x = 2\ny = 5\nprint(7)")
    line = Line(text=bad, instead=(good,), unsure=("4", "socket"))
    found = await solve("refine", [line], retries=1)
    assert [reply.text for reply in found.replies] == [bad, good]
    assert found.turns[-1].answer == "7"


async def test_where_no_line_is_to_blame_the_whole_program_may_be_grown_again_but_no_words():
    bad, good = f"Sure thing.\n{program('x = 2')}", f"Sure thing.\n{program('x = 3')}"
    line = Line(text=bad, instead=(good, "Well."), unsure=("thing.", "2"))
    found = await solve("refine", [line], retries=1)
    assert [reply.text for reply in found.replies] == [bad, good]


async def test_a_reply_without_a_program_is_grown_again_from_anywhere():
    bad, good = "I would rather not.", f"I would do it.\n{program('print(7)')}"
    line = Line(text=bad, instead=(good,), unsure=("rather",))
    found = await solve("refine", [line], retries=1)
    assert [reply.text for reply in found.replies] == [bad, good]


async def test_without_probabilities_the_failing_line_is_grown_again():
    bad, good = failing("x = 2", "y = 4", "z = 9"), failing("x = 2", "y = 4", "w = 9")
    seeds = (Line(text=bad, instead=(good,)), Line(text=good, instead=(bad,)))
    found = await solve("refine", [seeds], model=Silent, retries=1)
    assert found.replies[1].text == good
    (made,) = found.replies[1].interventions
    assert made.dropped.startswith("z = 9")


async def test_without_probabilities_and_a_line_to_blame_the_program_is_grown_again():
    bad, good = f"Sure.\n{program('x = 2')}", f"Sure.\n{program('print(7)')}"
    seeds = (Line(text=bad, instead=(good,)), Line(text=good, instead=(bad,)))
    found = await solve("refine", [seeds], model=Silent, retries=1)
    assert found.turns[-1].answer == "7"
    assert found.replies[1].interventions[0].at == len("Sure.\n```python\n")


async def test_the_same_place_is_not_tried_twice():
    texts = [failing(f"x = {x}", f"y = {y}", "z") for x, y in ((2, 4), (3, 4), (3, 5))]
    line = Line(text=texts[0], instead=tuple(texts[1:]), unsure=("2", "3", "4"))
    found = await solve("refine", [line], retries=2)
    assert [reply.text for reply in found.replies] == texts


async def test_where_all_places_were_tried_the_line_gets_another_token_each_time():
    texts = [program(name) for name in "abcde"]
    seeds = tuple(Line(text=text, instead=tuple(texts)) for text in texts)
    found = await solve("refine", [seeds], model=Silent, retries=3)
    assert len({reply.text for reply in found.replies}) == 4


async def test_the_model_is_shown_no_error():
    found = await solve("refine", [failing("x = 2", "y", "z")], retries=2)
    asked = {chat[: len(found.turns[0].prompt)] for chat, _ in found.history}
    assert asked == {found.turns[0].prompt}
    assert all(turn.fresh for turn in found.turns)


async def test_a_refined_reply_is_billed_for_what_was_written_anew():
    bad, good = program("x = 2\ny = 4"), program("x = 2\ny = 5")
    found = await solve("refine", [Line(text=bad, instead=(good,), unsure=("4",))], retries=1)
    assert found.replies[1].output_tokens == 2  # another token instead of 4, and the closing fence
    assert len(found.replies[1].tokens) == len(found.replies[0].tokens)


async def test_without_probabilities_kept_letters_are_counted_under_the_cap():
    bad = program("x = 1\n" * 20 + "import socket")
    found = await solve("refine", [bad], model=Silent, retries=1, cap=100)
    assert found.replies[1].output_tokens <= 100 - found.replies[1].interventions[0].at // 4


def turn_of(text, program, **more):
    tokens = tuple(Token(text=letter, logprob=-1.0) for letter in text)
    return Turn(
        prompt=(Message(role="user", text="q"),),
        reply=Reply(text=text, tokens=tokens),
        program=program,
        runs_code=True,
        **more,
    )


def crashed(stderr):
    return Execution(Exit.CRASHED, "", stderr, 0.1, 0.1, 1.0, False)


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        ('  File "solution.py", line 3, in <module>\nNameError: x', 3),
        ('  File "/work/solution.py", line 3\nSyntaxError: x', 3),
        ('  File "solution.py", line 9, in <module>\n  File "solution.py", line 2, in f\nE', 2),
        ('  File "solution.py", line 2, in f\n  File "/usr/lib/math.py", line 7, in g\nE', 2),
        ('  File "my_solution.py", line 2, in f\nE', None),
        ("Killed", None),
        ("", None),
    ],
)
def test_the_failing_line_is_the_innermost_of_the_program_in_the_traceback(stderr, line):
    assert failing_line(turn_of("x", "x", execution=crashed(stderr))) == line


def test_the_failing_line_of_a_refused_program_is_the_first_that_was_refused():
    findings = tuple(
        Finding(level, "rule", line, "why")
        for level, line in ((Level.WARN, 1), (Level.REFUSE, 4), (Level.REFUSE, 6))
    )
    assert failing_line(turn_of("x", "x", findings=findings)) == 4
    assert failing_line(turn_of("x", "x", findings=findings[:1])) is None


def test_a_failure_in_the_first_line_may_be_mended_anywhere_in_the_program():
    text = program("a\nb\n")
    turn = turn_of(text, "a\nb\n", execution=crashed('  File "solution.py", line 1'))
    assert weakest_place(turn, {}) == text.index("a")
    assert weakest_place(turn, {text[: text.index("a")]: []}) == text.index("a") + 1


@pytest.mark.parametrize("number", [4, 99999, "9" * 4000])
def test_a_traceback_that_names_a_line_behind_the_last_ends_nothing(number):
    text = program("a\nb\n")
    turn = turn_of(text, "a\nb\n", execution=crashed(f'  File "solution.py", line {number}'))
    assert text.index("a") <= weakest_place(turn, {}) <= text.index("b")


def test_lines_are_counted_as_python_counts_them():
    body = "a = '\f\u2028'\nb = 2\nc = 3\n"
    text = program(body)
    turn = turn_of(text, body, execution=crashed('  File "solution.py", line 3'))
    everywhere = {text[:end]: [] for end in range(len(text))}
    assert text[weakest_place(turn, everywhere) :].startswith("c = 3")


# ---- in a run ----

RUN = [
    Line(text=failing("x = 2", "y = = 4", "z"), instead=(failing("x = 2", "w = 4", "z"),)),
    program("x = 1"),
    program("print(1)"),
]


@pytest.mark.parametrize("control", CONTROLS)
async def test_a_run_cut_anywhere_ends_as_if_it_had_not_been(tmp_path, control):
    how = {"code": {"regenerate": control, "retries": 3}}
    whole = await told(tmp_path / "whole", RUN, **how)
    requests = len(whole.history)
    for answered in range(0, requests, 1 + requests // 6):
        folder = tmp_path / str(answered)
        cut = await told(folder, RUN, requests=answered, **how)
        assert cut.row.outcome is Outcome.ERROR or answered > len(whole.turns)
        again = await told(folder, RUN, **how)
        assert again.turns == whole.turns
        assert again.row.outcome is whole.row.outcome


@pytest.mark.parametrize("control", CONTROLS)
async def test_the_same_seed_gives_the_same_trial(tmp_path, control):
    replies = [
        tuple(Line(text=program(f"a{n} = {n}"), unsure=(f"{n}",)) for n in range(7)),
        tuple(program(f"print({n})") for n in range(5)),
    ]
    how = {"code": {"regenerate": control, "retries": 3}, "sampling": {"temperature": 1}}
    one, other = [await told(tmp_path / name, replies, seed=4, **how) for name in ("a", "b")]
    assert one.turns == other.turns


async def test_each_control_is_an_arm_beside_code_on_the_same_seeds(tmp_path):
    config = config_of(mode="code,cot", code={"regenerate": list(CONTROLS)})
    async with finished_run(tmp_path, [program("print(1)")], config=config) as store:
        done = Counter(row.mode for row in store.rows())
    assert done == dict.fromkeys(("code", "cot", *(f"code+{name}" for name in CONTROLS)), 3)
    assert len({(task.problem.id, task.seed) for task in tasks_of(config, PROBLEMS)}) == 3


async def test_a_model_that_only_chats_is_refused_before_anything_is_asked(tmp_path):
    async with serving(OpenAIWire(continues=False)) as server:
        config = config_of(
            model="openai/test",
            providers={"openai": {"base_url": f"{server.url}/v1", "api_key_env": ""}},
            code={"regenerate": "guided"},
            judge="rules",
        )
        with pytest.raises(ConfigError, match=r"openai/test.*continues nothing"):
            async with build(config, owner="test", cache=tmp_path, watch=Watch()):
                pass
        assert not server.wire.asked("/chat/completions")
