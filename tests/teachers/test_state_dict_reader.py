"""Taggers from parameters alone: a ParticleNet by itself, others by the architecture that the user names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from teachers.state_dict_reader import Architecture, cards_with, open_file, parameters, sniff
from teachers.tagger import read_tagger
from teachers.weaver_particlenet import weaver_particlenet_of
from tests.teachers.weaver_networks import by_name, described, jets, trained, weaver_class
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.onnx_runtime import run_onnx

BLOCKS = [(16, (64, 64, 64)), (16, (128, 128, 128)), (16, (256, 256, 256))]
NOWHERE = Path("preprocess.json")
SMALL = {"embed_dims": [16, 16], "pair_embed_dims": [8], "num_heads": 2, "num_layers": 1, "num_cls_layers": 1}


def long(preprocess: Preprocess) -> Preprocess:
    """The same for more entries than a network looks at."""
    groups = [InputGroup(g.name, g.variables, 1, 30) for g in preprocess.groups]
    return Preprocess(tuple(groups), preprocess.outputs)


def read_network(path: Path, preprocess: Preprocess, where: Path, architecture: Architecture | None) -> nn.Module:
    file = open_file(path, preprocess, where, architecture)
    return file.network(jets(preprocess), preprocess.groups)


def most_agree(a: Tensor, b: Tensor) -> bool:
    return float((a - b).abs().amax(1).median()) < 1e-4 and float(b.std(0).max()) > 0.01


@pytest.mark.parametrize("prefix", ["", "mod.", "module."])
@torch.no_grad()
def test_a_particlenet_of_one_collection_needs_no_flag(tmp_path: Path, prefix: str) -> None:
    preprocess = long(described(7, vectors=False))
    options: dict[str, Any] = {"conv_params": BLOCKS, "fc_params": [(256, 0.1)], "use_fusion": False}
    network = trained(weaver_class("ParticleNet")(7, 3, **options))
    path = tmp_path / "net_best_epoch_state.pt"
    torch.save({prefix + name: value for name, value in network.state_dict().items()}, path)
    read = read_network(path, preprocess, NOWHERE, None)
    x = jets(preprocess)
    assert sniff(path)
    assert most_agree(read(*x), network(*by_name(preprocess, x, "pf_points", "pf_features", "pf_mask")))
    assert "16 neighbours" in read.origin and read.published == sum(p.numel() for p in network.parameters())


@torch.no_grad()
def test_a_particlenet_of_two_collections_needs_no_flag_and_any_order(tmp_path: Path) -> None:
    preprocess = long(described(7, vertices=True, vectors=False))
    preprocess = Preprocess(preprocess.groups[::-1], preprocess.outputs)
    options: dict[str, Any] = {"conv_params": BLOCKS, "fc_params": [(256, 0.1)], "use_fts_bn": False}
    network = trained(weaver_class("ParticleNetTagger")(7, 4, 3, **options))
    torch.save(network.state_dict(), tmp_path / "net.pt")
    read = read_network(tmp_path / "net.pt", preprocess, NOWHERE, None)
    x = jets(preprocess)
    names = [f"{c}_{part}" for c in ("pf", "sv") for part in ("points", "features", "mask")]
    assert most_agree(read(*x), network(*by_name(preprocess, x, *names)))


def test_a_particlenet_of_unknown_neighbours_is_asked_about(tmp_path: Path) -> None:
    network = weaver_class("ParticleNet")(6, 3, conv_params=[(9, (10, 10))])
    assert weaver_particlenet_of(network.state_dict()) is None
    torch.save(network.state_dict(), tmp_path / "net.pt")
    with pytest.raises(UserError, match=r"as weaver's ParticleNet has them.*its neighbours: --architecture-options"):
        read_network(tmp_path / "net.pt", described(vectors=False), NOWHERE, None)
    options = json.dumps({"conv_params": [[9, [10, 10]]]})
    architecture = Architecture.of("weaver.nn.model.ParticleNet", options)
    read = read_network(tmp_path / "net.pt", described(vectors=False), NOWHERE, architecture)
    x = jets(described(vectors=False))
    expected = network.eval()(*by_name(described(vectors=False), x, "pf_points", "pf_features", "pf_mask"))
    assert torch.allclose(read(*x), expected, atol=1e-5)


@torch.no_grad()
def test_the_published_particlenet_answers_like_its_card(shared: Path) -> None:
    from teachers.jetclass import JETCLASS

    path = shared / "teachers" / "jetclass" / "ParticleNet_kin.pt"
    card = JETCLASS["jetclass-particlenet-kin"].with_files(path)
    features = tuple(Variable(name) for name in card.inputs.features)
    groups = [
        ("pf_points", (Variable("a"), Variable("b"))),
        ("pf_features", features),
        ("pf_mask", (Variable("mask"),)),
    ]
    preprocess = Preprocess(tuple(InputGroup(n, v, 1, 40) for n, v in groups), card.classes)
    x = jets(preprocess)
    assert torch.allclose(read_network(path, preprocess, NOWHERE, None)(*x), card.load()(*x), atol=1e-4)


@pytest.mark.parametrize("kind", ["state_dict", "half", "safetensors", "lightning", "checkpoint", "ema", "old"])
@torch.no_grad()
def test_parameters_are_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    network = trained(weaver_class("ParticleTransformer")(input_dim=6, num_classes=3, **SMALL))
    state, path = dict(network.state_dict()), tmp_path / "net.pt"
    if kind == "safetensors":
        path = tmp_path / "net.safetensors"
        save_file(state, path)
    elif kind == "lightning":
        model = {f"model.{name}": value for name, value in state.items()}
        torch.save({"epoch": 3, "pytorch-lightning_version": "2.4", "state_dict": model}, path)
    elif kind == "checkpoint":
        torch.save({"model_state_dict": state, "optimizer_state_dict": {"state": {}}}, path)
    elif kind == "ema":
        averaged = {f"module.{name}": value for name, value in state.items()} | {"n_averaged": torch.tensor(9)}
        torch.save({"ema": averaged, "epoch": 3}, path)
    elif kind == "half":
        torch.save({name: value.half() for name, value in state.items()}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind != "old")
    assert sniff(path)
    architecture = Architecture.of("weaver.nn.model.ParticleTransformer", None)
    read, x = read_network(path, described(), NOWHERE, architecture), jets(described())
    expected = network(*by_name(described(), x, "pf_features", "pf_vectors", "pf_mask"))
    assert torch.allclose(read(*x), expected, atol=2e-2 if kind == "half" else 1e-5)
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in read.parameters())


def test_what_only_code_could_make_is_not_made(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a.weight": torch.zeros(2)}, "callbacks": Path("x")}, tmp_path / "last.ckpt")
    with pytest.raises(
        UserError, match="holds more than numbers, and to read that is to run code; where it was trained"
    ):
        parameters(tmp_path / "last.ckpt")


def test_what_a_file_of_parameters_needs_is_said_as_narrowly_as_it_tells(tmp_path: Path) -> None:
    from teachers.images import IMAGES

    def refusal(state: dict[str, Tensor]) -> str:
        torch.save(state, tmp_path / "net.pt")
        with pytest.raises(UserError) as told:
            read_network(tmp_path / "net.pt", described(), NOWHERE, None)
        assert "\n" not in str(told.value)
        return str(told.value)

    name = "mnist-lenet5"
    state = IMAGES[name].build().state_dict()
    assert name in cards_with(state)
    assert f"--teacher {name}" in refusal(state)
    transformer = weaver_class("ParticleTransformer")(input_dim=6, num_classes=3, **SMALL)
    assert "--architecture weaver.nn.model.ParticleTransformer" in refusal(transformer.state_dict())
    assert "--architecture network.py" in refusal(nn.Linear(5, 3).state_dict())


def test_an_architecture_comes_back_from_its_record(tmp_path: Path) -> None:
    code = tmp_path / "network.py"
    code.write_text("A = 1\n")
    for architecture in (Architecture.of("package:Net", '{"a": [1, 2]}'), Architecture.of(f"{code}:Net", None)):
        record = json.loads(json.dumps(architecture.record()))
        again = Architecture.from_record(record)
        assert again == architecture
        again.require_unchanged()
    code.write_text("A = 2\n")
    with pytest.raises(UserError, match=r"network\.py: not the file that the run began with; put it back"):
        again.require_unchanged()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("a", "{", "no JSON"), ("a", "[1]", "no JSON object"), ("missing.py", None, "no such file; give the .py")],
)
def test_a_mistake_in_the_flags_is_one_line(name: str, options: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        Architecture.of(name, options)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("version", [1, 3])
@torch.no_grad()
def test_a_transformer_leaves_as_onnx(tmp_path: Path, version: int) -> None:
    network = trained(weaver_class("ParticleTransformer")(input_dim=6, num_classes=3, version=version, **SMALL))
    path, preprocess = tmp_path / "net.pt", described(points=False)
    torch.save(network.state_dict(), path)
    architecture = Architecture.of("weaver.nn.model.ParticleTransformer", None)
    tagger, described_again = read_tagger(path, preprocess, NOWHERE, architecture)
    assert described_again.without_layouts() == preprocess
    written = open_file(path, preprocess, NOWHERE, architecture).as_onnx(tagger, tmp_path)
    assert written is not None and written[1] == "ONNX, exported from the publisher's parameters"
    x = jets(preprocess)
    answer = run_onnx(written[0], [g.name for g in preprocess.groups], x)
    assert torch.allclose(answer, tagger(*x).softmax(1), atol=1e-4)
    assert torch.allclose(
        answer, network(*by_name(preprocess, x, "pf_features", "pf_vectors", "pf_mask")).softmax(1), atol=1e-4
    )
