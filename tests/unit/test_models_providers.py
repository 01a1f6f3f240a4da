"""What every provider declares, and providers that come from outside the package."""

import ast
import inspect
from typing import get_type_hints

import pytest

from solver.checks.doctor import provider_finding
from solver.config_file import check_config
from solver.errors import ConfigError
from solver.models import (
    PROVIDERS,
    ContinuingModel,
    Provider,
    connect,
    provider_names,
    provider_of,
    require,
)
from solver.records import Message, Record, Sampling
from solver.run.build import build
from solver.run.watch import Watch
from tests.fakes import example

EVERY = [provider_of(name) for name in PROVIDERS]


@pytest.fixture(params=EVERY, ids=lambda provider: provider.name)
def provider(request):
    return request.param


def test_a_provider_has_the_name_of_its_file(provider):
    assert provider_of(provider.name) is provider
    assert inspect.getmodule(provider.connect).__name__ == f"solver.models.{provider.name}"


def test_a_provider_says_in_one_line_what_it_is(provider):
    assert 10 < len(provider.description) <= 90
    assert "\n" not in provider.description


def test_every_option_says_what_it_is_for(provider):
    body = ast.parse(inspect.getsource(provider.options)).body[0].body
    fields = [i for i, part in enumerate(body) if isinstance(part, ast.AnnAssign)]
    bare = [
        body[i].target.id
        for i in fields
        if i + 1 == len(body) or not isinstance(body[i + 1], ast.Expr)
    ]
    assert fields
    assert bare == []


def test_the_options_that_only_reach_the_model_are_options(provider):
    assert provider.reach <= set(provider.options.model_fields)
    assert "parallel" in provider.reach


def test_the_key_is_the_one_its_options_name(provider):
    named = provider.options.model_fields.get("api_key_env")
    assert provider.key == (named.default if named else None)


def test_a_provider_continues_replies_exactly_if_it_declares_so(provider):
    model = get_type_hints(provider.connect)["return"]
    assert issubclass(model, ContinuingModel) == ("continuing" in provider.can)


def test_doctor_has_a_line_for_it(provider):
    finding = provider_finding(provider.name)
    assert finding.what == f"{provider.name}/… models"
    assert finding.detail
    assert "\n" not in finding.detail
    assert not finding.needed


def test_doctor_says_which_key_to_set(provider, monkeypatch):
    for key in ("MISTRAL_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    if provider.key is not None:
        finding = provider_finding(provider.name)
        assert not finding.good
        assert f"set the environment variable {provider.key}" in finding.detail
        monkeypatch.setenv(provider.key, "x")
        assert provider_finding(provider.name).good


def test_doctor_says_once_what_to_do_about_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    detail = provider_finding("ollama").detail
    assert detail.startswith("http://127.0.0.1:9: no connection: ")
    assert "start it with `ollama serve`, or set the option hosts" in detail
    assert "Please check" not in detail


@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("local", {"gpu_layers", "parallel", "threads", "timeout"}),
        ("mistral", {"api_key_env", "parallel", "timeout"}),
        ("ollama", {"hosts", "keep_alive", "load_timeout", "parallel", "timeout"}),
        ("openai", {"api_key_env", "parallel", "timeout"}),
        ("scripted", {"parallel"}),
    ],
)
def test_these_options_are_in_no_trials_key(name, free):
    """Keys of stored trials depend on it."""
    provider = provider_of(name)
    options = dict.fromkeys(provider.options.model_fields, "x")
    assert set(options) - set(provider.measured(options)) == free


def test_a_capability_that_does_not_exist_cannot_be_declared():
    with pytest.raises(ConfigError, match=r"cannot declare vision; capabilities: continuing, "):
        Provider("x", "x", Record, connect, frozenset({"vision"}))


def test_what_a_provider_cannot_do_is_refused_before_anything_is_asked():
    require("mistral/x", {"continuing", "seed"})
    with pytest.raises(ConfigError) as wrong:
        require("mistral/x", ["logprobs"])
    assert str(wrong.value) == (
        "model 'mistral/x': its provider cannot return the probabilities of tokens"
    )


OUTSIDE = example("my_package/echo.py")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder on the path of imports, with a package in it that holds a provider."""
    name = f"outside_{tmp_path.name.replace('-', '_')}"  # no test sees what another has imported
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "echo.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / name


@pytest.fixture
def installed(package):
    """The package as an installed one, whose entry points name the provider."""

    def install(*entries):
        info = package.parent / f"{package.name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text("\n".join(["[solver.models]", *entries]))

    return install


async def answer_of(spec, options):
    config = check_config({"model": spec, "providers": options}, source="test")
    (model,) = config.model
    connected = connect(model.name, config.sampling_of(model), config.provider_options(model))
    reply = await connected.generate([Message(role="user", text="4")], seed=1)
    await connected.close()
    return connected.name, reply.text


async def test_a_provider_in_any_module_is_named_by_its_path(package):
    provider = f"{package.name}.echo"
    assert await answer_of(f"{provider}/a/b", {provider: {"times": 3}}) == (
        f"{provider}/a/b",
        "444",
    )


@pytest.mark.parametrize("value", ["{}.echo", "{}.echo:PROVIDER"])
async def test_a_provider_of_an_installed_package_is_named_by_its_entry_point(
    package, installed, value
):
    installed(f"parrot = {value.format(package.name)}")
    assert await answer_of("parrot/x", {"parrot": {"times": 2}}) == ("parrot/x", "44")
    assert provider_names() == [*PROVIDERS, "parrot"]


def test_doctor_has_a_line_for_a_provider_of_an_installed_package(package, installed):
    installed(f"parrot = {package.name}.echo")
    finding = provider_finding("parrot")
    assert (finding.what, finding.good) == ("parrot/… models", True)
    assert "repeats the question" in finding.detail


def test_an_entry_point_cannot_replace_a_provider_of_the_package(package, installed):
    installed(f"ollama = {package.name}.echo")
    assert provider_of("ollama") in EVERY
    assert provider_names() == [*PROVIDERS]


def test_an_unknown_provider_is_answered_with_those_of_installed_packages_too(package, installed):
    installed(f"parrot = {package.name}.echo")
    with pytest.raises(ConfigError, match=r"Did you mean 'parrot'\? Providers: .*, parrot\."):
        provider_of("parot")


def test_an_option_of_a_provider_from_outside_is_checked_with_the_config(package):
    content = {"model": {"name": f"{package.name}.echo/x", "options": {"times": 0}}}
    with pytest.raises(
        ConfigError, match=r"test: model\.options\.times: 0 is too small, it must be at least 1"
    ):
        check_config(content, source="test")


def test_a_provider_from_outside_that_cannot_continue_is_refused(package):
    spec = f"{package.name}.echo/x"
    with pytest.raises(ConfigError, match="its provider cannot continue a partial reply"):
        require(spec, {"continuing"})


def test_a_config_that_continues_replies_is_refused_for_a_provider_that_cannot(package):
    spec = f"{package.name}.echo/x"
    content = {"model": spec, "code": {"regenerate": "guided"}}
    with pytest.raises(ConfigError) as wrong:
        check_config(content, source="test")
    assert str(wrong.value) == f"test: model {spec!r}: its provider cannot continue a partial reply"


def test_a_run_can_be_resumed_with_other_options_that_only_reach_its_model(package):
    spec = f"{package.name}.echo/x"

    def identity(**options):
        config = check_config({"model": {"name": spec, "options": options}}, source="test")
        return config.identity()

    assert identity(times=2, parallel=1) == identity(times=2, parallel=9)
    assert identity(times=2) != identity(times=3)


async def test_a_run_records_what_its_model_can_do(package, tmp_path):
    spec = f"{package.name}.echo/x"
    content = {"model": [spec, "scripted/y"], "mode": "cot", "judge": None}
    content["providers"] = {"scripted": {"replies": ["4"]}}
    config = check_config(content, source="test")
    async with build(config, owner="test", cache=tmp_path, watch=Watch()) as parts:
        assert parts.facts["can"] == {
            spec: ["seed"],
            "scripted/y": ["continuing", "logprobs", "raw", "seed", "stop"],
        }
        assert {"mistralai", "ollama", "openai"} <= set(parts.facts["versions"])


def message_for(provider):
    with pytest.raises(ConfigError) as wrong:
        connect(f"{provider}/x", Sampling(), {})
    return str(wrong.value)


def test_a_module_that_is_not_there_is_named(package):
    assert message_for(f"{package.name}.ekko") == (
        f"model '{package.name}.ekko/x': no provider called '{package.name}.ekko': there is no"
        f" module '{package.name}.ekko'; install it, or add its folder to PYTHONPATH"
    )
    assert "there is no module 'no_such_package_at_all'" in message_for("no_such_package_at_all.x")


def test_an_import_that_fails_inside_a_module_is_named(package):
    (package / "broken.py").write_text("import no_such_package_at_all")
    assert message_for(f"{package.name}.broken") == (
        f"model '{package.name}.broken/x': provider '{package.name}.broken' does not import:"
        " No module named 'no_such_package_at_all'"
    )


def test_a_module_that_is_no_python_is_named(package):
    (package / "broken.py").write_text("def")
    assert "does not import: invalid syntax" in message_for(f"{package.name}.broken")


@pytest.mark.parametrize("content", ["", "PROVIDER = 'echo'"])
def test_a_module_without_a_provider_says_what_it_should_hold(package, content):
    (package / "empty.py").write_text(content)
    assert "has no PROVIDER: the module should hold" in message_for(f"{package.name}.empty")


def test_an_entry_point_that_does_not_load_is_named(package, installed):
    installed(f"parrot = {package.name}.echo:NOTHING")
    message = message_for("parrot")
    assert "provider 'parrot'" in message
    assert "does not load" in message
    assert not provider_finding("parrot").good
