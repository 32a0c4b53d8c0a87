"""Tell what a file holds by its content, without executing anything in it, and what to do with it.

No sound file of another kind is called damaged: weights alone, whole pickled modules, web pages saved by mistake.
"""

from __future__ import annotations

import json
import struct
import zipfile
from codecs import BOM_UTF8
from collections.abc import Set as AbstractSet
from pathlib import Path

from teachers.keras_file import is_saved_model
from zskt.storage.pickles import Pickle, is_legacy, read_pickle, read_torch_pickle

BEGINNING = 4096
"""Bytes of a file that its kind is told by."""
QUANTISED_DOMAINS = ("qonnx", "finn", "onnx.brevitas")
"""Beginnings of the operator domains of QONNX."""
BEGINNINGS = {
    b"version https://git-lfs": "Git LFS pointer",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"PAR1": "parquet",
    b"root": "ROOT file",
    b"\x1f\x8b": "gzip archive",
    b"\x93NUMPY": "NumPy array",
    b"\x7fELF": "program",
}
"""First bytes of a file -> its kind."""
STORAGE_WORDS = ("storage", "cpu", "cuda", "meta")
"""Beginnings of texts that belong to a tensor's numbers, and are no name of one."""
REMEDIES = {
    "TorchScript": "TorchScript; give it a name that ends in .pt",
    "torch.export": "a program of torch.export; give it a name that ends in .pt2",
    "AOTInductor": "a compiled AOTInductor package, which is machine code for one machine; give what it was compiled "
    "from: torch.export.save(program, 'model.pt2')",
    "ONNX": "ONNX; give it a name that ends in .onnx",
    "QONNX": "QONNX, whose quantisers are no operators of ONNX; convert it with qonnx's qonnx-to-qcdq",
    "Keras": "a network of Keras; give it a name that ends in .h5 or .keras",
    "Keras weights": "weights of Keras without the network; save both together (model.save)",
    "SavedModel": "a SavedModel of TensorFlow; give the folder that holds it",
    "TensorFlow graph": "a frozen graph of TensorFlow; give it a name that ends in .pb",
    "TensorFlow Lite": "TensorFlow Lite, made for phones; give the Keras or TensorFlow network that it was made from",
    "state_dict": "parameters alone, without their network; say which network: --teacher NAME (see --mode list), or "
    "--architecture weaver.nn.model.ParticleTransformer, or --architecture network.py",
    "safetensors": "parameters alone, without their network; say which network: --teacher NAME (see --mode list), or "
    "--architecture network.py",
    "checkpoint": "a checkpoint of a training; its parameters need their network: --teacher NAME (see --mode list), or "
    "--architecture network.py",
    "pickled module": "a whole network as Python pickles it, and to unpickle it is to run code of whoever wrote it; "
    "where it was trained, export it (torch.export, torch.jit.trace, torch.onnx.export), or save its state_dict() and "
    "give --architecture network.py",
    "pickle": "a Python pickle, and to read it is to run code of whoever wrote it; export the network as ONNX",
    "tensors": "tensors, but no parameters with names; give the file of the network",
    "HTML": "a web page, saved in place of the file; on GitHub take the address of the button Raw",
    "JSON": "JSON, which describes a network or its inputs, but holds none; give the network's file",
    "Git LFS pointer": "a pointer to a file in Git LFS; fetch the file itself: git lfs pull",
    "empty": "empty; fetch it again",
    "truncated archive": "an archive whose end is missing; fetch it again",
    "truncated safetensors": "safetensors whose end is missing; fetch it again",
    "archive": "a zip archive with no network that is known here; unpack it and give the network's file",
    "gzip archive": "a compressed archive; unpack it and give the network's file",
    "HDF5": "HDF5, but no network of Keras; give the network's file",
    "parquet": "a parquet file of samples; give it as --data, and the network here",
    "ROOT file": "a ROOT file of samples; give it as --data, and the network here",
    "NumPy array": "a NumPy array; give the network's file",
    "NumPy arrays": "NumPy arrays; give the network's file",
    "program": "a compiled program; give the network that it was made from",
    "folder": "a folder; give the file in it that holds the network",
    "unknown": "of no kind that is known here, or damaged; give TorchScript, ONNX, torch.export, Keras or a state_dict",
}
"""Kind -> what such a file is, and what to do with it."""


def kind_of_file(path: Path) -> str:
    """Return what a file or folder holds: a key of `REMEDIES`. Nothing in it is executed.

    Raises:
        OSError: if it cannot be read.
    """
    if path.is_dir():
        return "SavedModel" if is_saved_model(path) else "folder"
    with path.open("rb") as file:
        start = file.read(BEGINNING)
    try:
        return _kind_of_content(path, start)
    except Exception:  # zipfile, pickletools and json raise whatever the broken bytes lead to
        return "unknown"


def _kind_of_content(path: Path, start: bytes) -> str:
    if not start.strip():
        return "empty"
    if zipfile.is_zipfile(path):
        return _kind_of_archive(path)
    if start.startswith(b"PK\x03\x04"):
        return "truncated archive"
    for beginning, kind in BEGINNINGS.items():
        if start.startswith(beginning):
            return _kind_of_hdf5(path) if kind == "HDF5" else kind
    if start[4:8] == b"TFL3":
        return "TensorFlow Lite"
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "HTML"
    return (
        _kind_of_safetensors(path, start) or _kind_of_text(path, start) or _kind_of_pickle(path) or _kind_of_graph(path)
    )


def remedy(path: Path) -> str:
    """Return one line that says what a file is and what to do with it, to be raised as a `UserError`."""
    return f"{path}: is {REMEDIES[kind_of_file(path)]}"


def _kind_of_archive(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    inner = {name.partition("/")[2] for name in names}
    if any(name.startswith("data/aotinductor/") for name in inner) and not any(n.startswith("models/") for n in inner):
        return "AOTInductor"
    if "models/model.json" in inner or any(name.startswith("serialized_exported_program") for name in names):
        return "torch.export"
    if any(name.startswith("code/") for name in inner):
        return "TorchScript"
    if {"config.json", "metadata.json"} <= set(names):
        return "Keras"
    if "data.pkl" in inner:
        return _kind_of_pickle(path) or "unknown"
    return "NumPy arrays" if names and all(name.endswith(".npy") for name in names) else "archive"


def _kind_of_hdf5(path: Path) -> str:
    """Tell networks of Keras, its weights alone, and other HDF5 by the names of attributes, which stand in the file."""
    content = path.read_bytes()
    if b"model_config" in content:
        return "Keras"
    is_weights = any(mark in content for mark in (b"layer_names", b"weight_names", b"_layer_checkpoint_dependencies"))
    return "Keras weights" if is_weights or path.name.endswith(".weights.h5") else "HDF5"


def _kind_of_safetensors(path: Path, start: bytes) -> str | None:
    """Return the kind of a file that begins with the length of a JSON header, as safetensors does; None of others."""
    if len(start) < 10 or start[8:9] != b"{":
        return None
    length, size = struct.unpack("<Q", start[:8])[0], path.stat().st_size
    if length > 100_000_000:  # the format's own bound
        return None
    if 8 + length > size:
        return "truncated safetensors"
    with path.open("rb") as file:
        file.seek(8)
        try:
            header = json.loads(file.read(length))
        except (UnicodeDecodeError, json.JSONDecodeError):
            return None
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return "truncated safetensors" if 8 + length + max(ends, default=0) > size else "safetensors"


def _kind_of_text(path: Path, start: bytes) -> str | None:
    if start.removeprefix(BOM_UTF8).lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    return "JSON"


def _kind_of_pickle(path: Path) -> str | None:
    """Return the kind of what ``torch.save`` or ``pickle.dump`` wrote; None of what is no pickle, or cut short."""
    try:
        return _kind_of_object(read_torch_pickle(path))
    except (ValueError, EOFError, UnicodeDecodeError, zipfile.BadZipFile):
        pass
    try:
        with path.open("rb") as file:
            if file.read(1) != b"\x80" or zipfile.is_zipfile(path):
                return None
            file.seek(0)
            read_pickle(file)
        return "truncated archive" if is_legacy(path) else "pickle"
    except (ValueError, EOFError, UnicodeDecodeError):
        return None


def _kind_of_object(held: Pickle) -> str:
    if {"_parameters", "_modules"} <= held.texts:
        return "pickled module"
    if _is_checkpoint(held.texts):
        return "checkpoint"
    foreign = {name for name in held.classes if name.split(".")[0] not in ("torch", "collections", "numpy")}
    if foreign:
        return "pickle"
    has_tensors = any(name.startswith("torch._utils._rebuild") for name in held.classes)
    named = [text for text in held.texts if not text.isdigit() and not text.startswith(STORAGE_WORDS)]
    return "state_dict" if named and has_tensors else "tensors"


def _is_checkpoint(texts: AbstractSet[str]) -> bool:
    return bool(texts & {"state_dict", "model_state_dict", "optimizer_state_dict", "pytorch-lightning_version"})


def _kind_of_graph(path: Path) -> str:
    """Tell protobufs: ONNX, with operators of its own or of QONNX, and graphs of TensorFlow."""
    import onnx  # takes a second to import

    if path.name in ("saved_model.pb", "saved_model.pbtxt"):
        return "SavedModel"
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf raises whatever the broken bytes lead to
        return "TensorFlow graph" if _is_tensorflow_graph(path) else "unknown"
    if not model.ir_version or not model.graph.node:
        return "TensorFlow graph" if _is_tensorflow_graph(path) else "unknown"
    domains = {node.domain for node in model.graph.node}
    return "QONNX" if any(domain.startswith(QUANTISED_DOMAINS) for domain in domains) else "ONNX"


def _is_tensorflow_graph(path: Path) -> bool:
    """Return whether a file is a list of nodes, field 1 of ``GraphDef``, of which operators are the second field."""
    start = path.read_bytes()[:BEGINNING]
    return start[:1] == b"\x0a" and any(name in start for name in (b"\x12\x05Const", b"\x12\x0bPlaceholder"))
