"""A tagger from a file in ONNX, to be timed beside its student.

Shapes: B jets, C variables, P entries.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from teachers.tagger import Tagger
from teachers.torchscript import order_of
from zskt.export.student import SEVERAL
from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import apart, random_inputs
from zskt.onnx_runtime import feeds, session, write_onnx

CLOSE = 1e-5
"""How far most answers of two forms of one network may be apart, in probabilities."""


def tagger_in_onnx(file: Path, teacher: nn.Module, preprocess: Preprocess, place: Path) -> tuple[Path, str]:
    """The teacher's network, its inputs named as in ``preprocess``, and whose export it is.

    CMS publishes TorchScript and ONNX side by side: the latter is taken where it answers like the former.

    Args:
        place: a folder to write to.
    """
    beside = file if file.suffix == ".onnx" else file.with_suffix(".onnx")
    if beside == file or (beside.is_file() and _answers_alike(beside, teacher, preprocess)):
        return _renamed(beside, preprocess, place / "teacher.onnx"), "the publisher's ONNX"
    return _exported(file, preprocess, place / "teacher.onnx"), "ONNX, exported from the publisher's TorchScript"


def _renamed(file: Path, preprocess: Preprocess, path: Path) -> Path:
    """A copy whose inputs have the names of the description, whatever numbers the file puts behind its own."""
    model = onnx.load(str(file))
    held = {i.name for i in model.graph.initializer}
    taken = [i for i in model.graph.input if i.name not in held]
    order = order_of([i.name for i in taken], preprocess.groups, file, file)
    names = {i.name: preprocess.groups[j].name for i, j in zip(taken, order, strict=True)}
    for i in taken:
        i.name = names[i.name]
    for node in model.graph.node:
        for k, name in enumerate(node.input):
            node.input[k] = names.get(name, name)
    onnx.save(model, str(path))
    return path


def _exported(file: Path, preprocess: Preprocess, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.freeze(torch.jit.load(str(file), map_location="cpu").eval())  # type: ignore[no-untyped-call]
    taken = [a.name for a in script.forward.schema.arguments[1:] if not a.has_default_value()]
    groups = [preprocess.groups[i] for i in order_of(taken, preprocess.groups, file, path)]
    axes = tuple(group.axes for group in groups)
    write_onnx(script, [g.name for g in groups], axes, random_inputs(groups, SEVERAL), path)
    return path


def _answers_alike(path: Path, teacher: nn.Module, preprocess: Preprocess) -> bool:
    """Whether a file is the teacher's network, and not another one that lies beside it."""
    assert isinstance(teacher, Tagger)
    try:
        run = session(path)
        order = order_of([i.name for i in run.get_inputs()], preprocess.groups, path, path)
        x: Sequence[torch.Tensor] = random_inputs(preprocess.groups, 8)
        said = torch.from_numpy(np.asarray(run.run(None, feeds(run, [x[i] for i in order]))[0]))
        return float(apart(teacher.network, x, said).median()) < CLOSE
    except Exception:  # runtimes raise whatever their operators do
        return False
