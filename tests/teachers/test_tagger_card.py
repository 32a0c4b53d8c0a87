"""Cards of taggers whose files say all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from teachers.cms import CMS
from teachers.tagger_card import TaggerCard
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.jets import AK4_SELECTION, AK8_SELECTION
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_description import Description

OUTPUTS = ("mass_corr", "label_b", "label_c")


class MassFirst(Toy):
    """A regressed value before the classes."""

    def forward(self, pf_features, pf_mask, sv_features, sv_mask):  # type: ignore[no-untyped-def]
        y = self.inner(torch.cat([(pf_features * pf_mask).sum(2) / 10, (sv_features * sv_mask).sum(2)], 1))
        y = self.outer(torch.relu(y))
        return torch.cat([80 + 10 * y[:, :1], (3 * y[:, 1:]).softmax(1)], 1)


@pytest.fixture
def card(tmp_path: Path) -> TaggerCard:
    preprocess = described(OUTPUTS)
    network, where = write(tmp_path, preprocess, MassFirst(preprocess))
    return TaggerCard(name="mine", summary="a tagger").with_files(network, where)


def test_the_files_say_what_the_tagger_takes_and_answers(card: TaggerCard) -> None:
    assert (card.classes, card.values, card.outputs) == (("label_b", "label_c"), ("mass_corr",), OUTPUTS)
    assert card.parameters() == sum(p.numel() for p in MassFirst(described(OUTPUTS)).parameters())
    assert card.inputs.preprocess.without_layouts() == described(OUTPUTS)
    assert {group.layout for group in card.inputs.preprocess.groups} == {"BCP"}
    assert card.inputs.selection == AK4_SELECTION
    x = random_inputs(described(OUTPUTS).groups, 5)
    assert card.load()(*x).shape == (5, 3)
    with pytest.raises(UserError, match="comes trained from a file"):
        card.build()


def test_a_record_describes_the_tagger_and_the_network_may_have_moved(card: TaggerCard, tmp_path: Path) -> None:
    record = card.record()
    assert record is not None
    network = card.files()["teacher"].rename(tmp_path / "moved.pt")
    recorded = TaggerCard.from_record("mine", record).with_files(network)
    assert recorded.files() == {"teacher": network} and recorded.outputs == OUTPUTS
    x = random_inputs(described(OUTPUTS).groups, 5)
    assert torch.equal(recorded.load()(*x), recorded.load()(*x))
    preprocess = tmp_path / "preprocess.json"
    assert recorded.with_files(None, preprocess).files()["preprocess"] == preprocess


def test_the_users_description_counts_more_than_a_record(card: TaggerCard) -> None:
    record = TaggerCard.from_record("other", card.record() or {}).record()
    assert card.with_record(record or {}) is card


def test_other_jets_are_the_same_teachers_jets(card: TaggerCard) -> None:
    assert card.with_selection(radius=0.6, pt_low=50.0).inputs.selection.radius == 0.6
    assert card.with_selection() is card
    with pytest.raises(UserError, match="the first must be the smaller"):
        card.with_selection(pt_low=2000.0)


def test_without_a_description_the_flag_is_named(card: TaggerCard) -> None:
    with pytest.raises(UserError, match="mine: say how it is fed: --preprocess"):
        TaggerCard(name="mine", summary="a tagger").with_files(card.local_file).files()


def test_named_taggers_have_an_address_and_a_hash() -> None:
    assert set(CMS) == {"cms-particlenet-ak4", "cms-particlenet-ak8-md", "cms-hlt-particlenet-ak4"}
    for card in CMS.values():
        assert card.url is not None and card.sha256 is not None and len(card.sha256) == 64
        assert card.preprocess_url is not None and card.preprocess_sha256 is not None
        assert card.domain == "jets"
    assert CMS["cms-hlt-particlenet-ak4"].selection != CMS["cms-particlenet-ak4"].selection == AK4_SELECTION


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["pt", "onnx"])
def test_a_tagger_leaves_as_onnx_with_the_names_of_its_description(tmp_path: Path, kind: str) -> None:
    from zskt.onnx_runtime import run_onnx

    preprocess = described()
    network, where = write(tmp_path, preprocess, Toy(preprocess), kind)
    card = TaggerCard(name="mine", summary="a tagger").with_files(network, where)
    out = tmp_path / "out"
    out.mkdir()
    export = card.as_onnx(card.load(), out)
    assert export is not None
    path, origin = export
    ours = {"pt": "ONNX, exported from the publisher's TorchScript", "onnx": "the publisher's ONNX"}
    assert origin == ours[kind]
    x = random_inputs(preprocess.groups, 7, seed=3)
    outputs = run_onnx(path, [group.name for group in preprocess.groups], x)
    assert torch.allclose(outputs, Toy(preprocess)(*x), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_onnx_beside_torchscript_is_taken_if_it_is_the_same_network(tmp_path: Path) -> None:
    preprocess = described()
    network, where = write(tmp_path, preprocess, Toy(preprocess))
    card = TaggerCard(name="mine", summary="a tagger").with_files(network, where)
    for toy, origin in ((Toy(preprocess), "the publisher's ONNX"), (Toy(preprocess, softmax=False), "TorchScript")):
        write(tmp_path, preprocess, toy, "onnx")
        export = card.as_onnx(card.load(), tmp_path)
        assert export is not None and origin in export[1]


def test_a_record_stands_for_files_that_are_gone() -> None:
    record = Description(described(), ("label_b", "label_c", "label_light"), (), 7).to_record()
    card = TaggerCard.from_record("mine", record)
    assert card.parameters() == 7 and card.record() == record
    with pytest.raises(UserError, match="it came from a file; give that as --teacher-path"):
        card.load()
    published = CMS["cms-particlenet-ak4"].with_record(record, Path("inputs.json"))
    assert published.classes == ("label_b", "label_c", "label_light") and published.inputs.selection == AK4_SELECTION
    assert published.url is not None and published.url.startswith("https://github.com/cms-data")
    with pytest.raises(UserError, match=r"run/inputs\.json: is not the record of a run's inputs"):
        card.with_record({}, Path("run/inputs.json"))


def test_jets_follow_from_the_files_and_are_recorded(tmp_path: Path) -> None:
    preprocess = described(("label_Hbb", "label_QCD", "label_Hcc"))
    network, where = write(tmp_path, preprocess, Toy(preprocess))
    card = TaggerCard(name="mine", summary="a tagger").with_files(network, where)
    assert card.inputs.selection == AK8_SELECTION and "classes of resonances" in card.describe()
    recorded = TaggerCard.from_record("mine", card.record() or {})
    assert recorded.inputs.selection == AK8_SELECTION and recorded.describe() == card.describe()
    small = card.with_selection(radius=0.4, pt_high=300.0)
    assert small.inputs.selection == replace(AK4_SELECTION, pt_high=300.0)
    assert "radius 0.4, as you set it" in small.describe()
    again = TaggerCard.from_record("mine", small.record() or {}).with_selection(radius=0.4, pt_high=300.0)
    assert again.inputs.selection == small.inputs.selection


def test_paths_and_classes_that_contradict_one_another_are_asked_about(tmp_path: Path) -> None:
    preprocess = described(("label_Hbb", "label_QCD", "label_Hcc"))
    network, where = write(tmp_path / "ParticleNetAK4", preprocess, Toy(preprocess))
    card = TaggerCard(name="mine", summary="a tagger").with_files(network, where)
    with pytest.raises(UserError, match=r"--set radius=0\.8 or --set radius=0\.4"):
        _ = card.inputs
    assert card.with_selection(radius=0.8).inputs.selection == AK8_SELECTION


def test_one_name_stands_for_all_classes(tmp_path: Path) -> None:
    preprocess = described()
    network, where = write(tmp_path, preprocess, Toy(preprocess))
    content = json.loads(where.read_text())
    content["output_names"] = {"truth_label": "jet_label"}
    where.write_text(json.dumps(content))
    card = TaggerCard(name="mine", summary="a tagger").with_files(network, where)
    assert card.classes == ("label_0", "label_1", "label_2")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    (tmp_path / "labels.txt").write_text("b\nc\nlight\n")
    assert card.with_files(None, other).classes == ("b", "c", "light")
