"""ONNX networks that were exported for batches of one size: freed where the graph allows it, or run in pieces.

Shapes: B jets, N the batch size of the export.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

LARGEST_VECTORISED = 16
"""Batch size up to which pieces are computed side by side by `torch.vmap`: larger ones fill the machine alone."""


def graph_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs of a graph without its weights, which old files list among them."""
    weights = {initializer.name for initializer in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in weights]


def fixed_batch(model: onnx.ModelProto) -> int:
    """Return the batch size that all inputs with a fixed first axis have; 0 if there is none, or more than one."""
    dims = [i.type.tensor_type.shape.dim for i in graph_inputs(model)]
    sizes = {d[0].dim_value for d in dims if d} - {0}
    return sizes.pop() if len(sizes) == 1 else 0


def free_batch(model: onnx.ModelProto, batch: int, reshaped: bool) -> onnx.ModelProto:
    """Copy a model and let its first axes have any length.

    Args:
        batch: the batch size of the export.
        reshaped: whether constant shapes that begin with it are freed, too.
    """
    free = onnx.ModelProto()
    free.CopyFrom(model)
    del free.graph.value_info[:]
    for value in (*graph_inputs(free), *free.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == batch:
            dims[0].dim_param = "jets"
    for output in free.graph.output:
        output.type.tensor_type.ClearField("shape")
    if reshaped:
        _free_shapes(free, batch)
    return free


def _free_shapes(model: onnx.ModelProto, batch: int) -> None:
    """Free the first size of constant shapes that is the batch's, in constants of their own: some are shared."""
    constants = {i.name: i for i in model.graph.initializer}
    constants |= {n.output[0]: a.t for n in model.graph.node if n.op_type == "Constant"
                  for a in n.attribute if a.name == "value"}  # fmt: skip
    for k, node in enumerate(model.graph.node):
        if node.op_type != "Reshape" or len(node.input) < 2 or node.input[1] not in constants:
            continue
        shape = numpy_helper.to_array(constants[node.input[1]]).astype(np.int64).flatten()
        if len(shape) and shape[0] == batch:
            shape[0] = 0 if -1 in shape else -1  # 0: as it is in the input
            name = f"free_shape_{k}"
            model.graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name


def freed(
    model: onnx.ModelProto, x: Sequence[Tensor], run: Callable[[onnx.ModelProto], nn.Module]
) -> tuple[onnx.ModelProto, int]:
    """Return a model that takes batches of any size, and 0; or the same one, and the only batch size that it takes.

    A freed model is taken only if it gives what the original gives in batches of its own size.

    Args:
        x: samples, of any number.
        run: makes a module of a model.
    """
    batch = fixed_batch(model)
    if not batch or len({len(t) for t in x}) > 1:
        return model, 0
    with torch.no_grad():
        expected = InPieces(run(model), batch)(*x)
        for reshaped in (False, True):
            candidate = free_batch(model, batch, reshaped)
            try:
                network = run(candidate)
                if all(_same(network(*(t[:n] for t in x)), expected, n) for n in _sizes(len(x[0]), batch)):
                    return candidate, 0
            except Exception:  # shapes that do not fit: whatever the runtime raises
                continue
    return model, batch


def _sizes(n: int, batch: int) -> list[int]:
    """Return two batch sizes to try, other than that of the export."""
    return [size for size in (n, n - 1, 3, 2) if 0 < size <= n and size != batch][:2]


def _same(got: Sequence[Tensor], expected: Sequence[Tensor], n: int) -> bool:
    return all(
        g.shape == e[:n].shape and torch.allclose(g.double(), e[:n].double(), rtol=1e-3, atol=1e-5, equal_nan=True)
        for g, e in zip(got, expected, strict=True)
    )


class InPieces(nn.Module):
    """A network that takes batches of exactly N jets, run on any number of them; its outputs have a first axis.

    The last piece is filled up with copies of the last jet.

    Args:
        network: a network with a tuple of outputs.
        batch: N.
        vectorised: whether the pieces are computed side by side, by `torch.vmap`.
    """

    def __init__(self, network: nn.Module, batch: int, vectorised: bool = False) -> None:
        super().__init__()
        self.network, self.batch, self.vectorised = network, batch, vectorised

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of all pieces, joined."""
        n = len(x[0])
        if n == self.batch or any(len(t) != n for t in x):  # a first axis that is not that of jets
            outputs: tuple[Tensor, ...] = self.network(*x)
            return outputs
        missing = -n % self.batch
        if missing:
            x = tuple(torch.cat([t, t[-1:].expand(missing, *t.shape[1:])]) for t in x)
        if self.vectorised:
            pieces = [torch.unflatten(t, 0, (-1, self.batch)) for t in x]
            return tuple(o.flatten(0, 1)[:n] for o in torch.vmap(self.network)(*pieces))
        pieces_out = [self.network(*piece) for piece in zip(*(torch.split(t, self.batch) for t in x), strict=True)]
        return tuple(torch.cat(parts)[:n] for parts in zip(*pieces_out, strict=True))


def in_pieces(network: nn.Module, batch: int, x: Sequence[Tensor]) -> InPieces:
    """Run a network in pieces, side by side where that gives the same."""
    one_by_one, together = InPieces(network, batch), InPieces(network, batch, vectorised=True)
    if batch > LARGEST_VECTORISED:
        return one_by_one
    few = [t[: 2 * batch + 1] for t in x]
    try:
        with torch.no_grad():
            same = _same(together(*few), one_by_one(*few), len(few[0]))
    except Exception:  # some operators cannot be vectorised: those that read a number, for example
        return one_by_one
    return together if same else one_by_one
