"""Costs of distilling jets: the generator's per jet, with Pythia and FastJet beside it, and a student's step.

The generator is timed alone, forward and with the gradient by its parameters; Pythia's collisions, the detector and
FastJet make the same number of jets of one class (only where ``pythia8mc`` and ``fastjet`` are installed). The shares
of a whole run are in the benchmark ``overhead``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from benchmarks.bench import Bench, Job
from generators import GENERATORS
from zskt.contracts import Batch
from zskt.jets.features import KIN
from zskt.networks.students import STUDENTS
from zskt.optim import step

SIMULATED_CLASS = "Hbb"
"""Class of the jets that Pythia makes."""


def generators(batch: int, device: torch.device) -> tuple[dict[str, Job], Batch]:
    """Make the jobs of a batch of the parton shower; and such a batch."""
    generator = GENERATORS["shower"].build(KIN).train().to(device)
    rng = torch.Generator(device).manual_seed(0)

    def forward() -> Batch:
        with torch.no_grad():
            return generator.sample(batch, rng).x

    def with_gradient() -> None:
        generator.sample(batch, rng).x[1].sum().backward()  # type: ignore[no-untyped-call]

    return {"generator": forward, "generator, with gradient": with_gradient}, forward()


def simulation(jets: int) -> dict[str, Job]:
    """Make the job of as many simulated jets; none where a library is missing."""
    if find_spec("pythia8mc") is None or find_spec("fastjet") is None:
        return {}
    from zskt.simulation.simulate import Chunk, make_chunk

    return {"Pythia and FastJet": lambda: make_chunk(Chunk(1, SIMULATED_CLASS, 0, jets))}


def student_steps(x: Batch) -> dict[str, Job]:
    """Make the jobs of a step of each student on a batch."""
    jobs: dict[str, Job] = {}
    for name, student in STUDENTS.items():
        if student.domain != "jets":
            continue
        torch.manual_seed(0)
        network = student.build(KIN, 10).train().to(x[0].device)
        optimizer = torch.optim.AdamW(network.parameters(), 1e-3)

        def job(network: torch.nn.Module = network, optimizer: torch.optim.Optimizer = optimizer) -> None:
            step(network(*x).logsumexp(1).mean(), optimizer, 5.0)

        jobs[f"step of {name}"] = job
    return jobs


def measure(bench: Bench) -> dict[str, Any]:
    """Time all in turns."""
    batch = bench.size("batch", 128)
    jobs, x = generators(batch, bench.device)
    times = bench.time(jobs | simulation(batch) | student_steps(x))
    ratios = {f"{name} / generator": times.ratio(name, "generator") for name in times.seconds if name != "generator"}
    per_jet = {name: 1e3 * times.median(name) / batch for name in times.seconds}
    return {"batch": batch, "ms_per_jet": per_jet, "ratios": ratios, "times": times.to_json()}
