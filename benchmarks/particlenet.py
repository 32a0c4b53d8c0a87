"""Speed of ParticleNet and of the students for jets, against weaver-core's ParticleNet.

Compares weaver-core's ParticleNet with ours, unfolded and folded, forward and with the gradient of the inputs, on real
jets of the sample that ships, and the students with both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.bench import Bench, Job
from zskt.contracts import Batch


def forward(network: nn.Module, x: Batch) -> Job:
    """Make the job of a forward pass without a graph."""

    def job() -> object:
        with torch.no_grad():
            return network(*x)

    return job


def with_gradient(network: nn.Module, x: Batch) -> Job:
    """Make the job of a forward pass and the gradient of the features."""

    def job() -> None:
        points, features, mask = x
        network(points, features.clone().requires_grad_(), mask).sum().backward()

    return job


def networks() -> tuple[dict[str, nn.Module], Batch]:
    """Build weaver-core's network, ours of the same parameters, and the students; and jets to run them on."""
    from weaver.nn.model.ParticleNet import ParticleNet as Reference

    from teachers import TEACHERS
    from zskt.jets.features import KIN
    from zskt.jets.jetclass import read_jets
    from zskt.jets.sample import SAMPLE
    from zskt.networks.particlenet import ParticleNet
    from zskt.networks.students import STUDENTS

    card = TEACHERS["jetclass-particlenet-kin"]
    ours = card.build().eval().requires_grad_(False)
    assert isinstance(ours, ParticleNet)
    reference = Reference(7, 10, [(16, (64,) * 3), (16, (128,) * 3), (16, (256,) * 3)], [(256, 0.1)], use_fusion=False)
    reference.load_state_dict(ours.state_dict())
    reference.eval().requires_grad_(False)
    found: dict[str, nn.Module] = {"weaver-core": reference, "zskt, unfolded": ours, "zskt, folded": ours.folded()}
    found |= {name: s.build(KIN, 10).eval() for name, s in STUDENTS.items() if s.domain == "jets"}
    return found, card.inputs(read_jets(SAMPLE, most=64).samples)


def measure(bench: Bench) -> dict[str, Any]:
    """Time all networks in turns."""
    found, x = networks()
    x = tuple(t[: bench.size("batch", 64)].to(bench.device) for t in x)
    jobs = {f"{name}, forward": forward(n.to(bench.device), x) for name, n in found.items()}
    jobs |= {f"{name}, with gradient": with_gradient(n, x) for name, n in found.items()}
    times = bench.time(jobs)
    ratios = {
        f"{way}: weaver-core / {name}": times.ratio(f"weaver-core, {way}", f"{name}, {way}")
        for way in ("forward", "with gradient")
        for name in list(found)[1:]
    }
    return {"batch": len(x[0]), "slots": x[0].shape[2], "ratios": ratios, "times": times.to_json()}
