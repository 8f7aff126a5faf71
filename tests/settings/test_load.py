"""A settings file that is wrong tells everything that is wrong, with file, line, key and what is allowed."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError, Problem, SettingsError
from edge.settings.load import load, parse
from edge.settings.sample import render


def problems(text: str) -> list[Problem]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "edge.yaml")
    return list(caught.value.problems)


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


def test_an_empty_file_means_the_defaults() -> None:
    assert parse("", "edge.yaml") == parse("camera: {}\n", "edge.yaml")


def test_the_sample_file_says_what_holds_without_it() -> None:
    assert parse(render(), "sample") == parse("", "nothing")


def test_unknown_key_names_the_near_one_and_the_allowed() -> None:
    problem = only("mqtt:\n  host: broker\n  prot: 1883\n")
    assert (problem.file, problem.line, problem.key) == ("edge.yaml", 3, "mqtt.prot")
    assert "unknown key" in problem.message
    assert "did you mean port?" in problem.message
    assert "keepalive" in problem.message


def test_unknown_section_names_the_sections() -> None:
    problem = only("camra:\n  source: 0\n")
    assert (problem.line, problem.key) == (1, "camra")
    assert "camera" in problem.message


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("camera:\n  fps: fast\n", 2, "camera.fps", ["'fast'", "a number"]),
        ("camera:\n  fps: 0\n", 2, "camera.fps", ["found 0", "a number"]),
        ("camera:\n  fps: .nan\n", 2, "camera.fps", ["a number"]),
        ("camera:\n  rotate: 45\n", 2, "camera.rotate", ["found 45", "90 | 180 | 270"]),
        ("camera:\n  realtime: 1\n", 2, "camera.realtime", ["true or false"]),
        ("camera:\n  source: [1]\n", 2, "camera.source", ["a list", "a text"]),
        ("camera: 7\n", 1, "camera", ["found 7", "keys"]),
        ("device:\n  name: Küche\n", 2, "device.name", ["'Küche'", "a-z0-9_-"]),
        ("infer:\n  threads: '2'\n", 2, "infer.threads", ["'2'", "a whole number"]),
        ("infer:\n  runtime: tensorflow\n", 2, "infer.runtime", ["'tensorflow'", "litert", "tflite-runtime"]),
        ("recognizers: [digits, cats]\n", 1, "recognizers", ["'cats'", "digits"]),
        ("recognizers: []\n", 1, "recognizers", ["a list"]),
        ("sinks: [mqtt, kafka]\n", 1, "sinks[1]", ["'kafka'", "stdout"]),
        ("mqtt:\n  port: 123456\n", 2, "mqtt.port", ["123456", "65535"]),
        ("mqtt:\n  host: no\n", 2, "mqtt.host", ["false", "a text"]),
    ],
)
def test_a_wrong_value_is_shown_with_what_is_allowed(
    text: str, line: int, key: str, words: list[str]
) -> None:
    problem = only(text)
    assert (problem.line, problem.key) == (line, key)
    for word in words:
        assert word in problem.message


def test_all_errors_at_once() -> None:
    found = problems("camera:\n  fps: fast\n  flop: 1\nmqtt:\n  port: -1\nnonsense: true\n")
    assert [(p.line, p.key) for p in found] == [
        (2, "camera.fps"),
        (3, "camera.flop"),
        (5, "mqtt.port"),
        (6, "nonsense"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("camera:\n\tfps: 3\n", 2),
        ("camera: {fps: 3\n", 2),
        ("a: 1\n  b: 2\n", 2),
        ("camera: !!python/object:os.system {}\n", 1),
        ("camera: &anchor {fps: 3}\nmqtt: *anchor\n", 2),
        ("---\na: 1\n---\nb: 2\n", 3),
        ("[" * 40 + "]" * 40, 1),
        ("1: 2\n", 1),
        ("camera:\n  fps: 3\n  fps: 4\n", 3),
        ("- camera\n", 1),
        ("just words\n", 1),
    ],
)
def test_what_is_no_settings_file_is_told_with_its_line(text: str, line: int) -> None:
    assert only(text).line == line


def test_a_password_of_a_url_is_not_shown() -> None:
    problem = only('camera:\n  rotate: "rtsp://admin:hunter2@camera/1"\n')
    assert "hunter2" not in str(problem)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: cannot be read: No such file") as caught:
        load(tmp_path / "nothing.yaml")
    assert caught.value.exit_code == 78
    assert "\n" not in str(caught.value)


def test_a_folder_a_binary_and_a_giant_are_no_settings(tmp_path: Path) -> None:
    binary, giant = tmp_path / "binary.yaml", tmp_path / "giant.yaml"
    binary.write_bytes(b"camera:\n  source: \xff\xfe\n")
    giant.write_bytes(b"#" * (1 << 20))
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(SettingsError, match=r"binary\.yaml:2: not UTF-8"):
        load(binary)
    with pytest.raises(ConfigError, match="larger than"):
        load(giant)


def test_a_file_without_a_byte_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.touch()
    assert load(file) == parse("", "edge.yaml")
    # An editor empties a file before it writes it.
    with pytest.raises(ConfigError, match=r"edge\.yaml: empty, nothing is written in it yet"):
        load(file, again=True)
    file.write_text("{}")
    assert load(file, again=True) == load(file)


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: File name too long"):
        load(tmp_path / ("x" * 300))


def test_a_system_file_that_may_not_be_seen_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edge.settings.load.SYSTEM_FILE", tmp_path / ("x" * 300)
    )  # as root may see the others
    with pytest.raises(ConfigError, match="cannot be read"):
        load(None)


KEYS = st.sampled_from(
    ["camera", "fps", "source", "mqtt", "digits", "masks", "x", "1", "null", "~", "<<", "&a", "*a", "!!t"]
)
SCALARS = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.text(string.printable, max_size=12), st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def told(text: str) -> list[str]:
    """What is wrong in a text, empty where it is settings; any error but our own escapes."""
    try:
        parse(text, "fuzz")
    except SettingsError as error:
        return [str(problem) for problem in error.problems] or ["nothing, though it is refused\n\n"]
    return []


def are_lines(texts: list[str]) -> bool:
    return all(len(text.splitlines()) == 1 for text in texts)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_structure_gives_settings_or_a_line_for_each_problem(data: dict[str, object]) -> None:
    assert are_lines(told("\n".join(f"{key}: {value!r}" for key, value in data.items())))


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_a_line_for_each_problem(text: str) -> None:
    assert are_lines(told(text))
