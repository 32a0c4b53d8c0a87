"""Inputs of whole numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from teachers.probe import Probe
from teachers.tagger import Tagger, read_tagger
from teachers.tagger_card import card_of_files
from teachers.whole_numbers import WholeNumbers, is_whole
from tests.teachers.network_files import FEATURES, OUTPUTS, group, outer, particles
from tests.teachers.network_files import described_in as described
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess, Variable

CHARGED = Preprocess(
    (
        group("pf_features", FEATURES[:-1], 12),
        group("pf_charge", ["pfcand_charge"], 12),
        group("pf_mask", ["pfcand_mask"], 12),
    ),
    OUTPUTS,
)


class Looked(nn.Module):
    """The charge as an index of three rows."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(8)
        self.table = nn.Embedding(3, 4)

    def forward(self, pf_features: Tensor, pf_charge: Tensor, pf_mask: Tensor) -> Tensor:
        rows = self.table(pf_charge[:, 0] + 1).transpose(1, 2)
        return self.outer((torch.cat([pf_features, rows], 1) * pf_mask).sum(2) / 4).softmax(1)


def written(folder: Path, suffix: str, network: nn.Module) -> Path:
    path, x = folder / f"model.{suffix}", Probe(simulated=True)(CHARGED, 3)
    own = (x[0], x[1].long(), x[2])
    if suffix == "pt":
        torch.jit.trace(network.eval(), own).save(str(path))  # type: ignore[no-untyped-call]
        return path
    names = [g.name for g in CHARGED.groups]
    axes = {name: {0: "N", 2: "n"} for name in names}
    torch.onnx.export(
        network.eval(), own, str(path), input_names=names, dynamic_axes=axes, opset_version=17, dynamo=False
    )
    return path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("suffix", ["pt", "onnx"])
def test_a_charge_that_is_an_index_is_one(tmp_path: Path, suffix: str, bounded: bool) -> None:
    features, charge, mask = CHARGED.groups
    variables = (Variable("pfcand_charge", lower_bound=-1, upper_bound=1),) if bounded else charge.variables
    preprocess = replace(CHARGED, groups=(features, replace(charge, variables=variables), mask))
    network = Looked().eval()
    tagger, read = read_tagger(written(tmp_path, suffix, network), preprocess, described(tmp_path, preprocess))
    x = Probe(simulated=True)(read, 9)
    x[0].requires_grad_()
    expected = network(x[0], x[1].long(), x[2])
    assert len(x[1].unique()) == 3, "all charges"
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-5)
    assert tagger.differentiable
    gradients = [torch.autograd.grad(y[:, 0].sum(), x[0])[0] for y in (tagger(*x).exp(), expected)]
    assert torch.allclose(*gradients, atol=1e-5) and bool(gradients[1].any())


@pytest.mark.filterwarnings("ignore")
def test_what_is_cast_does_not_leave_as_its_file_exports_it(tmp_path: Path) -> None:
    path, where = written(tmp_path, "pt", Looked()), described(tmp_path, CHARGED)
    tagger, _ = read_tagger(path, CHARGED, where)
    assert isinstance(tagger, Tagger) and any(isinstance(m, WholeNumbers) for m in tagger.modules())
    assert card_of_files(path, where).as_onnx(tagger, tmp_path) is None


@pytest.mark.filterwarnings("ignore")
def test_where_no_whole_number_is_described_the_network_is_to_cast(tmp_path: Path) -> None:
    features, charge, mask = CHARGED.groups
    halved = replace(charge, variables=(Variable("pfcand_charge", norm_factor=0.5),))
    preprocess = replace(CHARGED, groups=(features, halved, mask))
    with pytest.raises(UserError, match=r"takes an input of whole numbers, and .*json describes none.*x\.long\(\)"):
        read_tagger(written(tmp_path, "pt", Looked()), preprocess, described(tmp_path, preprocess))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["pt", "onnx"])
def test_numbers_that_a_table_does_not_have_are_to_be_bounded(tmp_path: Path, suffix: str) -> None:
    network = Looked()
    if suffix == "pt":
        network.table = nn.Embedding(1, 4)  # none but negative charges
        path = tmp_path / "model.pt"
        torch.jit.script(network.eval()).save(str(path))
    else:
        path = written(tmp_path, suffix, network)
        model = onnx.load(str(path))
        table = next(i for i in model.graph.initializer if list(i.dims) == [3, 4])
        table.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(table)[:1].copy(), table.name))
        onnx.save(model, str(path))
    with pytest.raises(UserError, match=r"looks up numbers that its table does not have .*lower_bound and upper_bound"):
        read_tagger(path, CHARGED, described(tmp_path, CHARGED))


def test_whole_inputs_are_told_by_their_variables() -> None:
    charge = group("pf_charge", ["pfcand_charge", "pfcand_isMu"], 9)
    assert is_whole(charge, CHARGED)
    assert not is_whole(group("pf_features", FEATURES, 9), particles())
    assert not is_whole(group("pf_mask", ["pfcand_mask"], 9), CHARGED)
    assert not is_whole(replace(charge, variables=(Variable("pfcand_charge", median=0.5),)), CHARGED)
