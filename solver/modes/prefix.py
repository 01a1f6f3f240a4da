"""Modes `prefix+60-raw` and the like: show the beginning of a question, and read how it goes on.

A model that continues a question word for word remembers it. The cut, the texts that are sent and
how the answer is found follow arXiv 2507.10532 and its code. `raw` sends the beginning alone, with
no instruction and no chat template; `chat` sends it as one user message.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from solver.models import Extend
from solver.modes import Mode, Tools
from solver.modes._chat import user
from solver.problems.files import last_boxed
from solver.records import Message, Problem, Record, Reply, Turn

if TYPE_CHECKING:
    from solver.config import Config

_STOPS = " \n,.!?)]}"
"""Characters before which a question may be cut."""
_HOPE = re.compile(r"final answer is \$(.*?)\$\. I hope", re.DOTALL)
_SAID = re.compile(r"(?:he answer is|final answer is|答案是)")
_NUMBER = re.compile(r"-?\d*\.?\d+")
TEMPLATES = ("raw", "chat")


class Options(Record):
    """The probe that shows the beginning of a question and reads how the model goes on."""

    ratios: tuple[float, ...] = (0.4, 0.6, 0.8)
    """Shares of the question that are shown, in whole percents; 1 shows all of it, without any
    instruction."""
    template: tuple[Literal["raw", "chat"], ...] = ("raw", "chat")
    """`raw`: the text alone is continued. `chat`: it is one user message."""
    samples: Literal["greedy"] | Annotated[int, Field(ge=1)] = "greedy"
    """`greedy`: one continuation, at temperature 0 whatever the sampling is; or a number of
    continuations drawn by the run's sampling. The paper draws 16 at temperature 0.7, top-p 0.8,
    top-k 20."""

    @field_validator("ratios")
    @classmethod
    def _shares(cls, ratios: tuple[float, ...]) -> tuple[float, ...]:
        if not ratios or not all(0.1 <= ratio <= 1 for ratio in ratios):
            raise ValueError(f"{[*ratios]} should be shares from 0.1 to 1")
        if any(abs(100 * ratio - round(100 * ratio)) > 1e-9 for ratio in ratios):
            raise ValueError(f"{[*ratios]} should be whole percents, such as 0.6")
        if len(set(ratios)) < len(ratios):
            raise ValueError("one is listed twice")
        return ratios

    @field_validator("template")
    @classmethod
    def _some(cls, template: tuple[str, ...]) -> tuple[str, ...]:
        if not template:
            raise ValueError("should list raw, chat or both")
        return template


def cut(question: str, ratio: float) -> str:
    """Return the beginning of a question, cut after `ratio` of its characters.

    The cut moves right to the next space, line end or closing sign; spaces before it are dropped.
    """
    place = int(len(question) * ratio)
    while place < len(question) and question[place] not in _STOPS:
        place += 1
    return question[:place].rstrip()


def stated(text: str) -> str | None:
    """Return the answer of a continuation: a sentence that says so, the last box, or last number.

    The order is that of the paper's code, so a number that stands last by chance counts.
    """
    if found := _HOPE.search(text):
        return found[1].strip()
    if (boxed := last_boxed(text)) is not None:
        return boxed
    *before, after = _SAID.split(text)
    if before:
        line = next((line for line in after.splitlines() if line.strip()), "")
        return line.strip().lstrip(":").strip().rstrip(".").strip("$ ") or None
    numbers = _NUMBER.findall(text.replace(",", ""))
    return numbers[-1] if numbers else None


async def solve(problem: Problem, tools: Tools, config: "Config", seed: int) -> AsyncIterator[Turn]:
    """Do nothing: only the modes that its section names run."""
    return
    yield


def opening(problem: Problem, config: "Config") -> tuple[Message, ...]:
    """Return the beginning of the question at the first ratio."""
    return (user("{text}", text=cut(problem.question, _options(config).ratios[0])),)


def faults(config: "Config") -> Iterator[str]:
    """Yield what is wrong with the section."""
    options = _options(config)
    if options.samples not in ("greedy", 1) and config.greedy and "prefix" in config.mode:
        yield (
            f"prefix.samples: {options.samples} samples at temperature 0 repeat the same"
            " continuation; set sampling.temperature above 0, or samples: greedy"
        )


def arms(config: "Config") -> tuple[str, ...]:
    """Return the names of the modes that the section lists."""
    options = _options(config)
    return tuple(
        f"prefix+{round(100 * ratio)}-{template}"
        for template in dict.fromkeys(options.template)
        for ratio in options.ratios
    )


def family(kind: str) -> Mode | None:
    """Return the mode of one share and template, such as `60-raw`."""
    percent, _, template = kind.partition("-")
    if not re.fullmatch(r"[1-9]\d{1,2}", percent) or int(percent) > 100:
        return None
    if template not in TEMPLATES:
        return None
    return _member(int(percent), raw=template == "raw")


def _member(percent: int, *, raw: bool) -> Mode:
    ratio, template = percent / 100, "raw" if raw else "chat"

    def prompt(problem: Problem, config: "Config") -> tuple[Message, ...]:
        return (user("{text}", text=cut(problem.question, ratio)),)

    async def continue_it(
        problem: Problem, tools: Tools, config: "Config", seed: int
    ) -> AsyncIterator[Turn]:
        chat = prompt(problem, config)
        greedy = _options(config).samples == "greedy"
        if raw:
            reply = await tools.complete(chat[0].text, seed=seed, greedy=greedy)
        else:
            reply = await _in_chat(chat, tools, seed=seed, greedy=greedy)
        answer = None if reply.prompt_cut else stated(reply.text)
        rule = "stated" if answer is not None else None
        yield Turn(prompt=chat, fresh=True, reply=reply, answer=answer, answer_rule=rule)

    return Mode(
        name=f"prefix+{percent}-{template}",
        definition=f"prefix+{percent}-{template}: the first {percent} % of the question is"
        + (" continued, without a chat template." if raw else " sent as one user message."),
        solve=continue_it,
        opening=prompt,
        sentences=(f"{percent} % {template}",),
        settings=lambda config: {"greedy": _options(config).samples == "greedy"},
        compared_with="prefix",
        obeys=("prefix",),
        repeats=_repeats,
        raw=raw,
        shown=ratio,
        turn="continuation",
        teaches=lambda turn, trial: False,
    )


async def _in_chat(chat: Sequence[Message], tools: Tools, *, seed: int, greedy: bool) -> Reply:
    """Send the beginning as a chat; a reply at another temperature continues an empty one."""
    if tools.greedy or not greedy:
        return await tools.ask(chat, seed=seed)

    async def coolly(extend: Extend) -> Reply:
        return await extend(chat, "", seed=seed, max_tokens=tools.max_tokens, temperature=0.0)

    return await tools.control(coolly)


def _options(config: "Config") -> Options:
    return config.section(Options)


def _repeats(config: "Config") -> int:
    samples = _options(config).samples
    return 1 if samples == "greedy" else samples


def settings(config: "Config") -> dict[str, Any]:
    """Return the settings that affect a trial."""
    return _options(config).model_dump(mode="json")


MODE = Mode(
    name="prefix",
    definition="prefix: the beginning of the question is shown, and the model goes on.",
    solve=solve,
    opening=opening,
    sentences=("prefix",),
    settings=settings,
    options=Options,
    measured=lambda options: {"samples": options.samples},
    faults=faults,
    arms=arms,
    family=family,
    repeats=_repeats,
    turn="continuation",
    teaches=lambda turn, trial: False,
)
