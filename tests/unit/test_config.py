"""The user's mistakes are told in one line; good configs mean what they say."""

from pathlib import Path

import pytest

from solver.config import make_config
from solver.config_file import check_config, load_config, settings
from solver.errors import ConfigError

SCRIPTED = {"model": "scripted/a", "providers": {"scripted": {"replies": ["x"]}}}


def message_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: scripted/a\nrepeats: 0", "repeats: 0 is too small, it must be at least 1"),
        ("model: scripted/a\nrepeat: 3", "repeat: unknown key, did you mean 'repeats'?"),
        ("model: scripted/a\nmode: coed", "did you mean 'code'?"),
        (
            "model: scripted/a\ncode: {retires: 2}",
            "code.retires: unknown key, did you mean 'retries'?",
        ),
        ("model: olama/x", "model 'olama/x': no provider called 'olama'. Did you mean 'ollama'?"),
        ("model: llama3.1", "should be provider/name"),
        ("repeats: 2", "model: is missing"),
        ("- just\n- a list", "should hold keys and values"),
        ("model: [unclosed", "not YAML: line 1, column 17: while parsing a flow sequence"),
        ("model: a\n\tmode: b", "not YAML: line 2, column 1: while scanning for the next token"),
        ("model: scripted/a\nmodel: scripted/b", "key 'model' is written twice"),
        (
            "model: ollama/x\nproviders: {ollama: {num_ctz: 1}}",
            "providers.ollama.num_ctz: unknown key, did you mean 'num_ctx'?",
        ),
        (
            "model: {name: ollama/x, options: {num_ctz: 1}}",
            "model.options.num_ctz: unknown key, did you mean 'num_ctx'?",
        ),
        (
            "model: [scripted/a, {name: ollama/x, options: {num_ctx: big}}]",
            "model[1].options.num_ctx: 'big' should be a whole number",
        ),
        (
            "model: scripted/a\nproviders: {ollama: {num_ctz: 1}}",
            "providers.ollama.num_ctz: unknown key, did you mean 'num_ctx'?",
        ),
        ("model: scripted/a\nsampling: {temperature: hot}", "sampling.temperature: 'hot'"),
        ("model: scripted/a\nsandbox: podman", "sandbox.kind: 'podman' is unknown"),
        ("model: scripted/a\nrepeats: 4", "repeats: 4 repeats at temperature 0"),
        ("model: scripted/a\ncode: {retry: resample}", "code.retry: 'resample' at temperature 0"),
        ("model: [scripted/a, scripted/a]", "model: scripted/a is listed twice"),
        ("model: scripted/a\nmode: code,code", "mode: code is listed twice"),
        ("model: scripted/a\njudge: {model: null, preset: yes-no}", "needs a judge.model"),
        (
            "model: scripted/a\ncode: {regenerate: gided}",
            "code.regenerate.controls[0]: 'gided' is unknown; did you mean 'guided'?",
        ),
        (
            "model: scripted/a\ncode: {regenerate: [guided, guided]}",
            "code.regenerate: guided is listed twice",
        ),
        (
            "model: scripted/a\nmode: cot\ncode: {regenerate: guided}",
            "code.regenerate: is compared with mode code, so add code to mode",
        ),
        ("model: scripted/a\ncode: {regenerate: true}", "code.regenerate: True"),
        (
            "model: scripted/a\ncode: {regenerate: {controls: guided, interventions: 0}}",
            "code.regenerate.interventions: 0 is too small",
        ),
        ("model: scripted/a\ntir: {format: tore}", "tir.format: 'tore' is unknown"),
        ("model: scripted/a\ntir: {executions: 0}", "tir.executions: 0 is too small"),
        ("model: scripted/a\ntir: {on_error: go}", "choices: continue, stop"),
        ("model: scripted/a\ncsv: {revisions: -1}", "csv.revisions: -1 is too small"),
        ("model: scripted/a\ncsv: {weights: {true: -1}}", "csv.weights.true: -1 is too small"),
        (
            "model: scripted/a\ncsv: {weights: {yes: 1, maybe: 1}}",
            "csv.weights.maybe: unknown key",
        ),
        (
            "model: scripted/a\nmode: csv\ncode: {retry: resample}",
            "code.retry: 'resample' at temperature 0",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_and_where(tmp_path, text, expected):
    assert expected in message_of(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path):
    message = message_of(tmp_path, "model: scripted/a\nrepeats: 0\nrepeat: 1")
    assert " · " in message
    assert "repeats: 0" in message
    assert "repeat: unknown" in message


def test_an_unknown_provider_is_told_with_all_other_mistakes(tmp_path):
    message = message_of(
        tmp_path,
        "model: [nosuch/x, {name: olama/y, sampling: {temp: 1}}, {name: ollama/z, options: {a: 1}}]"
        "\nrepeats: x\nsampling: {temp: 1}\nproviders: {ollama: {num_ctz: 1}, opnai: {}}",
    )
    places = [mistake.partition(": ")[0] for mistake in message.split(" · ")]
    assert places == [
        "model[1].sampling.temp", "repeats", "sampling.temp", "model 'nosuch/x'",
        "model 'olama/y'", "model[2].options.a", "providers.ollama.num_ctz", "providers.opnai",
    ]  # fmt: skip
    assert "model[1].sampling.temp: unknown key, did you mean 'temperature'?" in message
    assert "providers.opnai: no provider called 'opnai'. Did you mean 'openai'?" in message


PROVIDER = """
from pydantic import model_validator
from solver.models import Provider
from solver.models.scripted import connect
from solver.records import Record

class Options(Record):
    url: str
    first: int | None = None
    second: int | None = None

    @model_validator(mode="after")
    def _one(self):
        if self.first and self.second:
            raise ValueError("first and second exclude each other")
        return self

PROVIDER = Provider(
    name="outer", description="x", options=Options, connect=connect, can=frozenset({"seed"})
)
"""


@pytest.mark.parametrize(
    ("shared", "own", "said"),
    [
        ("url: h", "first: 1", ""),
        ("first: 1", "url: h", ""),
        ("first: 1", "first: 2", "model.options.url: is missing"),
        ("url: h, second: 1", "first: 1", "model.options: first and second exclude each other"),
        ("url: 1", "first: 1", "providers.outside_provider.outer.url: 1 should be a string"),
        ("url: h", "first: x", "model.options.first: 'x' should be a whole number"),
    ],
)
def test_options_of_a_provider_and_of_its_model_are_checked_together(
    tmp_path, monkeypatch, shared, own, said
):
    package = tmp_path / "outside_provider"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "outer.py").write_text(PROVIDER)
    monkeypatch.syspath_prepend(tmp_path)
    text = (
        f"model: {{name: outside_provider.outer/x, options: {{{own}}}}}\n"
        f"providers: {{outside_provider.outer: {{{shared}}}}}\n"
    )
    if said:
        assert message_of(tmp_path, text) == said
    else:
        (tmp_path / "good.yaml").write_text(text)
        load_config(tmp_path / "good.yaml")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"repeats": "x"}, "--repeats: 'x' should be a whole number"),
        ({"model": "nosuch/x"}, "--model: no provider called 'nosuch'."),
        ({"model": "nosuch/x3.1"}, "--model: no provider called 'nosuch'."),
        ({"judge": "nosuch/x"}, "--judge: no provider called 'nosuch'."),
        ({"sampling": {"tempo": 1}}, "--set sampling.tempo: unknown key"),
    ],
)
def test_each_mistake_is_told_of_the_option_or_the_file_that_it_stands_in(
    tmp_path, overrides, said
):
    path = tmp_path / "bad.yaml"
    path.write_text("model: ollama/x\nsampling: {temp: 1}\n")
    with pytest.raises(ConfigError) as told:
        load_config(path, overrides)
    first, _, rest = str(told.value).partition(f" · {path}: ")
    assert first.startswith(said)
    assert rest == "sampling.temp: unknown key, did you mean 'temperature'?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: ollama/x\njudge: nosuch/x", "judge 'nosuch/x': no provider called 'nosuch'."),
        (
            "model: ollama/x\njudge: {model: openai/x, options: {parallell: 3}}",
            "judge.options.parallell: unknown key, did you mean 'parallel'?",
        ),
        (
            "model: {name: ollama/x, thinking: bogus, options: {a: 1}}",
            "model[0].thinking: 'bogus' is unknown;",
        ),
        ("model: ollama/x\nmode: [1]", "mode[0]: 1 should be a string"),
        ("model: ollama/x\nmode: [[a]]", "mode[0]: ['a'] should be a string"),
    ],
)
def test_what_is_wrong_with_a_judge_a_model_or_a_mode_is_told(tmp_path, text, said):
    assert message_of(tmp_path, text).startswith(said)


@pytest.mark.parametrize("name", ["https://u:hunter2@h", "sk-abcdefghijklmnopqrstuvwx"])
@pytest.mark.parametrize(
    "text",
    ["'{name}': 1", "providers: {{'{name}': {{}}}}", "providers: {{openai: {{'{name}': 1}}}}"],
)
def test_a_secret_that_is_the_name_of_a_key_is_not_repeated(tmp_path, text, name):
    said = message_of(tmp_path, "model: ollama/x\n" + text.format(name=name))
    assert "a key's name holds a password, or a key of an API" in said
    assert "hunter2" not in said
    assert "sk-" not in said


def test_all_keys_that_do_not_go_together_are_told_at_once(tmp_path):
    message = message_of(
        tmp_path, "model: [scripted/a, scripted/a]\nmode: cot,cot\nproblems: aime2025,aime2025\n"
        "repeats: 4\ncode: {regenerate: guided}",
    )  # fmt: skip
    places = ("model", "problems", "repeats", "code.regenerate", "mode")
    told = [mistake.partition(": ")[0] for mistake in message.split(" · ")]
    assert sorted(told) == sorted(places)


@pytest.mark.parametrize(
    "wrong", ["model: 3", "model: [{options: 1}]", "model: x\nproviders: [1]",
              "model: x\nproviders: {ollama: 3}", "model: {name: 1}", "model:"],
)  # fmt: skip
def test_values_of_a_wrong_kind_are_told_each_once(tmp_path, wrong):
    mistakes = message_of(tmp_path, wrong).split(" · ")
    assert len(mistakes) == len(set(mistakes))
    assert all(": " in mistake for mistake in mistakes)


def test_a_missing_file_names_the_one_that_was_meant(tmp_path):
    (tmp_path / "quickstart.yaml").write_text("model: scripted/a", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"did you mean .*quickstart\.yaml"):
        load_config(tmp_path / "quikstart.yaml")


def test_short_forms_mean_their_long_forms():
    config = check_config(
        {**SCRIPTED, "mode": "code, cot", "sandbox": "native", "judge": "rules"}, source="test"
    )
    assert config.mode == ("code", "cot")
    assert config.sandbox.kind == "native"
    assert config.judge.model is None
    assert config.model[0].name == "scripted/a"


def test_a_model_has_its_own_options_and_sampling_over_the_common_ones():
    config = check_config(
        {
            "model": [
                {"name": "ollama/x", "options": {"num_ctx": 999}, "sampling": {"top_p": 0.5}}
            ],
            "providers": {"ollama": {"num_ctx": 4096, "keep_alive": "5m"}},
            "sampling": {"temperature": 1},
        },
        source="test",
    )
    (model,) = config.model
    assert config.provider_options(model) == {"num_ctx": 999, "keep_alive": "5m"}
    assert config.sampling_of(model).temperature == 1
    assert config.sampling_of(model).top_p == 0.5


def test_where_a_model_is_reached_does_not_change_its_run_but_its_context_does():
    def identity(**options):
        return check_config({"model": "ollama/x", "providers": {"ollama": options}}, source="test")

    here = identity(hosts=["http://localhost:1"], num_ctx=4096).identity()
    assert here == identity(hosts=["http://localhost:2"], num_ctx=4096, parallel=2).identity()
    assert here != identity(num_ctx=8192).identity()


def test_growing_a_run_does_not_change_its_identity_but_sampling_does():
    small = make_config({**SCRIPTED, "limit": 5})
    large = make_config({**SCRIPTED, "limit": 50, "repeats": 1})
    warmer = make_config({**SCRIPTED, "sampling": {"temperature": 0.5}})
    assert small.identity() == large.identity()
    assert small.identity() != warmer.identity()


RUN = sorted({*Path("configs").glob("*.yaml")} - {Path("configs/probe.yaml")})


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_every_shipped_config_is_good_and_found_by_its_name(path):
    assert load_config(path) == load_config(Path(path.stem))


def test_a_file_of_one_s_own_comes_before_a_shipped_config_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").write_text("model: scripted/mine", encoding="utf-8")
    assert load_config(Path("first")).model[0].name == "scripted/mine"


@pytest.mark.parametrize(
    ("text", "changes", "read"),
    [
        ("sandbox: native", ["sandbox.seconds=3"], lambda c: (c.sandbox.kind, c.sandbox.seconds)),
        ("judge: rules", ["judge.threshold=5"], lambda c: (c.judge.model, c.judge.threshold)),
        ("levels: [1]", ["levels=[2, 3]"], lambda c: c.levels),
        ("sampling: {max_tokens: 9, top_k: 4}", ["sampling.top_k=5"], lambda c: (
            c.sampling.max_tokens, c.sampling.top_k)),
        ("", ["model.sampling.top_k=7"], lambda c: c.model[0].sampling),
        ("", ["code.retries=1", "code.examples=2"], lambda c: (c.code.retries, c.code.examples)),
    ],
)  # fmt: skip
def test_a_setting_changes_one_key_and_leaves_its_neighbours(tmp_path, text, changes, read):
    wanted = {
        "sandbox": ("native", 3.0), "judge": (None, 5), "levels": (2, 3), "sampling": (9, 5),
        "model": {"top_k": 7}, "code": (1, 2),
    }  # fmt: skip
    path = tmp_path / "run.yaml"
    path.write_text(f"model: scripted/test\n{text}\n", encoding="utf-8")
    key = changes[0].partition("=")[0].partition(".")[0]
    assert read(load_config(path, settings(changes))) == wanted[key]


@pytest.mark.parametrize("text", ["limit", "=3", "sampling.=3", "limit=[", ".a=1"])
def test_a_setting_that_is_none_is_refused_with_an_example_or_the_reason(text):
    with pytest.raises(ConfigError, match=r"^--set .*(e\.g\.|not YAML)"):
        settings([text])


def of(**content):
    return check_config({**SCRIPTED, **content}, source="test")


@pytest.mark.parametrize(
    "written",
    ["guided, refine", ["guided", "refine"], {"controls": ["guided", "refine"]}],
)
def test_controls_are_written_as_words_as_a_list_or_in_full(written):
    assert of(code={"regenerate": written}).code.regenerate.controls == ("guided", "refine")


def test_a_full_regenerate_may_name_one_control():
    full = {"controls": "guided", "interventions": 3}
    assert of(code={"regenerate": full}).code.regenerate.controls == ("guided",)


def test_controls_stand_behind_mode_code_in_their_order():
    config = of(mode="cot,code,tir", code={"regenerate": "refine,literal"})
    assert config.modes == ("cot", "code", "code+refine", "code+literal", "tir")
    assert of(mode="csv,tir").modes == ("csv", "tir")


def test_true_and_false_are_words_among_the_weights(tmp_path):
    path = tmp_path / "votes.yaml"
    path.write_text(
        "model: scripted/a\nproviders: {scripted: {replies: [x]}}\nmode: csv\n"
        "csv: {weights: {true: 2, false: 0.1}}\n",
        encoding="utf-8",
    )
    weights = load_config(path).csv.weights
    assert (weights.true, weights.uncertain, weights.false) == (2, 0.5, 0.1)


def test_what_answers_weigh_may_change_in_a_run_that_is_resumed():
    assert of(mode="csv", csv={"weights": {"true": 3}}).identity() == of(mode="csv").identity()


def test_options_of_modes_that_are_not_run_do_not_change_a_run():
    plain = of().identity()
    assert of(tir={"format": "openmath"}, csv={"revisions": 9}).identity() == plain
    assert of(code={"regenerate": {"interventions": 3}}).identity() == plain


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": "tir", "tir": {"format": "openmath"}},
        {"mode": "csv", "csv": {"revisions": 1}},
        {"mode": "code", "code": {"regenerate": "guided"}},
        {"mode": "code", "code": {"regenerate": {"controls": "guided", "interventions": 3}}},
    ],
)
def test_options_of_modes_that_are_run_do(changed):
    assert of(**changed).identity() != of(mode=changed["mode"]).identity()
