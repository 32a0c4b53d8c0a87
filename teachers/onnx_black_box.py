"""ONNX networks run by onnxruntime as they are: without gradients, for graphs that PyTorch cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from teachers.onnx_batches import InPieces, fixed_batch, freed
from teachers.onnx_operators.node import ConversionError
from teachers.onnx_versions import prepared
from zskt.onnx_runtime import count_weights, feeds, session


class OnnxRuntimeGraph(nn.Module):
    """A graph in onnxruntime, with whatever sizes it takes: inputs in its own order, outputs as a tuple.

    Raises:
        Exception: what onnxruntime raises if it does not open the graph.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        self.held = model.SerializeToString()
        self._session: onnxruntime.InferenceSession | None = None
        self._open()

    def _open(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            model = onnx.ModelProto()
            model.ParseFromString(self.held)
            self._session = session(model, torch.get_num_threads())
        return self._session

    def __getstate__(self) -> dict[str, Any]:
        """Leave the session out: it cannot be copied, and is opened again."""
        return self.__dict__ | {"_session": None}

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, on the device of the inputs; text among them is left out."""
        run = self._open()
        outputs = [_as_tensor(output) for output in run.run(None, feeds(run, x))]
        device = x[0].device if x else "cpu"
        return tuple(output.to(device) for output in outputs if output is not None)


def _as_tensor(output: Any) -> Tensor | None:
    """Return an output as a tensor, a list of numbers by class as columns (B, K), and None for text."""
    if isinstance(output, list) and output and isinstance(output[0], dict):
        output = np.array([list(row.values()) for row in output])
    array = np.asarray(output)
    if array.dtype.kind in "OUS":
        return None
    return torch.from_numpy(array.copy())


class OnnxRuntimeNetwork(nn.Module):
    """An ONNX network run by onnxruntime as it is, in batches of any size, without gradients.

    A graph that takes batches of one size only is run in pieces of that size, and an old one is converted to newer
    operators where onnxruntime has no old ones. Inputs become of the types that the graph asks for.

    Args:
        model: the graph, as it was read.
        x: samples, in the order of the graph, on which it is tried whether a fixed batch size can be freed.

    Raises:
        ConversionError: if onnxruntime does not open it.
    """

    differentiable = False

    def __init__(self, model: onnx.ModelProto, x: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        opened, problem = prepared(model)
        if problem:
            raise ConversionError(f"onnxruntime cannot open it ({problem})")
        opened, batch = (opened, fixed_batch(opened)) if x is None else freed(opened, x, OnnxRuntimeGraph)
        graph = OnnxRuntimeGraph(opened)
        self.network: nn.Module = InPieces(graph, batch) if batch else graph
        self.published = count_weights(model)
        self.origin = "ONNX, run by onnxruntime, without gradients" + (f", in pieces of {batch}" if batch else "")

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, on the device of the inputs."""
        outputs: tuple[Tensor, ...] = self.network(*x)
        return outputs
