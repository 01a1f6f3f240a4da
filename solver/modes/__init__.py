"""The modes in which a model solves a problem: one file each, exporting one record called `MODE`.

A mode is an async generator that reads like the conversation it holds. It yields a `Turn` for each
model reply, stops when it has an answer or may not ask again, and never sees the reference answer.
Its record holds all that the rest of the program must know of it, so that no other code mentions a
mode by name. Files whose name starts with an underscore hold code that several modes share.

A mode may also come from outside: `mode: my_package.my_mode` in a config names a module that
exports `MODE`, and so does an entry point of the group `solver.modes`.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol

from sandbox import Execution, Finding
from solver.errors import ConfigError
from solver.models import Capability, Extend
from solver.prompts import OURS, Prompt, read_prompt
from solver.records import Message, Problem, Record, Reply, Trial, Turn, Verification, digest

if TYPE_CHECKING:
    from solver.config import Config


class Ask(Protocol):
    """Asks the model under test for one reply; waiting, retrying and resuming happen behind it."""

    async def __call__(
        self, chat: Sequence[Message], *, seed: int, stop: Sequence[str] = ()
    ) -> Reply:
        """Return the reply, which ends before any of the texts in `stop`. Raises ModelError."""
        ...


class Complete(Protocol):
    """Continues raw text by the model under test, without a chat template."""

    async def __call__(self, prefix: str, *, seed: int, greedy: bool) -> Reply:
        """Return the continuation; where `greedy`, at temperature 0. Raises ModelError."""
        ...


class Run(Protocol):
    """Runs one program in the sandbox."""

    async def __call__(self, program: str) -> Execution:
        """Return its output and how it ended. Raises SandboxError."""
        ...


Controller = Callable[[Extend], Awaitable[Reply]]
"""Makes one reply by several requests, each of which continues the text so far."""


async def _no_raw_text(prefix: str, *, seed: int, greedy: bool) -> Reply:
    raise ConfigError("raw text is not continued here")


@dataclass(frozen=True)
class Tools:
    """What a mode may use to solve a problem."""

    ask: Ask
    control: Callable[[Controller], Awaitable[Reply]]
    """Let a controller make the next reply. Raises ModelError."""
    run: Run
    """Run a program in a new process."""
    step: Run
    """Run a program in the trial's session, where the names that earlier programs defined exist."""
    screen: Callable[[str], tuple[Finding, ...]]
    max_tokens: int
    """The cap on one reply."""
    greedy: bool = True
    """The sampling's temperature is 0."""
    complete: Complete = _no_raw_text


class Solve(Protocol):
    """Solves one problem. `seed` is the trial's; a later turn adds its number, so seeds differ."""

    def __call__(
        self, problem: Problem, tools: Tools, config: "Config", seed: int
    ) -> AsyncIterator[Turn]:
        """Yield the turns of one trial, as they happen."""
        ...


def _settings(config: "Config") -> dict[str, Any]:
    return {}


def _numbered(mode: "Mode", turn: Turn, number: int) -> str:
    return f"{mode.turn.capitalize()} {number}"


def _last_answer(turn: Turn, trial: Trial) -> bool:
    return turn.answer is not None and turn.answer == trial.answer


WORDING = "wording-"
"""What the names of our own further wordings begin with; the first is the mode's own texts."""


@dataclass(frozen=True)
class Mode:
    """Everything that the rest of the program must know of a mode."""

    name: str
    """As in the config. A mode that another one adds has that one's name first: `code+guided`."""
    definition: str
    """One or two sentences that tell readers of the report what it does."""
    solve: Solve
    opening: Callable[[Problem, "Config"], tuple[Message, ...]]
    """The first messages that are sent for a problem."""
    sentences: tuple[str, ...]
    """The templates of all texts it may send; their hash is part of each trial's key."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Those of the templates that a prompt may replace, by name; none if it takes no prompt."""
    settings: Callable[["Config"], dict[str, Any]] = _settings
    """The settings that affect its trials, other than limits and sampling; also part of the key."""
    options: type[Record] | None = None
    """The type of its section in the config, which has the mode's name; None if it has none."""
    measured: Callable[[Any], dict[str, Any]] = lambda options: options.model_dump(mode="json")
    """The part of its section that must stay the same for a run to be resumed."""
    obeys: tuple[str, ...] = ()
    """Other modes whose sections apply to it as well."""
    faults: Callable[["Config"], Iterator[str]] = lambda config: iter(())
    """Yields a message for each setting in its section that contradicts the rest of the config."""
    arms: Callable[["Config"], tuple[str, ...]] = lambda config: ()
    """Names of the modes that its section adds to the run, to be compared with it."""
    compared_with: str | None = None
    """The mode whose section adds this one, and with whose results its own are compared."""

    family: "Callable[[str], Mode | None] | None" = None
    """For a mode that never runs itself, but whose section names those of its kind that do: makes
    each of them, such as `60-raw` for `prefix+60-raw`."""

    repeats: Callable[["Config"], int] = lambda config: config.repeats
    """How many independent trials it makes of each problem."""
    most_turns: Callable[["Config"], int] = lambda config: 1
    """Upper bound on the replies of one trial."""
    most_requests: Callable[["Config", int], int] = lambda config, max_tokens: 1
    """Upper bound on the requests for one reply, given its cap; each sends the prompt again."""
    most_kept: Callable[["Config"], int] = lambda config: 0
    """Upper bound on the earlier replies in one prompt, each of which a message follows."""

    runs_code: bool = False
    """It runs programs, so it needs a sandbox."""
    retries: bool = False
    """Its turns with a program are attempts: the next one follows only where this one failed."""
    rounds: bool = False
    """Its turns alternate between words and programs, whose output goes back to the model."""
    needs: frozenset[Capability] = frozenset()
    """Capabilities that its provider must have."""
    raw: bool = False
    """It sends text without a chat template. A model that cannot be sent such text is left out,
    and the manifest says why."""
    shown: float | None = None
    """For a probe that shows only the beginning of a question: the share of it. Its trials count
    in no table of accuracy."""
    at_once: bool = False
    """It asks for the answer without reasoning, so that right answers may be remembered ones."""
    vote: Callable[[Any], Mapping[Verification, float]] | None = None
    """For a mode that checks its own answers: from its section of the config, the weight that an
    answer has in the vote over repeats, by what its check found."""

    turn: str = "reply"
    """The word for one of its turns in reports."""
    label: Callable[["Mode", Turn, int], str] = _numbered
    """The heading of a turn, given its number from 1."""
    teaches: Callable[[Turn, Trial], bool] = _last_answer
    """Whether a reply of a correct trial is worth training on."""
    kept: Callable[[Reply, Any], str] = lambda reply, options: reply.text
    """The part of a reply that stays in the conversation, given the mode's section of a config."""
    audited: Callable[[Turn], bool] = lambda turn: True
    """Whether `solver screen-audit` may run a refused program of this turn, to see if it prints
    the right answer."""

    @property
    def section(self) -> str:
        """Return the key of its section in a config: its name without package, `+` and `@` part."""
        return re.split(r"[+@]", self.name)[0].rpartition(".")[2]

    @property
    def turns(self) -> str:
        """Return the word for several of its turns in reports."""
        return f"{self.turn[:-1]}ies" if self.turn.endswith("y") else f"{self.turn}s"

    @property
    def alone(self) -> tuple[str, ...]:
        """Return its name, if it runs itself, without the modes that its section adds."""
        return () if self.family else (self.name,)

    def wordings(self, count: int) -> tuple[str, ...]:
        """Return the names of the arms that ask in the second to the last of `count` wordings."""
        if "@" in self.name or not self.texts:
            return ()
        return tuple(f"{self.name}@{WORDING}{number}" for number in range(2, count + 1))

    def heading(self, turn: Turn, number: int) -> str:
        """Return the heading of a turn, given its number from 1."""
        return self.label(self, turn, number)

    def kept_text(self, turn: Turn, config: Mapping[str, Any]) -> str:
        """Return the part of a turn's reply that stayed in the conversation.

        `config` is the stored config of the run.
        """
        return self.kept(turn.reply, self.stored_options(config))

    def stored_options(self, config: Mapping[str, Any]) -> Any:
        """Return its section of a stored config, validated; None where it has no options.

        Raises pydantic's ValidationError where this version does not accept the stored section.
        """
        return self.options.model_validate(config.get(self.section, {})) if self.options else None


@cache
def shipped() -> tuple[Mode, ...]:
    """Return the modes in the files of this folder."""
    files = sorted(file.name for file in iter_modules(__path__) if not file.name.startswith("_"))
    return tuple(import_module(f"{__name__}.{file}").MODE for file in files)


def mode_of(name: str) -> Mode:
    """Return the mode with a name from a config or a stored trial.

    Raises ConfigError where there is none, or where its module cannot be imported.
    """
    found = _found(name)
    if isinstance(found, Mode):
        return found
    raise ConfigError(found)


def stored_mode(name: str) -> Mode:
    """Return the mode of a stored trial; a stand-in that has only the name where it is missing.

    So a run can be read on a machine that lacks the package its mode came from. The mode of an
    imported trial is `tool:task`.
    """
    tool, colon, task = name.partition(":")
    if colon:
        return replace(
            _gone(name), definition=f"{name}: task {task}, imported from a log of {tool}."
        )
    found = _found(name)
    return found if isinstance(found, Mode) else _gone(name)


def names() -> tuple[str, ...]:
    """Return the names of all modes that a config may list on this machine, by a short name."""
    ours = (mode.name for mode in shipped() if mode.compared_with is None)
    return (*ours, *sorted(entry_points(group="solver.modes").names))


def with_section(listed: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the modes that have a section in a config that lists these modes.

    Every shipped mode with options has one, whether it runs or not. Unknown names are ignored.
    """
    bases = (_found(name.partition("@")[0]) for name in listed)
    found = (*shipped(), *(mode for mode in bases if isinstance(mode, Mode)))
    return tuple(dict.fromkeys(mode.name for mode in found if mode.options is not None))


def identity(mode: Mode, config: "Config") -> str:
    """Return a hash that changes with anything the mode sends or does: part of each trial's key."""
    from solver.modes._chat import worked_examples

    config = config.under(mode.name)
    settings = mode.settings(config)
    examples = [e.model_dump() for e in worked_examples()[: settings.get("examples", 0)]]
    limits = config.sandbox
    prompt = config.prompt_of(mode.name.partition("@")[0], *mode.obeys)
    given = [] if prompt is None else [prompt.measured()]
    prompts = digest([mode.sentences, settings, examples, *given])
    return digest([prompts, limits.seconds, limits.memory_mb])


def asked_as(name: str) -> tuple[str, ...]:
    """Return the modes whose prompts a mode may take: its own, and those of modes it obeys.

    Raises ConfigError where there is no such mode.
    """
    mode = mode_of(name)
    return mode.name, *mode.obeys


def prompt_named(arm: str) -> Prompt:
    """Return the texts with which an arm asks: `cot@qwen-boxed`, or `cot` for the mode's own.

    Raises ConfigError where there is no such mode or prompt, or the mode takes none.
    """
    mode, at, name = arm.partition("@")
    texts = mode_of(mode).texts
    if not texts:
        raise ConfigError(f"mode {mode!r} takes no prompt")
    found = read_prompt(name, asked_as(mode)) if at else None
    return found or Prompt(name=OURS, mode=mode, about="the mode's own texts", texts=dict(texts))


def prompts_by_name(named: Mapping[str, Any]) -> dict[str, Any]:
    """Replace names and files of prompts, by mode, by the prompts. Raises ValueError."""
    found: dict[str, Any] = {}
    for arm, value in named.items():
        mode = str(arm).partition("@")[0]
        try:
            read = read_prompt(value, asked_as(mode)) if isinstance(value, str) else value
        except ConfigError as wrong:
            raise ValueError(str(wrong)) from wrong
        if read is not None:
            found[arm] = (
                {"name": "config", "mode": mode, **read} if isinstance(read, dict) else read
            )
    return found


def prompt_faults(config: "Config") -> Iterator[str]:
    """Yield what is wrong with the prompts that a run uses or names."""
    for arm in dict.fromkeys((*config.prompts, *config.modes)):
        mode = mode_of(arm.partition("@")[0])
        try:
            prompt = config.under(arm).prompts.get(mode.name)
        except ConfigError as unknown:
            yield f"mode: {unknown}"
            continue
        if prompt is None:
            continue
        if not mode.texts or mode.compared_with is not None:
            use = f"; it asks as {mode.compared_with!r} does" if mode.compared_with else ""
            yield f"prompts.{arm}: mode {mode.name!r} takes no prompt{use}"
        elif prompt.mode not in asked_as(mode.name):
            yield f"prompts.{arm}: {prompt.name!r} is written for mode {prompt.mode!r}"
        else:
            yield from (f"prompts.{arm}: {fault}" for fault in prompt.faults(mode.texts))


@cache
def _found(name: str) -> Mode | str:
    """Return the mode, or one line that says why there is none."""
    base, at, prompt = name.partition("@")
    if at and prompt:
        found = _found(base)
        return _worded(found, name) if isinstance(found, Mode) else found
    base, _, kind = name.partition("+")
    for mode in shipped():
        if mode.name == name:
            return mode
        if mode.family is not None and mode.name == base and (made := mode.family(kind)):
            return made
    for entry in entry_points(group="solver.modes", name=name):
        return _exported(name, entry.load)
    if "." in name:
        return _exported(name, lambda: import_module(name))
    known = names()
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{name!r} is unknown; {hint}choices: {', '.join(known)}"


def _worded(mode: Mode, name: str) -> Mode:
    """Return a mode that asks with another prompt: `cot@qwen-boxed` from `cot`."""
    return replace(
        mode,
        name=name,
        definition=f"{name}: mode {mode.name}, asked with the prompt {name.partition('@')[2]!r}.",
        solve=lambda problem, tools, config, seed: mode.solve(
            problem, tools, config.under(name), seed
        ),
        opening=lambda problem, config: mode.opening(problem, config.under(name)),
        arms=lambda config: (),
    )


def _exported(name: str, load: Callable[[], Any]) -> Mode | str:
    """Return the `MODE` of what `load` imports, renamed to the name that the config used."""
    try:
        loaded = load()
    except ImportError as missing:
        return f"{name!r} is no mode: {missing}"
    mode = getattr(loaded, "MODE", loaded)
    if not isinstance(mode, Mode):
        return f"{name!r} is no mode: it exports no MODE of type solver.modes.Mode"
    return replace(mode, name=name)


def _gone(name: str) -> Mode:
    def solve(problem: Problem, tools: Tools, config: "Config", seed: int) -> AsyncIterator[Turn]:
        raise ConfigError(f"mode {name!r} is not installed here")

    return Mode(name, f"{name}: not installed here.", solve, lambda problem, config: (), ())
