"""Every knob of a run, typed and documented: YAML in, `Config` or a one-line `ConfigError` out.

Provider options (`providers: {ollama: {num_ctx: 8192}}`) are typed in the provider's own file.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from solver.errors import ConfigError
from solver.records import Record, Sampling

ModeName = Literal["code", "cot", "tir", "csv"]
ControlName = Literal["literal", "guided", "refine"]
SandboxKind = Literal["auto", "docker", "docker-strict", "native", "reduced"]

DEFAULT_JUDGE = "mistral/mistral-large-2411"


class ModelOptions(Record):
    """One model under test."""

    name: str = Field(pattern=r"^[a-z]+/.+")
    """`provider/name`, e.g. `ollama/llama3.1:8b`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the provider, over those in `providers`."""
    sampling: dict[str, Any] = Field(default_factory=dict)
    """Sampling for this model alone, over the run's `sampling`."""

    @property
    def provider(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]


class RegenerateOptions(Record):
    """Token-by-token regeneration: each control is an arm of its own beside `code`."""

    controls: tuple[ControlName, ...] = ()
    """`literal`: one request a token. `guided`: each finished line is checked, and grown again
    where it fails. `refine`: a failed program is grown again from its least certain token."""
    interventions: int = Field(default=8, ge=1, le=100)
    """How many lines of one reply `guided` may have grown again."""

    @field_validator("controls", mode="before")
    @classmethod
    def _one_or_many_controls(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class CodeOptions(Record):
    """The mode in which the model writes one Python program."""

    retries: int = Field(default=10, ge=0, le=100)
    """How often a failed program may be asked for again; 10 retries are 11 attempts."""
    retry: Literal["feedback", "resample"] = "feedback"
    """`feedback` shows the model its error; `resample` asks afresh with another seed."""
    examples: int = Field(default=0, ge=0)
    """How many worked examples precede the problem."""
    regenerate: RegenerateOptions = RegenerateOptions()
    """One of `literal`, `guided`, `refine`, or a list of them, to be compared with `code`."""

    @field_validator("regenerate", mode="before")
    @classmethod
    def _regenerate_by_control(cls, value: Any) -> Any:
        return {"controls": value} if isinstance(value, str | list | tuple) else value


class CotOptions(Record):
    """The mode in which the model reasons in words and boxes its answer."""

    examples: int = Field(default=0, ge=0)
    """How many worked examples precede the problem."""


class TirOptions(Record):
    """Tool-integrated reasoning: words and programs in turn, until an answer is boxed."""

    format: Literal["tora", "openmath"] = "tora"
    """`tora` (arXiv 2309.17452): each program runs in a fresh process. `openmath`
    (arXiv 2402.10176): the programs of a trial share one session, and its names."""
    executions: int | None = Field(default=None, ge=1, le=100)
    """Programs that may run in one trial; by default the papers' 3 (tora) and 6 (openmath)."""
    on_error: Literal["continue", "stop"] = "continue"
    """Whether a program that fails ends the trial, or its error is shown and the model goes on."""

    @property
    def most_executions(self) -> int:
        """Programs that may run in one trial."""
        return self.executions or {"tora": 3, "openmath": 6}[self.format]


class VoteWeights(Record):
    """What a repeat's answer counts in the verification-weighted vote. Changes no trial."""

    true: float = Field(default=1.0, ge=0)
    """Its check found it true."""
    uncertain: float = Field(default=0.5, ge=0)
    """Its check failed, or could not tell."""
    false: float = Field(default=0.2, ge=0)
    """Its check found it false, and no revision was left."""

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """`true:` and `false:` are words here, which YAML reads as truth values."""
        return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else value


class CsvOptions(Record):
    """Self-verification (arXiv 2308.07921): solve as `code` does, then check by a program."""

    revisions: int = Field(default=2, ge=0, le=20)
    """How often an answer found false is solved again; the last one stands in any case."""
    weights: VoteWeights = VoteWeights()
    """The vote over repeats. The paper wants true above uncertain above false; it gives no
    numbers, so these are ours."""


class SandboxOptions(Record):
    """Where programs run, and what each may use."""

    kind: SandboxKind = "auto"
    """`auto` is Docker, then bubblewrap (`native`); `reduced` is weaker and only by name."""
    workers: int | None = Field(default=None, ge=1)
    """Programs at a time; by default from the machine's cores and memory."""
    seconds: float = Field(default=10.0, gt=0)
    """Wall time of one program."""
    memory_mb: int = Field(default=1024, ge=64)
    """Memory of one program, in MiB."""
    screen: Literal["refuse", "warn", "off"] = "refuse"
    """`refuse` asks again for a program the screen refuses; `warn` runs it and records why."""


class JudgeOptions(Record):
    """Who decides whether an answer is right."""

    model: str | None = Field(default=DEFAULT_JUDGE)
    """The model asked where the rules are undecided; `null` for the rules alone."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the judge's provider, over those in `providers`."""
    preset: Literal["rules-then-model", "yes-no", "model-only"] = "rules-then-model"
    """`yes-no` follows arXiv 2412.13147, `model-only` arXiv 2501.17084."""
    threshold: int = Field(default=4, ge=1, le=5)
    """The lowest score that counts as correct."""
    offline: bool = False
    """Replay the stored judge replies and never ask."""
    canaries: bool = True
    """Ask the judge's model about 50 fixed pairs first, and stop if it errs on them."""
    policy: dict[str, Any] = Field(default_factory=dict)
    """Contested conventions, by the names in judge/README.md."""


class Patience(Record):
    """How long a troubled endpoint is waited for, and how much is in flight."""

    attempts: int = Field(default=8, ge=1)
    """Requests for one reply before giving up."""
    wait_seconds: float = Field(default=600.0, ge=0)
    """Total wait between those requests."""
    parallel: int | None = Field(default=None, ge=1)
    """Requests in flight at each endpoint; by default what the provider advises."""


class Config(Record):
    """One run."""

    model: tuple[ModelOptions, ...] = Field(min_length=1)
    """One model or a list: `provider/name`, or a mapping with `name`, `options`, `sampling`."""
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options by provider, e.g. `ollama: {num_ctx: 8192}`."""
    problems: str = "starter"
    """A set's name (starter, math, math500, math945, gsm8k) or a path to a .jsonl or .csv file."""
    problems_file: str | None = None
    """A local copy of the named set, checked against the pinned contents."""
    domains: tuple[str, ...] = ()
    """Keep only these domains."""
    levels: tuple[int, ...] = ()
    """Keep only these levels."""
    per_cell: int | None = Field(default=None, ge=1)
    """At most so many problems of each domain and level."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many problems, spread evenly over domains and levels."""
    mode: tuple[ModeName, ...] = ("code",)
    """`code`, `cot`, `tir`, `csv`, or several for a paired comparison."""
    repeats: int = Field(default=1, ge=1)
    """Independent trials a problem: the n of Pass@k and G-Pass@k."""
    seed: int = Field(default=0, ge=0)
    """Where all seeds of the run come from."""
    sampling: Sampling = Sampling()
    code: CodeOptions = CodeOptions()
    cot: CotOptions = CotOptions()
    tir: TirOptions = TirOptions()
    csv: CsvOptions = CsvOptions()
    sandbox: SandboxOptions = SandboxOptions()
    judge: JudgeOptions = JudgeOptions()
    patience: Patience = Patience()

    @field_validator("model", mode="before")
    @classmethod
    def _one_or_many_models(cls, value: Any) -> Any:
        entries = value if isinstance(value, list | tuple) else [value]
        return [{"name": entry} if isinstance(entry, str) else entry for entry in entries]

    @field_validator("mode", mode="before")
    @classmethod
    def _one_or_many_modes(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("sandbox", mode="before")
    @classmethod
    def _sandbox_by_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("judge", mode="before")
    @classmethod
    def _judge_by_model(cls, value: Any) -> Any:
        if value in (None, "rules"):
            return {"model": None}
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        names = [model.name for model in self.model]
        if len(set(names)) < len(names):
            raise ValueError(f"model: {_first_twice(names)} is listed twice")
        if len(set(self.mode)) < len(self.mode):
            raise ValueError(f"mode: {_first_twice(self.mode)} is listed twice")
        controls = self.code.regenerate.controls
        if controls and "code" not in self.mode:
            raise ValueError("code.regenerate: is compared with mode code, so add it to mode")
        if len(set(controls)) < len(controls):
            raise ValueError(f"code.regenerate: {_first_twice(controls)} is listed twice")
        resampling = self.code.retry == "resample" and self.code.retries > 0
        resampling = resampling and not {"code", "csv"}.isdisjoint(self.mode)
        for model in self.model:
            temperature = {**self.sampling.model_dump(), **model.sampling}["temperature"]
            if temperature == 0 and resampling:
                raise ValueError(
                    "code.retry: 'resample' at temperature 0 repeats the same reply;"
                    " use retry: feedback or a temperature above 0"
                )
            if temperature == 0 and self.repeats > 1:
                raise ValueError(
                    f"repeats: {self.repeats} repeats at temperature 0 repeat the same reply;"
                    " set sampling.temperature above 0"
                )
        if self.judge.model is None and self.judge.preset != "rules-then-model":
            raise ValueError(f"judge.preset: {self.judge.preset!r} needs a judge.model")
        return self

    @property
    def modes(self) -> tuple[str, ...]:
        """Every way of solving in this run: `mode`, and `code+guided` for a regeneration."""
        controls = self.code.regenerate.controls
        return tuple(
            name
            for mode in self.mode
            for name in (mode, *(f"code+{c}" for c in controls if mode == "code"))
        )

    def sampling_of(self, model: ModelOptions) -> Sampling:
        """The run's sampling with the model's own over it."""
        return Sampling.model_validate({**self.sampling.model_dump(), **model.sampling})

    def options_of(self, model: ModelOptions) -> dict[str, Any]:
        """The provider's options with the model's own over them."""
        return {**self.providers.get(model.provider, {}), **model.options}

    def identity(self) -> dict[str, Any]:
        """What must stay the same for a run to be resumed.

        `limit` and `repeats` may grow, and speed may change, without touching what was measured.
        """
        free = {"limit", "repeats", "patience", "problems_file"}
        facts = self.model_dump(mode="json", exclude=free)
        facts["sandbox"].pop("workers")
        facts["csv"].pop("weights")
        for mode in {"tir", "csv"} - {*self.mode}:
            facts.pop(mode)  # what no trial uses decides none
        if not self.code.regenerate.controls:
            facts["code"].pop("regenerate")
        for options in (facts["judge"], *facts["model"]):
            options["options"] = measured(options["options"])
        facts["providers"] = {name: measured(facts["providers"][name]) for name in self.providers}
        return facts


def differences(first: Any, second: Any, where: str = "") -> Iterator[str]:
    """Each leaf that differs, as `where: first → second`."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            place = f"{where}.{key}" if where else str(key)
            yield from differences(first.get(key), second.get(key), place)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (old, new) in enumerate(zip(first, second, strict=True)):
            yield from differences(old, new, f"{where}[{number}]")
    elif first != second:
        yield f"{where}: {first!r} → {second!r}"


def measured(options: dict[str, Any]) -> dict[str, Any]:
    """A provider's options without those that say only how fast or where it is reached."""
    return {name: value for name, value in options.items() if name not in _REACHED}


_REACHED = frozenset(
    {"api_key_env", "gpu_layers", "hosts", "keep_alive", "parallel", "threads", "timeout"}
)


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> Config:
    """Read a YAML file, put the command line's overrides over it, and check every word of it.

    Raises ConfigError: one line naming the file, each wrong key, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise ConfigError(f"{path}: no such config file{_nearby(path)}") from missing
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigError(f"{path}: cannot be read: {failure}") from failure
    try:
        content = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as failure:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(failure).split())}") from failure
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should hold keys and values such as `model: local/smollm2`")
    return check_config({**content, **(overrides or {})}, source=str(path))


def check_config(content: dict[str, Any], *, source: str) -> Config:
    """A `Config` from plain data, its providers' options checked too.

    Raises ConfigError, naming `source`.
    """
    from solver.models import options_of  # imports provider files, which cost a little

    try:
        config = Config.model_validate(content)
        for model in config.model:
            config.sampling_of(model)
            _options_of(model).model_validate(config.options_of(model))
        for provider, options in config.providers.items():
            options_of(provider).model_validate(options)
    except ValidationError as invalid:
        wrong = " · ".join(_explain(invalid))
        raise ConfigError(f"{source}: {wrong}") from invalid
    except ConfigError as wrong_provider:
        raise ConfigError(f"{source}: {wrong_provider}") from wrong_provider
    return config


def _options_of(model: ModelOptions) -> type[Record]:
    from solver.models import options_of

    try:
        return options_of(model.provider)
    except ConfigError as unknown:
        raise ConfigError(f"model {model.name!r}: {unknown}") from unknown


def _explain(invalid: ValidationError) -> Iterator[str]:
    """Each mistake as `where: what, and what to do`."""
    known = _keys_of(Config) if invalid.title == "Config" else []
    for mistake in invalid.errors():
        place = [str(part) for part in mistake["loc"]]
        where = re.sub(r"\.(\d+)", r"[\1]", ".".join(place))
        yield f"{where}: {_what(mistake, known)}" if where else _what(mistake, known)


def _what(mistake: ErrorDetails, known: list[str]) -> str:
    value, kind, context = mistake["input"], mistake["type"], mistake.get("ctx", {})
    match kind:
        case "extra_forbidden":
            key = str(mistake["loc"][-1])
            close = get_close_matches(key, known, n=1, cutoff=0.6)
            return "unknown key" + (f", did you mean {close[0]!r}?" if close else "")
        case "missing":
            return "is missing"
        case "greater_than_equal":
            return f"{value!r} is too small, it must be at least {context['ge']}"
        case "greater_than":
            return f"{value!r} is too small, it must be more than {context['gt']}"
        case "less_than_equal" | "less_than":
            return (
                f"{value!r} is too large, it must be at most {context.get('le', context.get('lt'))}"
            )
        case "literal_error":
            options = re.findall(r"'([^']+)'", str(context["expected"]))
            close = get_close_matches(str(value), options, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"{value!r} is unknown; {hint}choices: {', '.join(options)}"
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return f"{value!r} should be provider/name, e.g. ollama/llama3.1:8b"
        case _:
            message = mistake["msg"].removeprefix("Input ").replace("a valid", "a")
            return f"{value!r} {message[0].lower()}{message[1:]}"


def _keys_of(record: type[BaseModel]) -> list[str]:
    """Every key a config may have, at any depth."""
    keys = list(record.model_fields)
    for field in record.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys_of(field.annotation)
    return [*keys, "name", "options"]


def _first_twice(names: list[str] | tuple[str, ...]) -> str:
    return next(name for name in names if list(names).count(name) > 1)


def _nearby(path: Path) -> str:
    """A hint naming the configs that do exist beside the one asked for."""
    found = (
        sorted(other.name for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    )
    close = get_close_matches(path.name, found, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {path.parent / close[0]}?"
    return f"; {path.parent} holds {', '.join(found)}" if found else ""


class _StrictLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key written twice, where YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: key {key!r} is written twice")
            seen.add(key)
        return super().construct_mapping(node, deep)
