"""A YAML file that is wrong, hostile or endless is one line, at once; others are read."""

import os
from pathlib import Path

import pytest

from solver.analysis.cost import load_prices
from solver.config_file import load_config
from solver.errors import ConfigError
from solver.yaml_file import MOST_BYTES, read_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
BAD = {
    "a billion laughs": LAUGHS,
    "a long text, often": f"t: &t {'x' * 10_000}\nl: [{', '.join(['*t'] * 1000)}]",
    "nested": "[" * 2000,
    "nested and closed": "[" * 500 + "]" * 500,
    "nested maps": "a: " + "{a: " * 200 + "1" + "}" * 200,
    "an alias of itself": "model: &m [*m]",
    "a map of itself": "model: &m {a: {b: *m}}",
    "a date that is none": "model: 2001-13-45",
    "a number of 5000 digits": f"limit: {'9' * 5000}",
    "a number of 5000 hex digits": f"limit: 0x{'f' * 5000}",
    "a key that is a list": "? [a, b]\n: 1",
    "a key that is a map": "{{a: 1}: 2}",
    "a key twice": "a: 1\na: 2",
    "a tag with nothing": "a: !!int ''",
    "no truth": "a: !!bool x",
    "no time": "a: !!timestamp x",
    "no number": "a: !!float x",
    "an object": "a: !!python/object/apply:os.system [ls]",
    "an unknown anchor": "a: *b",
    "a control character": "a: \x00",
    "two documents": "a: 1\n---\nb: 2",
    "too long": "#" * (MOST_BYTES + 1),
}


@pytest.mark.parametrize("read", [load_config, load_prices])
def test_configs_and_prices_are_read_with_care(tmp_path, read):
    assert_one_line(tmp_path, BAD["an alias of itself"], read)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line(tmp_path, text):
    assert_one_line(tmp_path, text, read_yaml)


def assert_one_line(tmp_path, text, read):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert len(str(refused.value)) < 400 + len(str(path))


@pytest.mark.parametrize("content", [b"\xff\xfea\x00", b"a: \xff"])
def test_a_file_in_another_encoding_is_one_line(tmp_path, content):
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_yaml(tmp_path / "bad.yaml")


@pytest.mark.parametrize("place", ["/dev/zero", "/", "missing.yaml", "a\x00b", "x" * 5000])
def test_what_is_no_file_is_one_line(tmp_path, place):
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / place)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize(
    "key",
    ["sandbox: {{seconds: {}}}", "sampling: {{temperature: {}}}", "repeats: {}"],
)
def test_a_number_without_end_is_refused(tmp_path, key, value):
    (tmp_path / "c.yaml").write_text(f"model: scripted/x\n{key.format(value)}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=key.split(":")[0]):
        load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "model: scripted/x\nrepeats: {long}\nmode: {long}\n",
        "model: {long}/x\njudge: {long}/x\n",
        "model: [ollama/{long}, ollama/{long}]\nproblems: [{long}, {long}]\n",
    ],
)
def test_a_value_of_any_length_is_shown_in_a_line(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text.format(long="x" * 100_000))
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "c.yaml")
    assert len(str(refused.value)) < 1000


def test_a_good_file_is_read(tmp_path):
    text = "\ufeffa: &a {n: 1, t: 2}\nb: {<<: *a, t: 3}\nc: 1_000\nd: [*a, *a]\n"
    (tmp_path / "good.yaml").write_text(text, encoding="utf-8")
    a = {"n": 1, "t": 2}
    assert read_yaml(tmp_path / "good.yaml") == {
        "a": a,
        "b": {"n": 1, "t": 3},
        "c": 1000,
        "d": [a, a],
    }
    (tmp_path / "empty.yaml").write_text("# nothing\n", encoding="utf-8")
    assert read_yaml(tmp_path / "empty.yaml") is None


def test_a_file_may_come_through_a_pipe():
    read, write = os.pipe()
    os.write(write, b"a: 1")
    os.close(write)
    assert read_yaml(Path(f"/dev/fd/{read}")) == {"a": 1}
    os.close(read)
