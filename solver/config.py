"""Every key of a run's config, typed and documented. `config_file` reads it from YAML.

A mode's section (`code: {retries: 3}`) is typed in the mode's own file, a provider's options
(`providers: {ollama: {num_ctx: 8192}}`) in the provider's.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, create_model, field_validator, model_validator

from solver.errors import ConfigError
from solver.models import Thinking
from solver.prompts import Prompt, read_prompt
from solver.records import Record, Sampling
from solver.serve.options import ServeOptions

if TYPE_CHECKING:
    from solver.modes import Mode

Section = TypeVar("Section", bound=Record)

SandboxKind = Literal["auto", "docker", "docker-strict", "native", "reduced"]

DEFAULT_JUDGE = "mistral/mistral-large-2411"


def _known_mode(name: str) -> str:
    from solver.modes import mode_of

    try:
        mode = mode_of(name)
    except ConfigError as unknown:
        raise ValueError(str(unknown)) from unknown
    if mode.compared_with is not None:
        raise ValueError(f"{name!r} runs next to {mode.compared_with!r}, whose section asks for it")
    return name


class ModelOptions(Record):
    """One model under test."""

    name: str = Field(pattern=r"^[a-z_][\w.]*/.+")
    """`provider/name`, e.g. `ollama/llama3.1:8b`; or `my_package.my_file/name`, a provider of your
    own."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the provider for this model; they override those in `providers`."""
    sampling: dict[str, Any] = Field(default_factory=dict)
    """Sampling for this model alone, over the run's `sampling`."""
    thinking: Thinking = "default"
    """How much it thinks before it replies: `off`, `low`, `medium`, `high`, or a number of tokens;
    `default` leaves that to the model and its server."""
    template: str = Field(default="default", min_length=1)
    """The chat template: `default` is the server's own, `none` sends the bare text to be continued,
    as base models need it; or a .jinja or tokenizer_config.json file."""

    @field_validator("sampling")
    @classmethod
    def _sampling_by_key(cls, value: dict[str, Any]) -> dict[str, Any]:
        Sampling.model_validate(value)
        return value

    @property
    def provider(self) -> str:
        """Return the part before the slash."""
        return self.name.partition("/")[0]


class SandboxOptions(Record):
    """Where programs run, and what each may use."""

    kind: SandboxKind = "auto"
    """`auto` uses Docker, or else bubblewrap (`native`). `reduced` isolates less and must be asked
    for by name."""
    workers: int | None = Field(default=None, ge=1)
    """Programs that run at the same time; by default what the machine's cores and memory allow."""
    seconds: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Wall time of one program."""
    memory_mb: int = Field(default=1024, ge=64)
    """Memory of one program, in MiB."""
    screen: Literal["refuse", "warn", "off"] = "refuse"
    """What happens to a program that the screen refuses: with `refuse` it is not run, with `warn`
    it is run and the findings are recorded. `off` screens no program."""


class JudgeOptions(Record):
    """Who decides whether an answer is right."""

    model: str | None = Field(default=DEFAULT_JUDGE)
    """The model asked where the rules are undecided; `null` for the rules alone."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the judge's provider, over those in `providers`; its thinking, too."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The cap on one reply of the judge; unset is 600. A judge that thinks needs more."""
    preset: Literal[
        "rules-then-model", "rules-then-short", "rules-then-read", "xverify", "compass-verifier",
        "general-verifier", "yes-no", "model-only",
    ] = "rules-then-model"  # fmt: skip
    """`rules-then-short` asks for short replies, `rules-then-read` for the answer's value alone;
    three are for models trained to verify answers; `yes-no` follows arXiv 2412.13147, `model-only`
    arXiv 2501.17084."""
    threshold: int = Field(default=4, ge=1, le=5)
    """The lowest score that counts as correct."""
    offline: bool = False
    """Use the stored replies of the judge's model only, and send it no request."""
    canaries: bool = True
    """Before the run, ask the judge's model about 50 fixed pairs, and stop if it errs on them."""
    policy: dict[str, Any] = Field(default_factory=dict)
    """How to judge where conventions differ, e.g. a missing unit: names as in judge/README.md."""


class Patience(Record):
    """How long to keep trying an endpoint that fails, and how many requests to send at a time."""

    attempts: int = Field(default=8, ge=1)
    """Requests for one reply before giving up."""
    wait_seconds: float = Field(default=600.0, ge=0)
    """The most seconds to wait between those requests, added up."""
    parallel: int | None = Field(default=None, ge=1)
    """Requests in flight at each endpoint; by default the number that the provider suggests."""


class JudgingConfig(Record):
    """What judging needs of a config: that of a run, or what is stored of an imported one."""

    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options by provider, e.g. `ollama: {num_ctx: 8192}`."""
    judge: JudgeOptions = JudgeOptions()
    patience: Patience = Patience()

    @field_validator("judge", mode="before")
    @classmethod
    def _judge_by_model(cls, value: Any) -> Any:
        if value in (None, "rules"):
            return {"model": None}
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _preset_has_a_model(self) -> Self:
        if self.judge.model is None and self.judge.preset != "rules-then-model":
            raise ValueError(f"judge.preset: {self.judge.preset!r} needs a judge.model")
        return self

    def provider_options(self, model: ModelOptions) -> dict[str, Any]:
        """Return the provider's options with the model's own over them."""
        thinking = {} if model.thinking == "default" else {"thinking": model.thinking}
        return {**self.providers.get(model.provider, {}), **model.options, **thinking}


class Config(JudgingConfig):
    """One run. `config_type` adds the sections of the modes."""

    model: tuple[ModelOptions, ...] = Field(min_length=1)
    """One model or a list: `provider/name`, or a mapping with `name`, `options`, `sampling`."""
    problems: str | tuple[str, ...] = "starter"
    """A set's name (`solver problems` lists them), a path to a .jsonl or .csv file, or several:
    `aime2025,hmmt_feb_2025`, or a list."""
    problems_file: str | dict[str, str] | None = None
    """A local copy of the named set, checked against the pinned contents; for several sets, a
    mapping from name to file."""
    domains: tuple[str, ...] = ()
    """Keep only these domains."""
    levels: tuple[int, ...] = ()
    """Keep only these levels."""
    per_cell: int | None = Field(default=None, ge=1)
    """The most problems of each domain and level, in each set."""
    limit: int | None = Field(default=None, ge=1)
    """The most problems in all, spread evenly over sets, domains and levels."""
    mode: tuple[Annotated[str, AfterValidator(_known_mode)], ...] = ("code",)
    """One mode, or several to be compared: a file of `solver/modes`, or `my_package.my_mode`. A
    mode's own options are in a section with its name. `cot@qwen-boxed` is mode `cot` with another
    prompt."""
    prompts: dict[str, Prompt] = Field(default_factory=dict)
    """By mode, the prompt to ask with: a name (`solver prompts` lists them), a .yaml file, or the
    prompt itself."""
    wordings: int = Field(default=1, ge=1, le=5)
    """Run each mode under so many wordings of ours, and report how far they lie apart."""
    repeats: int = Field(default=1, ge=1)
    """Independent trials of each problem: the n of Pass@k and G-Pass@k."""
    seed: int = Field(default=0, ge=0)
    """The number from which the seeds of all trials are derived."""
    sampling: Sampling = Sampling()
    sandbox: SandboxOptions = SandboxOptions()
    serve: ServeOptions = ServeOptions()

    @field_validator("model", mode="before")
    @classmethod
    def _one_or_many_models(cls, value: Any) -> Any:
        entries = value if isinstance(value, list | tuple) else [value]
        return [{"name": entry} if isinstance(entry, str) else entry for entry in entries]

    @field_validator("problems", mode="before")
    @classmethod
    def _one_or_many_sets(cls, value: Any) -> Any:
        names = listed_names(value)
        texts = isinstance(names, list | tuple) and all(isinstance(n, str) and n for n in names)
        if not texts or not names:
            raise ValueError(f"{value!r} should be a set's name, a file, or a list of them")
        return names[0] if len(names) == 1 else tuple(names)

    @field_validator("problems_file", mode="before")
    @classmethod
    def _one_or_many_copies(cls, value: Any) -> Any:
        named = value.items() if isinstance(value, dict) else [("", value or "")]
        if not all(isinstance(word, str) for pair in named for word in pair):
            raise ValueError(f"{value!r} should be a file, or files by the names of their sets")
        return value

    @field_validator("prompts", mode="before")
    @classmethod
    def _prompts_by_name(cls, value: Any) -> Any:
        from solver.modes import prompts_by_name

        return prompts_by_name(value) if isinstance(value, dict) else value

    @field_validator("mode", mode="before")
    @classmethod
    def _one_or_many_modes(cls, value: Any) -> Any:
        return listed_names(value)

    @field_validator("sandbox", mode="before")
    @classmethod
    def _sandbox_by_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if faults := list(dict.fromkeys(self._faults())):
            raise ValueError(" · ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        """Yield which keys do not go together, or say a thing twice."""
        from solver.modes import prompt_faults

        names = [model.name for model in self.model]
        if len(set(names)) < len(names):
            yield f"model: {first_twice(names)} is listed twice"
        if len(set(self.sets)) < len(self.sets):
            yield f"problems: {first_twice(self.sets)!r} is listed twice"
        if self.greedy and self.repeats > 1:
            yield (
                f"repeats: {self.repeats} repeats at temperature 0 repeat the same reply;"
                " set sampling.temperature above 0"
            )
        for mode in self._sections():
            yield from mode.faults(self)
        if len(set(self.mode)) < len(self.mode):
            yield f"mode: {first_twice(self.mode)} is listed twice"
        elif wrong := [*prompt_faults(self)]:
            yield from wrong
        elif len(set(self.modes)) < len(self.modes):
            yield f"mode: {first_twice(self.modes)} is among the wordings, too"

    @property
    def running(self) -> "tuple[Mode, ...]":
        """Return every mode of this run: those of `mode`, each followed by the modes it adds."""
        from solver.modes import mode_of

        named = (mode_of(name) for name in self.mode)
        return tuple(
            found
            for mode in named
            for arms in (mode.alone, mode.arms(self), mode.wordings(self.wordings))
            for found in map(mode_of, arms)
        )

    @property
    def sets(self) -> tuple[str, ...]:
        """Return the names of the problem sets of this run."""
        return (self.problems,) if isinstance(self.problems, str) else self.problems

    def under(self, arm: str) -> Self:
        """Return this config with the prompt of an arm such as `cot@qwen-boxed` as its mode's.

        Raises ConfigError where there is no such prompt.
        """
        from solver.modes import asked_as

        mode, at, name = arm.partition("@")
        if not at:
            return self
        found = self.prompts.get(arm)
        if found is None and "." in name:
            raise ConfigError(
                f"{arm!r}: a file is named in prompts: `prompts: {{{mode}@mine: {name}}}`, and"
                f" `mode: {mode}@mine`"
            )
        found = found or read_prompt(name, asked_as(mode))
        replaced = (mode,) if found is not None else asked_as(mode)
        prompts = {key: prompt for key, prompt in self.prompts.items() if key not in replaced}
        own = {mode: found} if found is not None else {}
        return self.model_copy(update={"prompts": {**prompts, **own}, "wordings": 1})

    @property
    def modes(self) -> tuple[str, ...]:
        """Return the names of the modes of this run, in order."""
        return tuple(mode.name for mode in self.running)

    def section(self, options: type[Section]) -> Section:
        """Return the section of the mode whose options these are."""
        found = getattr(self, _section_name(type(self), options))
        assert isinstance(found, options)
        return found

    def sampling_of(self, model: ModelOptions) -> Sampling:
        """Return the run's sampling, overridden by the model's own."""
        return Sampling.model_validate({**self.sampling.model_dump(), **model.sampling})

    @property
    def greedy(self) -> bool:
        """Tell whether some model is asked at temperature 0."""
        return any(self.sampling_of(model).temperature == 0 for model in self.model)

    def prompt_of(self, *modes: str) -> Prompt | None:
        """Return the prompt of the first of these modes that has one; None for its own texts."""
        return next((self.prompts[mode] for mode in modes if mode in self.prompts), None)

    def asked_with(self) -> Iterator[Prompt]:
        """Yield the prompts of this run that are not its modes' own texts."""
        for arm in self.modes:
            yield from self.under(arm).prompts.values()

    def identity(self) -> dict[str, Any]:
        """Return what must stay for a run to be resumed: not what it grows by, nothing of speed."""
        from solver.models import provider_of, provider_of_model  # here: imports provider files

        free = {"limit", "repeats", "wordings", "prompts", "patience", "problems_file", "serve"}
        facts = self.model_dump(mode="json", exclude=free) | self.serve.measured()
        facts["sandbox"].pop("workers")
        followed = {name for mode in self.running for name in (mode.section, *mode.obeys)}
        for mode in self._sections():
            if mode.section in followed:
                facts[mode.section] = mode.measured(getattr(self, mode.section))
            else:
                facts.pop(mode.section)  # no mode of this run uses it
        for model in facts["model"]:
            for key in ("thinking", "template"):
                if model[key] == "default":
                    model.pop(key)  # earlier versions did not know it
            model["options"] = provider_of_model(model["name"]).decisive(model["options"])
        if (asked := self.judge.model) is not None:
            options = facts["judge"]["options"]
            facts["judge"]["options"] = provider_of_model(asked).decisive(options)
        for name, options in facts["providers"].items():
            facts["providers"][name] = provider_of(name).measured(options)
        return facts

    def _sections(self) -> "Iterator[Mode]":
        """Yield the modes that have a section in this config, whether they run or not."""
        from solver.modes import mode_of, with_section

        yield from map(mode_of, with_section(self.mode))


@cache
def _section_name(config: type[Config], options: type[Record]) -> str:
    return next(n for n, field in config.model_fields.items() if field.annotation is options)


def config_type(modes: Sequence[str]) -> type[Config]:
    """Return `Config` with a section for each shipped mode, and for those of `modes` from outside.

    Raises ConfigError where the section of a mode from outside would have the name of another key.
    """
    from solver.modes import with_section

    return _config_type(with_section(modes))


@cache
def _config_type(modes: tuple[str, ...]) -> type[Config]:
    from solver.modes import mode_of

    sections: dict[str, Any] = {}
    for mode in map(mode_of, modes):
        assert mode.options is not None
        if mode.section in sections or mode.section in Config.model_fields:
            raise ConfigError(
                f"mode {mode.name!r}: its section would be called {mode.section!r}, like another"
                " key of the config; rename its file"
            )
        sections[mode.section] = (mode.options, mode.options())
    return create_model("Config", __base__=Config, **sections)


def make_config(content: dict[str, Any]) -> Config:
    """Make a config from plain data. Raises pydantic's ValidationError, and ConfigError."""
    return config_type(listed_names(content.get("mode", ("code",)))).model_validate(content)


def listed_names(value: Any) -> Any:
    """Split a string such as `code,cot` into names; return any other value unchanged."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def first_twice(names: Sequence[str]) -> str:
    """Return the first name that is listed twice. There must be one."""
    return next(name for name in names if list(names).count(name) > 1)
