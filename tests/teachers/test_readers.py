"""Formats of networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from teachers import keras_file, onnx_reader, torchscript
from teachers.readers import READERS, reader_of
from zskt.errors import UserError


def test_a_file_that_is_not_there_is_told_by_its_suffix() -> None:
    assert reader_of(Path("a.pt")) is torchscript and reader_of(Path("a.pth")) is torchscript
    assert reader_of(Path("a.onnx")) is onnx_reader and reader_of(Path("a.h5")) is keras_file
    with pytest.raises(UserError, match=r"unknown kind of network '\.xyz'; give one of .pt, .pth, .onnx, .pt2, .h5"):
        reader_of(Path("model.xyz"))


def test_a_file_is_told_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    torch.jit.trace(nn.Linear(3, 2), torch.zeros(2, 3)).save(str(path))  # type: ignore[no-untyped-call]
    assert reader_of(path) is torchscript
    path.write_bytes(path.read_bytes()[:100])
    assert reader_of(path) is onnx_reader  # damaged: the reader of its suffix says how
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    assert reader_of(tmp_path / "saved") is keras_file
    path.write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(UserError, match=r"model\.onnx: is a web page, saved in place of the file; on GitHub"):
        reader_of(path)
    torch.save(nn.Linear(3, 2), path)
    with pytest.raises(UserError, match="is a whole network as Python pickles it, and to unpickle it is to run code"):
        reader_of(path)


def test_no_suffix_has_two_readers() -> None:
    suffixes = [suffix for reader in READERS for suffix in reader.SUFFIXES]
    assert len(suffixes) == len(set(suffixes))
