"""Attention of ONNX, as an operator of its own since version 23.

Shapes: B jets, H heads, Q queries, P keys, C values of a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from teachers.onnx_operators.node import ConversionError, Node, Operator


def _heads(x: Tensor, n: int | None) -> Tensor:
    """Return (B, H, Q, C) from that or from (B, Q, H C)."""
    return x if x.ndim == 4 or n is None else torch.unflatten(x, 2, (n, -1)).transpose(1, 2)


def _attention(node: Node, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *past: Tensor) -> Tensor:
    known = {"q_num_heads", "kv_num_heads", "scale", "is_causal", "softmax_precision"}
    if past or node.n_outputs > 1 or any(value for name, value in node.attributes.items() if name not in known):
        raise ConversionError("holds an Attention with a past, a cap or a window")
    queries = _heads(q, node.get("q_num_heads"))
    keys, values = (_heads(x, node.get("kv_num_heads")) for x in (k, v))
    shared = queries.shape[1] // keys.shape[1]
    if shared > 1:
        keys, values = (x.repeat_interleave(shared, 1) for x in (keys, values))
    if node.get("is_causal", 0) and mask is not None:
        allowed = torch.ones(queries.shape[2], keys.shape[2], dtype=torch.bool, device=q.device).tril()
        mask = mask & allowed if mask.dtype == torch.bool else mask.masked_fill(~allowed, float("-inf"))
    if mask is not None and mask.shape[-1] < keys.shape[2]:  # keys behind the end of the mask are not looked at
        fill = False if mask.dtype == torch.bool else float("-inf")
        mask = F.pad(mask, (0, keys.shape[2] - mask.shape[-1]), value=fill)
    causal = bool(node.get("is_causal", 0)) and mask is None
    y = F.scaled_dot_product_attention(queries, keys, values, mask, is_causal=causal, scale=node.get("scale"))
    return y if q.ndim == 4 else y.transpose(1, 2).flatten(2)


OPERATORS: dict[str, Operator] = {"Attention": _attention}
