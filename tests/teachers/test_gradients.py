"""Gradients of networks from files: tried, and mended where they can be."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from teachers.gradients import WithGradient, with_gradient

pytestmark = pytest.mark.filterwarnings("ignore")


def script(network: nn.Module) -> torch.jit.ScriptModule:
    """As it comes back from a file."""
    held = io.BytesIO()
    torch.jit.save(torch.jit.script(network.eval()), held)
    held.seek(0)
    loaded: torch.jit.ScriptModule = torch.jit.load(held)  # type: ignore[no-untyped-call]
    return loaded


def gradient(network: nn.Module, x: Tensor) -> Tensor:
    held = x.detach().clone().requires_grad_()
    y = network(held)
    y = y if isinstance(y, Tensor) else y[0]
    weights = torch.linspace(-1.0, 2.5, y.numel()).view_as(y)
    return torch.autograd.grad((y * weights).sum(), held)[0]


class Products(nn.Module):
    """A small network; the same in place and out of place."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner, self.second, self.outer = nn.Linear(3, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.inner(x))
        k = self.second(h).exp()
        if self.in_place:
            h.mul_(2.0)
            h += 1.0
        else:
            h = h * 2.0 + 1.0
        return self.outer((h * k).sigmoid())


class Writes(nn.Module):
    """Writes into its own input, which a later layer needs as it was."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.square()
        x.mul_(3.0)
        return y + x


@pytest.mark.parametrize("scripted", [True, False])
def test_what_is_computed_in_place_has_the_gradient_of_what_is_not(scripted: bool) -> None:
    x = torch.randn(6, 3)
    network = script(Products(True)) if scripted else Products(True)
    mended, words = with_gradient(network, (x,))
    assert isinstance(mended, WithGradient) and mended.copies and not mended.singular
    assert words == "yes; what it computes in place is copied"
    expected = gradient(Products(False), x)
    for _ in range(4):  # TorchScript changes its graph in the first calls
        assert torch.allclose(gradient(mended, x), expected, atol=1e-6) and bool(expected.any())
    assert torch.allclose(mended(x), Products(False)(x), atol=1e-6)


def test_an_input_that_is_written_into_stays_the_callers() -> None:
    x = torch.randn(5, 2)
    before = x.clone()
    mended, words = with_gradient(script(Writes()), (x,))
    assert words.startswith("yes")
    assert torch.equal(x, before) and torch.allclose(mended(x), before.square() + 3 * before)
    assert torch.equal(x, before)
    assert torch.allclose(gradient(mended, x), (2 * before + 3) * torch.linspace(-1, 2.5, 10).view(5, 2), atol=1e-6)


def safe(x: Tensor, operation: Callable[[Tensor], Tensor], singular: Tensor) -> Tensor:
    """An operation without gradient at some entries, where it answers zero: the double "where"."""
    return torch.where(singular, torch.zeros_like(x), operation(torch.where(singular, torch.ones_like(x), x)))


class Distances(nn.Module):
    """Sums of distances between entries: zero on the diagonal, where sqrt has no gradient."""

    def __init__(self, safe: bool) -> None:
        super().__init__()
        self.safe = safe

    def forward(self, x: Tensor) -> Tensor:
        d = (x.unsqueeze(3) - x.unsqueeze(2)).square().sum(1)
        root = safe(d, torch.sqrt, d == 0) if self.safe else d.sqrt()
        return (root.sum((1, 2)) + x.square().sum((1, 2))).unsqueeze(1).tanh()


class Angles(nn.Module):
    """Directions of entries, and their size: atan2 and sqrt have no gradient at padding."""

    def __init__(self, safe: bool) -> None:
        super().__init__()
        self.safe = safe

    def forward(self, x: Tensor) -> Tensor:
        a, b = x[:, 0], x[:, 1]
        if self.safe:
            empty = (a == 0) & (b == 0)
            phi = torch.where(empty, torch.zeros_like(a), torch.atan2(b, torch.where(empty, torch.ones_like(a), a)))
            size = safe(a * a + b * b, torch.sqrt, empty)
        else:
            phi, size = torch.atan2(b, a), (a * a + b * b).sqrt()
        return torch.stack([(phi * size).sum(1), phi.sin().sum(1)], 1)


class DistancesInFile(nn.Module):
    """As a file has them."""

    def forward(self, x: Tensor) -> Tensor:
        d = (x.unsqueeze(3) - x.unsqueeze(2)).square().sum(1)
        return (d.sqrt().sum((1, 2)) + x.square().sum((1, 2))).unsqueeze(1).tanh()


class AnglesInFile(nn.Module):
    """As a file has them."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x[:, 0], x[:, 1]
        phi, size = torch.atan2(b, a), (a * a + b * b).sqrt()
        return torch.stack([(phi * size).sum(1), phi.sin().sum(1)], 1)


@pytest.mark.parametrize("scripted", [True, False])
def test_distances_keep_every_gradient_but_that_of_the_diagonal(scripted: bool) -> None:
    x = 0.1 * torch.randn(4, 2, 5)
    x[::2, :, 1] = x[::2, :, 0]  # a pair of entries without a distance
    assert not gradient(Distances(False), x).isfinite().all()
    network = script(DistancesInFile()) if scripted else Distances(False)
    mended, words = with_gradient(network, (x,))
    assert isinstance(mended, WithGradient) and not mended.copies
    assert words.startswith("yes; no finite derivative of sqrt at padding, or between an entry and itself")
    expected = gradient(Distances(True), x)
    for _ in range(4):
        assert torch.allclose(gradient(mended, x), expected, atol=1e-5)
    assert bool(expected.ne(0).all())
    assert torch.equal(mended(x), Distances(False)(x))


@pytest.mark.parametrize("scripted", [True, False])
def test_angles_keep_every_gradient_but_that_of_padding(scripted: bool) -> None:
    x = torch.randn(4, 2, 5)
    x[:, :, 3:] = 0
    assert not gradient(Angles(False), x).isfinite().all()
    mended, words = with_gradient(script(AnglesInFile()) if scripted else Angles(False), (x,))
    assert isinstance(mended, WithGradient) and "sqrt" in words
    expected = gradient(Angles(True), x)
    for _ in range(4):
        found = gradient(mended, x)
        assert torch.allclose(found[:, :, :3], expected[:, :, :3], atol=1e-5)
        assert bool((found[:, :, 3:] == 0).all())
    assert bool(expected[:, :, :3].ne(0).all())


class Rounded(nn.Module):
    """Steps, whose gradient is zero."""

    def forward(self, x: Tensor) -> Tensor:
        return x.round().sum(2)


class Constant(nn.Module):
    """What an integer network is that is fed numbers below one."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x).sum(2) + 1


class Detached(nn.Module):
    """Answers without a graph."""

    def forward(self, x: Tensor) -> Tensor:
        return x.detach().sum(2)


class Refusing(torch.autograd.Function):
    """An operation without a derivative."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.clone()

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:  # type: ignore[override]
        raise RuntimeError("no derivative here")


class Refused(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = Refusing.apply(x)
        return out.sum(2)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (Rounded(), "its operations have no derivative"),
        (Detached(), "its operations have no derivative"),
        (Constant(), "all random samples have one answer; see whether it is fed as it was trained"),
        (Refused(), "no derivative here"),
    ],
)
def test_a_network_without_a_gradient_says_so(network: nn.Module, why: str) -> None:
    same, words = with_gradient(network, (torch.randn(3, 2, 4),))
    assert same is network and same.differentiable is False
    assert words.startswith("none") and why in words and words.endswith("it distils with a prior")


def test_what_is_marked_as_a_black_box_is_not_asked() -> None:
    network = Products(False)
    network.differentiable = False  # type: ignore[assignment]
    same, words = with_gradient(network, ())
    assert same is network and words == "none: it runs as it is, and distils with a prior"


@pytest.mark.parametrize("network", [Products(False), script(Products(False)), nn.Sequential(nn.Linear(3, 2))])
def test_ordinary_networks_come_back_as_they_are(network: nn.Module) -> None:
    assert with_gradient(network, (torch.randn(6, 3),)) == (network, "yes")


def test_both_are_mended_together() -> None:
    class Both(nn.Module):
        """A root of zero beside a number that is written over."""

        def forward(self, x: Tensor) -> Tensor:
            h = x.square()
            k = (x + 1).exp()
            h.mul_(4.0)
            k.add_(1.0)
            return h.sqrt().sum(1, keepdim=True) + k.sum(1, keepdim=True)

    x = torch.tensor([[0.0, 1.0, -2.0], [0.5, 0.0, 0.0]])
    mended, words = with_gradient(Both(), (x,))
    assert isinstance(mended, WithGradient) and mended.copies and "copied" in words and "sqrt" in words
    expected = (2 * x.sign() + (x + 1).exp()) * torch.tensor([[-1.0], [2.5]])
    assert torch.allclose(gradient(mended, x), expected, rtol=1e-5)
