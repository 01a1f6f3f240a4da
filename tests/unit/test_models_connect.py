import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

import solver.models
from solver.errors import ConfigError
from solver.models import PROVIDERS, connect, provider_of
from solver.models._failures import refused, retry_after
from solver.models._kinds import Kind, kind_of
from solver.models._ollama_host import advised_parallel, find, host_url, look
from solver.models._redact import one_line, place
from solver.models._said import Said
from solver.records import Sampling


def test_the_providers_are_the_files_of_the_folder():
    files = Path(solver.models.__file__).parent.glob("[!_]*.py")
    assert tuple(sorted(file.stem for file in files)) == PROVIDERS
    assert {"local", "mistral", "ollama", "openai", "scripted"} <= {*PROVIDERS}


def test_an_unknown_provider_is_named_with_the_nearest_and_all_others():
    with pytest.raises(ConfigError) as wrong:
        connect("olama/llama3.1:8b", Sampling(), {})
    assert str(wrong.value) == (
        "model 'olama/llama3.1:8b': no provider called 'olama'. Did you mean 'ollama'?"
        f" Providers: {', '.join(PROVIDERS)}."
    )


def test_a_shared_file_of_the_folder_is_no_provider():
    with pytest.raises(ConfigError, match="no provider called '_failures'"):
        provider_of("_failures")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_refuses_an_unknown_option(provider):
    with pytest.raises(ConfigError, match=r"options: num_cxt: unknown, "):
        connect(f"{provider}/x", Sampling(), {"num_cxt": 1})


def test_an_unknown_option_gets_a_suggestion():
    with pytest.raises(ConfigError, match="num_cxt: unknown, did you mean 'num_ctx'"):
        connect("ollama/x", Sampling(), {"num_cxt": 1})


def test_a_model_without_a_name_is_refused():
    with pytest.raises(ConfigError, match="should be provider/name"):
        connect("ollama/", Sampling(), {})


def test_asking_for_options_loads_no_client_library():
    code = (
        "import sys; from solver.models import PROVIDERS, provider_of;"
        "[provider_of(p).options for p in PROVIDERS];"
        "clients = {'ollama', 'openai', 'mistralai', 'xllamacpp', 'httpx'};"
        "print(sorted(clients & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_retry_after_is_read_in_seconds():
    assert retry_after({"retry-after": "7"}) == 7


def test_retry_after_is_read_in_milliseconds():
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25


def test_retry_after_is_read_as_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < (retry_after({"retry-after": later}) or 0) <= 90


def test_a_date_in_the_past_asks_for_no_wait():
    past = format_datetime(datetime.fromtimestamp(time.time() - 60, UTC), usegmt=True)
    assert retry_after({"retry-after": past}) == 0


def test_a_date_to_retry_after_is_read_by_the_servers_clock():
    headers = {
        "date": "Wed, 01 Jan 2020 10:00:00 GMT",
        "retry-after": "Wed, 01 Jan 2020 10:00:30 GMT",
    }
    assert retry_after(headers) == 30


NO_MOMENTS = (
    "", "soon", "inf", "nan", "1e400", "9" * 5000, "Fri, 99 Foo 2026",
    "Fri, 31 Dec 99999999999 23:59:59 GMT", "Fri, 31 Dec 2026 23:59:59 +9999999999999999999999",
)  # fmt: skip


@pytest.mark.parametrize("value", NO_MOMENTS, ids=lambda value: value[:40])
def test_a_retry_after_nobody_understands_is_none(value):
    assert retry_after({"retry-after": value}) is None


@pytest.mark.parametrize("value", NO_MOMENTS, ids=lambda value: value[:40])
def test_a_date_that_is_none_gives_way_to_this_machines_clock(value):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < (retry_after({"retry-after": later, "date": value}) or 0) <= 90


def test_a_wait_below_zero_is_none():
    assert retry_after({"retry-after": "-5"}) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_asking_again_cannot_fix_is_not_retryable(status):
    assert not refused("x", status, "", {}, advice={}).retryable


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_asking_again_may_fix_is_retryable(status):
    assert refused("x", status, "", {}, advice={}).retryable


def test_an_empty_account_is_not_a_rate_limit():
    failure = refused("x", 429, "insufficient_quota You exceeded", {}, advice={})
    assert not failure.retryable


def test_a_key_never_reaches_a_message():
    key = "abcdef0123456789"
    echoed = f"Incorrect key {key} (sk-proj-{key}). Authorization: Bearer {key}x"
    for status in (400, 401, 500):
        assert "0123456789" not in str(refused("x", status, echoed, {}, advice={}, secret=key))


def test_a_server_cannot_write_to_the_terminal():
    assert one_line("a\n\x1b[31mred\x07 b") == "a [31mred b"


def test_a_url_is_shown_without_its_password_and_query():
    assert place("https://me:secret@host:99/v1/?key=secret") == "https://host:99/v1"
    assert place("https://me:8/secret@host:99/v1/") == "https://me:8"
    assert place("http:////me:secret@host") == "http://"


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://[x]y", "http://[v1.x]/v1", "http://\u200b:9", "http://a/\x01",
            "http://a/\ud800", "http://℀.x:9"],
)  # fmt: skip
def test_an_address_that_no_client_takes_is_refused_by_every_provider(url, monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "0123456789")
    for spec, options in (
        ("openai/x", {"base_url": url}),
        ("mistral/x", {"server_url": url}),
        ("ollama/x", {"hosts": [url]}),
    ):
        with pytest.raises(ConfigError, match=r"host or port in .* is wrong") as wrong:
            connect(spec, Sampling(), options)
        assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("host", ["[::1", "http://[x]y", "xn--\udc80", "ftp://a"])
async def test_a_host_of_the_environment_that_no_client_takes_is_told(host, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", host)
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        connect("ollama/x", Sampling(), {})
    assert "OLLAMA_HOST" in (await look() or "")
    assert await find() == []


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("gpu:²", "http://gpu:11434"),
        (f"gpu:{'9' * 5000}", "http://gpu:11434"),
        ("//me:secret@gpu", "http://me:secret@gpu:11434"),
        ("HTTP:////gpu", "http://gpu"),
    ],
)
def test_a_host_is_read_with_slashes_and_a_port_that_is_none(host, url):
    assert host_url(host) == url


@pytest.mark.parametrize(
    ("given", "requests"), [("4", 4), ("0", 1), ("²", 1), ("9" * 5000, 1), ("", 1)]
)
def test_a_number_of_the_environment_that_is_none_is_left_out(given, requests, monkeypatch):
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", given)
    assert advised_parallel() == requests


@pytest.mark.parametrize(
    "detail",
    [
        "context_length_exceeded This model's maximum context length is 8192 tokens."
        " However, your messages resulted in 9000 tokens.",
        "request (3031 tokens) exceeds the available context size (512 tokens), try increasing it",
        "the input length exceeds the context length",
        f"request ({'9' * 5000} tokens) exceeds the available context size (512 tokens)",
    ],
)
def test_a_prompt_that_does_not_fit_is_recognised(detail):
    assert kind_of(Said(words=detail), 400, waits=False) is Kind.TOO_LONG


@pytest.mark.parametrize(
    "detail",
    [
        "maximum context length is 4096 tokens. However, you requested 5000 tokens"
        " (3000 in the messages, 2000 in the completion)",
        "Post http://127.0.0.1: context deadline exceeded",
        "rate limit exceeded",
        "max_tokens is too large: 9000, the maximum context length is 8192",
    ],
)
def test_other_refusals_are_not_taken_for_a_prompt_that_does_not_fit(detail):
    assert kind_of(Said(words=detail), 400, waits=False) is not Kind.TOO_LONG
