"""Formats of files that hold a whole network, not its parameters alone.

A new format is a module with the functions of `teachers.network_file.Reader`, and a line in `READERS`.
"""

from __future__ import annotations

from pathlib import Path

from teachers import exported_program, onnx_reader, torchscript
from teachers.network_file import Reader
from zskt.errors import UserError

READERS: tuple[Reader, ...] = (torchscript, onnx_reader, exported_program)


def reader_of(path: Path) -> Reader:
    """Return the reader of a file, by its suffix.

    Raises:
        UserError: if no format has such a suffix.
    """
    for reader in READERS:
        if path.suffix in reader.SUFFIXES:
            return reader
    known = ", ".join(suffix for reader in READERS for suffix in reader.SUFFIXES)
    raise UserError(f"{path}: unknown kind of network {path.suffix!r}; give one of {known}")


def needs_preprocess(path: Path) -> bool:
    """Return whether a file holds a whole network, which needs a ``preprocess.json``, and not its parameters alone."""
    return any(reader.sniff(path) for reader in READERS)
