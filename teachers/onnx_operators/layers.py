"""Operators of ONNX with weights: products, convolutions, pools, normalisations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from teachers.onnx_operators.node import ConversionError, Node, Operator


def _gemm(node: Node, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    a = a.T if node.get("transA", 0) else a
    if alpha == 1 and beta == 1 and node.get("transB", 0) and (c is None or c.ndim == 1):
        return F.linear(a, b, c)
    product = a @ (b.T if node.get("transB", 0) else b)
    product = product if alpha == 1 else alpha * product
    return product if c is None else product + (c if beta == 1 else beta * c)


def _fused_gemm(node: Node, *inputs: Tensor) -> Tensor:
    return _activated(node, _gemm(node, *inputs))


def _fused_matmul(node: Node, a: Tensor, b: Tensor) -> Tensor:
    """Multiply matrices as onnxruntime fuses it: with transposed arguments and a factor."""
    if node.get("transBatchA", 0) or node.get("transBatchB", 0):
        raise ConversionError("holds a FusedMatMul with transposed batches")
    product = (a.mT if node.get("transA", 0) else a) @ (b.mT if node.get("transB", 0) else b)
    alpha = node.get("alpha", 1.0)
    return product if alpha == 1 else alpha * product


def _einsum(node: Node, *x: Tensor) -> Tensor:
    return torch.einsum(node.get("equation").replace(" ", ""), *x)


def _windows(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Return strides, dilations and pads (begins, then ends) of a window over ``sizes``."""
    n = len(kernel)
    strides, dilations = list(node.get("strides", [1] * n)), list(node.get("dilations", [1] * n))
    auto = node.get("auto_pad", "NOTSET")
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        return strides, dilations, [0] * 2 * n if auto == "VALID" else list(node.get("pads", [0] * 2 * n))
    totals = [
        max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        for size, stride, k, dilation in zip(sizes, strides, kernel, dilations, strict=True)
    ]
    small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
    return strides, dilations, small + large if auto == "SAME_UPPER" else large + small


def _padded(x: Tensor, pads: Sequence[int], value: float = 0.0) -> tuple[Tensor, list[int]]:
    """Pad what cannot be padded evenly; return the even pads that are left to do."""
    n = len(pads) // 2
    begins, ends = list(pads[:n]), list(pads[n:])
    if begins == ends:
        return x, begins
    return F.pad(x, [p for pair in zip(begins[::-1], ends[::-1], strict=True) for p in pair], value=value), [0] * n


CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda x: x, "Relu": torch.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh,
}  # fmt: skip
MAX_POOLS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def _convolution(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    strides, dilations, pads = _windows(node, x.shape[2:], weight.shape[2:])
    x, even = _padded(x, pads)
    return CONVOLUTIONS[x.ndim - 2](x, weight, bias, strides, even, dilations, node.get("group", 1))


def _fused_convolution(
    node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None, added: Tensor | None = None
) -> Tensor:
    y = _convolution(node, x, weight, bias)
    return _activated(node, y if added is None else y + added)


def _activated(node: Node, x: Tensor) -> Tensor:
    """Apply the activation that onnxruntime fuses into a layer."""
    name = node.get("activation", "")
    if name == "LeakyRelu":
        return F.leaky_relu(x, node.get("activation_alpha", 0.01))
    if name not in ACTIVATIONS:
        raise ConversionError(f"holds a {node.operator} with the activation {name}")
    return ACTIVATIONS[name](x)


def _transposed_convolution(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    n = x.ndim - 2
    if node.get("output_shape") is not None or node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise ConversionError("holds a ConvTranspose with an output shape of its own")
    strides, dilations = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    pads, extra = list(node.get("pads", [0] * 2 * n)), list(node.get("output_padding", [0] * n))
    y = TRANSPOSED[n](x, weight, bias, strides, [0] * n, 0, node.get("group", 1), dilations)
    cuts = [(-pads[i], extra[i] - pads[n + i]) for i in range(n)]
    if any(added > 0 for _, added in cuts) and bias is not None:  # what is added holds the bias
        y = F.pad(y - bias.view(-1, *[1] * n), [c for pair in cuts[::-1] for c in pair])
        return y + bias.view(-1, *[1] * n)
    return F.pad(y, [c for pair in cuts[::-1] for c in pair])


def _max_pool(node: Node, x: Tensor) -> Tensor:
    if node.n_outputs > 1 or x.ndim - 2 not in MAX_POOLS:
        raise ConversionError("holds a MaxPool with indices")
    kernel = node.get("kernel_shape")
    strides, dilations, pads = _windows(node, x.shape[2:], kernel)
    x, even = _padded(x, pads, float("-inf"))
    if any(2 * p > k for p, k in zip(even, kernel, strict=True)):
        x, even = F.pad(x, [p for e in even[::-1] for p in (e, e)], value=float("-inf")), [0] * len(even)
    result: Tensor = MAX_POOLS[x.ndim - 2](x, kernel, strides, even, dilations, bool(node.get("ceil_mode", 0)))
    return result


def _average_pool(node: Node, x: Tensor) -> Tensor:
    """Average windows: sums divided by the number of entries, those of the pads among them if it is asked for."""
    kernel = list(node.get("kernel_shape"))
    n = len(kernel)
    strides, dilations, pads = _windows(node, x.shape[2:], kernel)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    beyond = [0] * n  # entries behind the last pad, which a last window may reach into
    if node.get("ceil_mode", 0):
        for i, size in enumerate(x.shape[2:]):
            length = size + pads[i] + pads[n + i]
            windows = -(-(length - spans[i]) // strides[i]) + 1
            windows -= (windows - 1) * strides[i] >= size + pads[i]  # a window that begins behind the entries
            beyond[i] = max((windows - 1) * strides[i] + spans[i] - length, 0)
    sides = [(pads[i], pads[n + i]) for i in range(n)]
    counted = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    flat = [p for pair in sides[::-1] for p in pair]
    x, counted = F.pad(x, flat), F.pad(counted, flat, value=float(node.get("count_include_pad", 0)))
    more = [p for b in beyond[::-1] for p in (0, b)]
    x, counted = F.pad(x, more), F.pad(counted, more)
    ones = torch.ones((1, 1, *kernel), dtype=x.dtype, device=x.device)
    sums = CONVOLUTIONS[n](x.flatten(0, 1).unsqueeze(1), ones, None, strides, 0, dilations)
    return (sums / CONVOLUTIONS[n](counted, ones, None, strides, 0, dilations)).reshape(*x.shape[:2], *sums.shape[2:])


def _global_average(node: Node, x: Tensor) -> Tensor:
    return x.mean(list(range(2, x.ndim)), True)


def _global_maximum(node: Node, x: Tensor) -> Tensor:
    return x.amax(list(range(2, x.ndim)), True)


def _batch_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    if node.get("training_mode", 0):
        raise ConversionError("holds a BatchNormalization in training mode; export the network in evaluation mode")
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, node.get("epsilon", 1e-5))


def _instance_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return F.instance_norm(x, None, None, scale, bias, True, 0.0, node.get("epsilon", 1e-5))


def _layer_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor | tuple[Tensor, ...]:
    axis = node.get("axis", -1) % x.ndim
    epsilon = node.get("epsilon", 1e-5)
    if scale.shape == x.shape[axis:] and (bias is None or bias.shape == scale.shape):
        y = F.layer_norm(x, x.shape[axis:], scale, bias, epsilon)
    else:
        y = F.layer_norm(x, x.shape[axis:], None, None, epsilon) * scale
        y = y if bias is None else y + bias
    if node.n_outputs == 1:
        return y
    along = list(range(axis, x.ndim))
    return y, x.mean(along, True), (x.var(along, correction=0, keepdim=True) + epsilon).rsqrt()


def _skip_layer_norm(
    node: Node, x: Tensor, skip: Tensor, scale: Tensor, beta: Tensor | None = None, bias: Tensor | None = None
) -> tuple[Tensor | None, ...]:
    """Normalise a sum, as onnxruntime fuses it; the fourth output is the sum."""
    total = x + skip if bias is None else x + skip + bias
    if node.operator == "SkipSimplifiedLayerNormalization":
        return _rms_norm(node, total, scale), None, None, total
    return F.layer_norm(total, scale.shape, scale, beta, node.get("epsilon", 1e-12)), None, None, total


def _rms_norm(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    axis: int = node.get("axis", -1) % x.ndim
    squares = x.square().mean(list(range(axis, x.ndim)), True)
    epsilon: float = node.get("epsilon", 1e-5)
    return x * (squares + epsilon).rsqrt() * scale


def _group_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Normalise groups of channels; before version 21 there is a scale for each group."""
    groups = node.get("num_groups")
    if len(scale) != x.shape[1]:
        scale, bias = (w.repeat_interleave(x.shape[1] // groups) for w in (scale, bias))
    return F.group_norm(x, groups, scale, bias, node.get("epsilon", 1e-5))


def _local_response_norm(node: Node, x: Tensor) -> Tensor:
    return F.local_response_norm(
        x, node.get("size"), node.get("alpha", 1e-4), node.get("beta", 0.75), node.get("bias", 1.0)
    )


def _dropout(
    node: Node, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None
) -> Tensor | tuple[Tensor, Tensor]:
    if training is not None and bool(training) and (ratio is None or float(ratio)):
        raise ConversionError("holds a Dropout in training mode; export the network in evaluation mode")
    return x if node.n_outputs == 1 else (x, torch.ones_like(x, dtype=torch.bool))


OPERATORS: dict[str, Operator] = {
    "MatMul": lambda node, a, b: torch.matmul(a, b), "Gemm": _gemm, "Einsum": _einsum,
    "FusedMatMul": _fused_matmul, "FusedGemm": _fused_gemm,
    "Conv": _convolution, "FusedConv": _fused_convolution, "ConvTranspose": _transposed_convolution,
    "MaxPool": _max_pool, "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average, "GlobalMaxPool": _global_maximum,
    "BatchNormalization": _batch_norm, "InstanceNormalization": _instance_norm, "LayerNormalization": _layer_norm,
    "SkipLayerNormalization": _skip_layer_norm, "SkipSimplifiedLayerNormalization": _skip_layer_norm,
    "RMSNormalization": _rms_norm, "SimplifiedLayerNormalization": _rms_norm,
    "GroupNormalization": _group_norm, "LRN": _local_response_norm, "Dropout": _dropout,
}  # fmt: skip
