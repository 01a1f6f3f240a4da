"""Sets from the dataset hub: a local server that speaks its protocol, the real client, real files.

What is not shown here is that the real hub still holds these files under these names.
"""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.needs import shared_data

ROOT = Path(__file__).parents[2]

MATH = "EleutherAI/hendrycks_math/resolve/21a5633873b6a120296cce3e2df9d5550074f4a3"
MATH500 = "HuggingFaceH4/MATH-500/resolve/6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be"
GSM8K = "openai/gsm8k/resolve/740312add88f781978c0658806c59bc2815b9866"

PART = "test-00000-of-00001.parquet"
OTHER = [{"question": f"What is {n} + {n}?", "answer": f"#### {2 * n}"} for n in range(500)]


def test_math945_is_fetched_as_seven_parquet_files_and_once(tmp_path):
    files = math_as_on_the_hub()
    with hub(files) as (address, requests):
        first = loaded("math945", address, tmp_path)
        asked = len(requests)
        again = loaded("math945", address, tmp_path)
        assert len(requests) == asked
    assert first == again
    assert first["problems"] == 945
    assert first["source"]["dataset"] == "EleutherAI/hendrycks_math"
    assert first["source"]["revision"] == "21a5633873b6a120296cce3e2df9d5550074f4a3"
    assert len(first["source"]["sha256"]) == 7


def test_math500_is_fetched_as_jsonl(tmp_path):
    with hub({f"{MATH500}/test.jsonl": math500_as_on_the_hub()}) as (address, _):
        assert loaded("math500", address, tmp_path)["problems"] == 500


def test_gsm8k_is_fetched_as_parquet(tmp_path):
    rows = [{"question": row["problem"], "answer": row["solution"]} for row in shared("gsm8k_test")]
    with hub({f"{GSM8K}/main/{PART}": parquet(rows)}) as (address, _):
        assert loaded("gsm8k", address, tmp_path)["problems"] == 1319


def test_a_contest_is_found_among_the_files_of_its_data_set(tmp_path):
    contest, commit = "HuggingFaceH4/aime_2024", "2fe88a2f1091d5048c0f36abc874fb997b3dd99a"
    rows = [row | {"answer": row["answer"].zfill(3)} for row in shared("aime2024")]
    names = ["README.md", "data/train-00000-of-00001.parquet"]
    listing = [{"type": "file", "path": name, "size": 1, "oid": "0"} for name in names]
    tree = f"/api/datasets/{contest}/tree/{commit}?recursive=true&expand=false"
    files = {
        tree: json.dumps(listing).encode(),
        f"{contest}/resolve/{commit}/{names[1]}": parquet(rows),
    }
    with hub(files) as (address, requests):
        first = loaded("aime2024", address, tmp_path)
        again = loaded("aime2024", address, tmp_path, HF_HUB_OFFLINE="1")
    assert first == again
    assert first["problems"] == 30
    assert [*first["source"]["sha256"]] == names[1:]
    assert not any("README" in request for request in requests)


def test_the_set_is_the_same_from_the_hub_and_from_a_copy(tmp_path):
    with hub(math_as_on_the_hub()) as (address, _):
        fetched = loaded("math945", address, tmp_path)
    copy = shared_data("math_test.jsonl")
    assert fetched["hash"] == loaded("math945", address, tmp_path, file=str(copy))["hash"]


def test_a_download_that_was_edited_is_refused(tmp_path):
    edited = math500_as_on_the_hub().replace(b'"answer": "2"', b'"answer": "3"', 1)
    with hub({f"{MATH500}/test.jsonl": edited}) as (address, _):
        message = refused("math500", address, tmp_path)
    assert message.startswith("HuggingFaceH4/MATH-500 at revision 6e4ed1a2")
    assert "not the pinned math500: the answer to" in message


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [("math500", f"{MATH500}/test.jsonl", 500), ("gsm8k", f"{GSM8K}/main/{PART}", 1319)],
)
def test_other_problems_under_the_name_of_a_set_are_refused(tmp_path, name, file, count):
    content = parquet(OTHER) if file.endswith(".parquet") else jsonl(OTHER)
    with hub({file: content}) as (address, requests):
        message = refused(name, address, tmp_path)
    assert f"not the pinned {name}: {count} of its {count} questions are not" in message
    assert any(file in request for request in requests)


def test_a_hub_without_the_file_is_told_in_one_line(tmp_path):
    with hub({}) as (address, _):
        message = refused("math500", address, tmp_path)
    assert "(RemoteEntryNotFoundError, HTTP 404)" in message
    assert "problems_file" in message
    assert "--problems" in message


def test_no_hub_is_told_in_one_line(tmp_path):
    message = refused("gsm8k", "http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1")
    assert message.startswith("problems 'gsm8k': the download from the dataset hub failed (")
    assert "openai/gsm8k, revision 740312add88f781978c0658806c59bc2815b9866" in message


def test_a_hub_out_of_reach_is_told_at_once_with_the_set_that_needs_none(tmp_path):
    message = refused("math500", "http://127.0.0.1:9", tmp_path)
    assert "http://127.0.0.1:9 does not answer" in message
    assert "`--problems starter` needs no download" in message


def test_a_connection_that_breaks_is_told_in_one_line(tmp_path):
    with hub({f"{MATH500}/test.jsonl": jsonl(OTHER)}, cut=True) as (address, _):
        assert "the download from the dataset hub failed (" in refused("math500", address, tmp_path)


def test_a_token_never_reaches_the_message(tmp_path):
    with hub({}) as (address, requests):
        message = refused("math500", address, tmp_path, HF_TOKEN="hf_secret")
    assert any("hf_secret" in request for request in requests)
    assert "hf_secret" not in message


@pytest.mark.parametrize("package", ["huggingface_hub", "pyarrow"])
def test_a_missing_package_is_told_in_one_line(tmp_path, package):
    rows = parquet([{"question": "Why?", "answer": "#### 1"}])
    with hub({f"{GSM8K}/main/{PART}": rows}) as (address, _):
        message = refused("gsm8k", address, tmp_path, without=package)
    assert "[hub]'" in message


# The fake hub


@contextmanager
def hub(files: dict[str, bytes], *, cut: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Serve files the way the hub does; `cut` closes each download half way. Notes requests."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            content = self.answer()
            self.wfile.write(content[: len(content) // 2] if cut else content)

        def answer(self) -> bytes:
            authorization = self.headers.get("authorization", "")
            requests.append(f"{self.command} {self.path} {authorization}")
            path = self.path.removeprefix("/datasets/")
            content = files.get(path, b"")
            self.send_response(200 if path in files else 404)
            if path in files:
                self.send_header("ETag", f'"{len(content):x}"')
            else:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", self.path.partition("/resolve/")[2].split("/")[0])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            return content

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()


def loaded(
    name: str, address: str, home: Path, *, file: str | None = None, **environment: str
) -> dict:
    call = f"print(json.dumps(load({name!r}, file={file!r}).facts))"
    return json.loads(_python(call, address, home, environment).stdout)


def refused(name: str, address: str, home: Path, *, without: str = "", **environment: str) -> str:
    call = f"""
import sys
sys.modules[{without!r}] = None  # so that importing it fails
try: load({name!r})
except ConfigError as refusal: print(refusal)
"""
    message = _python(call, address, home, environment).stdout
    assert message.count("\n") == 1
    return message


def _python(
    call: str, address: str, home: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """A process of its own: the client reads its settings once, when it is imported."""
    imports = (
        "import json\nfrom solver.errors import ConfigError\nfrom solver.problems import load\n"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    settings = {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [sys.executable, "-c", imports + call],
        env={**clean, **settings, **environment},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )


# The data sets, in the shape in which the hub holds them


def math_as_on_the_hub() -> dict[str, bytes]:
    domains: dict[str, list[dict]] = {}
    for row in shared("math_test"):
        domain = row["subject"].lower().replace(" & ", "_and_").replace(" ", "_")
        kept = {
            "problem": row["problem"],
            "level": f"Level {row['level']}",
            "type": row["subject"],
            "solution": row["solution"],
        }
        domains.setdefault(domain, []).append(kept)
    return {f"{MATH}/{domain}/{PART}": parquet(rows) for domain, rows in domains.items()}


def math500_as_on_the_hub() -> bytes:
    rows = [{**row, "unique_id": row["id"]} for row in shared("math500")]
    for row in rows:
        del row["id"]
    return jsonl(rows)


def jsonl(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows: list[dict]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def shared(name: str) -> list[dict]:
    text = shared_data(f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
