"""Export of a tagger from a file as ONNX, to be timed beside its student.

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
from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import apart, random_inputs
from zskt.onnx_runtime import N_TRACE_SAMPLES, feeds, session, write_onnx

SAME_NETWORK_TOLERANCE = 1e-5
"""Largest median difference between two files of one network, in probabilities."""


def tagger_in_onnx(file: Path, teacher: nn.Module, preprocess: Preprocess, folder: Path) -> tuple[Path, str]:
    """Write the teacher's network as ONNX, with inputs named as in ``preprocess``: the file, and whose export it is.

    CMS publishes TorchScript and ONNX side by side: the latter is taken if it is the same network.

    Args:
        folder: where to write.
    """
    beside = file if file.suffix == ".onnx" else file.with_suffix(".onnx")
    if beside == file or (beside.is_file() and _is_same_network(beside, teacher, preprocess)):
        return _renamed(beside, preprocess, folder / "teacher.onnx"), "the publisher's ONNX"
    return _exported(file, preprocess, folder / "teacher.onnx"), "ONNX, exported from the publisher's TorchScript"


def _renamed(file: Path, preprocess: Preprocess, path: Path) -> Path:
    """Write a copy whose inputs have the names of the description, whatever numbers the file puts behind its own."""
    model = onnx.load(str(file))
    weights = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    order = order_of([i.name for i in inputs], preprocess.groups, file, file)
    names = {i.name: preprocess.groups[j].name for i, j in zip(inputs, order, strict=True)}
    for i in inputs:
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
    arguments = [a.name for a in script.forward.schema.arguments[1:] if not a.has_default_value()]
    groups = [preprocess.groups[i] for i in order_of(arguments, preprocess.groups, file, path)]
    axes = tuple(group.axes for group in groups)
    write_onnx(script, [g.name for g in groups], axes, random_inputs(groups, N_TRACE_SAMPLES), path)
    return path


def _is_same_network(path: Path, teacher: nn.Module, preprocess: Preprocess) -> bool:
    """Tell whether a file holds the teacher's network, and not another one that lies beside it."""
    assert isinstance(teacher, Tagger)
    try:
        run = session(path)
        order = order_of([i.name for i in run.get_inputs()], preprocess.groups, path, path)
        x: Sequence[torch.Tensor] = random_inputs(preprocess.groups, 8)
        outputs = torch.from_numpy(np.asarray(run.run(None, feeds(run, [x[i] for i in order]))[0]))
        return float(apart(teacher.network, x, outputs).median()) < SAME_NETWORK_TOLERANCE
    except Exception:  # runtimes raise whatever their operators do
        return False
