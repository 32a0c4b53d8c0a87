"""A prior beside the generator of an inversion method: who takes one, and which."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zskt
from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.presets import changes

FAST = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--method", "fast", "--iterations", "2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "prior=strokes"), "prior strokes: is trained; take strokes-prior"),
        (("--set", "prior=shower-prior"), "prior shower-prior is for jets, but the teacher mnist-lenet5 takes images"),
        (("--set", "prior=stroke-prior"), "unknown generator 'stroke-prior': did you mean strokes-prior"),
        (("--method", "dfad", "--set", "prior=strokes-prior"), "method dfad takes none; deepinversion, "),
    ],
    ids=["trained", "domain", "unknown", "method"],
)
def test_what_does_not_fit_is_told(call: Call, arguments: tuple[str, ...], message: str) -> None:
    code, _, err = call(*FAST, *arguments)
    assert code == 2 and message in err


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)) for _ in range(2))  # type: ignore[return-value]


def test_samples_of_your_own_teach_beside_an_inversion() -> None:
    drawn = []

    def mine(count: int, rng: torch.Generator) -> torch.Tensor:
        drawn.append(count)
        return torch.rand(count, 4, generator=rng)

    teacher, student = networks()
    zskt.distill(
        teacher, student, generator=zskt.generators.tabular(0.0, 1.0, size=4), prior=mine, method="fast", iterations=3,
        synthesis_size=6, synthesis_steps=2, synthesis_warmup=1, batch_size=8, student_steps=2, bn_weight=0.0,
        augment="none", prior_share=0.6,
    )  # fmt: skip
    assert drawn[-3:] == [9, 9, 9]


def test_a_method_that_takes_no_prior_says_who_does() -> None:
    teacher, student = networks()
    with pytest.raises(UserError, match="method zskt takes no prior: leave prior= out, or take one of deepinversion"):
        zskt.distill(teacher, student, generator=zskt.generators.tabular(0.0, 1.0, size=4), prior=iter([]))


def test_a_prior_belongs_to_the_method_of_its_preset() -> None:
    preset = catalog().presets["cifar10-resnet20-to-resnet8-fast"]
    assert (preset.method, preset.prior, preset.generator) == ("fast", "scenes-prior", "image")
    for method in ("kd", "cmi", "zskt", "dfad"):
        other = preset.with_method(method, "images")
        assert other.method == method and not other.prior
        catalog().require(other.with_(mode="kd" if method == "kd" else "zero-shot"))
    card = catalog().card(preset)
    assert changes(preset, catalog().presets, card) == {}
    assert changes(preset.with_(prior="leaves-prior"), catalog().presets, card) == {"prior": "leaves-prior"}


def test_a_prior_without_parameters_is_retouched_and_teaches_as_it_is() -> None:
    preset = catalog().presets["cifar10-resnet20-to-resnet8-deepinversion"]
    assert preset.prior == preset.generator == "scenes-prior"
    catalog().require(preset)
