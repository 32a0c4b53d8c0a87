"""Steps that a GPU replays as a CUDA graph: hundreds of small kernels for the price of one launch.

A student step of a small network is some 300 kernels of a few microseconds each. Launched one by one from Python they
take several times as long as they compute. Elsewhere than on a GPU nothing changes: the step is called.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, Generic, TypeVar
from weakref import WeakMethod

import torch
from torch import Tensor, nn

from zskt.parallel.ranks import world

T = TypeVar("T")

WARM_UP = 3
"""Steps in the same shapes before one is recorded: libraries choose their kernels, optimisers make their state."""
MOST_GRAPHS = 8
"""Shapes that are recorded; steps in further shapes are launched kernel by kernel."""


def is_replayable(network: nn.Module | None) -> bool:
    """Whether a network's answer depends on its input, its parameters and torch's random stream alone.

    A network says so by its attribute ``replayable``: neither shapes that depend on values nor decisions that Python
    takes (``random.random() < 0.5``). A chain of torch's own layers says it by itself.
    """
    if network is None:
        return True
    declared = getattr(network, "replayable", None)
    if declared is not None:
        return bool(declared)
    if isinstance(network, nn.Sequential):
        return all(is_replayable(layer) for layer in network)
    return type(network).__module__.startswith("torch.nn.modules")


class Replayed(Generic[T]):
    """A step on tensors, recorded for each shape of them and replayed from then on.

    What a replayed step returns lies where the next replay in the same shapes will overwrite it.

    A method of the object that keeps this one is not kept in turn: in a ring of the two, the tensors of a finished run
    would stay until Python happens to look for rings, and it counts objects, not their bytes.

    Args:
        step: called with tensors and ``key``; it reads no value of a tensor and changes its state in place.
        allowed: whether all networks in it are `is_replayable`.
    """

    def __init__(self, step: Callable[..., T], *, allowed: bool = True) -> None:
        self._step = WeakMethod(step) if isinstance(step, MethodType) else lambda: step
        self.allowed = allowed and world().size == 1  # ranks talk to each other within a step
        self._seen: dict[Any, int] = {}
        self._graphs: dict[Any, tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], T]] = {}

    def step(self, *tensors: Tensor, key: Any) -> T:
        """Take the step as it is."""
        step = self._step()
        assert step is not None, "its object is gone"
        return step(*tensors, key=key)

    def __call__(self, *tensors: Tensor, key: Any = None) -> T:
        """Take the step.

        Args:
            key: what the step depends on beside the tensors, which tells recordings apart.
        """
        if not self.allowed or not tensors[0].is_cuda:
            return self.step(*tensors, key=key)
        shapes = key, torch.is_grad_enabled(), tuple((t.shape, t.dtype, t.requires_grad) for t in tensors)
        if shapes not in self._graphs:
            self._seen[shapes] = self._seen.get(shapes, 0) + 1
            if self._seen[shapes] <= WARM_UP or len(self._graphs) == MOST_GRAPHS:
                return self._beside(tensors, key)
            self._graphs[shapes] = self._recorded(tensors, key)
        graph, inputs, result = self._graphs[shapes]
        for kept, tensor in zip(inputs, tensors, strict=True):
            kept.copy_(tensor)
        graph.replay()
        return result

    def _beside(self, tensors: tuple[Tensor, ...], key: Any) -> T:
        """Take the step on a stream of its own, as a recording needs it beforehand."""
        stream = _side_stream(tensors[0].device)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self.step(*tensors, key=key)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _recorded(self, tensors: tuple[Tensor, ...], key: Any) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], T]:
        """Record the step; nothing is computed by it."""
        inputs = tuple(t.detach().clone() for t in tensors)
        graph = torch.cuda.CUDAGraph()  # with memory of its own: what it returns outlives replays of other graphs
        with torch.cuda.graph(graph, stream=_side_stream(tensors[0].device)):
            result = self.step(*inputs, key=key)
        return graph, inputs, result


_STREAMS: dict[torch.device, torch.cuda.Stream] = {}


def _side_stream(device: torch.device) -> torch.cuda.Stream:
    if device not in _STREAMS:
        _STREAMS[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return _STREAMS[device]
