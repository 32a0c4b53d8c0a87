"""The layers of an EdgeConv block of a frozen network on the CPU, some particles at a time so that all stays in cache.

A block makes k messages of each particle, which are hundreds of MB a layer. Written out between any two operations they
cost more time than the matrix products do. Here a few particles pass through all layers before the next ones begin. As
weights are frozen, the gradient by the inputs needs of the messages nothing but their signs: of all layers but the
first they are kept in bfloat16, which has float32's range; the first is cheaper to compute again.

Shapes: N particles, k neighbours, C channels of the first layer, C' of the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

ELEMENTS_AT_ONCE = 2**17
"""Messages times channels that are computed at once: half a MB, a share of the second cache of most processors."""


def mean_message(centre: Tensor, other: Tensor, neighbours: Tensor, layers: Sequence[nn.Conv2d]) -> Tensor:
    """Average each particle's messages after all layers: (N, C').

    A message begins as ReLU(centre_i + other_j), j over the k neighbours of i, and then passes ReLU(W h + b) of each of
    the ``layers``, whose parameters get no gradient.

    Args:
        centre: (N, C).
        other: (N', C), where the neighbours are rows.
        neighbours: (N, k), row numbers.
    """
    weights = [layer.weight.flatten(1).to(centre.dtype) for layer in layers]  # of mixed precision, bfloat16
    biases = [bias.to(centre.dtype) for layer in layers if (bias := layer.bias) is not None]
    result: Tensor = _MeanMessage.apply(centre, other, neighbours, *weights, *biases)
    return result


def _chunks(particles: int, k: int, channels: int) -> list[slice]:
    """List slices of the particles whose messages fit together; the first is the longest."""
    step = max(ELEMENTS_AT_ONCE // (k * channels), 1)
    return [slice(start, min(start + step, particles)) for start in range(0, particles, step)]


def _first(centre: Tensor, other: Tensor, near: Tensor, out: Tensor) -> None:
    """Make the messages of some particles before the first ReLU: (n, C), (N', C), (n, k) -> ``out`` (n k, C)."""
    torch.index_select(other, 0, near.flatten(), out=out)
    out.view(*near.shape, -1).add_(centre.unsqueeze(1))


class _MeanMessage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, centre: Tensor, other: Tensor, neighbours: Tensor, *parameters: Tensor) -> Tensor:
        weights, biases = parameters[: len(parameters) // 2], parameters[len(parameters) // 2 :]
        (count, k), widths = neighbours.shape, [centre.shape[1], *(len(w) for w in weights)]
        needs_signs = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        signs = [centre.new_empty(count * k, c, dtype=torch.bfloat16) for c in widths[1:] if needs_signs]
        mean, chunks = centre.new_empty(count, widths[-1]), _chunks(count, k, max(widths))
        buffers = [centre.new_empty(chunks[0].stop * k, c) for c in widths] if chunks else []
        for rows in chunks:
            messages = slice(rows.start * k, rows.stop * k)
            h, *others = (buffer[: messages.stop - messages.start] for buffer in buffers)
            _first(centre[rows], other, neighbours[rows], h)
            h.relu_()
            for i, y in enumerate(others):
                h = torch.mm(h, weights[i].T, out=y).add_(biases[i]).relu_()
                if needs_signs:
                    signs[i][messages] = h
            torch.mean(h.view(-1, k, widths[-1]), 1, out=mean[rows])
        ctx.save_for_backward(centre, other, neighbours, *weights, *signs)
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        centre, other, neighbours, *saved = ctx.saved_tensors
        weights, signs = saved[: len(saved) // 2], saved[len(saved) // 2 :]
        (count, k), widths = neighbours.shape, [centre.shape[1], *(len(w) for w in weights)]
        of_centre, gradient = torch.empty_like(centre), gradient / k
        of_other = torch.zeros_like(other, dtype=torch.promote_types(other.dtype, torch.float32))  # a sum of many
        chunks = _chunks(count, k, max(widths))
        buffers = [[centre.new_empty(chunks[0].stop * k, c) for c in widths] for _ in range(2)] if chunks else []
        for rows in chunks:
            messages = slice(rows.start * k, rows.stop * k)
            values, gradients = ([b[: messages.stop - messages.start] for b in side] for side in buffers)
            gradients[-1].view(-1, k, widths[-1]).copy_(gradient[rows].unsqueeze(1))
            for i in reversed(range(len(weights))):
                _relu_backward_(gradients[i + 1], values[i + 1].copy_(signs[i][messages]))
                torch.mm(gradients[i + 1], weights[i], out=gradients[i])
            _first(centre[rows], other, neighbours[rows], values[0])
            g = _relu_backward_(gradients[0], values[0])
            torch.sum(g.view(-1, k, widths[0]), 1, out=of_centre[rows])
            of_other.index_add_(0, neighbours[rows].flatten(), g.to(of_other.dtype))
        return of_centre, of_other.to(other.dtype), None, *[None] * (2 * len(weights))


def _relu_backward_(gradient: Tensor, value: Tensor) -> Tensor:
    """Set the gradient to zero, in place, where the value before or after the ReLU is not positive."""
    result: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)
    return result
