"""Which files of a run folder say how far a run is. Nothing here imports torch, so that it is told at once."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from zskt.errors import UserError

CONFIG, ENVIRONMENT, INPUTS, RESULT = "config.json", "environment.json", "inputs.json", "result.json"
CHECKPOINT = "checkpoint.pt"
METRICS, STUDENT = "metrics.jsonl", "student.safetensors"
"""What each iteration logged, and the parameters of the student that the run left."""
QUERIES = "queries.json"
"""What a run with a budget of queries has asked or set aside, see `zskt.experiments.query_ledger`."""
ASKED = "asked"
"""Entry of `CONFIG`: what the user asked for where a run has something else, as the length that its budget pays for."""
LOCK, LOCK_OWNER = ".lock", ".lock.json"
"""Files by which a process holds a folder, see `zskt.storage.folder_lock`; a folder that has no others is new."""
BEFORE_FIRST_CHECKPOINT = (
    *(LOCK, LOCK_OWNER, CONFIG, ENVIRONMENT, INPUTS),
    *(".lock.tmp", "config.tmp", "environment.tmp", "inputs.tmp", "checkpoint.tmp"),
)
"""Files that a run leaves that was killed before its first checkpoint. They hold nothing that is lost."""


def previous_of(checkpoint: Path) -> Path:
    """Return the path of the checkpoint before one."""
    return checkpoint.with_name(f"{checkpoint.stem}.previous{checkpoint.suffix}")


def has_checkpoint(folder: Path) -> bool:
    """Whether a run was begun in a folder and can go on."""
    path = folder / CHECKPOINT
    return path.is_file() or previous_of(path).is_file()


def is_finished(folder: Path) -> bool:
    """Whether a run has its result, which is written last."""
    return isinstance(_object(folder / RESULT), dict)


def is_unbegun(folder: Path) -> bool:
    """Whether a folder holds nothing, or what a run leaves that was killed before its first checkpoint."""
    names = {path.name for path in folder.iterdir()}
    if not names <= set(BEFORE_FIRST_CHECKPOINT):
        return False
    config = _object(folder / CONFIG) if CONFIG in names else {"files": {}}
    return isinstance(config, dict) and "files" in config


def require_new(path: Path) -> None:
    """Raise `UserError` if a run cannot begin in a folder: something is there already."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--out {path}: is a file; name a folder")
    if path.is_dir() and not is_unbegun(path):
        has_run = has_checkpoint(path) or is_finished(path)
        goes_on = "add --resume to continue, or name another" if has_run else "name another"
        raise UserError(f"--out {path}: the folder is not empty; {goes_on}")


def require_makeable(path: Path) -> None:
    """Raise `UserError` if a file or a folder that is not there cannot be made: tried beside where it would be."""
    place = path.absolute()
    if place.exists():
        return
    while not place.exists():
        place = place.parent
    try:
        Path(tempfile.mkdtemp(prefix=".zskt-", dir=place)).rmdir()
    except OSError as error:
        raise UserError(f"--out {path}: cannot be made in {place} ({error.strerror}); name another") from error


def _object(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
