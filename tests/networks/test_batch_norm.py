"""The quick normalisation of frozen networks is PyTorch's, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zskt.bn_statistics import capture_bn_statistics, normalisations
from zskt.networks.batch_norm import BatchNorm, Frozen


def both(relu: bool) -> tuple[BatchNorm, nn.BatchNorm2d]:
    """Ours and PyTorch's, of the same parameters and statistics, in float64."""
    ours, theirs = BatchNorm(3, relu=relu), nn.BatchNorm2d(3)
    with torch.no_grad():
        for tensor in (ours.weight, ours.bias, ours.running_mean):
            assert tensor is not None
            tensor.normal_()
        assert ours.running_var is not None
        ours.running_var.uniform_(0.5, 2)
    theirs.load_state_dict(ours.state_dict())
    return ours.double(), theirs.double()


def answer(layer: nn.BatchNorm2d, x: Tensor, relu: bool) -> tuple[Tensor, list[Tensor]]:
    """The answer, and the gradients by the input and by the parameters that have one."""
    x = x.clone().requires_grad_()
    y = layer(x)
    if relu and not isinstance(layer, BatchNorm):
        y = y.relu()
    wanted = [x, *(p for p in layer.parameters() if p.requires_grad)]
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    return y, list(torch.autograd.grad((weights * y).sum(), wanted))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("state", ["training", "evaluating", "frozen"])
def test_it_is_pytorchs(relu: bool, state: str) -> None:
    ours, theirs = both(relu)
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    for layer in (ours, theirs):
        layer.train(state == "training").requires_grad_(state != "frozen")
    (y, gradients), (expected, expected_gradients) = answer(ours, x, relu), answer(theirs, x, relu)
    assert ("Frozen" in type(y.grad_fn).__name__) == (state == "frozen")
    torch.testing.assert_close(y, expected, rtol=0, atol=0)
    assert len(gradients) == (1 if state == "frozen" else 3)
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-12, atol=1e-12)
    assert relu == bool((y >= 0).all())
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=0, atol=0)


def test_nothing_is_kept_where_no_gradient_is_wanted() -> None:
    ours, _ = both(relu=True)
    ours.eval().requires_grad_(False)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    assert ours(x).grad_fn is None
    with torch.no_grad():
        assert ours(x.requires_grad_()).grad_fn is None


def test_the_frozen_one_keeps_its_answer_alone() -> None:
    kept: list[Tensor] = []
    ours, _ = both(relu=True)
    ours.eval().requires_grad_(False)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = ours(x)
    assert sorted(t.numel() for t in kept) == [3, y.numel()]
    assert not any(t.data_ptr() == x.data_ptr() for t in kept)


def test_gradients_by_finite_differences() -> None:
    for relu in (False, True):
        ours, _ = both(relu)
        ours.eval().requires_grad_(False)
        x = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda t, layer=ours: Frozen.apply(t, layer), (x,))


def test_its_statistics_are_seen() -> None:
    ours, _ = both(relu=True)
    ours.eval().requires_grad_(False)
    assert normalisations(nn.Sequential(ours)) == [ours]
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    with capture_bn_statistics(ours) as mismatches:
        ours(x)
    (gradient,) = torch.autograd.grad(mismatches[0], x)
    assert gradient.abs().max() > 0
