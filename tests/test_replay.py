"""The replay buffer: what is kept, in which precision, and what is drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from zskt.forward import Output
from zskt.replay import ReplayBuffer, concatenate, kept_as


def sample(value: float, width: int) -> tuple[tuple[Tensor, ...], Output]:
    """Two samples of so many particles, of the class ``value``."""
    mask = torch.ones(2, 1, width, dtype=torch.bool)
    logits = torch.zeros(2, 3)
    logits[:, int(value)] = 5
    return (torch.full((2, 2, width), value), mask), Output(logits, {"attention.0": torch.full((2, width), value)})


def stream() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_buffer_keeps_the_latest_and_pads_to_the_widest() -> None:
    buffer = ReplayBuffer(4)
    for value, width in ((0, 3), (1, 5), (2, 4)):
        buffer.add(*sample(value, width))
    (points, mask), output = buffer.draw(200, stream())
    assert len(buffer) == 4 and points.shape == (200, 2, 5)
    assert set(points[:, 0, 0].tolist()) == {1.0, 2.0}
    twos = points[:, 0, 0] == 2
    assert (points[twos][:, :, 4] == 0).all() and not mask[twos][:, :, 4].any() and mask.dtype == torch.bool
    assert torch.equal(output.logits.argmax(1), points[:, 0, 0].long())
    assert output.extras["attention.0"].shape == (200, 5)


def test_a_balanced_draw_evens_out_the_teachers_classes() -> None:
    buffer = ReplayBuffer(64)
    for _ in range(15):
        buffer.add(*sample(0, 2))
    buffer.add(*sample(1, 2))
    rng = stream()
    shares = [(buffer.draw(2000, rng, b)[1].logits.argmax(1) == 1).float().mean().item() for b in (0.0, 1.0)]
    assert shares[0] == pytest.approx(2 / 32, abs=0.02) and shares[1] == pytest.approx(0.5, abs=0.05)
    for _ in range(15):
        buffer.add(*sample(1, 2))  # the weights follow: as many of each
    assert (buffer.draw(2000, rng, 1.0)[1].logits.argmax(1) == 1).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_samples_are_kept_in_half_precision_within_its_range_and_values_in_their_own() -> None:
    buffer = ReplayBuffer(1)
    extras = {"values": torch.tensor([[123.45678]]), "labels": torch.tensor([70_000])}
    buffer.add((torch.tensor([[1.0, 0.1]]),), Output(torch.tensor([[-1.0, 2.0]]), extras))
    buffer.add((torch.tensor([[1e6, 0.1]]),), Output(torch.tensor([[-1e9, 2.0]]), extras))
    (x,), output = buffer.draw(1, stream())
    assert x[0, 0] == 65504 and x[0, 1] == pytest.approx(0.1, abs=5e-5) and x.dtype == torch.float32
    assert output.logits.tolist() == [[-65504, 2]]
    assert output.extras["values"].item() == pytest.approx(123.45678, abs=1e-5)
    assert output.extras["labels"].item() == 70_000


@pytest.mark.parametrize("scale", [1e6, 1e-8])
def test_samples_that_half_precision_would_spoil_are_kept_as_they_are(scale: float) -> None:
    x = scale * torch.rand(8, 3, generator=stream())
    buffer = ReplayBuffer(8)
    buffer.add((x, x.double()), Output(torch.zeros(8, 2)))
    (single, double), _ = buffer.draw(20, stream())
    assert all(any(torch.equal(row, other) for other in x) for row in single)
    assert double.dtype == torch.float64 and torch.equal(double.float(), single)


def test_a_feature_with_little_spread_about_a_large_mean_is_kept_as_it_is() -> None:
    x = torch.stack([2000 + 0.2 * torch.randn(64, generator=stream()), torch.randn(64, generator=stream())], 1)
    buffer = ReplayBuffer(64)
    buffer.add((x, x[:, 1:]), Output(x[:, :1] - x))
    (kept, other), output = buffer.draw(200, stream())
    rows = (kept.unsqueeze(1) == x).all(2).float().argmax(1)
    assert torch.equal(kept, x[rows])
    assert torch.equal(other, x[rows, 1:].half().float()), "what varies about 0 loses nothing"
    assert torch.equal(output.logits, (x[:, :1] - x)[rows])


@pytest.mark.parametrize(
    ("feature", "kept"),
    [
        (lambda z: z, torch.float16),
        (lambda z: 20 + z, torch.float16),  # off by 1/128 at most, 0.5 % of the spread on average
        (lambda z: 100 + z, torch.float32),
        (lambda z: (z > 0).float(), torch.float16),
        (lambda z: 0 * z + 0.1, torch.float16),  # does not vary
        (lambda z: 1e6 * z, torch.float32),
        (lambda z: 1e-8 * z, torch.float32),
    ],
)
@pytest.mark.parametrize("padding", [0, 50])
def test_rounding_is_compared_with_the_spread_of_what_is_no_padding(
    feature: Any, kept: torch.dtype, padding: int
) -> None:
    column = feature(torch.randn(64, 2, 10, generator=stream()))
    column = torch.cat([column, torch.zeros(64, 2, padding)], 2)
    assert kept_as("x.0", column) == kept
    assert kept_as("x.0", torch.cat([column, torch.ones(64, 1, column.shape[2])], 1)) == kept, "one feature is enough"


def test_zeros_that_stand_for_what_is_missing_widen_no_spread() -> None:
    column = 2000 + 0.2 * torch.randn(64, 2, generator=stream())
    for feature, kept in ((column, torch.float32), (column / 2000 * 0 + 2000, torch.float16)):
        missing = torch.rand(64, 2, generator=stream()) < 0.3
        assert kept_as("x.0", feature.masked_fill(missing, 0.0)) == kept


def test_what_terms_capture_is_compared_with_its_size() -> None:
    column = 2000 + 0.2 * torch.randn(64, 3, generator=stream())
    kinds = [kept_as(name, column) for name in ("x.1", "logits", "attention.0", "values")]
    assert kinds == [torch.float32, torch.float32, torch.float16, torch.float32]


def test_a_pure_regression_has_no_classes_to_balance() -> None:
    buffer = ReplayBuffer(4)
    buffer.add((torch.arange(4.0).view(4, 1),), Output(torch.zeros(4, 0), {"values": torch.ones(4, 1)}))
    assert buffer.draw(3, stream(), balance=0.5)[0][0].shape == (3, 1)


def test_a_restored_buffer_draws_the_same_and_goes_on_at_its_place() -> None:
    buffer, restored = ReplayBuffer(4), ReplayBuffer(4)
    for value, width in ((0, 3), (1, 5), (2, 4)):
        buffer.add(*sample(value, width))
    restored.add(*sample(0, 9))
    restored.load_state_dict(buffer.state_dict())
    for kept in (buffer, restored):
        kept.add(*sample(0, 3))
    drawn = [kept.draw(50, stream(), 0.5) for kept in (buffer, restored)]
    assert torch.equal(drawn[0][0][0], drawn[1][0][0]) and torch.equal(drawn[0][1].logits, drawn[1][1].logits)
    assert set(drawn[0][0][0][:, 0, 0].tolist()) == {0.0, 2.0}


def test_joining_two_batches_pads_the_narrower() -> None:
    x, output = concatenate(sample(0, 2), sample(1, 5))
    assert x[0].shape == (4, 2, 5) and output.logits.shape == (4, 3) and output.extras["attention.0"].shape == (4, 5)
    assert x[0][:, 0].tolist() == [[0] * 5] * 2 + [[1] * 5] * 2 and x[1].sum() == 2 * 2 + 2 * 5


def test_nothing_can_be_drawn_from_an_empty_buffer() -> None:
    with pytest.raises(ValueError, match="empty"):
        ReplayBuffer(3).draw(1, stream())


def test_labels_are_kept_as_they_are_and_rare_decisions_are_drawn_more_often() -> None:
    z = torch.full((100, 2), -4.0)
    z[:10, 0] = 4.0  # a tenth has the first label, none the second
    logits = torch.stack([z, torch.zeros_like(z)], 2)
    buffer = ReplayBuffer(100)
    buffer.add((torch.arange(100.0).unsqueeze(1),), Output(logits))
    (rows,), output = buffer.draw(4000, stream(), balance=1.0)
    assert torch.equal(output.logits, logits[rows.squeeze(1).long()])
    weights = (1 / 0.1 + 1) / 2, (1 / 0.9 + 1) / 2
    expected = 10 * weights[0] / (10 * weights[0] + 90 * weights[1])
    assert float((rows < 10).float().mean()) == pytest.approx(expected, abs=0.03)
