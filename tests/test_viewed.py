"""What a student sees of a sample: views of all domains, and students behind them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs
from zskt.jets.features import FULL, KIN, KINPID, JetInputs
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.students import STUDENTS
from zskt.vectors.inputs import VectorInputs
from zskt.viewed import Viewed, make_view, without_view

VIEWS = {name: domain.views for name, domain in DOMAINS.items()}


def jets(inputs: JetInputs, particles: int = 12) -> tuple[torch.Tensor, ...]:
    """A batch of three jets, features numbered by their rows."""
    x = torch.randn(3, len(inputs.features), particles, generator=torch.Generator().manual_seed(0))
    return x[:, -2:], x, torch.ones(3, 1, particles, dtype=torch.bool)


def test_kinematic_view_of_a_tagger_of_particle_types_is_what_the_kinematic_tagger_takes() -> None:
    view = make_view("features:kin", KINPID, VIEWS["jets"])
    x = jets(KINPID)
    points, features, mask = view.transform(*x)
    assert view.inputs.features == KIN.features
    kept = [KINPID.features.index(name) for name in KIN.features]
    assert torch.equal(features, x[1][:, kept]) and points is x[0] and mask is x[2]


def test_view_does_not_let_through_what_the_student_must_not_see() -> None:
    student = Viewed(
        view := make_view("features:part_pt_log,part_deltaR", KINPID, VIEWS["jets"]),
        STUDENTS["pfn-small"].build(view.inputs, 4),
    ).eval()
    points, features, mask = jets(KINPID)
    features = features.requires_grad_()
    student(points, features, mask).sum().backward()
    assert features.grad is not None
    seen = features.grad.abs().sum((0, 2)) > 0
    assert [KINPID.features[i] for i in seen.nonzero().flatten()] == ["part_pt_log", "part_deltaR"]


def test_leading_particles_are_the_first_ones_and_the_specification_says_so() -> None:
    view = make_view("leading:5", KIN, VIEWS["jets"])
    x = jets(KIN)
    assert view.inputs.slots == 5
    assert all(torch.equal(cut, t[..., :5]) for cut, t in zip(view.transform(*x), x, strict=True))


def tagger() -> TaggerInputs:
    """Two collections, one with a mask, and numbers of the jet."""
    groups = (
        InputGroup("pf_features", tuple(map(Variable, ("pfcand_pt_log", "pfcand_etarel", "pfcand_phirel"))), 1, 30),
        InputGroup("pf_mask", (Variable("pfcand_mask"),), 1, 30),
        InputGroup("sv_features", tuple(map(Variable, ("sv_mass", "sv_ntracks"))), 1, 5),
        InputGroup("sv_mask", (Variable("sv_mask"),), 1, 5),
    )
    return TaggerInputs(preprocess=Preprocess(groups, ("a", "b")))


def test_variables_inputs_and_collections_of_a_tagger_are_chosen_by_name_with_their_masks() -> None:
    inputs = tagger()
    x = tuple(torch.randn(2, len(g.names), g.max_length) for g in inputs.preprocess.groups)
    view = make_view("features:pfcand_phirel,pfcand_pt_log", inputs, VIEWS["jets"])
    assert [(g.name, g.names) for g in view.inputs.preprocess.groups] == [
        ("pf_features", ("pfcand_pt_log", "pfcand_phirel")),
        ("pf_mask", ("pfcand_mask",)),
    ]
    features, mask = view.transform(*x)
    assert torch.equal(features, x[0][:, [0, 2]]) and torch.equal(mask, x[1])
    whole = make_view("features:sv", inputs, VIEWS["jets"])
    assert [g.name for g in whole.inputs.preprocess.groups] == ["sv_features", "sv_mask"]
    assert all(torch.equal(a, b) for a, b in zip(whole.transform(*x), x[2:], strict=True))
    short = make_view("leading:8", inputs, VIEWS["jets"])
    assert [g.max_length for g in short.inputs.preprocess.groups] == [8, 8, 5, 5]


def test_feature_sets_of_jetclass_are_known_of_taggers_from_files_that_take_their_variables() -> None:
    inputs = TaggerInputs(preprocess=FULL.preprocess_form(JETCLASS_CLASSES))
    view = make_view("features:kin", inputs, VIEWS["jets"])
    assert [(g.name, g.names) for g in view.inputs.preprocess.groups] == [
        ("pf_points", ("part_deta", "part_dphi")),
        ("pf_features", KIN.features),
        ("pf_mask", ("part_mask",)),
    ]
    x = (torch.randn(2, 2, 9), torch.randn(2, len(FULL.features), 9), torch.ones(2, 1, 9))
    rows = [FULL.features.index(name) for name in KIN.features]
    assert torch.equal(view.transform(*x)[1], x[1][:, rows])


def test_downscaled_image_is_the_mean_of_blocks_without_the_padding() -> None:
    inputs = ImageInputs(mean=(0.5,), std=(0.25,), size=32, side=28)
    pixels = torch.randint(256, (2, 1, 28, 28), dtype=torch.uint8)
    view = make_view("downscale:7", inputs, VIEWS["images"])
    (seen,) = view.transform(*inputs(pixels))
    blocks = (pixels.float() / 255).unfold(2, 4, 4).unfold(3, 4, 4).mean((-1, -2))
    assert seen.shape == (2, 1, 7, 7)
    assert torch.allclose(seen, (blocks - 0.5) / 0.25, atol=1e-5)
    assert (view.inputs.size, view.inputs.side) == (7, 7)


def test_features_of_vectors_keep_their_bounds_and_a_group_stays_whole() -> None:
    inputs = VectorInputs.from_bounds([0, -1, 0, 0], [1, 1, 1, 1], categories=[(2, 3)], names=("a", "b", "c=0", "c=1"))
    view = make_view("features:b,0", inputs, VIEWS["vectors"])
    assert view.inputs.names == ("b", "c=0", "c=1") and view.inputs.low == (-1.0, 0.0, 0.0)
    x = torch.randn(3, 4)
    assert torch.equal(view.transform(x)[0], x[:, [1, 2, 3]])


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("featurs:kin", KINPID, "did you mean features"),
        ("features:", KINPID, "say which variables"),
        ("features:full", KIN, "does not take part_charge, part_d0"),
        ("features:part_pt", KIN, "did you mean"),
        ("leading:0", KIN, "whole number from 1 to 128"),
        ("leading:129", KIN, "whole number from 1 to 128"),
        ("leading:x", KIN, "whole number"),
        ("features:nothing", tagger(), "variable, input or collection"),
        ("features:kin", tagger(), "the teacher does not take part_pt_log, .* of kin; it takes .* sv_mass"),
        ("downscale:9", ImageInputs(mean=(0.0,), std=(1.0,), size=32, side=28), "do not divide"),
        ("kin", VectorInputs.from_bounds([0, 0], [1, 1]), "view of vectors"),
    ],
)
def test_view_that_does_not_fit_is_told_in_a_line(name: str, inputs: object, message: str) -> None:
    domain = getattr(inputs, "domain", "")
    with pytest.raises(UserError, match=message) as error:
        make_view(name, inputs, VIEWS[domain])
    assert "\n" not in str(error.value)


def test_student_leaves_its_view_wherever_that_is_and_the_original_keeps_it() -> None:
    view = make_view("features:kin", KINPID, VIEWS["jets"])
    core = nn.Linear(2, 3)
    student = BernoulliHead(Viewed(view, core))
    bare = without_view(student)
    assert isinstance(bare, BernoulliHead) and isinstance(bare.network, nn.Linear)
    assert torch.equal(bare.network.weight, core.weight) and isinstance(student.network, Viewed)
    assert isinstance(without_view(Viewed(view, core)), nn.Linear)
