"""Speed of ParticleNet and of the students for jets, against weaver-core's ParticleNet and against the floor.

Compares weaver-core's ParticleNet with ours, unfolded and folded, forward and with the gradient of the inputs, on real
jets of the sample that ships, and the students with both. The floor is the folded network's matrix products alone, in
the same shapes, into memory that is there already: those of its layers, for real particles, of the neighbour search,
and, with gradient, those by the input. Growth is the folded network's time against the number of jets and of particles.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmarks.bench import Bench, Job, Times, at_most
from zskt.contracts import Batch
from zskt.cuda_graphs import Replayed

if TYPE_CHECKING:
    from zskt.networks.particlenet import ParticleNet

WANTED = {"forward": 1.6, "with gradient": 2.0}
"""Most floors that the folded network may take."""
COMPILED, REPLAYED = "weaver-core, compiled", "zskt, replayed"
BATCHES, PARTICLES = (16, 32, 64, 128), (16, 32, 64)
"""Jets, and particles of each of the jets of the largest batch, against which time grows."""


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


def floor(network: ParticleNet, x: Batch, *, gradient: bool) -> Job:
    """Make the job of a network's matrix products alone, (shape of rows, of weight) each."""
    mask = x[2].squeeze(1)
    (jets, slots), rows = mask.shape, int(mask.sum())
    like, points = x[1], x[0].shape[1]
    shapes: list[tuple[int, int, int]] = []
    searched = []
    for block in network.blocks:
        searched.append(like.new_ones(jets, slots, points))
        widths = [tuple(conv.weight.shape[:2]) for conv in block.convs if isinstance(conv, nn.Conv2d)]
        (first, twice), points = widths[0], widths[-1][0]
        shapes += [(rows, twice // 2, first)] * 2 + [(rows * block.k, a, b) for b, a in widths[1:]]
        if isinstance(block.sc, nn.Conv1d):
            shapes += [(rows, block.sc.in_channels, block.sc.out_channels)]
    linear = [layer for layer in network.fc.modules() if isinstance(layer, nn.Linear)]
    shapes += [(jets, layer.in_features, layer.out_features) for layer in linear]
    products = [(like.new_ones(n, a), like.new_ones(a, b), like.new_empty(n, b)) for n, a, b in shapes]
    if gradient:
        products += [(out, weight.T, rows.clone()) for rows, weight, out in products]
    found = like.new_empty(jets, slots, slots)

    def job() -> None:
        for place in searched:
            torch.bmm(place, place.transpose(1, 2), out=found)
        for left, right, out in products:
            torch.mm(left, right, out=out)

    return job


def networks(jets: int) -> tuple[dict[str, nn.Module], Batch]:
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
    return found, card.inputs(read_jets(SAMPLE, most=jets).samples)


def on_a_card(found: dict[str, nn.Module], bench: Bench) -> dict[str, nn.Module]:
    """Return weaver-core's network compiled, and ours without rows, whose passes a CUDA graph replays."""
    compiled = torch.compile(found["weaver-core"].to(bench.device))
    ours: ParticleNet = found["zskt, folded"].unpacked().to(bench.device)  # type: ignore[operator]
    return {COMPILED: compiled, REPLAYED: Graphed(ours)}  # type: ignore[dict-item]


class Graphed(nn.Module):
    """A network whose forward pass, with and without a gradient of the features, is replayed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.answer = Replayed(self._answer)
        self.gradient = Replayed(self._gradient)

    def _answer(self, *x: Tensor, key: None = None) -> Tensor:
        answer: Tensor = self.network(*x)
        return answer

    def _gradient(self, *x: Tensor, key: None = None) -> Tensor:
        features = x[1].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.network(x[0], features, x[2]).sum(), features)
        return gradient

    def forward(self, *x: Tensor) -> Tensor:
        if torch.is_grad_enabled():  # what `with_gradient` asks for next is in here already
            return self.gradient(*x).detach().sum() + 0 * x[1].sum()
        return self.answer(*x)


def growth(network: nn.Module, x: Batch, bench: Bench, seconds: float) -> dict[str, Any]:
    """Time the network with gradient for some of the jets and of the particles; and the powers with which it grows."""
    jobs = {f"{n} jets": with_gradient(network, tuple(t[:n] for t in x)) for n in BATCHES if n <= len(x[0])}
    full = x[2].squeeze(1).sum(1) >= PARTICLES[-1]  # jets that have so many
    jobs |= {f"{n} particles": with_gradient(network, tuple(t[full, :, :n] for t in x)) for n in PARTICLES}
    times = bench.time(jobs, seconds)
    powers = {unit: _power(times, [name for name in jobs if name.endswith(unit)]) for unit in ("jets", "particles")}
    return {"times": times.to_json(), "powers": powers}


def _power(times: Times, names: list[str]) -> float:
    sizes = [int(name.split()[0]) for name in (names[0], names[-1])]
    return math.log(times.ratio(names[-1], names[0])["median"]) / math.log(sizes[1] / sizes[0])


def measure(bench: Bench) -> dict[str, Any]:
    """Time all networks and the floor in turns."""
    found, x = networks(max(BATCHES))
    x = tuple(t.to(bench.device) for t in x)
    few = tuple(t[: bench.size("batch", 64)] for t in x)
    folded: ParticleNet = found["zskt, folded"].to(bench.device)  # type: ignore[assignment]
    if bench.device.type == "cuda":
        found |= on_a_card(found, bench)
    jobs = {f"{name}, forward": forward(n.to(bench.device), few) for name, n in found.items()}
    jobs |= {f"{name}, with gradient": with_gradient(n, few) for name, n in found.items()}
    jobs |= {f"floor, {way}": floor(folded, few, gradient=way != "forward") for way in WANTED}
    times = bench.time(jobs, 0.7 * bench.left)
    ratios = {
        f"{way}: weaver-core / {name}": times.ratio(f"weaver-core, {way}", f"{name}, {way}")
        for way in WANTED
        for name in list(found)[1:]
    }
    floors = {f"{way}: zskt, folded / floor": times.ratio(f"zskt, folded, {way}", f"floor, {way}") for way in WANTED}
    if bench.device.type == "cuda":
        ratios |= {f"{way}: {COMPILED} / {REPLAYED}": times.ratio(f"{COMPILED}, {way}", f"{REPLAYED}, {way}")
                   for way in WANTED}  # fmt: skip
    targets = {f"ParticleNet {way}, in floors": at_most(WANTED[way], floors[name]["median"])
               for way, name in zip(WANTED, floors, strict=True)}  # fmt: skip
    report: dict[str, Any] = {"batch": len(few[0]), "slots": x[0].shape[2], "particles": int(few[2].sum())}
    report |= {"ratios": ratios | floors, "targets": targets, "times": times.to_json()}
    return report | {"growth": growth(folded, x, bench, bench.left)}
