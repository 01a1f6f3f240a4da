"""No key reaches a run's file, its log or a page; a config that holds one is refused."""

import logging

import pytest

from solver.config_file import check_config, check_judging
from solver.errors import ConfigError
from solver.run.log import FILE as LOG
from solver.run.log import logging_to
from solver.secrets import key_argument, secrets_in, typed_secrets, without_secrets
from solver.store import FILE, Store

KEY = "sk-hunter2-very-secret"
HIDDEN = [
    f"http://user:{KEY}@host:8000/v1",
    f"http://{KEY}@host/v1",
    f"http://host/v1?api_key={KEY}",
    f"http://host/v1?version=2&access_token={KEY}&x=1",
    f"https://host/v1?X-Amz-Signature={KEY}",
    *(f"https://host/v1?{name}={KEY}" for name in ("sig", "code", "auth", "pwd", "credential")),
    f"http://host/v1?api%5Fke%79={KEY}",
    f"http://host/v1?sv=1;key={KEY}",
    f"http://host/v1?x='&key='{KEY}",
    f"http://host/v1?key=a@{KEY}",
    f"http://host/v1#token={KEY}",
    f"http://user:it's-{KEY}@host/v1",
    f'http://user:a"{KEY}@host/v1',
    f"http://user:a@{KEY}@host/v1",
]


@pytest.mark.parametrize("address", HIDDEN)
def test_an_address_with_a_key_is_refused_with_what_to_write(address):
    for content in (
        {"model": "openai/x", "providers": {"openai": {"base_url": address}}},
        {"model": [{"name": "openai/x", "options": {"base_url": address}}]},
        {"model": "openai/x", "judge": {"model": "openai/y", "options": {"base_url": address}}},
    ):
        with pytest.raises(ConfigError, match="base_url: holds a password or key") as refused:
            check_config(content, source="a.yaml")
        assert KEY not in str(refused.value)
        assert "\n" not in str(refused.value)
        assert "host" in str(refused.value)
        assert "api_key_env: " in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://user:a hunter2@host/v1",
        "http://user:a\thunter2@host/v1",
        "http://user:a/hunter2@host/v1",
        "http://user:a?hunter2@host/v1",
        "http://user:a://hunter2@host/v1",
        "user:hunter2@host:11434",
        "//user:hunter2@host",
        "http://host/v1?unknown=hunter2",
        "http://host/v1?api-version=1;x=hunter2",
        "http://host/v1;x=hunter2",
        "http://host/v1#hunter2",
        "host:1?x=a@hunter2",
    ],
)
@pytest.mark.parametrize(
    "option", [("openai", "base_url"), ("mistral", "server_url"), ("ollama", "hosts")]
)
def test_a_servers_address_holds_a_host_a_path_and_a_version_only(address, option):
    provider, name = option
    for value in (address, ["http://host/v1?api-version=2024-10-21", address]):
        (told,) = typed_secrets({"providers": {provider: {name: value}}})
        assert "hunter2" not in told
        assert f"{name}: http" in told.replace("[1]", "")
    assert not [*typed_secrets({name: "https://host:8/v1?api-version=2024-10-21"})]


@pytest.mark.parametrize(
    "content",
    [
        {"providers": {"openai": {"extra_body": {"api_key": "abc"}}}},
        {"providers": {"openai": {"extra_body": {"headers": {"Authorization": "Basic abc"}}}}},
        {"providers": {"openai": {"extra_body": {"note": f"use {KEY}"}}}},
        {"providers": {"openai": {"extra_body": {"list": [{"x": f"Bearer {KEY}"}]}}}},
        {"providers": {"openai": {"api_key": "abc"}}},
        {"judge": {"model": "openai/y", "options": {"extra_body": {"password": "abc"}}}},
        {"providers": {"openai": {"extra_body": {"password": ["abc"]}}}},
        {"providers": {"openai": {"extra_body": {"pwd": 12345678}}}},
        *(
            {"providers": {"openai": {"extra_body": {name: "abc"}}}}
            for name in ("token", "user_token", "clientSecret", "X-Api-Key", "auth", "credential")
        ),
        {"problems_file": f"hf_{'a1' * 15}"},
        {"mode": KEY},
    ],
)
def test_a_key_anywhere_in_a_config_is_refused_in_one_line_that_does_not_repeat_it(content):
    with pytest.raises(ConfigError, match="holds a key") as refused:
        check_config({"model": "openai/x", **content}, source="a.yaml")
    assert "\n" not in str(refused.value)
    assert "abc" not in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens", "stop_token_ids", "token_count", "tokens", "author", "keys", "eos_token",
        "stopToken", "token_id",
    ],
)  # fmt: skip
def test_an_option_that_is_only_called_like_a_key_is_taken(name):
    assert not [*typed_secrets({"extra_body": {name: "abc", "token": 5, "auth": True}})]


@pytest.mark.parametrize("value", ["<|prefix|>", "[PRE]", "▁<PRE>", "none", "off"])
def test_a_token_of_a_models_text_and_a_word_for_nothing_are_no_keys(value):
    assert not [*typed_secrets({"extra_body": {"prefix_token": value, "auth": value}})]
    assert key_argument(["server", "--auth", value]) is None


@pytest.mark.parametrize("value", ["<hunter2", "[hunter2]", "<hunter2>"])
def test_a_password_is_one_whatever_it_begins_with(value):
    assert [*typed_secrets({"extra_body": {"password": value}})]
    assert [*typed_secrets({"extra_body": {"api_key": value}})]


@pytest.mark.parametrize(
    "query", ["api-version=2024-10-21&deployment=gpt4", "tenant=a", "model_version=2&region=eu-1"]
)
def test_what_is_harmless_in_an_address_is_taken(query):
    assert not [*typed_secrets({"base_url": f"https://host/v1?{query}"})]


@pytest.mark.parametrize("address", ["https://gw/v1/@cf/meta", "http://user:a/hunter2@host/v1"])
def test_no_host_is_proposed_where_it_is_not_sure_which_it_is(address):
    (line,) = typed_secrets({"base_url": address})
    assert "://host:port/path and api_key_env" in line


def test_a_stored_config_that_holds_a_key_can_be_judged_but_none_is_typed():
    content = {"providers": {"openai": {"base_url": "http://host/v1?sig=hunter2"}}}
    check_judging(content, source="a run", typed={})
    with pytest.raises(ConfigError, match="holds a password or key"):
        check_judging(content, source="a run", typed=content)


def test_a_key_that_a_server_or_model_repeats_reaches_neither_manifest_nor_log(tmp_path):
    store = Store.create_or_open(tmp_path)
    store.write_manifest(models={"openai/x": {"served": f"for {KEY} only"}})
    with logging_to(tmp_path, live=False):
        logging.getLogger("solver").info("refused %s", KEY)
    store.close()
    assert KEY.encode() not in (tmp_path / FILE).read_bytes()
    assert KEY not in (tmp_path / LOG).read_text()


@pytest.mark.parametrize("key", [KEY, "a1b2c3d4e5f6a7b8", "Bearer x"])
def test_a_key_in_place_of_the_name_of_its_variable_is_refused(key):
    with pytest.raises(ConfigError, match="should be the name of an environment variable") as no:
        check_config(
            {"model": "openai/x", "providers": {"openai": {"api_key_env": key}}}, source="a.yaml"
        )
    assert key not in str(no.value)


def test_a_variable_of_any_name_is_taken_where_it_is_set(monkeypatch):
    monkeypatch.setenv("my_key", KEY)
    for name in ("my_key", "MY_KEY_2"):
        check_config(
            {"model": "openai/x", "providers": {"openai": {"api_key_env": name}}}, source="a.yaml"
        )


@pytest.mark.parametrize("address", HIDDEN)
def test_a_key_in_an_address_from_elsewhere_reaches_neither_file_nor_log(tmp_path, address):
    store = Store.create_or_open(tmp_path)
    store.write_manifest(models={"openai/x": {"endpoint": address, "note": [address]}})
    with logging_to(tmp_path, live=False):
        logging.getLogger("solver").info("request to %s", address)
    store.close()
    assert KEY.encode() not in (tmp_path / FILE).read_bytes()
    assert KEY not in (tmp_path / LOG).read_text()
    assert "host" in (tmp_path / LOG).read_text()


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8000/v1?version=2",
        "a@b.c",
        "keyboard = 1 ? 2 : 3",
        "x?monkey y",
        "risk-averse-and-long-enough",
        "api_key_env: MY_KEY",
        "ask-me-anything-about-math",
        '["http://host:1","me@host"]',
        '{"http://host:1":"http://host:2?mode=code"}',
    ],
)
def test_text_without_a_key_stays_as_it_is(text):
    assert without_secrets(text) == text


def test_keys_are_found_by_the_names_of_arguments_and_variables():
    assert key_argument(["vllm", "--api-key=abc"]) == "--api-key"
    assert key_argument(["vllm", "--hf-token", "abc"]) == "--hf-token"
    assert key_argument(["llama-server", "--api-key-file", "keys", "--api-key", "--port"]) is None
    environment = {"HF_TOKEN": "hf-123456", "A_KEY": "short", "PATH": "/usr/bin:/bin"}
    assert secrets_in(environment) == ["hf-123456"]
