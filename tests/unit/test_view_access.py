"""The viewer answers this machine alone, only reads, and leads to nothing outside its folder."""

import socket

import pytest

from solver.errors import ConfigError
from solver.store import FILE
from solver.view.library import Library
from solver.view.server import serve
from tests.viewed import client_of, listed, page, write


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.5", ""]
)
def test_a_foreign_host_name_is_refused(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "first" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8642", "127.0.0.1:8642"])
def test_this_machine_is_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_but_reading_is_allowed(client, method):
    assert client.request(method, "/run/first").status_code == 405


@pytest.mark.parametrize("path", ["/", "/run/first", "/nope", "/static/style.css", "/run/nope"])
def test_every_answer_forbids_inline_scripts_and_the_network(client, path):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_refused_host_also_gets_the_policy(client):
    answer = client.get("/", headers={"host": "evil.example"})
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/run/..%2f..%2fetc",
        "/run/%2e%2e",
        "/run/first%2f..%2fsecond",
        "/run/.",
        "/static/..%2findex.py",
        "/static/../pages.py",
        "/run/first/trial/..%2f..%2frun.sqlite",
        "/run/first/raw/1/..%2fx/code-0",
        "/beside?left=../x/k&right=first/code-0",
        "/beside",
    ],
)
def test_no_address_leads_out_of_the_runs(client, path):
    assert client.get(path).status_code == 404


def test_a_folder_without_a_run_is_not_listed(tmp_path):
    (tmp_path / "notes").mkdir()
    write(tmp_path / "first")
    assert Library(tmp_path).names() == ["first"]


def test_the_folder_of_one_run_is_enough(tmp_path):
    write(tmp_path / "first")
    with client_of(tmp_path / "first") as client:
        assert len(listed(page(client, "/run/first"))) == 8


def test_a_folder_without_runs_is_one_line_to_the_user(tmp_path):
    with pytest.raises(ConfigError, match="no run there"):
        serve(tmp_path, port=0, open_browser=False)


def test_a_port_that_is_taken_is_one_line_to_the_user(tmp_path):
    write(tmp_path / "first")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}"):
            serve(tmp_path, port=port, open_browser=False)


def test_reading_leaves_the_run_as_it_is(tmp_path):
    folder = write(tmp_path / "first")
    before = (folder / FILE).read_bytes()
    with client_of(tmp_path) as client:
        page(client, "/run/first")
        page(client, "/run/first/trial/code-1")
    assert (folder / FILE).read_bytes() == before
