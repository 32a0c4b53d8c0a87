"""Frozen networks: architectures, loaders of published files, and a card for each.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K).
"""

from pathlib import Path

from .card import Card
from .inputs import FULL, KIN, KINPID, JetInputs
from .load import load_teacher
from .particlenet import ParticleNet

__all__ = ["TEACHERS", "Card", "load_teacher"]

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


TEACHERS: dict[str, Card] = {
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
}
