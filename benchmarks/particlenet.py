"""Speed of the teacher and the students as ratios, measured in one run: ``python benchmarks/particlenet.py``.

Compares weaver-core's ParticleNet with ours, unfolded and folded, forward and with the gradient of the inputs, on real
jets of the sample that ships, and the students with the folded teacher. Writes ``benchmarks/particlenet.json``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from weaver.nn.model.ParticleNet import ParticleNet as Reference

sys.path.insert(0, str(Path(__file__).parent.parent))

from teachers import TEACHERS
from zskt.contracts import Batch
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.networks.particlenet import ParticleNet
from zskt.networks.students import STUDENTS

BATCH, REPEATS = 64, 5


def clock(job: Callable[[], object]) -> float:
    """Median seconds of a job, the first call not counted."""
    job()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def forward(network: nn.Module, x: Batch) -> Callable[[], object]:
    def job() -> object:
        with torch.no_grad():
            return network(*x)

    return job


def with_gradient(network: nn.Module, x: Batch) -> Callable[[], object]:
    def job() -> None:
        points, features, mask = x
        network(points, features.clone().requires_grad_(), mask).sum().backward()

    return job


def main() -> None:
    card = TEACHERS["jetclass-particlenet-kin"]
    ours = card.build().eval().requires_grad_(False)
    assert isinstance(ours, ParticleNet)
    reference = Reference(7, 10, [(16, (64,) * 3), (16, (128,) * 3), (16, (256,) * 3)], [(256, 0.1)], use_fusion=False)
    reference.load_state_dict(ours.state_dict())
    reference.eval().requires_grad_(False)
    x = card.inputs(read_jets(SAMPLE, most=BATCH).samples)
    networks = {"weaver-core": reference, "zskt, unfolded": ours, "zskt, folded": ours.folded()}
    networks |= {name: s.build(KIN, 10).eval() for name, s in STUDENTS.items() if s.domain == "jets"}
    rows = {
        name: {
            "forward_ms_per_jet": 1e3 * clock(forward(network, x)) / BATCH,
            "with_input_gradient_ms_per_jet": 1e3 * clock(with_gradient(network, x)) / BATCH,
        }
        for name, network in networks.items()
    }
    base = rows["weaver-core"]
    for row in rows.values():
        row["times_faster_forward"] = base["forward_ms_per_jet"] / row["forward_ms_per_jet"]
        row["times_faster_with_gradient"] = (
            base["with_input_gradient_ms_per_jet"] / row["with_input_gradient_ms_per_jet"]
        )
    report = {"batch": BATCH, "slots": x[0].shape[2], "threads": torch.get_num_threads(), "networks": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
