"""Files that are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from zskt.storage import whole_files
from zskt.storage.whole_files import naming, replacing, telling_full_disk


def test_a_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")
    with replacing(path) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]


def test_after_an_error_it_is_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        write()
    assert caught.value.filename == str(path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_known_stays(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, naming(tmp_path):
        (tmp_path / "no" / "file").write_text("")
    assert caught.value.filename == str(tmp_path / "no" / "file")


def test_a_library_that_hides_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="parse"), telling_full_disk(tmp_path):
        raise ValueError("cannot parse")
    usage = shutil.disk_usage(tmp_path)._replace(free=whole_files.NO_ROOM - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space left on device") as caught, telling_full_disk(tmp_path):
        raise ValueError("cannot parse")
    assert caught.value.filename == str(tmp_path)
