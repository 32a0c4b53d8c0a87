"""The floor of a computation: the time that its bare products, convolutions and copies take in the same shapes.

A network is run once and its layers are noted. Each distinct operation is then timed alone and counted as often as the
computation needs it; what is element by element counts as copies of the same size: a tensor read once, another written
once. Nothing that a library adds between the operations is in it, and no product that is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.bench import Job, Times
from generators.images.convnet import UpsampledConv

FORWARD, BY_INPUT, BY_WEIGHT, BY_BOTH, COPY = "forward", "by input", "by weight", "by input and weight", "copy"


class Operation(NamedTuple):
    """A bare operation; equal ones are timed once."""

    what: str
    """`FORWARD`, a gradient `BY_INPUT`, `BY_WEIGHT` or `BY_BOTH`, or a `COPY`."""
    x: tuple[int, ...]
    """Shape of the input; of a copy, (elements,)."""
    weight: tuple[int, ...] = ()
    stride: int = 1
    padding: int = 0
    transposed: bool = False


class Work(dict[Operation, float]):
    """How often each operation is done. Half a copy is one way: a tensor read, or written."""

    def __init__(self, entries: Iterable[tuple[Operation, float]] = ()) -> None:
        super().__init__()
        for operation, times in entries:
            self[operation] = self.get(operation, 0.0) + times

    def __add__(self, other: Work) -> Work:
        return Work([*self.items(), *other.items()])

    def seconds(self, times: Times, label: Callable[[Operation], str]) -> list[float]:
        """Sum the work up, once for each round of the measurement."""
        rounds = zip(*(times.seconds[label(operation)] for operation in self), strict=True)
        return [sum(s * n for s, n in zip(seconds, self.values(), strict=True)) for seconds in rounds]


class Noted(NamedTuple):
    """What a forward pass of a network consists of, in the order in which it is met."""

    layers: list[Operation]
    """Products and convolutions, forward."""
    normalised: list[int]
    """Elements of each tensor that is normalised, with the activation behind it."""
    added: list[int]
    """Elements of each sum of a block and its shortcut."""

    def forward(self, times: float = 1.0) -> Work:
        """Count forward passes: a normalisation reads and writes, a sum reads twice and writes."""
        return Work((layer, times) for layer in self.layers) + self._copies(times, 1.0)

    def backward(self, times: float = 1.0, *, weights: bool = True, by_input: bool = True) -> Work:
        """Count backward passes: a normalisation reads its input, too; where a path forks, two gradients are added.

        Args:
            weights: whether gradients of the weights are wanted.
            by_input: whether the gradient of the network's own input is wanted.
        """
        inner = BY_BOTH if weights else BY_INPUT
        kinds = [inner if by_input else BY_WEIGHT] + [inner] * (len(self.layers) - 1)
        layers = [(layer._replace(what=what), times) for layer, what in zip(self.layers, kinds, strict=True)]
        return Work(layers) + self._copies(times, 1.5)

    def _copies(self, times: float, normalised: float) -> Work:
        copies = [(copy_of(n), times * normalised) for n in self.normalised]
        return Work(copies + [(copy_of(n), times * 1.5) for n in self.added])


def copy_of(elements: int) -> Operation:
    """Return the copy of a tensor of so many elements."""
    return Operation(COPY, (elements,))


def note(network: nn.Module, run: Job, blocks: tuple[type[nn.Module], ...] = ()) -> Noted:
    """Run a network once, and note what it consists of.

    Args:
        run: calls the network.
        blocks: modules that end in the sum of a path and its shortcut.
    """
    noted = Noted([], [], [])

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        x = tuple(inputs[0].shape)
        if isinstance(module, UpsampledConv):  # four taps make a pixel: see there
            noted.layers.append(Operation(FORWARD, x, (x[1], output.shape[1], 4, 4), 2, 1, transposed=True))
        elif isinstance(module, nn.Conv2d):
            padding = module.padding[0]
            assert isinstance(padding, int)
            noted.layers.append(Operation(FORWARD, x, tuple(module.weight.shape), module.stride[0], padding))
        elif isinstance(module, nn.Linear):
            noted.layers.append(Operation(FORWARD, x, tuple(module.weight.shape)))
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            noted.normalised.append(inputs[0].numel())
        elif isinstance(module, blocks):
            noted.added.append(output.numel())

    handles = [module.register_forward_hook(hook) for module in network.modules()]
    run()
    for handle in handles:
        handle.remove()
    return noted


def job(operation: Operation, device: torch.device, dtype: torch.dtype = torch.float32) -> Job:
    """Make the job that does an operation once, images channels last."""
    what, shape = operation.what, operation.x
    if what == COPY:
        source, target = (torch.ones(shape, dtype=dtype, device=device) for _ in range(2))
        return lambda: target.copy_(source)
    x, weight = (torch.randn(s, dtype=dtype, device=device) for s in (shape, operation.weight))
    if len(shape) == 2:
        return _product(x, weight, what)
    x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
    geometry = ([operation.stride] * 2, [operation.padding] * 2, [1, 1], operation.transposed, [0, 0], 1)
    forward = torch.ops.aten.convolution.default
    if what == FORWARD:
        return lambda: forward(x, weight, None, *geometry)
    gradient = torch.randn_like(forward(x, weight, None, *geometry))
    mask = [what != BY_WEIGHT, what != BY_INPUT, False]
    return lambda: torch.ops.aten.convolution_backward.default(gradient, x, weight, None, *geometry, mask)


def _product(x: Tensor, weight: Tensor, what: str) -> Job:
    gradient = x @ weight.T
    products: dict[str, list[Job]] = {
        FORWARD: [lambda: x @ weight.T],
        BY_INPUT: [lambda: gradient @ weight],
        BY_WEIGHT: [lambda: gradient.T @ x],
    }
    products[BY_BOTH] = products[BY_INPUT] + products[BY_WEIGHT]
    return lambda: [product() for product in products[what]]


def label(operation: Operation) -> str:
    """Name an operation for a clock."""
    name = "transposed " if operation.transposed else ""
    return f"{operation.what}: {name}{operation.x} {operation.weight} / {operation.stride}"
