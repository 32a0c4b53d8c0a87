"""Networks of Keras and TensorFlow, converted to ONNX by tf2onnx in a child process.

Read are ``.h5`` and ``.keras`` of Keras 2 and 3, QKeras's layers among them, SavedModel folders, and frozen graphs
(``.pb``) of TensorFlow 1. The conversion is `teachers.keras_convert`; what it wrote is kept in the user's cache folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from teachers import onnx_reader
from teachers.onnx_reader import OnnxFile
from zskt.errors import UserError
from zskt.storage.downloads import cache_folder
from zskt.storage.files import sha256

SUFFIXES: tuple[str, ...] = (".h5", ".hdf5", ".keras", ".pb")
"""Suffixes of Keras's and TensorFlow's files; a SavedModel is a folder."""
PYTHON = "ZSKT_TENSORFLOW_PYTHON"
"""Environment variable that names a Python with TensorFlow, where zskt's own has none."""
REQUIREMENTS = "requirements-keras.txt"
SCRIPT = Path(__file__).with_name("keras_convert.py")


def sniff(path: Path) -> bool:
    """Return whether a path is a SavedModel, or called like a file of Keras or TensorFlow."""
    return is_saved_model(path) or path.suffix in SUFFIXES


def is_saved_model(path: Path) -> bool:
    """Return whether a path is the folder of a SavedModel."""
    return path.is_dir() and ((path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file())


def open_file(path: Path) -> OnnxFile:
    """Open a network, converted to ONNX, as `teachers.onnx_reader` opens it.

    Raises:
        UserError: if the packages are missing, or the network cannot be read or converted.
    """
    file = onnx_reader.open_file(to_onnx(path))
    file.path, file.whose = path, "the publisher's network of Keras or TensorFlow, converted by tf2onnx"
    return file


def to_onnx(path: Path, folder: Path | None = None) -> Path:
    """Convert a network to ONNX, its inputs and outputs named as Keras has them; once, for each content of the file.

    Args:
        path: the file, or the folder of a SavedModel.
        folder: where to write; without it, the user's cache folder.

    Returns:
        The ONNX file, named after the SHA-256 of what it was converted from.

    Raises:
        UserError: if the packages are missing, or the network cannot be read or converted.
    """
    if folder is None:
        folder = cache_folder() / "converted"
    converter = sha256(SCRIPT)[:8]  # another conversion is another file
    target = folder / f"{sha256(path)}-{converter}.onnx"
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{target.stem}-{os.getpid()}.part"
        try:
            _convert(path, part)
            part.replace(target)  # whole, or not at all
        finally:
            part.unlink(missing_ok=True)
    return target


def _convert(path: Path, target: Path) -> None:
    """Run the conversion in a child process.

    Raises:
        UserError: with what the child says.
    """
    python = os.environ.get(PYTHON, sys.executable)
    command = [python, "-W", "ignore", str(SCRIPT), str(path), str(target)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"{PYTHON}={python}: cannot run ({error.strerror}); name a Python with TensorFlow") from error
    answer = _answer(child.stdout)
    if answer == {} and target.is_file():
        return
    kind = str(answer.get("kind")) if answer else "unreadable"
    last = " ".join((child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1].split())[:160]
    raise UserError(_message(path, kind, str(answer.get("problem")) if answer else last))


def _answer(output: str) -> dict[str, Any] | None:
    """Return the JSON object in the last line of the child's output; None if it has none: it was killed."""
    try:
        answer = json.loads(output.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return None
    return answer if isinstance(answer, dict) else None


def _message(path: Path, kind: str, problem: str) -> str:
    """Return the line that says what is wrong with a network, and what to do."""
    if kind == "missing":
        return (
            f"{path}: a network of Keras or TensorFlow, which needs {problem} to be converted: "
            f"pip install -r {REQUIREMENTS}, or name another Python that has it: {PYTHON}=/path/to/python"
        )
    if kind == "code":
        return (
            f"{path}: {problem} that the file brings along, and zskt runs no code of files; "
            "export the network as ONNX or as a SavedModel (model.export) where it was trained"
        )
    if kind == "weights":
        return f"{path}: {problem}; save both together (model.save), or export the network as ONNX"
    return (
        f"{path}: cannot be converted to ONNX ({problem}); "
        "export it as ONNX or as a SavedModel (model.export) where it was trained"
    )
