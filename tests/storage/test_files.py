"""Files: hashes and JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.storage.files import read_json, sha256, write_json


def test_a_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_folder_has_the_hash_of_what_is_in_it(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (b, a):
        (folder / "variables").mkdir(parents=True)
        (folder / "variables" / "data").write_bytes(b"1")
        (folder / "graph.pb").write_bytes(b"2")
    same = sha256(a)
    assert len(same) == 64 and same == sha256(b)
    (b / "graph.pb").rename(b / "other.pb")
    (a / "variables" / "data").write_bytes(b"3")
    assert len({same, sha256(a), sha256(b)}) == 3


def test_json_comes_back_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, None], "b": {"c": "ä"}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value and [p.name for p in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"a": float("nan")})
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; give the folder of a run of zskt"),
        (b"{", "not a readable JSON file"),
        (b"\xff\xfe", "not a readable JSON file"),
        (b"[1]", "holds no JSON object"),
    ],
)
def test_what_is_no_json_object_is_told(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(error.value)
