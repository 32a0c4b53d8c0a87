"""ONNX networks in onnxruntime: run, simplified, and written."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.onnx import register_custom_op_symbolic  # type: ignore[attr-defined]

from zskt.errors import UserError
from zskt.number_types import as_type


def session(model: onnx.ModelProto | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a network in onnxruntime, on so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # errors are raised; on the screen they would be noise
    held = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(held, options, providers=["CPUExecutionProvider"])


def feeds(model: onnxruntime.InferenceSession, x: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """Return a session's inputs by name, of the types that it asks for; ``x`` in their order.

    Integers are the nearest ones within the range of their type.
    """
    names = {"float": "float32", "double": "float64"}
    named = zip(model.get_inputs(), x, strict=True)
    kinds = ((i.name, i.type.removeprefix("tensor(").removesuffix(")"), t) for i, t in named)
    return {name: as_type(t.detach().cpu(), getattr(torch, names.get(kind, kind))).numpy() for name, kind, t in kinds}


LEVELS = (
    onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    None,
)
"""How far a graph can be simplified: with operators of onnxruntime's own, with standard ones, not at all."""


def optimised(model: onnx.ModelProto, level: onnxruntime.GraphOptimizationLevel | None = LEVELS[1]) -> onnx.ModelProto:
    """Simplify a graph by onnxruntime: constants computed, layers folded into each other."""
    if level is None:
        return model
    with tempfile.TemporaryDirectory() as place:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.optimized_model_filepath, options.log_severity_level = str(Path(place) / "model.onnx"), 4
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


QUANTISED = {
    "QuantizeLinear": (0,), "DequantizeLinear": (0,), "QLinearConv": (0, 3, 8), "QLinearMatMul": (0, 3),
    "QGemm": (0, 3, 6), "MatMulInteger": (0, 1), "ConvInteger": (0, 1),
}  # fmt: skip
"""Operators on whole numbers -> which of their inputs may hold parameters; the others are scales and zero points."""


def count_weights(model: onnx.ModelProto) -> int:
    """Return the number of parameters of a graph: floating-point constants, and whole numbers that it dequantises.

    Single numbers, scales and the running statistics of normalisations are no parameters.
    """
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    nodes = model.graph.node
    quantised, others = set(), {name for n in nodes if n.op_type == "BatchNormalization" for name in n.input[3:5]}
    for node in nodes:
        if node.op_type in QUANTISED:
            weights = {name for i, name in enumerate(node.input) if i in QUANTISED[node.op_type]}
            quantised |= weights
            others |= set(node.input) - weights
    held = {i.name: i for i in model.graph.initializer}
    held |= {n.output[0]: a.t for n in nodes if n.op_type == "Constant" for a in n.attribute if a.name == "value"}
    sizes = {
        name: int(np.prod(tensor.dims))
        for name, tensor in held.items()
        if (tensor.data_type in floats or name in quantised) and tensor.dims
    }
    return sum(n for name, n in sizes.items() if n > 1 and name not in others)


OPSET = 17
N_TRACE_SAMPLES = 3
"""Number of samples to trace a network with: any but one, which would broadcast."""
WITHOUT_SYMBOLIC = ("cosh", "sinh", "asinh", "acosh", "atanh")
"""Functions that ONNX has, and PyTorch's tracing exporter does not know of."""
OUTPUT = "softmax"
"""Name of the output, as CMS has it."""


def _operator(name: str) -> Callable[[Any, Any], Any]:
    """Return what writes a function of one tensor as ONNX's operator of a name.

    onnxruntime has these of 32 bits alone; of 64 bits, cosh and sinh are written by their exponentials.
    """

    def write(graph: Any, x: Any) -> Any:
        if x.type().scalarType() != "Double" or name not in ("Cosh", "Sinh"):
            return graph.op(name, x).setType(x.type())
        two = graph.op("Constant", value_t=torch.tensor(2.0, dtype=torch.float64))
        rising, falling = graph.op("Exp", x), graph.op("Exp", graph.op("Neg", x))
        both = graph.op("Add" if name == "Cosh" else "Sub", rising, falling)
        return graph.op("Div", both, two).setType(x.type())

    return write


def write_onnx(
    network: nn.Module, names: Sequence[str], axes: Sequence[Mapping[int, str]], x: Sequence[Tensor], path: Path
) -> set[str]:
    """Trace a network and write it as ONNX; return the names of the inputs that it uses.

    Args:
        names: names of its inputs.
        axes: the axes of each input that may have any length, and what they count.
        x: a few samples of them.

    Raises:
        UserError: if it computes something that the exporter cannot write.
    """
    dynamic = dict(zip(names, axes, strict=True)) | {OUTPUT: {0: "N"}}
    for name in WITHOUT_SYMBOLIC:
        register_custom_op_symbolic(f"aten::{name}", _operator(name.capitalize()), OPSET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; it is the one that needs no more packages
        try:
            torch.onnx.export(
                network, tuple(x), str(path), input_names=list(names), output_names=[OUTPUT], dynamic_axes=dynamic,
                opset_version=OPSET, dynamo=False, verbose=False,
            )  # fmt: skip
        except RuntimeError as error:  # of the exporter, or of what is traced
            first = " ".join(str(error).split())[:120]
            raise UserError(f"{type(network).__name__}: cannot be written as ONNX ({first})") from error
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    return {i.name for i in model.graph.input}


def run_onnx(path: Path, names: Sequence[str], x: Sequence[Tensor]) -> Tensor:
    """Run an exported network on inputs with these names: -> (B, K + R)."""
    network = session(path)
    named = dict(zip(names, x, strict=True))
    answer = network.run(None, feeds(network, [named[i.name] for i in network.get_inputs()]))[0]
    return torch.from_numpy(np.asarray(answer))
