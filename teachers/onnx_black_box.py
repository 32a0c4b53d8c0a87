"""ONNX networks run by onnxruntime as they are: without gradients, for graphs that PyTorch cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from teachers.onnx_batches import InPieces, freed
from teachers.onnx_operators.node import ConversionError
from teachers.onnx_versions import prepared
from zskt.onnx_runtime import count_weights, feeds, session


class OnnxRuntimeNetwork(nn.Module):
    """A graph that onnxruntime runs: the same inputs in the order of the graph, outputs as a tuple, no gradients.

    Inputs become of the types that the graph asks for. Text among the outputs is left out.

    Args:
        model: a graph that onnxruntime opens.

    Raises:
        Exception: what onnxruntime raises if it does not.
    """

    differentiable = False

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        self.held = model.SerializeToString()
        self.published = count_weights(model)
        self.origin = "ONNX, run by onnxruntime, without gradients"
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
        """Return the outputs, on the device of the inputs."""
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


class BlackBox(nn.Module):
    """A network in onnxruntime that takes batches of any size, run in pieces where the graph takes one size only."""

    differentiable = False

    def __init__(self, network: OnnxRuntimeNetwork, batch: int) -> None:
        super().__init__()
        self.network: nn.Module = InPieces(network, batch) if batch else network
        self.published = network.published
        self.origin = network.origin + (f", in pieces of {batch}" if batch else "")

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs, on the device of the inputs."""
        outputs: tuple[Tensor, ...] = self.network(*x)
        return outputs


def black_box(model: onnx.ModelProto, x: Sequence[Tensor]) -> BlackBox:
    """Run a graph in onnxruntime.

    Args:
        model: the graph, as it was read.
        x: samples, in the order of the graph.

    Raises:
        ConversionError: if onnxruntime does not open it.
    """
    opened, problem = prepared(model)
    if problem:
        raise ConversionError(f"onnxruntime cannot open it ({problem})")
    opened, batch = freed(opened, x, OnnxRuntimeNetwork)
    return BlackBox(OnnxRuntimeNetwork(opened), batch)
