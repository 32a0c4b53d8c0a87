"""Kinds of networks that experiments and trainings leave behind, one of each: read, and equal to the network itself.

Layouts are in `test_fitting`, gradients in `test_gradients`, files that are no networks in `test_kinds` too: here each
goes through `read_tagger`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from teachers.lengths import ByLength
from teachers.tagger import Tagger, read_tagger
from tests.teachers.network_files import (
    OUTPUTS,
    TRACKS,
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
from zskt.contracts import HeadKind
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess, read_preprocess
from zskt.jets.random_inputs import random_inputs

pytestmark = pytest.mark.filterwarnings("ignore")
POINTS = Preprocess((group("pf_points", ["pfcand_etarel", "pfcand_phirel"], 12), *particles().groups), OUTPUTS)
VECTORS = ("pfcand_px", "pfcand_py", "pfcand_pz", "part_energy_scale")
WITH_VECTORS = Preprocess((particles().groups[0], group("pf_vectors", VECTORS, 12), particles().groups[1]), OUTPUTS)


def finite_gradients(tagger: Tagger, preprocess: Preprocess) -> list[Tensor]:
    """Gradients of a class by every input that has one, all numbers."""
    x = [t.requires_grad_() for t in random_inputs(preprocess.groups, 9, seed=1)]
    found = torch.autograd.grad(tagger(*x)[:, 0].sum(), x, allow_unused=True)
    assert all(bool(g.isfinite().all()) for g in found if g is not None)
    assert any(bool(g.any()) for g in found if g is not None)
    return [g for g in found if g is not None]


def test_01_an_input_that_the_exporter_dropped_stays_described(tmp_path: Path) -> None:
    where = described_in(tmp_path, POINTS)
    path = as_onnx(tmp_path, MaskedSum(), particles(), ["BCP", "BCP"])
    tagger, read = read_tagger(path, POINTS, where)
    assert tagger.order == (1, 2) and [g.name for g in read.groups] == [g.name for g in POINTS.groups]
    x = random_inputs(read.groups, 9)
    assert len(x) == 3 and torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x[1:]), atol=1e-5)


def test_01_of_a_length_that_the_file_fixes_the_dropped_one_is_as_long(tmp_path: Path) -> None:
    where = described_in(tmp_path, POINTS)
    path = as_onnx(tmp_path, MaskedSum(), particles(8), ["BCP", "BCP"], free="B")
    tagger, read = read_tagger(path, POINTS, where)
    assert [(g.min_length, g.max_length) for g in read.groups] == [(8, 8)] * 3
    x = random_inputs(read.groups, 9)
    assert torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x[1:]), atol=1e-5)


class Wide(MaskedSum):
    """So many classes, and values behind them."""

    def __init__(self, classes: int, values: int = 0) -> None:
        super().__init__()
        self.classes, self.outer = classes, outer(5, classes + values)

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        o = self.outer((pf_features * pf_mask).sum(2) / 4)
        return torch.cat([(4 * o[:, : self.classes]).softmax(1), 50 + 20 * o[:, self.classes :]], 1)


def test_02_one_name_stands_for_all_classes(tmp_path: Path) -> None:
    where = tmp_path / "preprocess.json"
    described_in(tmp_path, particles())
    where.write_text(where.read_text().replace('["label_b", "label_c", "label_light"]', '{"truth_label": "jet_label"}'))
    tagger, read = read_tagger(as_script(tmp_path, Wide(12)), read_preprocess(where), where)
    assert len(read.outputs) == len(set(read.outputs)) == 12 and tagger.heads.classes == tuple(range(12))
    x = random_inputs(read.groups, 9)
    assert torch.allclose(tagger(*x).softmax(1), Wide(12)(*x), atol=1e-5)


def test_02_values_keep_their_names_behind_it(tmp_path: Path) -> None:
    where = tmp_path / "preprocess.json"
    described_in(tmp_path, particles())
    table = '{"truth_label": "fj_label", "target_mass_factor": "np.where(a, b, c)", "target_res_factor": "x / y"}'
    where.write_text(where.read_text().replace('["label_b", "label_c", "label_light"]', table))
    tagger, read = read_tagger(as_script(tmp_path, Wide(4, 2)), read_preprocess(where), where)
    assert read.outputs[4:] == ("target_mass_factor", "target_res_factor") and len(read.outputs) == 6
    assert (tagger.heads.classes, tagger.heads.values) == ((0, 1, 2, 3), (4, 5))
    x = random_inputs(read.groups, 9)
    assert torch.allclose(tagger(*x)[:, :4].softmax(1), Wide(4, 2)(*x)[:, :4], atol=1e-5)
    assert torch.allclose(tagger(*x)[:, 4:], Wide(4, 2)(*x)[:, 4:], atol=1e-4)


class Pairs(MaskedSum):
    """Pairs of entries, each once, through a triangle of ones."""

    def __init__(self, above: bool) -> None:
        super().__init__()
        self.above = above

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        x = (pf_features * pf_mask).transpose(1, 2)
        a = x @ x.transpose(1, 2)
        ones = torch.ones_like(a[0])
        a = a * (torch.triu(ones, 1) if self.above else torch.tril(ones))
        return self.outer((x + torch.tanh(a.sum(2, keepdim=True))).mul(pf_mask.transpose(1, 2)).sum(1) / 4).softmax(1)


@pytest.mark.parametrize("above", [True, False])
def test_03_triangles_of_pairs_are_converted_with_their_gradients(tmp_path: Path, above: bool) -> None:
    """The order of entries counts in them, so that nothing but the shape tells the layout."""
    preprocess = particles()
    where, network = described_in(tmp_path, preprocess), Pairs(above)
    path = as_onnx(tmp_path, network, preprocess, ["BCP", "BCP"])
    assert "Trilu" in {node.op_type for node in onnx.load(str(path)).graph.node}
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.differentiable and tagger.origin.startswith("ONNX, converted: 0 of 64")
    x = random_inputs(read.groups, 9, seed=2)
    x[0].requires_grad_()
    answers = (tagger(*x).softmax(1), network(*x))
    assert torch.allclose(*answers, atol=1e-5)
    gradients = [torch.autograd.grad(y[:, 0].sum(), x[0])[0] for y in answers]
    assert torch.allclose(*gradients, atol=1e-5) and bool(gradients[1].any())


class Angles(nn.Module):
    """Directions and distances of entries: roots without a gradient at padding and on the diagonal."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(7)

    def forward(self, pf_features: Tensor, pf_vectors: Tensor, pf_mask: Tensor) -> Tensor:
        v = pf_vectors
        phi = torch.atan2(v[:, 1:2], v[:, 0:1])
        r = (v[:, :1].unsqueeze(3) - v[:, :1].unsqueeze(2)).square().sqrt().mean(3).tanh()
        return self.outer((torch.cat([pf_features, phi, r], 1) * pf_mask).sum(2) / 4).softmax(1)


@pytest.mark.parametrize("kind", ["pt", "onnx"])
def test_04_gradients_that_are_no_numbers_are_mended_and_it_is_said(tmp_path: Path, kind: str) -> None:
    where = described_in(tmp_path, WITH_VECTORS)
    path = as_script(tmp_path, Angles()) if kind == "pt" else as_onnx(tmp_path, Angles(), WITH_VECTORS, ["BCP"] * 3)
    tagger, read = read_tagger(path, WITH_VECTORS, where)
    assert tagger.differentiable and tagger.gradient.startswith("yes; no finite derivative of sqrt at padding")
    x = random_inputs(read.groups, 9, seed=3)
    # It counts pairs with padding, so that each jet is answered at its own length.
    assert torch.allclose(tagger(*x).softmax(1), ByLength(Angles(), read.groups)(*x), atol=1e-5)
    assert all(bool(g.any()) for g in finite_gradients(tagger, read)[:2])


class InPlace(MaskedSum):
    """A product written into the result of a layer that another has used."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.outer = nn.Linear(5, 8), nn.Linear(8, 8), outer(8)

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        m = pf_mask.transpose(1, 2)
        h = torch.relu(self.first(pf_features.transpose(1, 2)))
        k = self.second(h)
        h.mul_(m)
        return self.outer((torch.relu(h + k) * m).sum(1) / 4).softmax(1)


def test_05_a_script_that_computes_in_place_has_its_gradient(tmp_path: Path) -> None:
    class OutOfPlace(InPlace):
        def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
            m = pf_mask.transpose(1, 2)
            h = torch.relu(self.first(pf_features.transpose(1, 2)))
            return self.outer((torch.relu(h * m + self.second(h)) * m).sum(1) / 4).softmax(1)

    preprocess = particles()
    where, network = described_in(tmp_path, preprocess), InPlace()
    path = as_script(tmp_path, network)
    safe = OutOfPlace()
    safe.load_state_dict(network.state_dict())
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.gradient == "yes; what it computes in place is copied"
    x = random_inputs(read.groups, 9, seed=3)
    x[0].requires_grad_()
    expected = safe(*x)
    gradients = [torch.autograd.grad(y[:, 0].sum(), x[0])[0] for y in (tagger(*x).exp(), expected)]
    assert torch.allclose(*gradients, atol=1e-5) and bool(gradients[1].any())


@pytest.mark.parametrize("kind", ["pt", "onnx", "fixed"])
def test_06_entries_before_variables_without_a_mask(tmp_path: Path, kind: str) -> None:
    """With a free axis of entries nothing but its place tells it from variables."""

    class Entries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.outer = outer(5)

        def forward(self, pf_features: Tensor) -> Tensor:
            m = (pf_features.abs().sum(2, keepdim=True) > 0).float()
            return self.outer((pf_features.tanh() * m).sum(1) / m.sum(1).clamp(min=1)).softmax(1)

    preprocess = Preprocess(particles().groups[:1], OUTPUTS)
    where = described_in(tmp_path, preprocess)
    free = "B" if kind == "fixed" else "BP"
    path = (
        as_script(tmp_path, Entries()) if kind == "pt" else as_onnx(tmp_path, Entries(), preprocess, ["BPC"], free=free)
    )
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.layouts == ("BPC",) and read.groups[0].max_length == 12
    (x,) = random_inputs(read.groups, 9, seed=2)
    assert x.shape == (9, 5, 12)
    assert torch.allclose(tagger(x).softmax(1), Entries()(x.transpose(1, 2)), atol=1e-5)


class Mass(nn.Module):
    """A logarithm of energies less momenta, of physical particles alone a number."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(6)

    def forward(self, pf_features: Tensor, pf_vectors: Tensor, pf_mask: Tensor) -> Tensor:
        v = pf_vectors
        m = (v[:, 3:4] - v[:, :3].square().sum(1, keepdim=True).add(1e-8).sqrt() + 1e-3).log()
        m = torch.where(pf_mask > 0, m, torch.zeros_like(m))
        return self.outer((torch.cat([pf_features, m], 1) * pf_mask).sum(2) / 4).softmax(1)


def test_08_energies_of_any_name_are_above_momenta(tmp_path: Path) -> None:
    where = described_in(tmp_path, WITH_VECTORS)
    tagger, read = read_tagger(as_script(tmp_path, Mass()), WITH_VECTORS, where)
    x = random_inputs(read.groups, 20, seed=3)
    assert Mass()(*x).isfinite().all() and torch.allclose(tagger(*x).softmax(1), Mass()(*x), atol=1e-5)


def of_state(path: Path) -> None:
    torch.save(MaskedSum().state_dict(), path)


def of_pickle(path: Path) -> None:
    torch.save(MaskedSum(), path)


@pytest.mark.parametrize(
    ("write", "words"),
    [(of_state, "is parameters alone, without their network; give the code that builds it: --architecture network.py"),
     (of_pickle, "is a whole network as Python pickles it, and to unpickle it is to run code")],
)  # fmt: skip
def test_10_a_sound_file_of_another_kind_is_called_what_it_is(
    tmp_path: Path, write: Callable[[Path], None], words: str
) -> None:
    where = described_in(tmp_path, particles())
    write(tmp_path / "net.pt")
    with pytest.raises(UserError) as told:
        read_tagger(tmp_path / "net.pt", particles(), where)
    message = str(told.value)
    assert words in message and "\n" not in message and "fetch it again" not in message


JET = Preprocess((group("x", [f"jet_{i}" for i in range(5)], 1),), OUTPUTS)


def onnx_of(path: Path, opset: int, nodes: list[onnx.NodeProto], batch: int | str = "N", **weights: np.ndarray) -> Path:  # type: ignore[type-arg]
    """A graph from x (N, 5) to p (N, 3)."""
    x, p = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, k]) for n, k in (("x", 5), ("p", 3)))
    held = [numpy_helper.from_array(w, n) for n, w in weights.items()]
    graph = helper.make_graph(nodes, "g", [x], [p], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4), str(path))
    return path


def test_10_an_operator_of_qonnx_is_named(tmp_path: Path) -> None:
    """Without its scale and bits, and in a domain that the file does not list."""
    quant = helper.make_node("Quant", ["x"], ["q"], domain="finn.custom_op.general")
    nodes = [quant, helper.make_node("MatMul", ["q", "w"], ["p"])]
    path = onnx_of(tmp_path / "model.onnx", 13, nodes, w=np.eye(5, 3, dtype=np.float32))
    with pytest.raises(UserError) as told:
        read_tagger(path, JET, described_in(tmp_path, JET))
    message = str(told.value)
    assert "\n" not in message and "Quant" in message and "fetch it again" not in message


W = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
BIAS = np.array([0.1, -0.2, 0.3], np.float32)


@pytest.mark.parametrize("batch", ["N", 1, 10])
@pytest.mark.parametrize("opset", [6, 7, 8, 9])
def test_11_old_opsets_answer_alike_whatever_their_batch(tmp_path: Path, opset: int, batch: int | str) -> None:
    if opset == 6:
        layer = [helper.make_node("Gemm", ["x", "w", "b"], ["g"], broadcast=1)]
    else:
        layer = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["g"])]
    nodes = [*layer, helper.make_node("Softmax", ["g"], ["p"], axis=1)]
    path = onnx_of(tmp_path / "model.onnx", opset, nodes, batch, w=W, b=BIAS)
    tagger, read = read_tagger(path, JET, described_in(tmp_path, JET))
    assert tagger.differentiable and tagger.published == 18
    (x,) = random_inputs(read.groups, 23)
    expected = (x.reshape(23, 5) @ torch.from_numpy(W) + torch.from_numpy(BIAS)).softmax(1)
    assert torch.allclose(tagger(x).softmax(1), expected, atol=1e-5)
    assert finite_gradients(tagger, read)[0].shape == (9, 5)


def test_16_one_jet_a_call_has_gradients_and_may_be_asked_for_many(tmp_path: Path) -> None:
    where = described_in(tmp_path, TRACKS)
    path = as_onnx(tmp_path, OfOneJet(), TRACKS, ["1C", "PC"], outputs=TRACKS.outputs)
    tagger, read = read_tagger(path, TRACKS, where)
    assert read.outputs == TRACKS.outputs and tagger.differentiable and tagger.heads.kind == HeadKind.CLASSES
    of_jet, of_tracks = finite_gradients(tagger, read)
    assert bool(of_jet.any(-1).all()) and bool(of_tracks.any())
    x = random_inputs(read.groups, 5, seed=1)
    together = tagger(*x)
    assert torch.allclose(together, torch.cat([tagger(*(t[i : i + 1] for t in x)) for i in range(5)]), atol=1e-6)


def test_17_a_last_axis_of_one_is_added(tmp_path: Path) -> None:
    preprocess = particles()
    where = described_in(tmp_path, preprocess)
    path = as_onnx(tmp_path, OfImages(), preprocess, ["BCP1", "BCP1"], free="B")
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.layouts == ("BCP1", "BCP1")
    x = random_inputs(read.groups, 9)
    assert x[0].shape == (9, 5, 12) and torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x), atol=1e-5)


def test_07_a_variable_may_be_named_more_than_once(tmp_path: Path) -> None:
    preprocess = particles(features=("pfcand_e", "pfcand_p", "pfcand_e", "pfcand_e", "pfcand_p"))
    where = described_in(tmp_path, preprocess)
    assert read_preprocess(where).groups[0].names == preprocess.groups[0].names
    tagger, read = read_tagger(as_script(tmp_path, MaskedSum()), read_preprocess(where), where)
    assert read.without_layouts() == preprocess
    x = random_inputs(read.groups, 9)
    assert torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x), atol=1e-5)


@pytest.mark.parametrize("missing", [True, False])
def test_09_outputs_may_be_called_flav_names_or_nothing(tmp_path: Path, missing: bool) -> None:
    where = described_in(tmp_path, particles())
    text = where.read_text().replace('"output_names"', '"of_no_interest"' if missing else '"flav_names"')
    where.write_text(text)
    tagger, read = read_tagger(as_script(tmp_path, MaskedSum()), read_preprocess(where), where)
    assert len(read.outputs) == 3 and (missing or read.outputs == OUTPUTS) and tagger.heads.classes == (0, 1, 2)


def test_15_inputs_without_a_prefix_are_one_collection(tmp_path: Path) -> None:
    groups = [replace(g, name=n) for g, n in zip(POINTS.groups, ("points", "features", "mask"), strict=True)]
    where = described_in(tmp_path, Preprocess(tuple(groups), OUTPUTS))
    preprocess = read_preprocess(where)
    assert len({g.collection for g in preprocess.groups}) == 1 and preprocess.groups[2].is_mask

    class Bare(MaskedSum):
        def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
            return self.outer((features * mask).sum(2) / 4).softmax(1)

    tagger, read = read_tagger(as_script(tmp_path, Bare()), preprocess, where)
    x = random_inputs(read.groups, 9)
    assert torch.equal(x[1].any(1), x[2].any(1)) and torch.equal(x[0].any(1), x[2].any(1))
    assert torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x[1:]), atol=1e-5)


def test_entries_before_variables_and_masks_of_two_axes_are_read_with_dropped_inputs(tmp_path: Path) -> None:
    """Several of these at once, as CMS's newer networks are."""
    where = described_in(tmp_path, POINTS)
    path = as_onnx(tmp_path, OfEntries(), particles(), ["BPC", "BP"])
    tagger, read = read_tagger(path, POINTS, where)
    assert tagger.layouts == ("BPC", "BP") and tagger.order == (1, 2)
    x = random_inputs(read.groups, 9)
    assert torch.allclose(tagger(*x).softmax(1), MaskedSum()(*x[1:]), atol=1e-5)
