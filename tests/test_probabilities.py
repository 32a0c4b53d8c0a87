"""Probabilities are told from logits, exact ones as those that were rounded, and read as logits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zskt import terminal
from zskt.probabilities import AsLogits, are_probabilities, log_probabilities, rounding_of


def beliefs(rows: int, classes: int, scale: float = 3.0) -> Tensor:
    """Probabilities (B, K) of some logits."""
    return (scale * torch.randn(rows, classes, generator=torch.Generator().manual_seed(classes))).softmax(1)


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize("rows", [1, 8, 300])
def test_a_softmax_is_told_however_it_was_rounded(classes: int, rows: int) -> None:
    p = beliefs(rows, classes)
    rounded = [p, p.double(), *(torch.round(p, decimals=d) for d in (2, 3, 4, 6))]
    rounded += [torch.round(p.double(), decimals=3), torch.round(p, decimals=3).double()]
    rounded += [kind for half in (torch.float16, torch.bfloat16) for kind in (p.to(half), p.to(half).float())]
    assert all(map(are_probabilities, rounded))
    assert are_probabilities(nn.functional.one_hot(p.argmax(1), classes).float())


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_so_is_one_of_a_quantised_network_and_one_that_was_printed(classes: int) -> None:
    p = beliefs(300, classes)
    for levels in (127, 128, 255, 256, 255 / 0.999):
        assert are_probabilities(torch.round(p * levels).clamp(max=int(levels)) / levels), levels
    for digits in (2, 3, 4):
        assert are_probabilities(torch.tensor([[float(f"{x:.{digits}g}") for x in row] for row in p.tolist()])), digits


def test_rounding_is_the_coarsest_that_holds_the_numbers() -> None:
    p = beliefs(8, 10)
    words = [rounding_of(torch.round(p, decimals=d)).words for d in (1, 2, 3, 5)]
    assert words == ["1 decimal", "2 decimals", "3 decimals", "5 decimals"]
    assert [rounding_of(t).words for t in (p.half(), p.bfloat16().float(), p)] == ["float16", "bfloat16", ""]
    digits = [[f"{x:.{n}g}" for x in row] for n in (2, 3, 4) for row in (p**3).tolist()]
    written = torch.tensor([[float(x) for x in row] for row in digits]).split(8)
    assert [rounding_of(t).words for t in written] == [f"{n} significant digits" for n in (2, 3, 4)]
    assert rounding_of(torch.tensor([[0.75, 0.25]])).words == "2 decimals"
    for levels in (15, 31, 127, 128, 255, 256, 255 / 0.9987):
        found = rounding_of(torch.round(p * levels) / levels)
        assert found.step == pytest.approx(1 / levels) and found.words == f"steps of {1 / levels:.3g}"
    assert rounding_of(torch.round(p, decimals=3)).tolerance == pytest.approx(10 * 0.0005, rel=0.01)


@pytest.mark.parametrize(
    "logits",
    [
        torch.tensor([[0.2, 0.7], [0.5, 0.4]]),  # within a step of 1, but not both rows
        torch.rand(8, 10, generator=torch.Generator().manual_seed(0)),
        torch.rand(8, 2, generator=torch.Generator().manual_seed(0)).bfloat16(),
        torch.rand(8, 10, generator=torch.Generator().manual_seed(0)).mul(100).round() / 100,
        torch.zeros(8, 1000),
        torch.eye(3).repeat(1, 2),
        torch.tensor([[0.4561, 0.5500]]),
        torch.tensor([[1.002, -0.002]]),
        torch.tensor([[1.0]]),
        torch.tensor([[torch.nan, 0.5]]),
    ],
)
def test_logits_that_lie_between_0_and_1_stay_logits(logits: Tensor) -> None:
    assert not are_probabilities(logits)


def test_zeros_share_what_rounding_took() -> None:
    p = torch.tensor([[0.600, 0.398, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0], [0.998, 0.001, 0.0, 0.0]])
    read = log_probabilities(p, 1e-3).exp()
    assert torch.allclose(read.sum(1), torch.ones(3))
    assert read[0].tolist() == pytest.approx([x / 0.999 for x in (0.600, 0.398, 0.0005, 0.0005)], rel=1e-4)
    assert read[1, 2:].tolist() == pytest.approx([1.25e-4] * 2, rel=1e-3)
    assert read[2].tolist() == pytest.approx([0.998, 0.001, 0.0005, 0.0005], rel=1e-3)
    assert log_probabilities(torch.zeros(1, 4), 1e-2).exp().tolist() == [[0.25] * 4]
    assert torch.equal(log_probabilities(torch.tensor([[1.0, 0.0]])), torch.tensor([[1.0, 1.1754944e-38]]).log())


@pytest.mark.parametrize("decimals", [2, 3])
def test_rounded_answers_are_read_as_nearly_the_logits(decimals: int) -> None:
    p = beliefs(500, 10, scale=4.0)
    read = AsLogits(nn.Identity())(torch.round(p, decimals=decimals)).double().log_softmax(1)
    kl = (p.double() * (p.double().log() - read)).sum(1).mean()
    assert 0 <= kl < 10 * 0.5 * 10.0**-decimals
    assert read.min() > -15  # not that of the smallest number: a temperature would make much of it


def test_few_rows_that_sum_to_1_by_chance_settle_nothing() -> None:
    as_logits = AsLogits(nn.Identity())
    first, second = torch.tensor([[0.25, 0.75]]), torch.tensor([[2.0, -1.0]])
    assert torch.allclose(as_logits(first), first.log()) and as_logits.are_probabilities
    assert as_logits(second) is second and not as_logits.are_probabilities
    assert as_logits(first) is first
    settled = AsLogits(nn.Identity())
    settled(beliefs(512, 4))
    assert settled(second.abs()) is not None and settled.are_probabilities


def test_percentages_are_told_though_they_stay_logits(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.note_once.cache_clear()
    percent = 100 * beliefs(8, 10)
    assert AsLogits(nn.Identity())(percent) is percent
    assert "of 0 and above are taken for logits, as rows sum to 100 to 100; if they are" in capsys.readouterr().err
    AsLogits(nn.Identity())(torch.rand(8, 10) * 7)
    assert capsys.readouterr().err == ""


def test_a_line_says_what_answers_are_taken_for(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.note_once.cache_clear()
    p = beliefs(8, 10)
    for answer in (p, p, torch.round(p, decimals=2), 10 * p, p / 2):
        AsLogits(nn.Identity())(answer)
    AsLogits(nn.Identity(), "student")(p / 2)
    assert capsys.readouterr().err.splitlines() == [
        "zskt: teacher: answers probabilities; their logarithms are its logits",
        "zskt: teacher: answers probabilities, rounded to 2 decimals; their logarithms are its logits",
        "zskt: teacher: answers of 0 and above are taken for logits, as rows sum to 10 to 10; if they are "
        "probabilities, divide each row by its sum",
        "zskt: teacher: answers between 0 and 1 are taken for logits, as rows sum to 0.5 to 0.5; if they are "
        "probabilities, divide each row by its sum",
    ]
