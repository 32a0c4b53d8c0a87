"""Networks are built from an architecture that the user names, and their parameters found under their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from teachers.architecture import build_network, load_state
from teachers.forward_arguments import role_of
from tests.teachers.weaver_networks import by_name, described, jets, trained, weaver_class
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

SMALL = {"embed_dims": [24, 48, 24], "pair_embed_dims": [8, 8], "num_heads": 4, "num_layers": 2, "num_cls_layers": 1}
NETWORK = """
import torch
from torch import nn
from neighbour import WIDTH


class Net(nn.Module):
    def __init__(self, channels, width=WIDTH, num_classes=3):
        super().__init__()
        self.inner, self.outer = nn.Linear(channels, width), nn.Linear(width, num_classes)

    def forward(self, pf_features, pf_mask):
        h = torch.relu(self.inner(pf_features.transpose(1, 2))) * pf_mask.transpose(1, 2)
        return self.outer(h.sum(1))


class Wrapper(nn.Module):
    def __init__(self, **kwargs):
        super().__init__()
        self.mod = Net(**kwargs)

    def forward(self, points, features, lorentz_vectors, mask):
        return self.mod(features, mask)


def get_model(data_config, **kwargs):
    cfg = dict(channels=len(data_config.input_dicts["pf_features"]), num_classes=len(data_config.label_value))
    cfg.update(**kwargs)
    assert data_config.input_shapes["pf_features"] == (-1, 6, 20)
    return Wrapper(**cfg), {"input_names": list(data_config.input_names)}
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("WIDTH = 12\n")
    (tmp_path / "network.py").write_text(NETWORK)
    return tmp_path / "network.py"


def rebuilt(architecture: str, options: dict[str, Any], state: dict[str, torch.Tensor], preprocess: Any) -> nn.Module:
    network = build_network(architecture, options, preprocess, state)
    load_state(network, state, Path("state.pt"))
    return network.eval()


@pytest.mark.parametrize("prefix", ["", "mod.", "module.mod.", "_orig_mod."])
@pytest.mark.parametrize(
    "options",
    [{}, {"version": 2}, {"version": 3}, {"fc_params": [[16, 0.1]]}, {"pair_input_type": "ee"}],
    ids=["v1", "v2", "v3", "hidden", "ee"],
)
@torch.no_grad()
def test_a_particle_transformer_is_read_off_its_parameters(options: dict[str, Any], prefix: str) -> None:
    kind, preprocess = weaver_class("ParticleTransformer"), described()
    network = trained(kind(input_dim=6, num_classes=3, **SMALL, **options))
    state = {prefix + name: value for name, value in network.state_dict().items()}
    given = {name: value for name, value in options.items() if name == "pair_input_type"}
    again = rebuilt("weaver.nn.model.ParticleTransformer", given, state, preprocess)
    x = jets(preprocess)
    expected = network(*by_name(preprocess, x, "pf_features", "pf_vectors", "pf_mask"))
    assert torch.allclose(again(*x), expected, atol=1e-5) and expected.std(0).max() > 0.01


@torch.no_grad()
def test_the_tagger_of_two_collections_is_chosen_by_its_parameters() -> None:
    kind, preprocess = weaver_class("ParticleTransformerTagger"), described(vertices=True)
    network = trained(kind(6, 4, num_classes=3, **SMALL))
    again = rebuilt("weaver.nn.model.ParticleTransformer", {}, network.state_dict(), preprocess)
    assert type(again.network).__name__ == "ParticleTransformerTagger"
    x = jets(preprocess)
    names = [f"{c}_{part}" for c in ("pf", "sv") for part in ("features", "vectors", "mask")]
    assert torch.allclose(again(*x), network(*by_name(preprocess, x, *names)), atol=1e-5)


@torch.no_grad()
def test_a_particlenet_takes_its_options() -> None:
    kind, preprocess = weaver_class("ParticleNet"), described(vectors=False)
    options = {"conv_params": [[5, [8, 8]], [4, [12]]], "fc_params": [[10, 0.1]]}
    network = trained(kind(6, 3, **options))
    again = rebuilt("weaver.nn.model.ParticleNet", options, network.state_dict(), preprocess)
    x = jets(preprocess)
    expected = network(*by_name(preprocess, x, "pf_points", "pf_features", "pf_mask"))
    assert torch.allclose(again(*x), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["", ":get_model", ":Net"])
@torch.no_grad()
def test_a_file_of_the_users_builds_its_network(code: Path, name: str) -> None:
    preprocess = described()
    options = {"width": 7} | ({"channels": 6} if name == ":Net" else {})
    torch.manual_seed(0)
    inner, outer = nn.Linear(6, 7), nn.Linear(7, 3)
    state = {f"mod.inner.{n}": v for n, v in inner.state_dict().items()}
    state |= {f"mod.outer.{n}": v for n, v in outer.state_dict().items()}
    again = rebuilt(f"{code}{name}", options, state, preprocess)
    x = jets(preprocess)
    features, mask = (t.transpose(1, 2) for t in by_name(preprocess, x, "pf_features", "pf_mask"))
    assert torch.allclose(again(*x), outer((torch.relu(inner(features)) * mask).sum(1)), atol=1e-6)


def test_another_architecture_is_named_by_its_first_difference(code: Path) -> None:
    state = {"mod.inner.weight": torch.zeros(12, 6), "mod.inner.bias": torch.zeros(12)}
    with pytest.raises(UserError, match=r"it lacks mod\.outer\.weight, 2 names differ\); give --architecture-options"):
        rebuilt(str(code), {}, state, described())
    state |= {"mod.outer.weight": torch.zeros(5, 12), "mod.outer.bias": torch.zeros(5)}
    with pytest.raises(UserError, match=r"size mismatch for mod\.outer\.") as told:
        rebuilt(str(code), {}, state, described())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("nowhere.network", r"no module nowhere; pip install nowhere"),
        ("torch.nn.Nothing", r"no module torch\.nn\.Nothing; give package\.module:Class or a \.py file"),
        ("missing.py", r"no such file; give the \.py that builds the network"),
        ("torch.nn:Nothing", r"has no class or function Nothing"),
        ("FILE:Nothing", r"has no class or function Nothing; it has Net, Wrapper"),
        ("FILE:Net", r"cannot be built \(TypeError: .*channels.*\); give --architecture-options"),
        ("BROKEN", r"cannot be imported \(ZeroDivisionError: division by zero\); run it in Python by itself first"),
        ("json", r"does not say which network; give a file with get_model, or name a class"),
    ],
)
def test_code_that_cannot_be_had_is_one_line(code: Path, architecture: str, message: str) -> None:
    broken = code.with_name("broken.py")
    broken.write_text("1 / 0\n")
    architecture = architecture.replace("FILE", str(code)).replace("BROKEN", str(broken))
    with pytest.raises(UserError, match=message) as told:
        build_network(architecture, {}, described(), {"a.weight": torch.zeros(2)})
    assert "\n" not in str(told.value) and str(told.value).startswith("--architecture")


def test_an_unknown_option_and_an_input_that_is_not_there_are_named(code: Path) -> None:
    with pytest.raises(UserError, match=r"takes no depth; it takes channels, width, num_classes"):
        build_network(f"{code}:Net", {"depth": 3, "channels": 6}, described(), {})
    kind = weaver_class("ParticleTransformerTagger")
    state = kind(6, 4, num_classes=3, **SMALL).state_dict()
    architecture, whole = "weaver.nn.model.ParticleTransformer", described(vertices=True)
    for names, message in (
        (("sv_mask",), r"takes pf_x, which is none of the inputs sv_mask; give"),
        (
            (*(g.name for g in whole.groups), "lt_mask"),
            r"does not take the input lt_mask; it takes pf_x, pf_v",
        ),
    ):
        groups = tuple(InputGroup(name, (Variable(f"{name}_0"),), 1, 5) for name in names)
        with pytest.raises(UserError, match=message):
            build_network(architecture, {}, Preprocess(groups, whole.outputs), state)


def test_roles_of_names() -> None:
    roles = {
        "pf_x": ("pf", "features"), "x": ("", "features"), "sv_features": ("sv", "features"), "v": ("", "vectors"),
        "lorentz_vectors": ("", "vectors"), "pf_vectors__3": ("pf", "vectors"), "mask": ("", "mask"),
        "cpf_candidates": ("cpf_candidates", ""), "pf_pts": ("pf", "points"),
    }  # fmt: skip
    assert {name: role_of(name) for name in roles} == roles
