"""How the inputs of a jet student are described in CMS's layout."""

from __future__ import annotations

from tests.toy_taggers import described
from zskt.jets.features import KIN
from zskt.jets.preprocess import UNBOUNDED, Variable
from zskt.jets.tagger_inputs import TaggerInputs


def test_the_features_of_one_cloud_become_points_features_and_mask() -> None:
    preprocess = KIN.preprocess_form(("QCD", "Hbb"))
    assert [group.name for group in preprocess.groups] == ["pf_points", "pf_features", "pf_mask"]
    features = preprocess.group("pf_features").variables
    assert features[0] == Variable("part_pt_log", 1.7, 0.7, 0.0, -5.0, 5.0)
    assert features[-1] == Variable("part_dphi", 0.0, 1.0, 0.0, -UNBOUNDED, UNBOUNDED)
    assert preprocess.outputs == ("QCD", "Hbb") and preprocess.groups[1].max_length == 128


def test_a_taggers_own_description_is_taken() -> None:
    assert TaggerInputs(preprocess=described()).preprocess_form(("ignored",)) == described()
