"""Archives of torch.export: pickles in them are read, and never run."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from zskt.errors import UserError
from zskt.storage.exported_archive import load_program


class Touches:
    """Unpickles as a call that writes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("victim"),)


def program(path: Path) -> Path:
    torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(4, 3),)), path)
    return path


def edited(path: Path, member: str, content: bytes, config: bool = False) -> Path:
    """The same archive, one member replaced; ``config``: said to be pickled."""
    target = path.with_name("edited.pt2")
    with zipfile.ZipFile(path) as read, zipfile.ZipFile(target, "w") as written:
        for entry in read.infolist():
            old = read.read(entry)
            if config and entry.filename.endswith("model_weights_config.json"):
                table = json.loads(old)
                for value in table["config"].values():
                    value["use_pickle"] = True
                old = json.dumps(table).encode()
            written.writestr(entry, content if entry.filename.endswith(member) else old)
    return target


def saved(value: Any, **options: Any) -> bytes:
    held = io.BytesIO()
    torch.save(value, held, **options)
    return held.getvalue()


def test_a_program_is_loaded(tmp_path: Path) -> None:
    x = torch.ones(4, 3)
    assert load_program(program(tmp_path / "a.pt2")).module()(x).shape == (4, 2)


@pytest.mark.parametrize(
    ("member", "content", "config"),
    [
        ("sample_inputs/model.pt", saved(Touches()), False),
        ("sample_inputs/model.pt", saved(Touches(), _use_new_zipfile_serialization=False), False),
        ("sample_inputs/model.pt", pickle.dumps(Touches(), protocol=0), False),
        ("weight_0", saved(Touches()), True),
        ("weight_0", pickle.dumps(Touches())[:-1] + b"\xff", True),
    ],
)
def test_no_pickle_of_a_stranger_runs(
    member: str, content: bytes, config: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = edited(program(tmp_path / "a.pt2"), member, content, config)
    with pytest.raises(UserError, match=r"is not read|not a readable torch.export file"):
        load_program(path)
    assert not (tmp_path / "victim").exists()


def test_torchscript_within_is_refused(tmp_path: Path) -> None:
    held = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), held)
    with pytest.raises(UserError, match="it holds code"):
        load_program(edited(program(tmp_path / "a.pt2"), "sample_inputs/model.pt", held.getvalue()))
