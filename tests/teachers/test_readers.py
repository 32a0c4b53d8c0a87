"""Formats of networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachers import onnx_reader, torchscript
from teachers.readers import READERS, reader_of
from zskt.errors import UserError


def test_readers_are_told_by_suffix() -> None:
    assert reader_of(Path("a.pt")) is torchscript and reader_of(Path("a.pth")) is torchscript
    assert reader_of(Path("a.onnx")) is onnx_reader
    with pytest.raises(UserError, match=r"unknown kind of network '\.h5'; give one of .pt, .pth, .onnx, .pt2"):
        reader_of(Path("model.h5"))


def test_no_suffix_has_two_readers() -> None:
    suffixes = [suffix for reader in READERS for suffix in reader.SUFFIXES]
    assert len(suffixes) == len(set(suffixes))
