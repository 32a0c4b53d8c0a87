"""The file of a checkpoint: its checksum, the checkpoint before it, and which of both is read.

A checkpoint is what `torch.save` writes, and behind it one line with the SHA-256 of all that. The line is in the same
file, so that one rename publishes both: a checksum in a file of its own would belong to another checkpoint between two
renames. `torch.load` reads such a file as ever, since a ZIP archive is found from its end.

The checkpoint before the last is kept. What is damaged, by a disk or a network file system, is noticed, and the run
goes on from the one before, to the same bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from zskt.errors import UserError
from zskt.storage.run_files import previous_of
from zskt.storage.whole_files import naming, replacing

MARK = b"\nzskt-sha256:"
"""What the last line begins with; 64 hexadecimal digits and an end of line follow."""
LINE = len(MARK) + 64 + 1
END_OF_ARCHIVE, END_BYTES = b"PK\x05\x06", 22
"""How a ZIP archive's last record begins, and its size where the archive has no comment, as torch writes it."""
ESSENTIAL = ("config", "step", "parts", "device")


class Damaged(Exception):
    """A checkpoint is not what was written: says why, in a few words."""


class _Digested:
    """A file for `torch.save` that adds up the SHA-256 of what goes into it.

    An error is kept until `torch.save` has ended: on its way through torch's C++ it would become another one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write bytes, unless that has failed before."""
        if self.error is None:
            try:
                self.file.write(data)
                self.digest.update(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is whole."""


def write_checkpoint(path: Path, payload: dict[str, Any], *, keeps_previous: bool = True) -> None:
    """Write a checkpoint and its checksum; the one that was there becomes `previous_of` it.

    At every moment one of both is there and whole.

    Args:
        keeps_previous: whether the one that is there is worth keeping.

    Raises:
        OSError: naming the file, if it cannot be written; both are what they were.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            digested = _Digested(file)
            torch.save(payload, digested)  # type: ignore[arg-type]  # it asks for no more
            if digested.error is not None:
                raise digested.error
            file.write(MARK + digested.digest.hexdigest().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())  # a machine that loses power has one of both
        if keeps_previous and path.exists():
            _keep(path)


def _keep(path: Path) -> None:
    """Make the checkpoint that is there the previous one; it stays, too, where a file may have two names."""
    second = previous_of(path).with_suffix(".tmp")
    with naming(path):
        try:
            second.unlink(missing_ok=True)
            os.link(path, second)
            second.replace(previous_of(path))
        except OSError:  # a file system without links; until the new one has its name, there is the previous one
            with contextlib.suppress(OSError):
                second.unlink(missing_ok=True)
            path.replace(previous_of(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, tensors on the CPU.

    Raises:
        UserError: if there is none or it cannot be read.
    """
    if not path.is_file():
        raise UserError(f"{path}: no checkpoint to resume from; give the --out folder of a run that was interrupted")
    try:
        return _read(path)
    except Damaged as damage:
        raise UserError(f"{path}: not a readable checkpoint ({damage}); remove it and start the run anew") from damage


def read_last_checkpoint(path: Path) -> tuple[dict[str, Any], str | None]:
    """Read a checkpoint, or the previous one if it is damaged or gone.

    Returns:
        the contents, and a line that says so if it was the previous one.

    Raises:
        UserError: if there is none or neither can be read.
    """
    previous = previous_of(path)
    try:
        if path.is_file():
            return _read(path), None
        damage = Damaged("it is gone")
    except Damaged as error:
        damage = error
    if not previous.is_file():
        return read_checkpoint(path), None  # which says what is wrong
    try:
        payload = _read(previous)
    except Damaged as error:
        raise UserError(
            f"{path}: not a readable checkpoint ({damage}), nor is {previous.name} ({error}); remove both and start "
            "the run anew"
        ) from error
    return payload, f"{path}: {damage}; going on from {previous.name}, iteration {payload['step']}"


def _read(path: Path) -> dict[str, Any]:
    """Verify and load a checkpoint; one without a checksum, of an earlier version, by those that ZIP has of each part.

    Raises:
        Damaged: if it is not what was written.
    """
    _verify(path)
    try:
        payload: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        _ = [payload[key] for key in ESSENTIAL]
    except Exception as error:  # unpickling raises whatever the broken bytes lead to
        raise Damaged("its contents are not a run's") from error
    return payload


def _verify(path: Path) -> None:
    """Raise `Damaged` unless a checkpoint is what its checksum says."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - LINE, 0))
        end = file.read()
        if end.startswith(MARK):
            file.seek(0)
            if _sha256_of(file, size - LINE) != end[len(MARK) : -1] or not end.endswith(b"\n"):
                raise Damaged("damaged: its SHA-256 is not the recorded one")
            return
    if not end[-END_BYTES:].startswith(END_OF_ARCHIVE):
        raise Damaged("damaged: its end is not that of a checkpoint")
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except Exception as error:  # zipfile raises whatever the broken bytes lead to
        raise Damaged("damaged: not an archive of torch") from error
    if broken is not None:
        raise Damaged(f"damaged: the checksum of its part {broken} is not the recorded one")


def _sha256_of(file: BinaryIO, size: int) -> bytes:
    """Return the SHA-256 of the next bytes of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, 2**20))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest().encode()
