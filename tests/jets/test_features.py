"""Input features of JetClass taggers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import uproot

from zskt.errors import UserError
from zskt.jets.features import FULL, KIN, KINPID, JetInputs, require_features
from zskt.jets.jetclass import read_jets
from zskt.jets.preprocess import Variable
from zskt.jets.sample import SAMPLE


def test_features_are_those_of_jetclass_computed_by_hand() -> None:
    data = read_jets(SAMPLE, most=50)
    with uproot.open(SAMPLE) as file:
        tree = file["tree"].arrays(entry_stop=50)
    points, features, mask = KIN(data.samples)
    for i in range(50):
        n = len(tree["part_px"][i])
        pt = np.hypot(tree["part_px"][i], tree["part_py"][i]).to_numpy()
        assert int(mask[i].sum()) == min(n, 128)
        energy, deta, dphi = (tree[f"part_{name}"][i].to_numpy() for name in ("energy", "deta", "dphi"))
        expected = [
            (np.log(pt) - 1.7) * 0.7,
            (np.log(energy) - 2.0) * 0.7,
            (np.log(pt / tree["jet_pt"][i]) + 4.7) * 0.7,
            (np.log(energy / tree["jet_energy"][i]) + 4.7) * 0.7,
            (np.hypot(deta, dphi) - 0.2) * 4,
        ]
        for row, values in zip(features[i], expected, strict=False):
            assert np.allclose(row[:n].numpy(), np.clip(values, -5, 5)[:128], atol=1e-4)
        assert np.allclose(points[i, 0, :n].numpy(), deta[:128], atol=1e-6)


@pytest.mark.parametrize(("inputs", "count"), [(KIN, 7), (KINPID, 13), (FULL, 17)])
def test_feature_sets(inputs: JetInputs, count: int) -> None:
    x = inputs(read_jets(SAMPLE, most=20).samples)
    assert x[1].shape[1] == count and torch.isfinite(x[1]).all()
    assert inputs.features[-2:] == ("part_deta", "part_dphi")


def test_an_unknown_feature_is_told() -> None:
    with pytest.raises(UserError, match="unknown feature 'part_colour'"):
        JetInputs(features=("part_colour",))


def test_a_network_of_another_number_of_features_is_refused() -> None:
    require_features({"bn_fts.weight": torch.ones(7)}, "bn_fts.weight", KIN, "a.pt")
    with pytest.raises(UserError, match=r"a\.pt: the network takes 13 features, the card says 7"):
        require_features({"bn_fts.weight": torch.ones(13)}, "bn_fts.weight", KIN, "a.pt")


def test_inputs_are_described_in_the_layout_of_cms() -> None:
    form = KIN.preprocess_form(("QCD", "Hbb"))
    assert form.outputs == ("QCD", "Hbb")
    assert [group.name for group in form.groups] == ["pf_points", "pf_features", "pf_mask"]
    assert {(group.min_length, group.max_length) for group in form.groups} == {(1, 128)}
    assert form.group("pf_points").names == ("part_deta", "part_dphi")
    assert form.group("pf_features").variables[0] == Variable("part_pt_log", 1.7, 0.7, 0.0, -5.0, 5.0)
    assert form.group("pf_features").variables[-1] == Variable("part_dphi")
    jets = read_jets(SAMPLE, most=3).samples
    raw, _, mask = jets.pt.clamp(min=1e-8).log(), None, jets.mask  # type: ignore[attr-defined]
    prepared = form.group("pf_features").variables[0](raw)
    assert torch.allclose(torch.where(mask, prepared, 0.0), KIN(jets)[1][:, 0])  # type: ignore[arg-type]
