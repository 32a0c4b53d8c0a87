"""Taggers of any layout leave as ONNX that takes the described inputs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor

from teachers.export import rearranged
from teachers.readers import reader_of
from teachers.tagger import read_tagger
from tests.teachers.network_files import (
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
from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.onnx_runtime import run_onnx

pytestmark = pytest.mark.filterwarnings("ignore")
LAYOUTS = [(OfEntries, ("BPC", "BP")), (OfImages, ("BCP1", "BCP1")), (MaskedSum, ("BCP", "BCP"))]


def shapes(path: Path) -> dict[str, list[int | str]]:
    return {
        i.name: [d.dim_value or d.dim_param for d in i.type.tensor_type.shape.dim]
        for i in onnx.load(str(path)).graph.input
    }


@pytest.mark.parametrize("opset", [11, 15])
@pytest.mark.parametrize("free", ["BP", "B"])
@pytest.mark.parametrize(("of", "layouts"), LAYOUTS)
@torch.no_grad()
def test_a_file_of_any_layout_leaves_in_ours_with_equal_answers(
    tmp_path: Path, of: type[MaskedSum], layouts: tuple[str, ...], free: str, opset: int
) -> None:
    preprocess = particles()
    where = described_in(tmp_path, preprocess)
    (tmp_path / "out").mkdir()
    path = as_onnx(tmp_path, of(), preprocess, layouts, free=free, opset=opset)
    tagger, read = read_tagger(path, preprocess, where)
    assert tagger.layouts == layouts
    written = reader_of(path).open_file(path).as_onnx(tagger, tmp_path / "out")
    assert written is not None and written[1] == "the publisher's ONNX"
    found = shapes(written[0])
    length: int | str = "n_pf" if free == "BP" else 12
    assert found["pf_features"] == ["N", 5, length] and found["pf_mask"] == ["N", 1, length]
    onnx.checker.check_model(onnx.load(str(written[0])))
    x = random_inputs(read.groups, 9, seed=2)
    assert torch.allclose(run_onnx(written[0], ["pf_features", "pf_mask"], x), MaskedSum()(*x), atol=1e-6)


class OfJet(MaskedSum):
    """Numbers of the jet, (B, C), and entries before variables."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(7)

    def forward(self, jet_features: Tensor, pf_features: Tensor) -> Tensor:  # type: ignore[override]
        return self.outer(torch.cat([jet_features, pf_features.sum(1)], 1)).softmax(1)


@torch.no_grad()
def test_numbers_of_the_jet_stay_as_they_are(tmp_path: Path) -> None:
    features = particles().groups[0]
    preprocess = Preprocess((group("jet_features", ["jet_pt", "jet_eta"], 1), features), ("a", "b", "c"))
    where = described_in(tmp_path, preprocess)
    path = as_onnx(tmp_path, OfJet(), preprocess, ["BC", "BPC"])
    tagger, read = read_tagger(path, preprocess, where)
    assert read.groups[0].flat and tagger.layouts == ("BC", "BPC")
    (tmp_path / "out").mkdir()
    written = reader_of(path).open_file(path).as_onnx(tagger, tmp_path / "out")
    assert written is not None and shapes(written[0]) == {"jet_features": ["N", 2], "pf_features": ["N", 5, "n_pf"]}
    x = random_inputs(read.groups, 9, seed=2)
    answer = run_onnx(written[0], ["jet_features", "pf_features"], x)
    assert torch.allclose(answer, OfJet()(x[0], x[1].transpose(1, 2)), atol=1e-6)


@torch.no_grad()
def test_a_script_of_any_layout_leaves_in_ours(tmp_path: Path) -> None:
    preprocess = particles()
    where, path = described_in(tmp_path, preprocess), as_script(tmp_path, OfEntries())
    tagger, read = read_tagger(path, preprocess, where)
    (tmp_path / "out").mkdir()
    written = reader_of(path).open_file(path).as_onnx(tagger, tmp_path / "out")
    assert written is not None and written[1] == "ONNX, exported from the publisher's TorchScript"
    x = random_inputs(read.groups, 9, seed=2)
    assert torch.allclose(run_onnx(written[0], ["pf_features", "pf_mask"], x), MaskedSum()(*x), atol=1e-5)


def test_what_takes_one_jet_does_not_leave(tmp_path: Path) -> None:
    where = described_in(tmp_path, TRACKS)
    path = as_onnx(tmp_path, OfOneJet(), TRACKS, ["1C", "PC"], outputs=TRACKS.outputs)
    tagger, _ = read_tagger(path, TRACKS, where)
    assert rearranged(onnx.load(str(path)), tagger) is None
    assert reader_of(path).open_file(path).as_onnx(tagger, tmp_path) is None
