"""Frozen networks: architectures, loaders of published files, and a card for each.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from .card import Card
from .images import ImageInputs
from .inputs import FULL, KIN, KINPID, JetInputs, Phase
from .load import load_teacher
from .particlenet import ParticleNet
from .plain import LeNet5
from .resnet import cifar_resnet, resnet34
from .tagger_card import LARGE, SMALL, TaggerCard
from .wide_resnet import WideResNet

__all__ = ["TEACHERS", "AnyCard", "Card", "TaggerCard", "load_teacher"]

AnyCard = Card | TaggerCard

JETCLASS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")


def _jetclass(kind: str, inputs: JetInputs, sha256: str | None, facts: str = "") -> Card:
    return Card(
        line=f"ParticleNet of the JetClass authors, {len(inputs.features)} features, 10 classes",
        source="H. Qu, C. Li, S. Qian, arXiv:2202.03772; github.com/jet-universe/particle_transformer",
        licence="MIT",
        address=f"https://github.com/jet-universe/particle_transformer/raw/main/models/ParticleNet_{kind}.pt",
        sha256=sha256,
        inputs=inputs,
        classes=JETCLASS,
        build=lambda: ParticleNet(len(inputs.features), len(JETCLASS)),
        prefix="mod.",
        facts=facts,
    )


DIGITS = tuple("0123456789")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MNIST_INPUTS = ImageInputs(mean=(0.1307,), std=(0.3081,))
CIFAR10_INPUTS = ImageInputs(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))
SVHN_INPUTS = ImageInputs(mean=(0.4377, 0.4438, 0.4728), std=(0.1980, 0.2010, 0.1970))
IMAGENET_INPUTS = ImageInputs(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def _published_resnet(depth: int, ending: str, sha256: str, accuracy: str) -> Card:
    return Card(
        line=f"ResNet-{depth} for CIFAR-10, {accuracy} on its test images",
        source="K. He et al., arXiv:1512.03385, as trained in github.com/akamaster/pytorch_resnet_cifar10",
        licence="BSD-2-Clause",
        address="https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
        f"resnet{depth}-{ending}.th",
        sha256=sha256,
        inputs=IMAGENET_INPUTS,
        classes=CIFAR10,
        data="cifar10",
        build=lambda: cifar_resnet(depth, 10),
        prefix="module.",
    )


def _own(preset: str, line: str, data: str, inputs: ImageInputs, build: Callable[[], nn.Module]) -> Card:
    """A network that no publisher offers: `--mode teacher` trains it."""
    return Card(
        line=f"{line}: train it with --mode teacher --preset {preset}",
        source="this project",
        licence="MIT",
        address=None,
        sha256=None,
        inputs=inputs,
        classes=CIFAR10 if data == "cifar10" else DIGITS,
        data=data,
        build=build,
        preset=preset,
    )


def _wide(data: str, inputs: ImageInputs, depth: int, width: int) -> Card:
    name, title = f"{data}-wrn-{depth}-{width}", f"wide ResNet {depth}-{width} for {data.upper()}"
    return _own(name, title, data, inputs, lambda: WideResNet(depth, width, 10))


CMS = "https://github.com/cms-data/RecoBTag-Combined/raw/master/"


def _cms(
    name: str, line: str, network: str, sha256: str, preprocess: str, preprocess_sha256: str, phase: Phase
) -> TaggerCard:
    return TaggerCard(
        name=name,
        line=line,
        source="CMS, github.com/cms-data/RecoBTag-Combined; H. Qu and L. Gouskos, arXiv:1902.08570",
        licence="none stated: fetch and use it, never redistribute it",
        address=CMS + network,
        sha256=sha256,
        preprocess_address=CMS + preprocess,
        preprocess_sha256=preprocess_sha256,
        phase=phase,
    )


TEACHERS: dict[str, AnyCard] = {
    "zskt-particlenet": Card(
        line="a small ParticleNet that ships with zskt: ours, trained on our simulation, not CERN's",
        source="this project: --mode teacher on jets of --mode simulate; teachers/embedded/card.json",
        licence="MIT",
        address=None,
        sha256="3ed66b83afae696d6aa8a0435e4edadecb6d60cc9b9771f7925212b68965c594",
        inputs=KIN,
        classes=JETCLASS,
        build=lambda: ParticleNet(len(KIN.features), len(JETCLASS), ((8, (32, 32)), (8, (64, 64)), (8, (96, 96))), 96),
        shipped=Path(__file__).parent / "embedded" / "zskt-particlenet.safetensors",
    ),
    "jetclass-particlenet-kin": _jetclass(
        "kin", KIN, "73aff244c657db0f7b62abe9ad13ec007c17cf10057ff1ad54c320f3bd4a4f26", "kinematics only"
    ),
    "jetclass-particlenet-kinpid": _jetclass(
        "kinpid", KINPID, "f56876afb26a7f0782407fc4fde2502ac23656b47a970ad912e58502a0b8839b", "and particle types"
    ),
    "jetclass-particlenet-full": _jetclass(
        "full", FULL, None, "and impact parameters; sensitive to how their errors are simulated"
    ),
    "cms-particlenet-ak4": _cms(
        "cms-particlenet-ak4",
        "ParticleNet of CMS for AK4 jets, Run 2: flavours and pile-up, 8 classes",
        "models/particlenet_AK4_PT/1/model.pt",
        "c78e587477119b4eaaf5af2dc97d9f95caf60cf6e7fdc9bad1c5fab9bff7758c",
        "ParticleNetAK4/CHS/V00/preprocess_PT.json",
        "c0ceabb2fe1a1bd5452afd97aec196290dba552c1dd45cf7d3027f51b3cf4dd2",
        SMALL,
    ),
    "cms-particlenet-ak8-md": _cms(
        "cms-particlenet-ak8-md",
        "ParticleNet of CMS for AK8 jets, Run 2, blind to the mass: X -> bb, cc, qq against QCD, 8 classes",
        "models/particlenet_AK8_MD-2prong_PT/1/model.pt",
        "6f43f606579b6cf879bce1230e1c78a7629876a1617413c000011c8d7f183925",
        "ParticleNetAK8/MD-2prong/V01/preprocess_PT.json",
        "428363048d58d866c5db419fc0c155b7d036fb265a25aec4c1be883548b37b66",
        LARGE,
    ),
    "cms-hlt-particlenet-ak4": _cms(
        "cms-hlt-particlenet-ak4",
        "ParticleNet of CMS's high-level trigger for AK4 jets, Run 3: flavours, 4 classes",
        "HLT/ParticleNetAK4/V00/particle-net.onnx",
        "e88e63c404f83922d36f0088812ac13de51e2bff53dfc3fe599b40e42cb78042",
        "HLT/ParticleNetAK4/V00/preprocess.json",
        "fe6ed569635727e418cb8a69e328f82a839fd2a1bf3f3ed0182d1609ab8d8ab4",
        replace(SMALL, pileup=8.0),
    ),
    "cifar10-resnet20": _published_resnet(
        20, "12fca82f", "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8", "91.7 %"
    ),
    "cifar10-resnet56": _published_resnet(
        56, "4bfd9763", "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367", "93.4 %"
    ),
    "mnist-lenet5": _own("mnist-lenet5", "LeNet-5 for MNIST", "mnist", MNIST_INPUTS, lambda: LeNet5(10)),
    "cifar10-wrn-40-2": _wide("cifar10", CIFAR10_INPUTS, 40, 2),
    "cifar10-wrn-16-2": _wide("cifar10", CIFAR10_INPUTS, 16, 2),
    "cifar10-wrn-40-1": _wide("cifar10", CIFAR10_INPUTS, 40, 1),
    "cifar10-resnet34": _own(
        "cifar10-resnet34", "ResNet-34 for CIFAR10", "cifar10", CIFAR10_INPUTS, lambda: resnet34(10)
    ),
    "svhn-wrn-40-2": _wide("svhn", SVHN_INPUTS, 40, 2),
}
