"""Frozen networks: architectures, loaders of published files, and a card for each.

A teacher is called as ``teacher(*x)`` and answers with logits (B, K).
"""

from dataclasses import replace
from pathlib import Path

from teachers.card import Card
from teachers.files import load_teacher
from teachers.images import IMAGE_CARDS
from teachers.tagger_card import LARGE, SMALL, TaggerCard
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.jets.jets import JetSelection
from zskt.networks.particlenet import ParticleNet

__all__ = ["TEACHERS", "AnyCard", "Card", "TaggerCard", "load_teacher"]

AnyCard = Card | TaggerCard

JETCLASS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")


def _jetclass(kind: str, inputs: JetInputs, sha256: str | None, caveats: str = "") -> Card:
    return Card(
        summary=f"ParticleNet of the JetClass authors, {len(inputs.features)} features, 10 classes",
        source="H. Qu, C. Li, S. Qian, arXiv:2202.03772; github.com/jet-universe/particle_transformer",
        licence="MIT",
        url=f"https://github.com/jet-universe/particle_transformer/raw/main/models/ParticleNet_{kind}.pt",
        sha256=sha256,
        inputs=inputs,
        classes=JETCLASS,
        build=lambda: ParticleNet(len(inputs.features), len(JETCLASS)),
        prefix="mod.",
        caveats=caveats,
    )


CMS = "https://github.com/cms-data/RecoBTag-Combined/raw/master/"


def _cms(
    name: str, summary: str, network: str, sha256: str, preprocess: str, preprocess_sha256: str, selection: JetSelection
) -> TaggerCard:
    return TaggerCard(
        name=name,
        summary=summary,
        source="CMS, github.com/cms-data/RecoBTag-Combined; H. Qu and L. Gouskos, arXiv:1902.08570",
        licence="none stated: fetch and use it, never redistribute it",
        url=CMS + network,
        sha256=sha256,
        preprocess_url=CMS + preprocess,
        preprocess_sha256=preprocess_sha256,
        selection=selection,
    )


TEACHERS: dict[str, AnyCard] = {
    "zskt-particlenet": Card(
        summary="a small ParticleNet that ships with zskt: ours, trained on our simulation, not CERN's",
        source="this project: --mode teacher on jets of --mode simulate; teachers/embedded/card.json",
        licence="MIT",
        url=None,
        sha256="3ed66b83afae696d6aa8a0435e4edadecb6d60cc9b9771f7925212b68965c594",
        inputs=KIN,
        classes=JETCLASS,
        build=lambda: ParticleNet(len(KIN.features), len(JETCLASS), ((8, (32, 32)), (8, (64, 64)), (8, (96, 96))), 96),
        bundled_file=Path(__file__).parent / "embedded" / "zskt-particlenet.safetensors",
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
    **IMAGE_CARDS,
}
