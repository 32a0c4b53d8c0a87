"""Settings that inversion methods share: what a synthesis asks for, the memory bank, the student's steps on it."""

from __future__ import annotations

from dataclasses import dataclass

from zskt.bn_statistics import DISTANCES
from zskt.images.augment import AUGMENTATIONS
from zskt.methods.student_settings import StudentConfig
from zskt.optim import OPTIMIZERS
from zskt.settings import sample_count, setting

TARGETS = ("uniform", "own")
"""Classes that a synthesis asks for: drawn uniformly, or those that the teacher sees in the first samples anyway."""


@dataclass(frozen=True, kw_only=True)
class InversionConfig(StudentConfig):
    """Settings of inversion methods. Losses are in nats per example.

    CutMix, mixup and whatever a student minimises beside its KL are ours: the papers have none of them, nor do our
    defaults.
    """

    iterations: int = setting(200, minimum=1)
    """Syntheses, each of a batch that joins the memory bank and is followed by student steps."""
    batch_size: int = sample_count(256)
    """Samples of the memory bank in a student step."""
    synthesis_size: int = setting(256, minimum=2)
    """B: pseudo-samples of a synthesis."""
    synthesis_steps: int = setting(200, minimum=1)
    """Steps by which a batch is optimised."""
    synthesis_warmup: int = setting(0, minimum=0)
    """Iterations at the beginning in which the student does not learn and no adversary asks it."""
    targets: str = setting("uniform", choices=TARGETS)
    """Classes that a synthesis asks for: "uniform" draws them, "own" takes the teacher's own of the first samples, for
    generators that decide by something else than z what is shown."""
    one_hot_weight: float = setting(1.0, minimum=0)
    """Weight of the teacher's cross-entropy with the classes that are asked for."""
    bn_weight: float = setting(1.0, minimum=0)
    """Weight of the distance of the teacher's batch statistics from the running ones, summed over its
    normalisations."""
    bn_distance: str = setting("absolute", choices=DISTANCES)
    """How that distance is measured: "absolute", as in the papers, in units of the activations; or "relative", ours, in
    units of each channel's running standard deviation, squared, so that wide channels do not outweigh the others."""
    statistics_memory: float = setting(0.0, minimum=0, below=1)
    """Share of earlier syntheses in the batch statistics that are compared (G. Fang et al., arXiv:2112.06253)."""
    adversarial_weight: float = setting(0.0, minimum=0)
    """Weight of the disagreement of teacher and student that is sought."""
    prior_share: float = setting(0.5, minimum=0, below=1)
    """Share of the samples that join the memory bank which come from the run's prior, if it has one; ours."""
    bank_size: int = setting(65536, minimum=1, maximum=2**24)
    """Pseudo-samples that are kept, the latest ones."""
    bank_balance: float = setting(0.0, minimum=0, maximum=2)
    """Samples are drawn with probability ~ (frequency of their class among the teacher's answers)^-bank_balance."""
    augment: str = setting("shift-mirror", choices=AUGMENTATIONS)
    """What is done to images on their way from the bank to the student, about which the teacher is queried again;
    samples of other domains stay as they are."""
    student_steps: int = setting(400, minimum=1)
    """Student steps an iteration, on average over those after the warm-up."""
    step_growth: float = setting(0.0, minimum=0)
    """Student steps of iteration i go with i^step_growth, as the number of samples that there are grows; ours, 0 in the
    papers."""
    student_optimizer: str = setting("sgd", choices=OPTIMIZERS)
    """Stochastic gradient descent with a momentum of 0.9, or AdamW."""
    student_lr: float = setting(0.1, minimum=0)
    """Learning rate of the student; falls to 0 by a cosine over the run."""
    warmup: float = setting(0.0, minimum=0, maximum=1)
    """Share of the student's steps in which its rate rises to that cosine."""
    weight_decay: float = setting(1e-4, minimum=0)
    """Weight decay of the student."""
    max_grad_norm: float = setting(0.0, minimum=0)
    """Norm to which the student's gradients are clipped; 0 does not clip."""
    temperature: float = setting(20.0, above=0)
    """Temperature of both softmaxes in the student's KL(T || S)."""

    @property
    def iterations_before_learning(self) -> int:
        """Return the length of the warm-up."""
        return self.synthesis_warmup

    @property
    def regression_weight(self) -> float:
        """Return 0: inversion knows classes alone."""
        return 0.0
