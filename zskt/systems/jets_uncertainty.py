"""What an ensemble of jet taggers does not know, kept by one small student that learns without data.

Jets of another momentum and of a class that no member has seen are told from the known ones by knowledge uncertainty.
Shapes: N jets, M members, K classes.
"""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from zskt.api import distill
from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.ensemble import Ensemble
from zskt.experiments.catalog import Catalog
from zskt.jets.sample import SAMPLE
from zskt.jets.variations import boosted
from zskt.losses import entropy
from zskt.metrics import predict
from zskt.simulation.simulate import simulate
from zskt.systems.jets_response import TEACHER, jet_student
from zskt.systems.system import Figures, System
from zskt.systems.uncertainty import auroc, dirichlet_information, ensemble_information

M, EPOCHS, RATE = 5, 6, 3e-3
"""Members; epochs and learning rate of each. Fewer epochs than the teacher that ships had, for there are five."""
PER_CLASS, SIMULATION_SEED = 1000, 3001
"""Jets of each class, and the seed of the first repetition's."""
LEFT_OUT = "Tbqq"
"""The class that no member has seen: hadronic tops."""
RAPIDITY = 0.7
"""Boost along the jets' axes, which about doubles their momenta and halves their angles."""
ITERATIONS, STEPS = 100, 40
"""Iterations of a student, and its steps in each."""
STUDENTS: dict[str, dict[str, Any]] = {
    "Dirichlet student": {"terms": {"kl": 0.0, "dirichlet": 0.1}, "temperature": 2.5},
    "KL student": {},
}
"""Student -> settings of its loss."""
UNKNOWN = ("jets of another momentum", "a class left out")
DOUBTS = (
    *("one member, entropy", "ensemble, entropy", "ensemble, knowledge"),
    *("Dirichlet student, entropy", "Dirichlet student, knowledge", "KL student, entropy"),
)


def jets_uncertainty(seed: int, catalog: Catalog) -> Figures:
    """Train five networks of the architecture that ships, and distil them twice without data: accuracies, AUROC."""
    card = catalog.teachers[TEACHER]
    learned = without(simulated(card, seed), card)
    networks = [_member(card, learned, 1000 * seed + i) for i in range(M)]
    ensemble = Ensemble(networks).eval()
    students = {
        name: jet_student(
            catalog, card, ensemble, seed, "zskt", {"iterations": ITERATIONS, "student_steps": STEPS} | settings
        )
        for name, settings in STUDENTS.items()
    }
    sample = judged(card)
    known = without(sample, card)
    unknown = {
        UNKNOWN[0]: Labelled(boosted(known.samples, RAPIDITY), known.labels),  # type: ignore[arg-type]
        UNKNOWN[1]: sample[sample.labels == card.classes.index(LEFT_OUT)],
    }

    def log_p(jets: Labelled) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what members believe, (M, N, K), and the students' logits, (N, K) each."""
        of_members = torch.stack([_logits(network, jets, card) for network in networks]).log_softmax(2)
        return of_members, {name: _logits(student, jets, card) for name, student in students.items()}

    beliefs, logits = log_p(known)
    mean = beliefs.exp().mean(0)
    figures: Figures = {
        "one member: accuracy": _share(beliefs.argmax(2) == known.labels),
        "ensemble: accuracy": _share(mean.argmax(1) == known.labels),
    }
    for name in STUDENTS:
        figures[f"{name}: accuracy"] = _share(logits[name].argmax(1) == known.labels)
        figures[f"{name}: agreement"] = _share(logits[name].argmax(1) == mean.argmax(1))
    of_known = doubts(beliefs, logits)
    for words, jets in unknown.items():
        for name, doubt in doubts(*log_p(jets)).items():
            figures[f"{words}, AUROC: {name}"] = auroc(of_known[name], doubt)
    return figures


def doubts(beliefs: Tensor, logits: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return how unsure each network is of each jet, (N,), nats.

    Args:
        beliefs: log probabilities of the members, (M, N, K).
        logits: of each of `STUDENTS`, (N, K).
    """
    dirichlet, kl = (logits[name] for name in STUDENTS)
    return dict(
        zip(
            DOUBTS,
            (
                entropy(beliefs[0]),
                entropy(beliefs.logsumexp(0) - math.log(len(beliefs))),
                ensemble_information(beliefs),
                entropy(dirichlet),
                dirichlet_information(dirichlet),
                entropy(kl),
            ),
            strict=True,
        )
    )


def without(data: Labelled, card: Card) -> Labelled:
    """Leave the class out that members do not see."""
    return data[data.labels != card.classes.index(LEFT_OUT)]


def judged(card: Card) -> Labelled:
    """Read the sample that ships."""
    jets: Labelled = card.inputs.read(SAMPLE, card.classes)
    return jets


def simulated(card: Card, seed: int) -> Labelled:
    """Simulate the jets that the members learn from.

    Raises:
        UserError: if the simulation is not installed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "jets.root"
        simulate(path, per_class=PER_CLASS, seed=SIMULATION_SEED + seed, processes=1, progress=False)
        jets: Labelled = card.inputs.read(path, card.classes)
    return jets


def _member(card: Card, learned: Labelled, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    data = (*card.inputs(learned.samples), learned.labels)
    return distill(
        None, card.build(), data=data, method="supervised", iterations=EPOCHS, seed=seed, kd_fraction=0.0,
        student_lr=RATE, weight_decay=1e-2, progress=False,
    ).student.eval()  # fmt: skip


def _logits(network: nn.Module, jets: Labelled, card: Card) -> Tensor:
    """Return the answers to all jets: (N, K)."""
    return predict(network, jets, card.inputs, torch.device("cpu")).logits


def _share(true: Tensor) -> float:
    return float(true.double().mean())


JETS_UNCERTAINTY = System(
    title="Ensemble distribution distillation, jets, no data",
    source="Malinin, Mlodozeniec and Gales, arXiv:1905.00076, for the loss; jets are this project's",
    published=dict.fromkeys(
        ["one member: accuracy", "ensemble: accuracy"]
        + [f"{name}: {figure}" for name in STUDENTS for figure in ("accuracy", "agreement")]
        + [f"{words}, AUROC: {name}" for words in UNKNOWN for name in DOUBTS],
        "",
    ),
    run=jets_uncertainty,
    takes_catalog=True,
    seeds=3,
    by_default=False,
    remark="Five ParticleNets of the architecture that ships, each trained on the same 9 000 simulated jets of nine "
    "classes, without hadronic tops; `pfn` as students, 4 000 steps of 128 pseudo-jets. The temperature of the "
    "Dirichlet loss falls from 2.5 to 1, as on images. The students' generator makes tops too, without saying so, and "
    "the members answer what they believe. AUROC on the sample that ships: jets of the nine classes against the same "
    "jets boosted along their axes by 0.7 of rapidity, and against tops. Needs `requirements-sim.txt`.",
)
