"""What tests of gradients at the edge share: a graph without NaN anywhere."""

from __future__ import annotations

import torch
from torch import Tensor


def number(value: float, *shape: int) -> Tensor:
    """A leaf of that value, (1,) or of another shape."""
    return torch.full(shape or (1,), value, requires_grad=True)


def gradients(y: Tensor, *leaves: Tensor) -> list[Tensor]:
    """Gradients of the sum of y; nowhere in the graph is one NaN or infinite, not even where it is masked later."""
    seen, todo = set(), [y.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            node.register_hook(lambda outputs, _, node=node: require_finite(node.name(), outputs))  # type: ignore[misc]
            todo += [following for following, _ in node.next_functions]
    with torch.autograd.set_detect_anomaly(True):
        of_leaves = torch.autograd.grad(y.sum(), leaves, retain_graph=True, allow_unused=True)
    require_finite("leaf", of_leaves)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(of_leaves, leaves, strict=True)]


def require_finite(name: str, tensors: tuple[Tensor | None, ...]) -> None:
    assert all(t is None or bool(torch.isfinite(t).all()) for t in tensors), name
