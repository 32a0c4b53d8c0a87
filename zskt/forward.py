"""What networks say of a batch: logits, attention maps, what their layers put out, regressed values.

Nothing here knows what a sample is: a batch x is a tuple of tensors, and a network is called as ``network(*x)``.

Shapes: B batch, K classes, R regressed values, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn

Batch = tuple[Tensor, ...]


class Output(NamedTuple):
    """What a network says of a batch."""

    logits: Tensor
    """(B, K)"""
    attention: tuple[Tensor, ...] = ()
    """f(A) of each layer that was watched, (B, positions)."""
    values: Tensor | None = None
    """(B, R), regressed values; None of a network that has none."""
    activations: tuple[Tensor, ...] = ()
    """A of each layer that was watched, (B, C, positions...), if asked for: too large to be kept for replay."""

    def detach(self) -> Output:
        values = None if self.values is None else self.values.detach()
        maps, whole = (tuple(a.detach() for a in layers) for layers in (self.attention, self.activations))
        return Output(self.logits.detach(), maps, values, whole)

    def at(self, rows: Tensor) -> Output:
        """To some of the samples."""
        values = None if self.values is None else self.values[rows]
        maps, whole = (tuple(a[rows] for a in layers) for layers in (self.attention, self.activations))
        return Output(self.logits[rows], maps, values, whole)


@contextmanager
def watch(network: nn.Module, layers: Sequence[str]) -> Iterator[list[Tensor]]:
    """Collect the outputs of the submodules named ``layers``, in the order in which the forward pass meets them.

    Raises:
        AttributeError: if the network has no submodule of that name.
    """
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs.append(output)

    handles = [network.get_submodule(name).register_forward_hook(keep) for name in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def attention_map(activation: Tensor) -> Tensor:
    """f(A) of section 3.2: the mean of A^2 over channels, flattened, of unit Euclidean length.

    (B, C, positions...) -> (B, positions); of an image the positions are H W, of a jet the particle slots.
    """
    return nn.functional.normalize(activation.square().mean(1).flatten(1), dim=1)


def ask(network: nn.Module, x: Batch, layers: Sequence[str] = (), *, maps: bool = True, whole: bool = False) -> Output:
    """One forward pass: logits, the attention maps of ``layers``, and regressed values if there are any.

    Args:
        maps: whether to take attention maps.
        whole: whether to keep all that ``layers`` put out.
    """
    with watch(network, layers) as activations:
        answered = network(*x)
    logits, values = heads(network, answered)
    attention = tuple(attention_map(a) for a in activations) if maps else ()
    return Output(logits, attention, values, tuple(activations) if whole else ())


def heads(network: nn.Module, answered: Tensor) -> tuple[Tensor, Tensor | None]:
    """(B, K + R) -> logits (B, K) and values (B, R): a network says in its attribute ``regressions`` how many are R."""
    count: int = getattr(network, "regressions", 0)
    return (answered[:, :-count], answered[:, -count:]) if count else (answered, None)
