"""Formats of files that hold a whole network, not its parameters alone.

A new format is a module with the functions of `teachers.network_file.Reader`, and a line in `READERS`.
"""

from __future__ import annotations

from pathlib import Path

from teachers import exported_program, keras_file, onnx_reader, torchscript
from teachers.kinds import kind_of_file, remedy
from teachers.network_file import Reader
from zskt.errors import UserError

READERS: tuple[Reader, ...] = (torchscript, onnx_reader, exported_program, keras_file)
KINDS: dict[str, Reader] = {
    "TorchScript": torchscript,
    "ONNX": onnx_reader,
    "QONNX": onnx_reader,
    "torch.export": exported_program,
    "Keras": keras_file,
    "SavedModel": keras_file,
    "TensorFlow graph": keras_file,
}
"""Kind of file, of `teachers.kinds` -> who reads it, whatever it is called."""
DAMAGED = ("unknown", "truncated archive")
"""Kinds of which the reader of a file's suffix says what is wrong."""


def reader_of(path: Path) -> Reader:
    """Return the reader of a file, by what it holds; of a damaged one, by its suffix.

    Raises:
        UserError: if it holds something else, or no format has such a suffix.
    """
    kind = kind_of_file(path) if path.exists() else "unknown"
    if kind in KINDS:
        return KINDS[kind]
    if kind not in DAMAGED:
        raise UserError(remedy(path))
    for reader in READERS:
        if path.suffix in reader.SUFFIXES:
            return reader
    known = ", ".join(suffix for reader in READERS for suffix in reader.SUFFIXES)
    raise UserError(f"{path}: unknown kind of network {path.suffix!r}; give one of {known}")


def needs_preprocess(path: Path) -> bool:
    """Return whether a file holds a whole network, which needs a ``preprocess.json``, and not its parameters alone."""
    return any(reader.sniff(path) for reader in READERS)
