"""What a student reads of a tagger's inputs."""

from __future__ import annotations

import torch

from tests.toy_taggers import described
from zskt.jets.features import KIN
from zskt.jets.object_collections import ObjectCollection
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import TaggerInputs


def test_one_cloud_is_one_collection_with_the_mask_of_its_own() -> None:
    (cloud,) = KIN.collections()
    assert (cloud.features, cloud.mask, cloud.variables, cloud.max_length, cloud.of_jet) == ((1,), 2, 7, 128, False)


def test_features_and_masks_of_a_tagger_are_sorted_into_collections() -> None:
    particles, vertices = TaggerInputs(preprocess=described()).collections()
    assert (particles.features, particles.mask, particles.variables, particles.max_length) == ((0,), 1, 5, 30)
    assert (vertices.features, vertices.mask, vertices.variables, vertices.max_length) == ((2,), 3, 2, 4)


def test_points_that_repeat_features_are_left_out() -> None:
    names = ("pfcand_pt_log", "pfcand_etarel", "pfcand_phirel")
    points = InputGroup("pf_points", tuple(Variable(n) for n in names[1:]), 1, 30)
    features = InputGroup("pf_features", tuple(Variable(n) for n in names), 1, 30)
    (particles,) = TaggerInputs(preprocess=Preprocess((points, features), ("a", "b"))).collections()
    assert particles.features == (1,) and particles.variables == 3 and particles.mask is None


def test_without_a_mask_entries_that_hold_padding_alone_are_padding() -> None:
    collection = ObjectCollection((0,), None, 2, 3, of_jet=False, pads=(-1.0, 0.0))
    x = (torch.tensor([[[-1.0, -1.0, 2.0], [0.0, 3.0, 0.0]]]),)
    assert collection.real(x, collection.read(x)).tolist() == [[False, True, True]]
