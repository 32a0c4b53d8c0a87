"""Variables that a file defines: ours, another, or not known."""

from __future__ import annotations

import pytest
import torch

from zskt.jets.collections import Collection
from zskt.jets.definitions import FileDefinition, is_ones, meaning, random_jets
from zskt.jets.tracks import reconstruct

JETCLASS = {
    "part_mask": "ak.ones_like(part_energy)", "part_pt": "np.hypot(part_px, part_py)", "part_pt_log": "np.log(part_pt)",
    "part_e_log": "np.log(part_energy)", "part_logptrel": "np.log(part_pt/jet_pt)",
    "part_logerel": "np.log(part_energy/jet_energy)", "part_deltaR": "np.hypot(part_deta, part_dphi)",
    "part_d0": "np.tanh(part_d0val)", "part_dz": "np.tanh(part_dzval)",
}  # fmt: skip


def definitions(**expressions: str) -> dict[str, FileDefinition]:
    return {name: FileDefinition(name, text) for name, text in expressions.items()}


@pytest.mark.parametrize("name", [name for name in JETCLASS if name != "part_mask"])
def test_jetclass_own_definitions_are_ours(name: str) -> None:
    found = meaning(name, "particles", definitions(**JETCLASS))
    assert found == meaning(name, "particles", {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("part_d0", "part_d0val"), ("part_logptrel", "np.log10(part_pt/jet_pt)"), ("part_deta", "part_eta - jet_eta"),
        ("part_dphi", "part_phi - jet_phi"), ("part_pt_log", "np.log1p(part_pt)"), ("part_pt", "part_pt / jet_pt"),
        ("pfcand_dxysig", "np.abs(pfcand_dxysig_signed)"), ("part_charge", "np.abs(part_charge_)"),
    ],
)  # fmt: skip
def test_another_definition_is_never_ours(name: str, text: str) -> None:
    found = meaning(name, "particles", definitions(**{name: text}))
    if name == "part_pt":
        assert found.definition is None and found.reason == "part_pt is defined by itself"
    elif name in ("pfcand_dxysig", "part_charge"):
        assert found.definition is None and found.reason.startswith("needs ")
    else:
        assert found.definition is not None and found.definition.words == f"as the file defines it: {text}"


def test_a_definition_is_computed_with_what_it_is_made_of() -> None:
    known = definitions(part_pt="np.hypot(part_px, part_py)", part_x="np.log10(part_scaled)",
                        part_scaled="part_pt / jet_pt * 500")  # fmt: skip
    jets = reconstruct(random_jets(20, seed=5), 0.8)
    found = meaning("part_x", "particles", known).definition
    assert found is not None and set(found.needs) == {"pt", "phi"}
    wanted = (jets.particles["pt"] / jets.jet["pt"] * 500).log10()
    assert torch.allclose(found.quantity(jets.particles, jets.jet), wanted, atol=1e-5)


def test_what_no_jet_of_ours_has_is_named() -> None:
    assert (
        meaning("part_pt_log", "particles", definitions(part_pt_log="np.log(part_weird)")).reason == "needs part_weird"
    )
    chain = definitions(part_a="part_b + 1", part_b="ak.sum(part_pt, axis=1)")
    assert "the function ak.sum(part_pt, axis=1)" in meaning("part_a", "particles", chain).reason or (
        "sum" in meaning("part_a", "particles", chain).reason
    )
    assert meaning("part_a", "particles", definitions(part_a="sv_mass + part_pt")).reason == "needs sv_mass"
    loop = definitions(part_a="part_b", part_b="part_a")
    assert "defined by itself" in meaning("part_a", "particles", loop).reason


def test_jets_and_vertices_have_definitions_too() -> None:
    jets = reconstruct(random_jets(20), 0.8)
    found = meaning("jet_x", "jet", definitions(jet_x="np.log10(jet_pt)")).definition
    one = Collection({}, torch.ones(20, 1).bool())
    assert found is not None and torch.allclose(found.quantity(one, jets.jet), jets.jet["pt"].log10())
    ours = meaning("sv_pt_log", "vertices", definitions(sv_pt_log="np.log(sv_pt)"))
    assert ours == meaning("sv_pt_log", "vertices", {}) or (
        ours.definition is not None and "as the file defines it" in ours.definition.words
    )


def test_masks_of_ones() -> None:
    assert is_ones("part_mask", "particles", definitions(part_mask="ak.ones_like(part_energy)"))
    assert is_ones("part_mask", "particles", {})
    assert not is_ones("part_mask", "particles", definitions(part_mask="part_energy > 3"))


def test_an_expression_of_ours_is_made_of_branches_alone() -> None:
    known = {"part_pt": FileDefinition("part_pt", "1000 * part_pt", "transverse momentum, MeV")}
    jets = reconstruct(random_jets(5), 0.8)
    found = meaning("part_pt", "particles", known).definition
    assert found is not None and found.words == "transverse momentum, MeV: 1000 * part_pt"
    assert torch.allclose(found.quantity(jets.particles, jets.jet), 1000 * jets.particles["pt"])
