"""Files: SHA-256, JSON that is written atomically, folders that are new."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.storage.documents import read_document
from zskt.storage.whole_files import replacing


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits; of a folder, that of its files' names and SHA-256."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = (f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; names of files in it that are no text are written as escapes."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file atomically: a reader never sees half of it."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    with replacing(path) as temporary:
        temporary.write_text(text)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, within the bounds of `zskt.storage.documents`.

    Raises:
        UserError: if the file is missing, out of bounds, or holds no JSON object.
    """
    value = read_document(path, "JSON", "give the folder of a run of zskt", finite=True)
    if not isinstance(value, dict):
        raise UserError(f"{path}: holds no JSON object; give the folder of a run of zskt")
    return value
