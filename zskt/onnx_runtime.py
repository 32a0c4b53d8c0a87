"""ONNX networks in onnxruntime, and what it knows of a graph that the file does not say.

Old exports do not say of what rank their intermediate tensors are, which a conversion must know: the network is run
once with every tensor as an output, and the ranks are written down.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from torch import Tensor, nn


def session(model: onnx.ModelProto | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a network in onnxruntime, on so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # errors are raised; on the screen they would be noise
    held = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(held, options, providers=["CPUExecutionProvider"])


def feeds(model: onnxruntime.InferenceSession, x: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """Return a session's inputs by name, of the types that it asks for; ``x`` in their order."""
    types = {
        "tensor(bool)": bool,
        "tensor(float16)": np.float16,
        "tensor(int64)": np.int64,
        "tensor(double)": np.float64,
    }
    named = zip(model.get_inputs(), x, strict=True)
    return {i.name: t.detach().cpu().numpy().astype(types.get(i.type, np.float32)) for i, t in named}


def with_ranks(model: onnx.ModelProto, x: Sequence[Tensor]) -> onnx.ModelProto:
    """Copy a graph and write down the type and rank of each of its tensors."""
    everything = onnx.ModelProto()
    everything.CopyFrom(model)
    outputs = {output.name for output in model.graph.output}
    inner = [name for node in model.graph.node for name in node.output if name and name not in outputs]
    everything.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
    run = session(everything)
    values = run.run(inner, feeds(run, x))
    ranked = onnx.ModelProto()
    ranked.CopyFrom(model)
    del ranked.graph.value_info[:]
    for name, value in zip(inner, values, strict=True):
        kind = helper.np_dtype_to_tensor_dtype(np.asarray(value).dtype)
        ranked.graph.value_info.append(helper.make_tensor_value_info(name, kind, [None] * np.asarray(value).ndim))
    return ranked


def optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Simplify a graph by onnxruntime, constants computed, which the conversion does not do."""
    with tempfile.TemporaryDirectory() as place:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath, options.log_severity_level = str(Path(place) / "model.onnx"), 4
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        simplified = onnx.load(options.optimized_model_filepath)
    for i, node in enumerate(simplified.graph.node):
        node.name = f"{node.op_type}_{i}"  # names that it gives to new nodes may be taken: the conversion goes by them
        while node.input and not node.input[-1]:  # an input left out at the end is one that is not there
            del node.input[-1]
    return simplified


def with_integer_clips(ranked: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph and make clipped integers integers again: the conversion turns them into floats.

    Args:
        ranked: a graph `with_ranks`.
    """
    model = onnx.ModelProto()
    model.CopyFrom(ranked)
    types = {v.name: v.type.tensor_type.elem_type for v in model.graph.value_info}
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        name = node.output[0] if node.output else ""
        if node.op_type == "Clip" and types.get(name) in integers:
            node.output[0] = f"{name}_clipped"
            nodes.append(helper.make_node("Cast", [node.output[0]], [name], to=types[name]))
            model.graph.value_info.append(helper.make_tensor_value_info(node.output[0], types[name], None))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


OPSET = 17
N_TRACE_SAMPLES = 3
"""Number of samples to trace a network with: any but one, which would broadcast."""
OUTPUT = "softmax"
"""Name of the output, as CMS has it."""


def write_onnx(
    network: nn.Module, names: Sequence[str], axes: Sequence[Mapping[int, str]], x: Sequence[Tensor], path: Path
) -> set[str]:
    """Trace a network and write it as ONNX; return the names of the inputs that it uses.

    Args:
        names: names of its inputs.
        axes: the axes of each input that may have any length, and what they count.
        x: a few samples of them.
    """
    dynamic = dict(zip(names, axes, strict=True)) | {OUTPUT: {0: "N"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; it is the one that needs no more packages
        torch.onnx.export(
            network, tuple(x), str(path), input_names=list(names), output_names=[OUTPUT], dynamic_axes=dynamic,
            opset_version=OPSET, dynamo=False, verbose=False,
        )  # fmt: skip
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    return {i.name for i in model.graph.input}


def run_onnx(path: Path, names: Sequence[str], x: Sequence[Tensor]) -> Tensor:
    """Run an exported network on inputs with these names: -> (B, K + R)."""
    network = session(path)
    named = dict(zip(names, x, strict=True))
    answer = network.run(None, feeds(network, [named[i.name] for i in network.get_inputs()]))[0]
    return torch.from_numpy(np.asarray(answer))
