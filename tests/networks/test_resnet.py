"""Residual networks for small images: published sizes, resolutions and files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from teachers import TEACHERS, load_teacher
from zskt.errors import UserError
from zskt.images.datasets import read_images
from zskt.metrics import predict
from zskt.networks.resnet import cifar_resnet, resnet18, resnet34
from zskt.networks.students import count_parameters

from .attention import map_sizes


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        # K. He et al., arXiv:1512.03385, table 6: 0.27 and 0.85 M.
        (cifar_resnet(20, 10), 269_722),
        (cifar_resnet(56, 10), 853_018),
        (resnet18(10), 11_173_962),
        (resnet34(10), 21_282_122),
    ],
)
def test_networks_have_the_published_number_of_parameters(network: nn.Module, parameters: int) -> None:
    assert count_parameters(network) == parameters


def test_attention_maps_have_the_resolutions_of_the_stages() -> None:
    assert map_sizes(cifar_resnet(20, 10)) == (1024, 256, 64)
    assert map_sizes(resnet18(10)) == (1024, 256, 64, 16)


def test_a_depth_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(UserError, match="the depth is 6 n"):
        cifar_resnet(18, 10)


@pytest.mark.parametrize("depth", [32, 44])
def test_published_resnets_load_from_a_path(depth: int, tmp_path: Path) -> None:
    card, own = TEACHERS[f"cifar10-resnet{depth}"], cifar_resnet(depth, 10).eval()
    torch.save({"state_dict": {f"module.{key}": value for key, value in own.state_dict().items()}}, tmp_path / "a.th")
    loaded, x = load_teacher("resnet", card, tmp_path / "a.th"), torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded(x), own(x))


@pytest.mark.parametrize(("depth", "accuracy"), [(20, 0.917), (56, 0.934)])
def test_published_resnets_have_their_known_accuracy(depth: int, accuracy: float, shared: Path) -> None:
    # On the first 1 000 images, to be quick: all 10 000 give 0.9173 and 0.9339.
    if not any((shared / "data/cifar10").glob("test*.parquet")):
        pytest.skip("needs the images of CIFAR-10 in shared/data/cifar10")
    card = TEACHERS[f"cifar10-resnet{depth}"]
    network = load_teacher("resnet", card, next((shared / "teachers/cifar10").glob(f"resnet{depth}-*.th")))
    data = read_images("cifar10", shared / "data/cifar10", "test")[:1000]
    logits = predict(network, data, card.inputs, torch.device("cpu")).logits
    measured = float((logits.argmax(1) == data.labels).float().mean())
    assert abs(measured - accuracy) < 0.03  # three standard errors of 1 000 images
