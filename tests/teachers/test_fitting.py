"""How networks from files are fed: told by shapes, by trial, by permutation, or by the user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.fitting import fit_inputs
from teachers.layouts import with_layouts
from teachers.network_file import Argument, Axis
from teachers.tagger import read_tagger
from tests.teachers.network_files import (
    OUTPUTS,
    TRACKS,
    Held,
    MaskedSum,
    OfEntries,
    OfImages,
    OfOneJet,
    as_onnx,
    as_script,
    described_in,
    group,
    outer,
    particles,
)
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import random_inputs

WHERE = Path("preprocess.json")


def fitted(
    network: nn.Module, groups: tuple[InputGroup, ...], *shapes: tuple[Axis, ...] | None
) -> list[tuple[str, int, int]]:
    """Layout and lengths of each input."""
    arguments = [Argument(g.name, s) for g, s in zip(groups, shapes or [None] * len(groups), strict=True)]
    found = fit_inputs(Held(network, arguments), range(len(groups)), groups, WHERE)
    return [(g.layout, g.min_length, g.max_length) for g in found]


def refusal(network: nn.Module, groups: tuple[InputGroup, ...], *shapes: tuple[Axis, ...] | None) -> str:
    with pytest.raises(UserError) as told:
        fitted(network, groups, *shapes)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_entries_in_one_row_are_refused() -> None:
    features = particles().groups[:1]
    count = len(features[0].variables) * 12
    words = refusal(nn.Linear(count, 3), features, (None, count))
    assert f"pf_features takes {count} numbers in a row" in words and "flatten inside" in words


NETWORKS = [(MaskedSum, ("BCP", "BCP")), (OfEntries, ("BPC", "BP")), (OfImages, ("BCP1", "BCP1"))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["pt", "onnx", "onnx, entries fixed", "onnx, all fixed"])
@pytest.mark.parametrize(("of", "layouts"), NETWORKS)
def test_any_layout_in_any_file_answers_like_its_network(
    tmp_path: Path, of: type[MaskedSum], layouts: tuple[str, ...], kind: str
) -> None:
    preprocess = particles()
    where, network = described_in(tmp_path, preprocess), of().eval()
    free = {"onnx": "BP", "onnx, entries fixed": "B"}.get(kind, "")
    path = as_script(tmp_path, network) if kind == "pt" else as_onnx(tmp_path, network, preprocess, layouts, free=free)
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.layouts == layouts and [g.layout for g in read.groups] == list(layouts)
    lengths = {(g.min_length, g.max_length) for g in read.groups}
    assert lengths == ({(1, 12)} if kind in ("pt", "onnx") else {(12, 12)})
    x = random_inputs(read.groups, 20, seed=4)
    x[0].requires_grad_()
    expected = MaskedSum()(*x)
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-5)
    gradients = [torch.autograd.grad(y[:, 0].sum(), x[0])[0] for y in (tagger(*x).exp(), expected)]
    assert torch.allclose(*gradients, atol=1e-5) and bool(gradients[1].any())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["pt", "onnx"])
@torch.no_grad()
def test_one_jet_a_call_is_found(tmp_path: Path, kind: str) -> None:
    where, network = described_in(tmp_path, TRACKS), OfOneJet().eval()
    if kind == "pt":
        path = as_script(tmp_path, network)
    else:
        path = as_onnx(tmp_path, network, TRACKS, ["1C", "PC"], outputs=TRACKS.outputs)
    tagger, read = read_tagger(path, TRACKS, where)
    assert tagger.layouts[1] == "PC"
    x = random_inputs(read.groups, 6, seed=4)
    jets = x[0].reshape(6, 2)
    lengths = x[1].abs().sum(1).gt(0).sum(1).tolist()
    expected = [network(jets[i : i + 1], x[1][i, :, :n].T) for i, n in enumerate(lengths)]
    assert torch.allclose(tagger(*x).softmax(1), torch.tensor(expected), atol=1e-5)


class First(nn.Module):
    """The sum over axis 1 or 2, whatever the axes count: invariant in one of the layouts only."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis, self.outer = axis, outer(5)

    def forward(self, pf_features: Tensor) -> Tensor:
        return self.outer(pf_features.sum(self.axis)).softmax(1)


class Order(nn.Module):
    """Every number counts for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(25)

    def forward(self, pf_features: Tensor) -> Tensor:
        return self.outer(pf_features.flatten(1)).softmax(1)


SQUARE = particles(5).groups[:1]
"""As many entries as variables."""


@pytest.mark.parametrize(("axis", "layout"), [(2, "BCP"), (1, "BPC")])
@pytest.mark.parametrize("shape", [("N", 5, 5), None])
def test_a_square_is_told_by_the_order_of_entries(axis: int, layout: str, shape: tuple[Axis, ...] | None) -> None:
    fixed = tuple(replace(g, min_length=5) for g in SQUARE)
    assert fitted(First(axis), fixed, shape) == [(layout, 5, 5)]


def test_where_no_answer_tells_the_user_is_asked() -> None:
    words = refusal(Order(), SQUARE, ("N", 5, 5))
    assert words == (
        "model.x: its input pf_features may be (jets, variables, entries) or (jets, entries, variables), and its "
        "answers do not tell; say which: --layout pf_features=BCP or --layout pf_features=BPC"
    )
    for layout in ("BCP", "BPC"):
        preprocess = with_layouts(Preprocess(SQUARE, OUTPUTS), [("pf_features", layout)])
        assert fitted(Order(), preprocess.groups, ("N", 5, 5)) == [(layout, 5, 5)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["BCP", "BPC"])
@torch.no_grad()
def test_what_the_user_says_is_what_the_network_gets(tmp_path: Path, layout: str) -> None:
    preprocess = Preprocess(SQUARE, OUTPUTS)
    where = described_in(tmp_path, preprocess)
    path = as_onnx(tmp_path, Order(), preprocess, [layout], free="B")
    with pytest.raises(UserError, match="say which: --layout pf_features=BCP or --layout pf_features=BPC"):
        read_tagger(path, preprocess, where)
    tagger, read = read_tagger(path, with_layouts(preprocess, [("pf_features", layout)]), where)
    x = random_inputs(read.groups, 7)
    expected = Order()(x[0] if layout == "BCP" else x[0].transpose(1, 2))
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-5)


def test_a_layout_that_the_shape_forbids_is_told() -> None:
    said = with_layouts(particles(), [("pf_features", "BPC")]).groups
    words = refusal(MaskedSum(), said, ("N", 5, 12), ("N", 1, 12))
    assert "its input pf_features has the shape (N, 5, 12), which is not (jets, entries, variables)" in words
    assert words.endswith("with 5 variables; give another --layout pf_features=...")


@pytest.mark.parametrize("shapes", [((None, None, None), (None, None, None)), (("N", None, "n"), ("N", 1, "n"))])
def test_free_axes_are_told_by_trial(shapes: tuple[tuple[Axis, ...], ...]) -> None:
    assert fitted(MaskedSum(), particles().groups, *shapes) == [("BCP", 1, 12)] * 2


def test_free_axes_of_entries_before_variables_are_told_by_trial() -> None:
    shapes: tuple[tuple[Axis, ...], ...] = ((None, None, None), (None, None))
    assert fitted(OfEntries(), particles().groups, *shapes) == [("BPC", 1, 12), ("BP", 1, 12)]


def test_layouts_of_inputs_may_differ() -> None:
    class Mixed(MaskedSum):
        def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
            return self.outer((pf_features * pf_mask.unsqueeze(1)).sum(2))

    assert fitted(Mixed(), particles().groups) == [("BCP", 1, 12), ("BP", 1, 12)]


def test_two_collections_do_not_fit_each_other_by_accident() -> None:
    """4 variables and 3 entries are 7, as are 5 and 2 variables: a second length tells."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.outer = outer(7)

        def forward(self, pf_features: Tensor, sv_features: Tensor) -> Tensor:
            return self.outer(torch.cat([pf_features.sum(2), sv_features.sum(2)], 1))

    vertices = group("sv_features", ["sv_mass", "sv_pt"], 4)
    right = (*particles().groups[:1], vertices)
    assert fitted(Both(), right) == [("BCP", 1, 12), ("BCP", 1, 4)]
    wrong = (*particles(features=("a", "b", "c", "d")).groups[:1], vertices)
    assert "does not run on what preprocess.json describes" in refusal(Both(), wrong)


def test_an_input_that_was_dropped_is_as_long_as_the_others() -> None:
    points = group("pf_points", ["pfcand_etarel", "pfcand_phirel"], 12)
    file = Held(MaskedSum(), [Argument("pf_features", ("N", 5, 8)), Argument("pf_mask", ("N", 1, 8))])
    found = fit_inputs(file, [1, 2], [points, *particles().groups], WHERE)
    assert [(g.layout, g.min_length, g.max_length) for g in found] == [("", 8, 8), ("BCP", 8, 8), ("BCP", 8, 8)]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (("N", 6, "n_pf"), "its input pf_features takes 6 variables, pf_features of preprocess.json has 5;"),
        (("N", 6, 12), "its input pf_features takes 6 variables, pf_features of preprocess.json has 5;"),
        (("N", 2, 3, 4, 5), "pf_features"),
    ],
)
def test_files_that_do_not_belong_together_are_told(shape: tuple[Axis, ...], words: str) -> None:
    message = refusal(MaskedSum(6), particles().groups, shape, ("N", 1, "n_pf"))
    assert words in message and message.endswith("give the two files that belong together")


def test_where_shapes_do_not_tell_the_networks_own_complaint_is_said() -> None:
    class Convolved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(6, 3, 1)

        def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
            return (self.conv(pf_features) * pf_mask).sum(2)

    words = refusal(Convolved(), particles().groups)
    assert words == (
        "model.x: takes 6 variables where preprocess.json has 5, those of pf_features; "
        "give the two files that belong together"
    )
    words = refusal(MaskedSum(9), particles().groups)  # PyTorch 2.15 says "addmm: " before it
    assert "does not run on what preprocess.json describes (" in words and "mat1 and mat2" in words


def test_a_network_of_one_length_is_run_with_it() -> None:
    """Of 12 entries and no other number, though the file does not tell."""

    class Flattened(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.outer = outer(60)

        def forward(self, pf_features: Tensor) -> Tensor:
            return self.outer(pf_features.transpose(1, 2).reshape(-1, 60))

    with pytest.raises(UserError, match="say which"):
        fitted(Flattened(), particles().groups[:1])
    said = with_layouts(particles(), [("pf_features", "BCP")]).groups[:1]
    assert fitted(Flattened(), said) == [("BCP", 1, 12)]
