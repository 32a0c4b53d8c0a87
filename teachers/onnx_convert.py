"""Convert ONNX graphs to PyTorch, and check the result against onnxruntime."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.jets.random_inputs import describe_differences, largest_differences
from zskt.onnx_runtime import feeds, optimised, session, with_integer_clips, with_ranks

warnings.filterwarnings("ignore", message="Using a non-tuple sequence", module="onnx2torch")

CONVERSION_TOLERANCE = 1e-4
"""How far a converted network may be from onnxruntime, apart from jets with ties in their neighbour search."""


class Converted(nn.Module):
    """A converted graph, fed with the types and in the order of its own inputs."""

    def __init__(self, graph: nn.Module, order: Sequence[int], types: Sequence[torch.dtype]) -> None:
        super().__init__()
        self.graph, self.order, self.types = graph, tuple(order), tuple(types)
        self.origin = ""

    def forward(self, *x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Call the graph with inputs in the order of ``preprocess.json``."""
        outputs: Tensor | tuple[Tensor, ...] = self.graph(
            *(x[i].to(t) for i, t in zip(self.order, self.types, strict=True))
        )
        return outputs


def convert(
    model: onnx.ModelProto,
    inputs: Sequence[onnx.ValueInfoProto],
    order: Sequence[int],
    x: Sequence[Tensor],
    path: Path,
    preprocess_file: Path,
    fixed_batch: int,
) -> Converted:
    """Convert a graph, and note in its ``origin`` how well it does.

    Args:
        model: the graph.
        inputs: its inputs.
        order: for each of them, its position in ``preprocess.json``.
        x: random samples, in the order of ``preprocess.json``.
        path: the file of the graph, for messages.
        preprocess_file: the file that describes its inputs, for messages.
        fixed_batch: the batch size that the graph was exported for; 0 for any.

    Raises:
        UserError: if the graph holds what cannot be converted, or gives other outputs than in onnxruntime.
    """
    types = [_dtype(i.type.tensor_type.elem_type) for i in inputs]
    ordered = [x[i] for i in order]
    simplified = _simplify(model, ordered, path, preprocess_file, fixed_batch)
    network = Converted(_to_torch(simplified, path), order, types).eval()
    _require_equal(model, network, x, ordered, path)
    return network


def _dtype(element: int) -> torch.dtype:
    return torch.from_numpy(np.zeros(1, helper.tensor_dtype_to_np_dtype(element))).dtype


def _simplify(
    model: onnx.ModelProto, x: Sequence[Tensor], path: Path, preprocess_file: Path, fixed_batch: int
) -> onnx.ModelProto:
    """Simplify a graph by onnxruntime, and write down the ranks that the conversion must know."""
    try:
        return with_integer_clips(with_ranks(optimised(model), x))
    except Exception as error:
        if fixed_batch:
            raise UserError(
                f"{path}: was exported for batches of exactly {fixed_batch}; export it with a dynamic first axis, or "
                "give it as TorchScript"
            ) from error
        first = " ".join(str(error).split())[:160]
        if "NOT_IMPLEMENTED" in first:
            raise UserError(
                f"{path}: onnxruntime cannot compute it ({first}); export it in 32 bits, or give it as TorchScript"
            ) from error
        raise UserError(
            f"{path}: onnxruntime cannot run it on what {preprocess_file} describes ({first}); "
            "give the two files that belong together"
        ) from error


def _to_torch(model: onnx.ModelProto, path: Path) -> nn.Module:
    import onnx2torch  # takes a second to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted: nn.Module = onnx2torch.convert(model)
    except NotImplementedError as error:
        operator = re.search(r"operation_type='(\w+)'", str(error))
        if operator is None:
            first = " ".join(str(error).split())[:120]
            raise UserError(f"{path}: onnx2torch cannot convert it ({first}); give it as TorchScript") from error
        raise UserError(
            f"{path}: holds the operator {operator[1]}, which onnx2torch cannot convert; "
            "give the network as TorchScript, or one without that operator"
        ) from error
    except Exception as error:
        first = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise UserError(f"{path}: onnx2torch cannot convert it ({first}); give it as TorchScript") from error
    return converted


def _require_equal(
    model: onnx.ModelProto, network: Converted, x: Sequence[Tensor], ordered: Sequence[Tensor], path: Path
) -> None:
    """Note how many outputs differ from onnxruntime's; raise `UserError` if those of most random jets do."""
    run = session(model)
    outputs = [torch.from_numpy(np.asarray(a)).reshape(len(x[0]), -1) for a in run.run(None, feeds(run, ordered))]
    expected = torch.cat(outputs, 1).float()
    try:
        difference = float(largest_differences(network, x, expected).median())
    except Exception as error:  # converted operators raise whatever they do
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: does not run after conversion ({first}); give it as TorchScript") from error
    if difference > CONVERSION_TOLERANCE:
        raise UserError(
            f"{path}: after conversion it answers otherwise than in onnxruntime (by {difference:.2g}); "
            "give the network as TorchScript"
        )
    network.origin = f"ONNX, converted: {describe_differences(network, x, expected, 'onnxruntime')}"
