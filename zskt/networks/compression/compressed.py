"""A student made smaller: normalisations folded, channels removed, products of lower rank, zeros, fewer bits.

The steps follow each other in this order, and each is left out where nothing asks for it. The shapes that come out
depend on the architecture and on `Compression` alone, not on the weights: a network that was just built is brought
into the same form, so that it can take the saved parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.compression.channels import chains_of, remove_channels
from zskt.networks.compression.fixed_point import FixedPoint, quantised
from zskt.networks.compression.low_rank import factorised
from zskt.networks.compression.magnitude import mask_smallest
from zskt.networks.compression.normalisations import without_normalisations
from zskt.networks.folding import Product
from zskt.networks.regression_head import RegressionHead
from zskt.viewed import Viewed

FLOAT_BITS = 32
"""Bits of a number that is not quantised."""
N = TypeVar("N", bound=nn.Module)
KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d)
"""Layers that are made smaller."""


@dataclass(frozen=True, kw_only=True)
class Compression:
    """How much smaller a network is to become; each default changes nothing."""

    channels: float = 1.0
    """Share of the channels of each hidden layer that stay."""
    rank: float = 1.0
    """Rank of each product, as a share of the largest that its shape allows."""
    bits: int = FLOAT_BITS
    """Bits of weights and of the numbers that they multiply."""
    sparsity: float = 0.0
    """Share of the weights of each product that are zero."""

    @property
    def is_none(self) -> bool:
        """Whether it changes nothing."""
        return self == Compression()


@torch.no_grad()
def compressed(network: nn.Module, how: Compression, name: str = "the student") -> nn.Module:
    """Return a smaller copy of a network, which learns as any other.

    Args:
        network: in evaluation mode as trained, or just built.
        name: of the network, for messages.

    Raises:
        UserError: if its architecture does not allow what is asked for.
    """
    small = copy.deepcopy(network).eval()
    inner: nn.Module = small
    while isinstance(inner, RegressionHead | BernoulliHead | Viewed):
        inner = inner.network
    _require_plain_products(inner, name)
    without_normalisations(inner)
    if how.channels < 1:
        if not (chains := chains_of(inner)):
            raise UserError(
                f"--channels {how.channels}: {name} has layers that add up, whose channels hang together; take --rank, "
                "--bits or --sparsity"
            )
        remove_channels(chains, how.channels)
    if how.rank < 1:
        _replace_products(inner, lambda product, _: factorised(product, how.rank))
    if how.sparsity:
        for product in products(inner).values():
            mask_smallest(product, how.sparsity)
    if how.bits < FLOAT_BITS:
        first = _first_products(inner)
        _replace_products(inner, lambda product, key: quantised(product, how.bits, reads_inputs=key in first))
    return small.requires_grad_(True)


def _require_plain_products(network: nn.Module, name: str) -> None:
    """Raise `UserError` if weights are elsewhere than in linear layers and convolutions that a network calls."""
    if not products(network):
        raise UserError(
            f"--mode compress: {name} has neither linear layers nor convolutions, so that nothing of it can be made "
            "smaller; take another student, such as deepsets, pfn, mixer or mlp"
        )
    for module in network.modules():
        if isinstance(module, nn.RNNBase) or (isinstance(module, Product) and type(module) not in KINDS):
            raise UserError(
                f"--mode compress: {name} has layers of type {type(module).__name__}, which use their weights in a way "
                "of their own; take a student of linear layers and convolutions, such as deepsets, pfn, mixer or mlp"
            )


@torch.no_grad()
def plain(network: N) -> N:
    """Return a copy whose weights are the rounded and masked ones themselves; a network without such is returned.

    The rounding of inputs stays.

    In a copy without parametrisations layers can be folded, copied and exported as those of any other network.
    """
    if not any(map(parametrize.is_parametrized, network.modules())):
        return network
    copied = copy.deepcopy(network)
    for module in copied.modules():
        if parametrize.is_parametrized(module):
            weight = module.weight
            assert isinstance(weight, Tensor)
            # PyTorch's own way of removing them changes the class, which a copy shares with its original.
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            module.weight = nn.Parameter(weight, requires_grad=False)
    return copied


@torch.no_grad()
def calibrate_inputs(network: nn.Module, x: Batch) -> None:
    """Choose the range of the numbers that each quantised product takes, from one batch of samples."""
    with _calibrating(network):
        network(*x)


@contextmanager
def _calibrating(network: nn.Module) -> Iterator[None]:
    """Let the fixed-point formats of inputs follow what they meet, in evaluation mode."""
    formats = [m for m in network.modules() if isinstance(m, FixedPoint) and not m.of_weight]
    training = network.training
    network.eval()
    for fmt in formats:
        fmt.calibrating = True
    try:
        yield
    finally:
        for fmt in formats:
            fmt.calibrating = False
        network.train(training)


def products(network: nn.Module) -> dict[str, Product]:
    """Return the linear layers and convolutions of a network by name."""
    return {name: module for name, module in network.named_modules() if isinstance(module, Product)}


def zeros(network: nn.Module) -> int:
    """Count the weights of products that are zero."""
    return sum(int((product.weight == 0).sum()) for product in products(network).values())


def _first_products(network: nn.Module) -> set[str]:
    """Return the names of the products that read the inputs of the network: the first of each network of entries."""
    entries: list[nn.Module] = list(getattr(network, "networks", ())) or [network]
    firsts = [next(m for m in entry.modules() if isinstance(m, Product)) for entry in entries]
    return {name for name, product in products(network).items() if any(product is first for first in firsts)}


def _replace_products(network: nn.Module, replace: Callable[[Product, str], nn.Module]) -> None:
    """Put what ``replace(product, name)`` returns in the place of each product."""
    for name, product in products(network).items():
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, replace(product, name))
