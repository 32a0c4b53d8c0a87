"""JSON, YAML and TOML of strangers: bounds, types, and messages that name the field."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.storage.documents import checked, parse, read_document
from zskt.storage.metric_lines import read_lines


@dataclass(frozen=True, kw_only=True)
class Inner:
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    table: dict[str, Inner] = field(default_factory=dict)
    rows: list[float] = field(default_factory=list)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("JSON", "[" * 100_000, "not a readable JSON file"),
        ("JSON", "[" * 80 + "]" * 80, ".* more than 64 deep"),
        ("JSON", '{"a": 1' + "0" * 400 + "}", "a is 1000"),
        ("JSON", '{"a": "\\ud800"}', "a is .* which is no text"),
        ("JSON", '{"a": NaN}', "a is nan, no finite number"),
        ("YAML", "a: &a [*a]", ".* more than 64 deep"),
        ("YAML", "a: !!python/object/apply:os.system [exit 3]", "not a readable YAML file"),
        ("TOML", "a = ", "not a readable TOML file"),
    ],
)
def test_what_is_out_of_bounds_is_told(kind: str, text: str, words: str) -> None:
    with pytest.raises(UserError, match=f"^x: {words}") as error:
        parse(text, kind, "x", "mend it", finite=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "x: has no entry name; mend it"),
        ({"name": 3}, "x: name is 3, expected str; mend it"),
        ({"name": "a", "rows": [1, 2.5, "b"]}, "x: rows.2 is 'b', expected float; mend it"),
        ({"name": "a", "table": {"b": {}, "c": {"count": None}}}, "x: table.c.count is None, expected int; mend it"),
        ([], "x: it is [], expected object; mend it"),
    ],
)
def test_a_wrong_field_is_named(value: object, words: str) -> None:
    with pytest.raises(UserError) as error:
        checked(value, Outer, "x", "mend it")
    assert str(error.value) == words


def test_values_become_the_dataclass() -> None:
    value = {"name": "a", "table": {"b": {"count": 2}}}
    assert checked(value, Outer, "x") == Outer(name="a", table={"b": Inner(count=2)})


def test_damaged_lines_are_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1, "a": 2.5}\n{"step": 2, "a"\n{"a": 1}\n{"step": 3, "a": "x"}\n\xff\n{"step": 4}\n')
    assert read_lines(path) == [{"step": 1, "a": 2.5}, {"step": 4}]
    err = capsys.readouterr().err
    assert f"{path}: 4 of 6 lines are damaged, left out" in err and err.count("\n") == 1


@pytest.mark.parametrize(("kind", "text"), [("JSON", '{"a": "ä"}'), ("YAML", "a: ä"), ("TOML", 'a = "ä"')])
def test_the_mark_that_editors_of_windows_put_in_front_is_no_text(kind: str, text: str, tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "file").write_bytes(text.encode(encoding))
        assert read_document(tmp_path / "file", kind, "mend it") == {"a": "ä"}
