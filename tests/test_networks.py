"""Image networks: sizes as published, resolutions, published files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from teachers import TEACHERS, load_teacher
from zskt.errors import UserError
from zskt.forward import ask
from zskt.images.datasets import read_images
from zskt.metrics import answers
from zskt.networks.lenet_vgg import VGG11, LeNet5
from zskt.networks.resnet import cifar_resnet, resnet18, resnet34
from zskt.networks.students import count_parameters
from zskt.networks.wide_resnet import WideResNet

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        # Published: Zagoruyko and Komodakis table 1 (0.6 M for 40-1, 2.2 M for 40-2), He et al. table 6 (0.27, 0.85 M).
        (WideResNet(16, 1, 10), 175_066),
        (WideResNet(16, 2, 10), 691_674),
        (WideResNet(40, 1, 10), 563_930),
        (WideResNet(40, 2, 10), 2_243_546),
        (cifar_resnet(20, 10), 269_722),
        (cifar_resnet(56, 10), 853_018),
        (resnet18(10), 11_173_962),
        (resnet34(10), 21_282_122),
        (VGG11(10), 9_231_114),
        (LeNet5(10), 61_706),
        (LeNet5(10, share=0.5), 15_738),
    ],
)
def test_networks_have_the_published_number_of_parameters(network: nn.Module, parameters: int) -> None:
    assert count_parameters(network) == parameters


@pytest.mark.parametrize(
    ("network", "maps"),
    [
        (WideResNet(16, 1, 10), (1024, 256, 64)),
        (WideResNet(40, 2, 10), (1024, 256, 64)),
        (cifar_resnet(20, 10), (1024, 256, 64)),
        (resnet18(10), (1024, 256, 64, 16)),
        (LeNet5(10, channels=3), (196, 25)),
        (VGG11(10), (256, 64, 16, 4)),
    ],
)
def test_attention_maps_have_the_resolutions_of_the_blocks(network: nn.Module, maps: tuple[int, ...]) -> None:
    said = ask(network.eval(), (torch.randn(2, 3, 32, 32),), network.attention_layers)  # type: ignore[arg-type]
    assert said.logits.shape == (2, 10)
    assert tuple(a.shape[1] for a in said.attention) == maps


@pytest.mark.parametrize(
    ("build", "wrong"), [(lambda d: WideResNet(d, 1, 10), 17), (lambda d: cifar_resnet(d, 10), 18)]
)
def test_a_depth_that_does_not_exist_names_those_that_do(build, wrong: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match="the depth is 6 n"):
        build(wrong)


@pytest.mark.parametrize("depth", [32, 44])
def test_published_resnets_that_nobody_here_has_seen_load_from_a_path(depth: int, tmp_path: Path) -> None:
    card, own = TEACHERS[f"cifar10-resnet{depth}"], cifar_resnet(depth, 10).eval()
    torch.save({"state_dict": {f"module.{key}": value for key, value in own.state_dict().items()}}, tmp_path / "a.th")
    loaded, x = load_teacher("resnet", card, tmp_path / "a.th"), torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded(x), own(x))
    with pytest.raises(UserError, match="no verified SHA-256 is recorded"):
        load_teacher("resnet", card)


@pytest.mark.parametrize(("depth", "accuracy"), [(20, 0.810), (56, 0.832)])
def test_published_resnets_score_what_they_are_known_to_score(depth: int, accuracy: float, shared: Path) -> None:
    # On the first 1 000 images, to be quick: all 10 000 of these JPEG images give 0.810 and 0.832 (shared/README.md).
    card = TEACHERS[f"cifar10-resnet{depth}"]
    network = load_teacher("resnet", card, next((shared / "teachers/cifar10").glob(f"resnet{depth}-*.th")))
    data = read_images("cifar10", shared / "data/cifar10-jpeg", "test")[:1000]
    said = answers(network, data, card.inputs, CPU)
    found = float((said.logits.argmax(1) == data.labels).float().mean())
    assert abs(found - accuracy) < 0.03  # two and a half standard errors of 1 000 images
