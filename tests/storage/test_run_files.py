"""How far a run is, by the files of its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.storage.run_files import (
    BEFORE_FIRST_CHECKPOINT,
    has_checkpoint,
    is_finished,
    is_unbegun,
    require_makeable,
    require_new,
)


def test_what_was_killed_before_its_first_checkpoint_can_begin(tmp_path: Path) -> None:
    for name in BEFORE_FIRST_CHECKPOINT:
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text(json.dumps({"files": {}}))
    assert is_unbegun(tmp_path) and not has_checkpoint(tmp_path)
    require_new(tmp_path)
    (tmp_path / "checkpoint.pt").touch()
    assert has_checkpoint(tmp_path) and not is_unbegun(tmp_path)
    with pytest.raises(UserError, match="the folder is not empty; add --resume to continue, or name another"):
        require_new(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON"])
def test_a_config_of_somebody_else_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match="the folder is not empty"):
        require_new(tmp_path)
    assert (tmp_path / "config.json").read_text() == content


def test_a_result_that_is_whole_ends_a_run(tmp_path: Path) -> None:
    assert not is_finished(tmp_path)
    (tmp_path / "result.json").write_text("{")
    assert not is_finished(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    assert is_finished(tmp_path)


def test_what_can_be_made_is_made_by_nobody_yet(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a", tmp_path / "a/b/c.json"):
        require_makeable(path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(
        UserError, match=r"^--out .*/file/run: cannot be made in .*/file \(Not a directory\); name another$"
    ):
        require_makeable(tmp_path / "file/run")
