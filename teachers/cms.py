"""Cards of the ParticleNets that CMS publishes, for its offline reconstruction and its high-level trigger."""

from __future__ import annotations

from dataclasses import replace

from teachers.tagger_card import TaggerCard
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION, JetSelection

REPOSITORY = "https://github.com/cms-data/RecoBTag-Combined/raw/master/"
"""Where CMS keeps the files."""


def _published(
    name: str, summary: str, network: str, sha256: str, preprocess: str, preprocess_sha256: str, selection: JetSelection
) -> TaggerCard:
    """Make a card; paths are relative to `REPOSITORY`."""
    return TaggerCard(
        name=name,
        summary=summary,
        source="CMS, github.com/cms-data/RecoBTag-Combined; H. Qu and L. Gouskos, arXiv:1902.08570",
        licence="none stated: fetch and use it, never redistribute it",
        url=REPOSITORY + network,
        sha256=sha256,
        preprocess_url=REPOSITORY + preprocess,
        preprocess_sha256=preprocess_sha256,
        selection=selection,
    )


_CARDS = (
    _published(
        "cms-particlenet-ak4",
        "ParticleNet of CMS for AK4 jets, Run 2: flavours and pile-up, 8 classes",
        "models/particlenet_AK4_PT/1/model.pt",
        "c78e587477119b4eaaf5af2dc97d9f95caf60cf6e7fdc9bad1c5fab9bff7758c",
        "ParticleNetAK4/CHS/V00/preprocess_PT.json",
        "c0ceabb2fe1a1bd5452afd97aec196290dba552c1dd45cf7d3027f51b3cf4dd2",
        AK4_SELECTION,
    ),
    _published(
        "cms-particlenet-ak8-md",
        "ParticleNet of CMS for AK8 jets, Run 2, blind to the mass: X -> bb, cc, qq against QCD, 8 classes",
        "models/particlenet_AK8_MD-2prong_PT/1/model.pt",
        "6f43f606579b6cf879bce1230e1c78a7629876a1617413c000011c8d7f183925",
        "ParticleNetAK8/MD-2prong/V01/preprocess_PT.json",
        "428363048d58d866c5db419fc0c155b7d036fb265a25aec4c1be883548b37b66",
        AK8_SELECTION,
    ),
    _published(
        "cms-hlt-particlenet-ak4",
        "ParticleNet of CMS's high-level trigger for AK4 jets, Run 3: flavours, 4 classes",
        "HLT/ParticleNetAK4/V00/particle-net.onnx",
        "e88e63c404f83922d36f0088812ac13de51e2bff53dfc3fe599b40e42cb78042",
        "HLT/ParticleNetAK4/V00/preprocess.json",
        "fe6ed569635727e418cb8a69e328f82a839fd2a1bf3f3ed0182d1609ab8d8ab4",
        replace(AK4_SELECTION, pileup=8.0),
    ),
)
CMS: dict[str, TaggerCard] = {card.name: card for card in _CARDS}
"""Cards by name."""
