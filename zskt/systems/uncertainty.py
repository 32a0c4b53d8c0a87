"""Several networks in one: dropout distillation and ensemble distribution distillation, on MNIST.

Shapes: N images, M members, K classes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.api import distill
from zskt.ensemble import Drawn, Ensemble
from zskt.images.augment import shift
from zskt.losses import entropy
from zskt.networks.lenet_vgg import LeNet5
from zskt.systems.digits import Digits, digits
from zskt.systems.system import Figures, System, error, learned

N_MASKS = 50
"""Masks that Monte Carlo dropout averages."""
BATCH, EPOCHS, LABELLED = 128, 8, 10_000
FEW, MANY_EPOCHS = 1000, 60
"""Labelled images, and epochs on them, of the network with dropout: so few that one without it would be too sure."""


def dropout(seed: int, place: Path | None) -> Figures:
    """Distil the mean of all dropout masks into a network without dropout: log losses on the test images, nats."""
    train, test = digits(place, "train"), digits(place, "test")
    few = train.rows(torch.arange(FEW))
    teacher = learned(_with_dropout(), *few, epochs=MANY_EPOCHS, seed=seed, batch_size=BATCH).eval()
    drawn = Drawn(teacher, "dropout", torch.Generator().manual_seed(seed))
    with torch.no_grad():
        averaged = torch.stack([_log_p(drawn, test.x) for _ in range(N_MASKS)]).logsumexp(0)
    student = distill(
        Drawn(teacher, "dropout", torch.Generator().manual_seed(seed + 1)), _with_dropout(0.0), data=train.x,
        method="kd", iterations=EPOCHS, student_steps=len(train.labels) // BATCH, batch_size=BATCH, seed=seed,
        progress=False,
    ).student  # fmt: skip
    return {
        "standard dropout, log loss": log_loss(teacher, *test),
        "distilled, log loss": log_loss(student, *test),
        "50 masks averaged, log loss": float(nn.functional.nll_loss(torch.log_softmax(averaged, 1), test.labels)),
        "standard dropout, error": error(teacher, *test),
        "distilled, error": error(student, *test),
    }


def _with_dropout(p: float = 0.5) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Dropout(p), nn.Linear(400, 400), nn.ReLU(), nn.Dropout(p),
        nn.Linear(400, 10),
    )  # fmt: skip


@torch.no_grad()
def _log_p(network: nn.Module, x: Tensor) -> Tensor:
    """(N, ...) -> (N, K), in evaluation mode."""
    network.eval()
    return torch.cat([torch.log_softmax(network(batch), 1) for batch in torch.split(x, 1000)])


def log_loss(network: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Return the mean negative log probability of the labels, nats."""
    return float(nn.functional.nll_loss(_log_p(network, x), labels))


DROPOUT = System(
    title="Dropout distillation, MNIST",
    source="Rota Bulo, Porzi and Kontschieder, ICML 2016, PMLR 48:99; Korattikara et al., arXiv:1506.04416",
    published=dict.fromkeys(
        ("standard dropout, log loss", "distilled, log loss", "50 masks averaged, log loss", "standard dropout, error",
         "distilled, error"), ""),
    run=dropout,
    seeds=3,
    remark="Their claim is of an order: distilled is better than standard dropout, and rarely as good as the average "
    "over masks. A network of 2 x 400 units learned from 1 000 labelled images; its student from one mask a sample, on "
    "all 60 000 without labels.",
)  # fmt: skip

M = 5
N_UNKNOWN = 10_000


def members(seed: int, place: Path | None) -> Figures:
    """Distil what five networks believe, each, into one Dirichlet network; AUROC of digits against joined halves."""
    train, test = digits(place, "train"), digits(place, "test")
    few = train.rows(torch.arange(LABELLED))
    networks = [
        learned(LeNet5(10, 1, 1.0, 28), *few, epochs=EPOCHS, seed=1000 * seed + i, batch_size=BATCH).eval()
        for i in range(M)
    ]
    ensemble = Ensemble(networks).eval()
    steps = len(train.labels) // BATCH
    student = distill(
        ensemble, LeNet5(10, 1, 1.0, 28), data=train.x, method="kd", iterations=EPOCHS, student_steps=steps,
        batch_size=BATCH, temperature=2.5, terms={"kl": 0.0, "dirichlet": 0.1}, mixup=True, seed=seed, progress=False,
    ).student.eval()  # fmt: skip
    plain = distill(
        ensemble, LeNet5(10, 1, 1.0, 28), data=train.x, method="kd", iterations=EPOCHS, student_steps=steps,
        batch_size=BATCH, mixup=True, seed=seed, progress=False,
    ).student.eval()  # fmt: skip
    unknown = _unknown(test, seed)
    figures: Figures = {
        "one member, error": sum(error(network, *test) for network in networks) / M,
        "ensemble, error": error(ensemble, *test),
        "Dirichlet student, error": error(student, *test),
        "KL student, error": error(plain, *test),
    }
    known, other = (
        ensemble_information(torch.stack([_log_p(network, x) for network in networks])) for x in (test.x, unknown)
    )
    figures["ensemble, AUROC of knowledge uncertainty"] = auroc(known, other)
    known, other = (dirichlet_information(_logits(student, x)) for x in (test.x, unknown))
    figures["Dirichlet student, AUROC of knowledge uncertainty"] = auroc(known, other)
    known, other = (entropy(_logits(plain, x)) for x in (test.x, unknown))
    figures["KL student, AUROC of entropy"] = auroc(known, other)
    return figures


def _unknown(test: Digits, seed: int) -> Tensor:
    """Make images of no digit: a left half upside down beside a mirrored right half of another digit, moved."""
    rng = torch.Generator().manual_seed(seed)
    x = test.x[torch.randperm(len(test.x), generator=rng)[:N_UNKNOWN]]
    halves = torch.cat([x[..., :14].flip(2), x.roll(1, 0)[..., 14:].flip(3)], 3)
    return shift(halves, rng)


@torch.no_grad()
def _logits(network: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([network(batch) for batch in torch.split(x, 1000)])


def ensemble_information(beliefs: Tensor) -> Tensor:
    """Return the mutual information of class and member: log probabilities (M, N, K) -> (N,), nats.

    It is the entropy of the mean less the mean of the entropies.
    """
    mean = beliefs.exp().mean(0)
    return entropy(mean.clamp(min=1e-12).log()) - torch.stack([entropy(b) for b in beliefs]).mean(0)


def dirichlet_information(logits: Tensor) -> Tensor:
    """Return the mutual information of class and belief under Dir(exp z), (N, K) -> (N,), nats.

    A. Malinin and M. Gales, "Predictive uncertainty estimation via prior networks", arXiv:1802.10501, equation 16.
    """
    alpha = logits.double().exp()
    total = alpha.sum(1, keepdim=True)
    mean = alpha / total
    expected = (mean * (torch.digamma(alpha + 1) - torch.digamma(total + 1))).sum(1)
    return expected - (mean * mean.clamp(min=1e-300).log()).sum(1)


def auroc(known: Tensor, unknown: Tensor) -> float:
    """Return the probability that an unknown sample has more of it than a known one."""
    from sklearn.metrics import roc_auc_score

    truth = torch.cat([torch.zeros(len(known)), torch.ones(len(unknown))])
    return float(roc_auc_score(truth.numpy(), torch.cat([known, unknown]).double().numpy()))


MEMBERS = System(
    title="Ensemble distribution distillation, MNIST",
    source="Malinin, Mlodozeniec and Gales, arXiv:1905.00076",
    published=dict.fromkeys(
        ("one member, error", "ensemble, error", "Dirichlet student, error", "KL student, error",
         "ensemble, AUROC of knowledge uncertainty", "Dirichlet student, AUROC of knowledge uncertainty",
         "KL student, AUROC of entropy"), ""),
    run=members,
    seeds=3,
    remark="Five LeNet-5 of 10 000 labelled images; what is unknown are halves of two digits put together. The student "
    "is one LeNet-5; knowledge uncertainty is the mutual information of class and member. The temperature of the "
    "Dirichlet loss falls from 2.5 to 1 on the way.",
)  # fmt: skip
