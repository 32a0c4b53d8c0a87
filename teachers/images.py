"""Cards of image networks: the published ResNets of CIFAR-10, and those that nobody publishes and a user trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from teachers.card import Card
from zskt.images.inputs import ImageInputs
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.resnet import cifar_resnet, resnet34
from zskt.networks.wide_resnet import WideResNet

DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
OF_100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CIFAR100 = tuple(OF_100.split())
"""Fine labels, in alphabetical order as in the files."""


@dataclass(frozen=True)
class _Data:
    """What networks of ours for a data set take, and answer."""

    title: str
    inputs: ImageInputs
    classes: tuple[str, ...]


DATA = {
    "mnist": _Data("MNIST", ImageInputs(mean=(0.1307,), std=(0.3081,), side=28), DIGITS),
    "fashion-mnist": _Data("FashionMNIST", ImageInputs(mean=(0.2860,), std=(0.3530,), side=28), CLOTHES),
    "cifar10": _Data("CIFAR-10", ImageInputs(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)), CIFAR10),
    "cifar100": _Data("CIFAR-100", ImageInputs(mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762)), CIFAR100),
    "svhn": _Data("SVHN", ImageInputs(mean=(0.4377, 0.4438, 0.4728), std=(0.1980, 0.2010, 0.1970)), DIGITS),
}
"""Means and standard deviations of the training images, as the literature has them."""
IMAGENET_INPUTS = ImageInputs(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def _published_resnet(depth: int, ending: str, sha256: str | None, accuracy: str = "") -> Card:
    """``sha256`` is None of a file that nobody here has seen: it is taken from a path."""
    return Card(
        summary=f"ResNet-{depth} for CIFAR-10, " + (f"{accuracy} on its test images" if sha256 else "from a path only"),
        source="K. He et al., arXiv:1512.03385, as trained in github.com/akamaster/pytorch_resnet_cifar10",
        licence="BSD-2-Clause",
        url="https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
        f"resnet{depth}-{ending}.th",
        sha256=sha256,
        inputs=IMAGENET_INPUTS,
        classes=CIFAR10,
        data="cifar10",
        build=lambda: cifar_resnet(depth, 10),
        prefix="module.",
    )


def _own(network: str, title: str, data: str, build: Callable[[int, int], nn.Module]) -> Card:
    """A network that no publisher offers, of classes and channels: `--mode teacher` trains it."""
    of, name = DATA[data], f"{data}-{network}"
    return Card(
        summary=f"{title} for {of.title}: train it with --mode teacher --preset {name}",
        source="this project",
        licence="MIT",
        url=None,
        sha256=None,
        inputs=of.inputs,
        classes=of.classes,
        data=data,
        build=lambda: build(len(of.classes), of.inputs.channels),
        training_preset=name,
    )


def _wide(data: str, depth: int, width: int) -> Card:
    return _own(
        f"wrn-{depth}-{width}",
        f"wide ResNet {depth}-{width}",
        data,
        lambda classes, channels: WideResNet(depth, width, classes, channels),
    )


IMAGE_CARDS: dict[str, Card] = {
    "cifar10-resnet20": _published_resnet(
        20, "12fca82f", "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8", "91.7 %"
    ),
    "cifar10-resnet32": _published_resnet(32, "d509ac18", None),
    "cifar10-resnet44": _published_resnet(44, "014dd654", None),
    "cifar10-resnet56": _published_resnet(
        56, "4bfd9763", "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367", "93.4 %"
    ),
    "mnist-lenet5": _own("lenet5", "LeNet-5", "mnist", LeNet5),
    "fashion-mnist-lenet5": _own("lenet5", "LeNet-5", "fashion-mnist", LeNet5),
    "cifar10-wrn-40-2": _wide("cifar10", 40, 2),
    "cifar10-wrn-16-2": _wide("cifar10", 16, 2),
    "cifar10-wrn-40-1": _wide("cifar10", 40, 1),
    "cifar10-resnet34": _own("resnet34", "ResNet-34", "cifar10", resnet34),
    "cifar100-wrn-40-2": _wide("cifar100", 40, 2),
    "cifar100-resnet34": _own("resnet34", "ResNet-34", "cifar100", resnet34),
    "svhn-wrn-40-2": _wide("svhn", 40, 2),
}
