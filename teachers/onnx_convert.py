"""Convert ONNX graphs to PyTorch, and check the result against onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from teachers.onnx_batches import InPieces, freed, in_pieces
from teachers.onnx_black_box import OnnxRuntimeGraph
from teachers.onnx_graph import GraphNetwork
from teachers.onnx_operators.node import NARROW, ConversionError
from teachers.onnx_versions import first_line, foreign_operators, is_qonnx, prepared
from zskt.errors import UserError
from zskt.onnx_runtime import LEVELS, count_weights, optimised
from zskt.outputs import TIE_TOLERANCE

__all__ = ["Converted", "ConversionError", "convert"]

CONVERSION_TOLERANCE = 1e-4
"""How far a converted network may be from onnxruntime, apart from jets with ties in their neighbour search."""
ROUNDING_FACTOR = 10.0
"""How much more than a last digit of the input two runtimes may change outputs that are mostly rounding."""
NARROW_TOLERANCE = 2e-2
"""The same for graphs of 16 bits, which are computed in 32."""


class Converted(nn.Module):
    """A converted graph: inputs in its own order, outputs as a tuple."""

    differentiable = True

    def __init__(self, graph: nn.Module, published: int) -> None:
        super().__init__()
        self.graph, self.published, self.origin = graph, published, ""

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Call the graph."""
        outputs: tuple[Tensor, ...] = self.graph(*x)
        return outputs


def convert(model: onnx.ModelProto, x: Sequence[Tensor], path: Path) -> Converted:
    """Convert a graph, and note in its ``origin`` how well it does.

    Args:
        model: the graph.
        x: samples, in the order of its inputs and in its own layouts.
        path: the file of the graph, for messages.

    Raises:
        ConversionError: if onnxruntime can run the graph on such samples, and PyTorch cannot.
        UserError: if neither can.
    """
    opened, problem = prepared(model)
    if problem:
        return _convert_unchecked(opened, x, path, problem)
    try:
        opened, batch = freed(opened, x, OnnxRuntimeGraph)
        graph = OnnxRuntimeGraph(opened)
        reference = InPieces(graph, batch) if batch else graph
        expected = reference(*x)
    except Exception as error:
        if "INVALID_ARGUMENT" not in str(error):  # it is not the inputs: a node fails for which onnxruntime has code
            return _convert_unchecked(opened, x, path, first_line(error))
        raise UserError(
            f"{path}: onnxruntime cannot run it on inputs as they are described ({first_line(error)}); "
            "give the description that belongs to it"
        ) from error
    network = _converted(model, opened, batch, x)
    differences = _differences(_run(network, x), expected, len(x[0]))
    tolerance = NARROW_TOLERANCE if _is_narrow(opened) else CONVERSION_TOLERANCE
    rounding = ""
    if not float(differences.median()) <= tolerance:
        rounded = _differences(reference(*_rounded_otherwise(x)), expected, len(x[0]))
        if not float((differences / (ROUNDING_FACTOR * rounded).clamp(min=tolerance)).median()) <= 1:
            raise ConversionError(f"after conversion it answers otherwise, by {float(differences.median()):.2g}")
        count = int((rounded > tolerance).sum())
        rounding = f", and {count} from themselves in onnxruntime where the last digit of the input is another"
    count = int((differences > max(TIE_TOLERANCE, tolerance)).sum())
    network.origin = (
        f"ONNX, converted: {count} of {len(differences)} random jets differ from onnxruntime by more than "
        f"{max(TIE_TOLERANCE, tolerance):g}{rounding}" + (f"; run in pieces of {batch}" if batch else "")
    )
    return network


def _converted(model: onnx.ModelProto, opened: onnx.ModelProto, batch: int, x: Sequence[Tensor]) -> Converted:
    """Convert the simplest form of a graph whose operators are all known."""
    graph = _to_torch(opened)
    return Converted(in_pieces(graph, batch, x) if batch else graph, count_weights(model)).eval()


def _to_torch(model: onnx.ModelProto) -> GraphNetwork:
    problem: Exception = ConversionError("cannot be simplified")
    for level in LEVELS:
        try:
            simple = optimised(model, level)
        except Exception:  # what onnxruntime cannot write down, it cannot simplify; the last level changes nothing
            continue
        try:
            versions = {o.domain: o.version for o in simple.opset_import}
            return GraphNetwork(simple.graph, versions).eval()
        except ConversionError as error:
            problem = error
    raise problem


def _convert_unchecked(model: onnx.ModelProto, x: Sequence[Tensor], path: Path, problem: str) -> Converted:
    """Convert a graph that onnxruntime cannot run: one of QONNX, or of types for which it has no code."""
    try:
        opened, batch = freed(model, x, lambda m: GraphNetwork(m.graph, {o.domain: o.version for o in m.opset_import}))
        graph = GraphNetwork(opened.graph, {o.domain: o.version for o in opened.opset_import})
        network = Converted(in_pieces(graph, batch, x) if batch else graph, count_weights(model)).eval()
        with torch.no_grad():
            network(*x)
    except Exception as error:
        raise cannot_run(model, path, problem, error) from error
    kind = "QONNX" if is_qonnx(model) else "ONNX"
    network.origin = f"{kind}, converted, and not compared: onnxruntime cannot run it" + (
        f"; run in pieces of {batch}" if batch else ""
    )
    return network


def node_by_node(model: onnx.ModelProto, path: Path) -> GraphNetwork:
    """Return a graph that onnxruntime does not open, as PyTorch runs it, whatever batch size it was exported for.

    Raises:
        UserError: if PyTorch cannot run it either.
    """
    opened, problem = prepared(model)
    try:
        return GraphNetwork(opened.graph, {o.domain: o.version for o in opened.opset_import}).eval()
    except Exception as error:
        raise cannot_run(model, path, problem, error) from error


def cannot_run(model: onnx.ModelProto, path: Path, problem: str, error: Exception) -> UserError:
    """Say why neither onnxruntime nor PyTorch runs a graph."""
    foreign = ", ".join(f"{name} of {domain}" for domain, name in foreign_operators(model))
    if foreign:
        what = "is a QONNX file, with" if is_qonnx(model) else "holds"
        return UserError(
            f"{path}: {what} operators that onnxruntime does not have ({foreign}; {first_line(error)}); "
            "export the network with standard operators, or give it as TorchScript"
        )
    return UserError(
        f"{path}: neither onnxruntime ({problem}) nor PyTorch ({first_line(error)}) can run it on inputs "
        "as described; give the description that belongs to it, or the network as TorchScript"
    )


@torch.no_grad()
def _run(network: nn.Module, x: Sequence[Tensor]) -> list[Tensor]:
    """Run a network, and return those of its outputs that are tensors.

    Raises:
        ConversionError: if it does not run.
    """
    try:
        return [output for output in network(*x) if isinstance(output, Tensor)]
    except ConversionError:
        raise
    except Exception as error:  # operators raise whatever they do
        raise ConversionError(f"does not run after conversion ({first_line(error)})") from error


def _differences(got: Sequence[Tensor], expected: Sequence[Tensor], jets: int) -> Tensor:
    """Return each jet's largest difference, in units of an output's size: (B,); (1,) without an axis of jets.

    Raises:
        ConversionError: if the shapes differ.
    """
    if [g.shape for g in got] != [e.shape for e in expected]:
        raise ConversionError("gives other shapes after conversion")
    rows = jets if all(e.ndim and len(e) == jets for e in expected) else 1
    ours, theirs = (torch.cat([t.reshape(rows, -1).double() for t in side], 1) for side in (got, expected))
    same = (ours == theirs) | (ours.isnan() & theirs.isnan())
    size = torch.where(theirs.isfinite(), theirs.abs(), 0).amax(0).clamp(min=1.0)
    return torch.where(same, 0.0, ((ours - theirs) / size).abs().nan_to_num(nan=float("inf"))).amax(1)


def _rounded_otherwise(x: Sequence[Tensor]) -> list[Tensor]:
    """Return samples that differ in their last digit, up or down."""
    rng = torch.Generator().manual_seed(0)
    signs = [torch.randint(2, t.shape, generator=rng).to(t.device) * 2 - 1 for t in x]
    return [
        t * (1 + torch.finfo(t.dtype).eps * s) if t.is_floating_point() else t for t, s in zip(x, signs, strict=True)
    ]


def _is_narrow(model: onnx.ModelProto) -> bool:
    return any(i.data_type in NARROW for i in model.graph.initializer) or any(
        i.type.tensor_type.elem_type in NARROW for i in model.graph.input
    )
