"""Cards of ParticleNets for JetClass: the one that ships with zskt, and those of the data set's authors."""

from __future__ import annotations

from pathlib import Path

from teachers.card import ParameterCard
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.networks.particlenet import ParticleNet

BUNDLED = Path(__file__).parent / "embedded"
"""Folder of the networks that ship with zskt."""


def _published(kind: str, inputs: JetInputs, sha256: str, caveats: str) -> ParameterCard:
    return ParameterCard(
        name=f"jetclass-particlenet-{kind}",
        summary=f"ParticleNet of the JetClass authors, {len(inputs.features)} features, 10 classes",
        source="H. Qu, C. Li, S. Qian, arXiv:2202.03772; github.com/jet-universe/particle_transformer",
        licence="MIT",
        url=f"https://github.com/jet-universe/particle_transformer/raw/main/models/ParticleNet_{kind}.pt",
        sha256=sha256,
        inputs=inputs,
        classes=JETCLASS_CLASSES,
        architecture=lambda: ParticleNet(len(inputs.features), len(JETCLASS_CLASSES)),
        prefix="mod.",
        caveats=caveats,
    )


def _small_particlenet() -> ParticleNet:
    blocks = ((8, (32, 32)), (8, (64, 64)), (8, (96, 96)))
    return ParticleNet(len(KIN.features), len(JETCLASS_CLASSES), blocks, 96)


_CARDS = (
    ParameterCard(
        name="zskt-particlenet",
        summary="a small ParticleNet that ships with zskt: ours, trained on our simulation, not CERN's",
        source="this project: --mode teacher on jets of --mode simulate; teachers/embedded/zskt-particlenet.json",
        licence="MIT",
        sha256="3ed66b83afae696d6aa8a0435e4edadecb6d60cc9b9771f7925212b68965c594",
        inputs=KIN,
        classes=JETCLASS_CLASSES,
        architecture=_small_particlenet,
        bundled_file=BUNDLED / "zskt-particlenet.safetensors",
    ),
    _published("kin", KIN, "73aff244c657db0f7b62abe9ad13ec007c17cf10057ff1ad54c320f3bd4a4f26", "kinematics only"),
    _published(
        "kinpid", KINPID, "f56876afb26a7f0782407fc4fde2502ac23656b47a970ad912e58502a0b8839b", "and particle types"
    ),
    _published(
        "full",
        FULL,
        "375b81543769f4a0bd2de9818c5885a04c735b5462a64dcadc2a088edaf3d1d2",
        "and impact parameters; sensitive to how their errors are simulated: 0.828 accuracy is on its own kind of jets",
    ),
)
JETCLASS: dict[str, ParameterCard] = {card.name: card for card in _CARDS}
"""Cards by name."""
