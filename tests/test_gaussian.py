"""Means and widths: their names, and the divergence of two Gaussians."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from zskt.forward import Output
from zskt.gaussian import GaussianHead, WidthForm, gaussian_divergence, gaussian_heads, width_of
from zskt.losses import value_distance
from zskt.terms import Values


@pytest.mark.parametrize("form", WidthForm)
def test_the_divergence_is_that_of_two_normal_distributions(form: WidthForm) -> None:
    m_t, m_s, log_t, log_s = torch.randn(4, 50, dtype=torch.double)
    put_out = {
        WidthForm.WIDTH: lambda x: x.exp(),
        WidthForm.VARIANCE: lambda x: (2 * x).exp(),
        WidthForm.LOG_WIDTH: lambda x: x,
        WidthForm.LOG_VARIANCE: lambda x: 2 * x,
    }[form]
    t, s = torch.stack([put_out(log_t), m_t], 1), torch.stack([put_out(log_s), m_s], 1)
    expected = kl_divergence(Normal(m_t, log_t.exp()), Normal(m_s, log_s.exp()))
    assert torch.allclose(gaussian_divergence(t, s, GaussianHead(1, 0, form)), expected)


def test_equal_widths_leave_half_the_squared_difference_in_units_of_the_width() -> None:
    t, s = torch.tensor([[10.0, 2.0]]), torch.tensor([[13.0, 2.0]])
    assert gaussian_divergence(t, s, GaussianHead(0, 1)).item() == pytest.approx(9 / 8)
    assert gaussian_divergence(t, t, GaussianHead(0, 1)).item() == pytest.approx(0, abs=1e-7)
    wide = torch.tensor([[10.0, 4.0]])
    assert gaussian_divergence(t, wide, GaussianHead(0, 1)).item() == pytest.approx(math.log(2) + 1 / 8 - 1 / 2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mass_sigma", ("mass", WidthForm.WIDTH)),
        ("sigma_mass", ("mass", WidthForm.WIDTH)),
        ("massSigma", ("mass", WidthForm.WIDTH)),
        ("jet_pt_uncertainty", ("jet_pt", WidthForm.WIDTH)),
        ("pt_unc", ("pt", WidthForm.WIDTH)),
        ("mass_std", ("mass", WidthForm.WIDTH)),
        ("mass_width", ("mass", WidthForm.WIDTH)),
        ("mass_err", ("mass", WidthForm.WIDTH)),
        ("mass_logvar", ("mass", WidthForm.LOG_VARIANCE)),
        ("mass_log_var", ("mass", WidthForm.LOG_VARIANCE)),
        ("mass_log_sigma", ("mass", WidthForm.LOG_WIDTH)),
        ("mass_variance", ("mass", WidthForm.VARIANCE)),
        ("sigma", ("", WidthForm.WIDTH)),
        ("mass", None),
        ("signal", None),
    ],
)
def test_names_of_widths(name: str, expected: tuple[str, WidthForm] | None) -> None:
    assert width_of(name) == expected


def test_means_and_widths_are_paired_by_name() -> None:
    names = ["pt_mean", "mass", "mass_logvar", "sigma_pt", "eta"]
    assert gaussian_heads(names) == (
        GaussianHead(1, 2, WidthForm.LOG_VARIANCE),
        GaussianHead(0, 3, WidthForm.WIDTH),
    )
    assert gaussian_heads(["mu", "sigma"]) == (GaussianHead(0, 1),)
    assert gaussian_heads(["mass", "sigma"]) == (GaussianHead(0, 1),)
    assert gaussian_heads(["mass", "pt", "sigma"]) == ()  # whose it is nobody can tell
    assert gaussian_heads(["pt", "mass_sigma"]) == ()


def test_a_pair_takes_the_place_of_two_robust_distances_and_others_keep_theirs() -> None:
    t, s, scale = torch.rand(6, 3) + 1, torch.rand(6, 3) + 1, torch.tensor([1.0, 2.0, 0.5])
    teacher, student = Output(torch.zeros(6, 0), {"values": t}), Output(torch.zeros(6, 0), {"values": s})
    huber = torch.nn.functional.huber_loss(s / scale, t / scale, reduction="none")
    assert torch.equal(value_distance(teacher, student, scale), huber.mean(1))
    head = GaussianHead(2, 1)
    expected = (huber[:, 0] + gaussian_divergence(t, s, head)) / 2
    assert torch.allclose(value_distance(teacher, student, scale, (head,)), expected)
    assert torch.allclose(Values(scale=scale, gaussians=(head,)).distance(teacher, student), expected.mean())
