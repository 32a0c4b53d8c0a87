"""Networks that count their padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from teachers.lengths import ByLength, real_lengths
from tests.teachers.network_files import group

FEATURES = group("pf_features", ["a", "b"], 5)
MASKED = (FEATURES, group("pf_mask", ["pf_mask"], 5))


class Mean(nn.Module):
    """The mean over all entries that it is given, and how many these are."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return x.mean(2), torch.full((len(x),), float(x.shape[2]))


def jets(*lengths: int) -> Tensor:
    x = torch.randn(len(lengths), 2, 5, generator=torch.Generator().manual_seed(0))
    for i, n in enumerate(lengths):
        x[i, :, n:] = 0
    return x


def test_each_jet_is_answered_at_its_own_length_and_in_its_place() -> None:
    network = Mean()
    x = jets(3, 1, 5, 3, 2)
    answer = ByLength(network, [FEATURES])(x)
    expected = torch.stack([x[i, :, :n].mean(1) for i, n in enumerate((3, 1, 5, 3, 2))])
    assert torch.allclose(answer[:, :2], expected, atol=1e-6)
    assert answer[:, 2].tolist() == [3, 1, 5, 3, 2] and network.calls == 4


def test_a_jet_has_as_many_entries_as_the_description_demands() -> None:
    assert ByLength(Mean(), [group("pf_features", ["a", "b"], 5, 2)])(jets(1, 4))[:, 2].tolist() == [2, 4]


def test_padding_has_no_gradient() -> None:
    x = jets(3, 5).requires_grad_()
    ByLength(Mean(), [FEATURES])(x)[:, 0].sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad[:, 0], torch.tensor([[1 / 3] * 3 + [0] * 2, [1 / 5] * 5]))


def test_a_mask_decides_where_entries_are_zero() -> None:
    mask = torch.zeros(2, 1, 5)
    mask[0, :, :2] = mask[1, :, :4] = 1
    assert real_lengths((torch.zeros(2, 2, 5), mask), MASKED) == [[2, 4], [2, 4]]
