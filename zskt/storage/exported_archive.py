"""Load programs of `torch.export.save`, whose archives may hold pickles, without running what is not theirs.

`torch.export.load` reads pickled weights, constants and sample inputs with ``weights_only=False``: a pickle may call
any function of Python. So every pickle in the archive is read first, without being run, by `zskt.storage.pickles`.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from zskt.errors import UserError
from zskt.storage.pickles import read_pickle

if TYPE_CHECKING:
    import torch

ALLOWED = (
    "torch._utils._rebuild_",
    "torch.storage.",
    "torch.serialization._get_layout",
    "torch._tensor._rebuild_",
    "torch.Size",
    "torch.device",
    "collections.OrderedDict",
)
"""Beginnings of the names that the pickles of tensors call, beside storages: "torch.FloatStorage"."""
ARCHIVE = b"PK\x03\x04"
MAX_NESTING = 3
"""Archives within archives: sample inputs are one within the program's."""


def load_program(path: Path) -> torch.export.ExportedProgram:
    """Load an exported program.

    Raises:
        UserError: if a pickle in it would call more than tensors need, or the file is damaged.
    """
    import torch

    try:
        foreign = sorted(_foreign(path.read_bytes(), MAX_NESTING))
    except Exception as error:  # zipfile and pickletools raise whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable torch.export file ({_first(error)}); export it again") from error
    if foreign:
        raise UserError(f"{path}: a pickle in it calls {foreign[0]}, which is code of a stranger; it is not read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(str(path))
    except Exception as error:  # the archive's reader raises whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable torch.export file ({_first(error)}); export it again") from error


def _foreign(content: bytes, nesting: int) -> set[str]:
    """Return what the pickles in an archive call beyond what tensors need.

    Raises:
        ValueError: if something in it is not as PyTorch writes it, so that nothing can be told of it.
    """
    found: set[str] = set()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(set(names)) < len(names):
            raise ValueError("two entries of one name")
        if any("/code/" in name or name.endswith("/constants.pkl") or "/custom_obj" in name for name in names):
            raise ValueError("it holds code")  # PyTorch would run it as TorchScript
        pickled = {name for config in names if config.endswith(".json") for name in _pickled(archive.read(config))}
        for entry in archive.infolist():
            if entry.file_size > len(content):
                raise ValueError("a compressed archive")  # PyTorch's are not: one that unpacks to more is a bomb
            member, name = archive.read(entry), entry.filename.rpartition("/")[2]
            if name.endswith(".pkl"):
                found |= _called(member)
            elif member.startswith(ARCHIVE) and nesting:
                found |= _foreign(member, nesting - 1)
            elif member and (name.endswith(".pt") or name in pickled):
                raise ValueError(f"{name} is no archive of torch.save")  # older kinds are several pickles in a row
    return found


def _pickled(config: bytes) -> set[str]:
    """Return the members that a table of payloads says to be pickled."""
    entries = json.loads(config).get("config")
    values = entries.values() if isinstance(entries, dict) else ()
    return {str(e.get("path_name")) for e in values if isinstance(e, dict) and e.get("use_pickle")}


def _called(pickle: bytes) -> set[str]:
    classes = read_pickle(io.BytesIO(pickle)).classes
    return {c for c in classes if not c.startswith(ALLOWED) and not (c.startswith("torch.") and c.endswith("Storage"))}


def _first(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
