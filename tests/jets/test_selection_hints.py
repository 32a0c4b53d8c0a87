"""Which jets a tagger is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.errors import UserError
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION, JETCLASS_CLASSES, JetSelection
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.selection_hints import choose_selection, path_hint, selection_by_length

FLAVOURS = ("label_b", "label_c", "label_light")


def inputs(longest: int, name: str = "pfcand_pt_log") -> Preprocess:
    return Preprocess((InputGroup("pf_features", (Variable(name),), 1, longest),), ("a", "b"))


@pytest.mark.parametrize(
    ("path", "radius"),
    [
        ("a/Run3Scouting/ParticleNetAK4/V00/model.onnx", 0.4), ("x/AK8/pnet_ak4.pt", 0.4), ("x/GloParT_AK15/m.pt", 1.5),
        ("x/break8/make8/m.pt", None), ("x/antikt4empflow/network.onnx", 0.4), ("x/AntiKt10UFO/n.onnx", 1.0),
        ("fatjet_tagger.pt", 0.8), ("x/FatJets/m.pt", 0.8), ("x/CA15/m.pt", 1.5), ("weak4tau/m.pt", None),
        ("models/higgsInteractionNet/model.pt", None), ("x/AK40/m.pt", None),
    ],
)  # fmt: skip
def test_paths(path: str, radius: float | None) -> None:
    hint = path_hint(Path("/somewhere/far/away/from/here") / path)
    assert (None if hint is None else hint.radius) == radius


@pytest.mark.parametrize(
    ("longest", "classes", "file", "selection", "reason"),
    [
        (
            100,
            FLAVOURS,
            "model.pt",
            AK4_SELECTION,
            "radius 0.4, from classes of flavour (label_b, label_c, label_light)",
        ),
        (60, ("Hbb", "QCD"), "model.pt", AK8_SELECTION, "radius 0.8, from classes of resonances (Hbb)"),
        (60, (), "ParticleNetAK8/model.pt", AK8_SELECTION, "radius 0.8, from 'ParticleNetAK8' in the path"),
        (60, (), "AK15/model.pt", AK8_SELECTION, "radius 0.8, from 'AK15' in the path: pseudo-jets have at most 0.8"),
        (100, ("sig", "bkg"), "model.pt", AK8_SELECTION, "a guess from 100 particles"),
        (50, ("sig", "bkg"), "model.pt", AK4_SELECTION, "a guess from 50 particles"),
        (128, tuple(f"label_{c}" for c in JETCLASS_CLASSES), "m.pt", JetSelection(), "the ten classes of JetClass"),
    ],
)
def test_the_weightiest_hint_counts_and_is_told(
    longest: int, classes: tuple[str, ...], file: str, selection: JetSelection, reason: str
) -> None:
    chosen = choose_selection(inputs(longest), classes, [Path("/far/away/from/any/hint/at/all") / file])
    assert chosen.selection == selection and reason in chosen.reason


def test_names_of_variables_are_hints() -> None:
    assert choose_selection(inputs(40, "fj_pt"), ()).reason == "radius 0.8, from the name fj_pt"


def test_contradictions_are_asked_about_and_the_user_decides() -> None:
    file = [Path("/far/AK4/model.pt")]
    with pytest.raises(
        UserError, match=r"'AK4' in the path says small ones; say it: --set radius=0\.8 or --set radius=0\.4"
    ):
        choose_selection(inputs(60), ("Hbb", "Hcc", "QCD"), file)
    chosen = choose_selection(inputs(60), ("Hbb", "Hcc", "QCD"), file, radius=0.8)
    assert chosen == (AK8_SELECTION, "radius 0.8, as you set it")
    assert choose_selection(inputs(100), ("Hbb",), radius=0.4).selection == AK4_SELECTION


def test_long_inputs_are_of_large_jets() -> None:
    for longest, selection in ((64, AK4_SELECTION), (65, AK8_SELECTION)):
        assert selection_by_length(inputs(longest)) == selection
