"""Placeholder until the converter's branch lands."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from zskt.onnx_runtime import feeds, session


class OnnxRuntimeNetwork(nn.Module):
    """A graph in onnxruntime, without gradients."""

    differentiable = False

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        self.session = session(model)
        self.origin = "ONNX, in onnxruntime"
        self.published = sum(int(np.prod(i.dims)) for i in model.graph.initializer)

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Return all outputs."""
        return tuple(torch.from_numpy(np.asarray(a)) for a in self.session.run(None, feeds(self.session, x)))
