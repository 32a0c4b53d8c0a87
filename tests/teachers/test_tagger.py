"""Taggers from files: networks written here as TorchScript and ONNX, and CMS's own where they are at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor

from teachers.tagger import Tagger, read_tagger
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.jetclass import read_jets
from zskt.jets.preprocess import InputGroup, Preprocess, Variable, read_preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.jets.sample import SAMPLE
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.onnx_runtime import feeds, session
from zskt.outputs import raw_outputs

FILES = {"ak4-ul": "model.pt", "ak8-md-ul": "model.pt", "hlt-ak4-v00": "model.onnx"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "opset"), [("pt", 0), ("onnx", 11), ("onnx", 13), ("onnx", 17)])
@pytest.mark.parametrize("softmax", [True, False])
def test_a_file_answers_with_logits_whatever_it_holds(tmp_path: Path, kind: str, opset: int, softmax: bool) -> None:
    preprocess = described()
    toy = Toy(preprocess, softmax=softmax)
    path, where = write(tmp_path, preprocess, toy, kind, opset)
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    assert tagger.heads.probabilities is softmax and tagger.regressions == 0
    x = random_inputs(preprocess.groups, 50, seed=5)
    expected = toy(*x) if softmax else toy(*x).softmax(1)
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_classes_and_regressed_values_are_told_apart(tmp_path: Path) -> None:
    preprocess = described(("label_b", "label_c", "label_light", "mass_corr"))
    path, where = write(tmp_path, preprocess, Toy(preprocess, values=1), "onnx")
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    assert (tagger.heads.classes, tagger.heads.values, tagger.heads.probabilities) == ((0, 1, 2), (3,), True)
    x = random_inputs(preprocess.groups, 20)
    assert torch.allclose(tagger(*x)[:, -1], Toy(preprocess, values=1)(*x)[:, -1], atol=1e-3)


def test_a_tagger_is_frozen_and_judging_leaves_it_so(tmp_path: Path) -> None:
    """Evaluation puts every network back into the mode that it was in: that of a teacher is never training."""
    from zskt.dataset import Labelled
    from zskt.metrics import predict

    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    tagger, preprocess = read_tagger(path, read_preprocess(where), where)
    data = read_jets(SAMPLE, most=50)
    predict(tagger, Labelled(data.samples, data.labels), TaggerInputs(preprocess=preprocess), torch.device("cpu"))
    assert not any(module.training for module in tagger.modules())
    assert not any(parameter.requires_grad for parameter in tagger.parameters())


@pytest.mark.filterwarnings("ignore")
def test_inputs_in_another_order_are_found_by_name(tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    turned = replace(preprocess, groups=preprocess.groups[2:] + preprocess.groups[:2])
    tagger, _ = read_tagger(path, turned, where)
    x = random_inputs(turned.groups, 10)
    assert torch.allclose(tagger(*x).exp(), Toy(preprocess)(*x[2:], *x[:2]), atol=1e-5)


def _lstm(path: Path) -> None:
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, np.zeros(int(np.prod(shape)), np.float32))
        for name, shape in (("w", (1, 16, 6)), ("r", (1, 16, 4)))
    ]
    nodes = [
        helper.make_node("Transpose", ["pf_features"], ["t"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["t", "w", "r"], ["y", "h"], hidden_size=4),
        helper.make_node("Squeeze", ["h", "axes"], ["out"]),
    ]
    weights.append(helper.make_tensor("axes", TensorProto.INT64, (1,), [0]))
    into = [helper.make_tensor_value_info("pf_features", TensorProto.FLOAT, ["N", 6, "P"])]
    out = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 4])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", into, out, weights), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, str(path))


@pytest.mark.filterwarnings("ignore")
def test_files_that_cannot_be_used_say_why_in_a_line(tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    onnx_path, _ = write(tmp_path, preprocess, Toy(preprocess), "onnx")
    fewer = replace(preprocess, groups=(replace(preprocess.groups[0], variables=preprocess.groups[0].variables[:4]),
                                        *preprocess.groups[1:]))  # fmt: skip
    other = replace(preprocess, outputs=("a", "b"))
    short = replace(preprocess, groups=preprocess.groups[:2])
    for file, description, words in (
        (path, fewer, "does not run on what"),
        (onnx_path, fewer, "pf_features takes 5 variables"),
        (path, other, "answers 3 numbers a jet, but output_names"),
        (path, short, "takes 4 inputs"),
        (tmp_path / "missing.pt", preprocess, "no such file"),
        (where, preprocess, "is JSON, which describes a network or its inputs, but holds none"),
    ):
        with pytest.raises(UserError, match=words) as error:
            read_tagger(file, description, where)
        assert "\n" not in str(error.value)
    for broken in (path, onnx_path):
        cut = tmp_path / f"cut{broken.suffix}"
        cut.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
        with pytest.raises(UserError, match="not a readable"):
            read_tagger(cut, preprocess, where)
    one = Preprocess(
        (InputGroup("pf_features", tuple(Variable(f"pfcand_x{i}") for i in range(6)), 4, 9),), ("a", "b", "c", "d")
    )
    _lstm(tmp_path / "lstm.onnx")
    tagger, _ = read_tagger(tmp_path / "lstm.onnx", one, where)
    assert tagger.origin.startswith("ONNX, converted: 0 of 64")


@pytest.mark.filterwarnings("ignore")
def test_large_regressed_values_are_compared_by_their_size(tmp_path: Path) -> None:
    class Large(Toy):
        """Numbers of some ten thousand, as masses in MeV."""

        def forward(self, pf_features: Tensor, pf_mask: Tensor, sv_features: Tensor, sv_mask: Tensor) -> Tensor:
            y: Tensor = self.inner(torch.cat([(pf_features * pf_mask).sum(2), (sv_features * sv_mask).sum(2)], 1))
            return 1e4 * self.outer(torch.tanh(y))

    preprocess = described(("mass",))
    path, where = write(tmp_path, preprocess, Large(preprocess), "onnx")
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    assert tagger.heads.classes == () and tagger.regressions == 1


@torch.no_grad()
@pytest.mark.parametrize("name", list(FILES))
def test_cms_taggers_equal_onnxruntime_on_random_and_on_real_jets(shared: Path, name: str) -> None:
    from zskt.jets.pfnano import read_pfnano

    folder = shared / "teachers/cms" / name
    tagger, preprocess = read_tagger(folder / FILES[name], read_preprocess(folder / "preprocess.json"), folder)
    assert isinstance(tagger, Tagger) and tagger.heads.probabilities
    inputs = TaggerInputs(preprocess=preprocess)
    batches = [random_inputs(preprocess.groups, 64, seed=7), inputs(read_jets(SAMPLE, most=100).samples)]
    if name != "hlt-ak4-v00":  # PFNano does not keep what the trigger's network looks at
        radius = 0.8 if name.startswith("ak8") else 0.4
        batches.append(inputs(read_pfnano(shared / "data/cms/pfnano.root", radius, preprocess.outputs).samples))
    run = session(folder / "model.onnx")
    for x in batches:
        expected = torch.from_numpy(run.run(None, feeds(run, x))[0])
        off = (raw_outputs(tagger.network, x) - expected).abs().amax(1) > 1e-4
        assert int(off.sum()) <= 1, f"{int(off.sum())} of {len(off)} jets differ: more than ties would explain"


@torch.no_grad()
def test_rebuilt_inputs_give_the_scores_that_cms_stored(shared: Path) -> None:
    from zskt.jets.pfnano import read_pfnano

    folder = shared / "teachers/cms/ak8-md-ul"
    tagger, preprocess = read_tagger(folder / "model.pt", read_preprocess(folder / "preprocess.json"), folder)
    jets = read_pfnano(shared / "data/cms/pfnano.root", 0.8, preprocess.outputs).samples
    p = tagger(*TaggerInputs(preprocess=preprocess)(jets)).softmax(1)
    ours = {"Xbb": p[:, 0], "Xcc": p[:, 1], "Xqq": p[:, 2], "QCD": p[:, 3:].sum(1)}
    for score, mine in ours.items():
        stored = jets.scores[f"particleNetMD_{score}"]  # type: ignore[union-attr]
        assert (mine - stored).abs().median() < 0.02
        assert torch.corrcoef(torch.stack([mine, stored]))[0, 1] > 0.97
