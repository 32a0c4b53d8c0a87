"""Cards of image networks: published ResNets of CIFAR-10, networks of ours that ship, those that a user trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from teachers.card import ParameterCard
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
_CIFAR100_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CIFAR100 = tuple(_CIFAR100_NAMES.split())
"""Fine labels of CIFAR-100, in alphabetical order as in the files."""


@dataclass(frozen=True)
class ImageTask:
    """What networks of ours for a data set take, and which classes they tell apart."""

    title: str
    inputs: ImageInputs
    classes: tuple[str, ...]


DATA = {
    "mnist": ImageTask("MNIST", ImageInputs(mean=(0.1307,), std=(0.3081,), side=28), DIGITS),
    "fashion-mnist": ImageTask("FashionMNIST", ImageInputs(mean=(0.2860,), std=(0.3530,), side=28), CLOTHES),
    "cifar10": ImageTask("CIFAR-10", ImageInputs(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)), CIFAR10),
    "cifar100": ImageTask(
        "CIFAR-100", ImageInputs(mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762)), CIFAR100
    ),
    "svhn": ImageTask("SVHN", ImageInputs(mean=(0.4377, 0.4438, 0.4728), std=(0.1980, 0.2010, 0.1970)), DIGITS),
}
"""Tasks by data set, with the means and standard deviations of the training images that the literature has."""
IMAGENET_INPUTS = ImageInputs(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def _published_resnet(depth: int, sha256: str, accuracy: str) -> ParameterCard:
    """Make the card of a ResNet; its publisher names the file after the first digits of the SHA-256."""
    return ParameterCard(
        name=f"cifar10-resnet{depth}",
        summary=f"ResNet-{depth} for CIFAR-10, {accuracy} on its test images",
        source="K. He et al., arXiv:1512.03385, as trained in github.com/akamaster/pytorch_resnet_cifar10",
        licence="BSD-2-Clause",
        url="https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
        f"resnet{depth}-{sha256[:8]}.th",
        sha256=sha256,
        inputs=IMAGENET_INPUTS,
        classes=CIFAR10,
        dataset="cifar10",
        architecture=lambda: cifar_resnet(depth, 10),
        prefix="module.",
    )


def _trained(network: str, title: str, dataset: str, build: Callable[[int, int], nn.Module]) -> ParameterCard:
    """Make the card of a network that no publisher offers, and ``--mode teacher`` trains.

    Args:
        network: the name behind that of the data set.
        title: the same, for people.
        dataset: a key of `DATA`.
        build: make the network from its numbers of classes and channels.
    """
    task, name = DATA[dataset], f"{dataset}-{network}"
    return ParameterCard(
        name=name,
        summary=f"{title} for {task.title}: train it with --mode teacher --preset {name}",
        source="this project",
        licence="MIT",
        inputs=task.inputs,
        classes=task.classes,
        dataset=dataset,
        architecture=lambda: build(len(task.classes), task.inputs.channels),
        training_preset=name,
    )


def _bundled(card: ParameterCard, title: str, sha256: str) -> ParameterCard:
    """Make the card of a network of ours that ships with zskt."""
    return replace(
        card,
        summary=f"{title} for {DATA[card.dataset or ''].title} that ships with zskt, trained with --mode teacher",
        source=f"this project; teachers/embedded/{card.name}.json",
        bundled_file=Path(__file__).parent / "embedded" / f"{card.name}.safetensors",
        sha256=sha256,
    )


def _bundled_lenet(dataset: str, sha256: str) -> ParameterCard:
    return _bundled(_trained("lenet5", "LeNet-5", dataset, LeNet5), "LeNet-5", sha256)


def _bundled_wide_resnet(dataset: str, depth: int, width: int, sha256: str) -> ParameterCard:
    return _bundled(_wide_resnet(dataset, depth, width), f"wide ResNet {depth}-{width}", sha256)


def _wide_resnet(dataset: str, depth: int, width: int) -> ParameterCard:
    return _trained(
        f"wrn-{depth}-{width}",
        f"wide ResNet {depth}-{width}",
        dataset,
        lambda classes, channels: WideResNet(depth, width, classes, channels),
    )


_CARDS = (
    _published_resnet(20, "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8", "91.7 %"),
    _published_resnet(32, "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850", "92.6 %"),
    _published_resnet(44, "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4", "93.1 %"),
    _published_resnet(56, "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367", "93.4 %"),
    _bundled_lenet("mnist", "617ab449000a62d9a9b4bb495dbc18c1e6bf504e3ab974919c6759bf0439bee0"),
    _bundled_lenet("fashion-mnist", "f8ed68d9adaec1209655d06060d6eb35901db8ffa84c4aeb7d316fe9584933f3"),
    _bundled_wide_resnet("cifar10", 40, 2, "12486efdfa5a1d0bc120bfe673adeac4f3a019d404b38ed4aec167bada0161d7"),
    _bundled_wide_resnet("cifar10", 16, 2, "7b3229403127e4ceff40d22d0231dd7d4b382d22f81a106a3dc35b650e5a0a23"),
    _bundled_wide_resnet("cifar10", 40, 1, "5b6ef95ba9d59780ef84e95fff0667dba7c65aa7e0812967f0af52bd0d692b58"),
    _trained("resnet34", "ResNet-34", "cifar10", resnet34),
    _wide_resnet("cifar100", 40, 2),
    _trained("resnet34", "ResNet-34", "cifar100", resnet34),
    _wide_resnet("svhn", 40, 2),
)
IMAGES: dict[str, ParameterCard] = {card.name: card for card in _CARDS}
"""Cards by name."""
