"""TorchScript files, and our own class against the reference implementation of weaver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from teachers import torchscript
from zskt.jets.preprocess import InputGroup, Variable
from zskt.jets.random_inputs import random_inputs
from zskt.networks.weaver import WeaverTagger


def test_a_rebuilt_particlenet_is_the_script(tmp_path: Path) -> None:
    weaver = pytest.importorskip("weaver.nn.model.ParticleNet", reason="weaver-core is a development dependency")
    collections = [("pf", 5, 32), ("sv", 3, 32)]
    torch.manual_seed(1)
    reference = weaver.ParticleNetTagger(
        5, 3, 4, [(5, (16, 16, 16)), (5, (24, 24, 24))], [(32, 0.1)], use_fusion=True, for_inference=True
    ).eval()
    reference.pn.use_fts_bn = False  # as in the networks that CMS published
    for name, buffer in reference.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    ours = WeaverTagger(collections, ((5, (16, 16, 16)), (5, (24, 24, 24))), 128, 32, 4, softmax=True).eval()
    shapes = ours.state_dict()
    ours.load_state_dict({k: v.view_as(shapes[k]) for k, v in reference.state_dict().items() if k in shapes})
    groups = [
        InputGroup(f"{c}_{part}", tuple(Variable(f"{c}{part}{i}") for i in range(n)), 1, most)
        for c, features, most in (("pf", 5, 20), ("sv", 3, 4))
        for part, n in (("points", 2), ("features", features), ("mask", 1))
    ]
    groups = [replace(g, variables=(Variable("x_mask"),)) if g.name.endswith("mask") else g for g in groups]
    x = random_inputs(groups, 40)
    with torch.no_grad():
        masked = [t.bool() if t.shape[1] == 1 else t for t in x]
        expected = reference(*(t.clone() for t in masked))
        off = (ours(*x) - expected).abs().amax(1) > 1e-5
        assert int(off.sum()) <= 1, "more jets differ than ties would explain"


def test_scripts_are_told_from_parameters(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 3)).save(str(tmp_path / "script.pt"))
    torch.save(torch.nn.Linear(2, 3).state_dict(), tmp_path / "state.pt")
    (tmp_path / "text.pt").write_text("neither")
    assert [torchscript.sniff(tmp_path / f"{name}.pt") for name in ("script", "state", "text")] == [True, False, False]
