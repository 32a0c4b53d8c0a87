"""Settings of a student's side, which methods share: terms of its loss, how its batches are altered, how it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zskt.settings import Settings, setting
from zskt.terms.jacobian import CRYSTAL_RESOLUTION, TRACK_RESOLUTION


@dataclass(frozen=True, kw_only=True)
class StudentLossConfig(Settings):
    """Settings of the terms that a student minimises. Losses are in nats per example."""

    attention_weight: float = setting(0.0, minimum=0)
    """Weight of the match of attention maps: beta of AT, and of equation 1 of ZSKT."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """Weights of further terms of the student's loss, by their names in `zskt.terms.TERMS`."""
    momentum_resolution: float = setting(TRACK_RESOLUTION, above=0, domains=("jets",))
    """Of ``terms.jacobian_in_resolutions``: the unit of log pT of a particle; by default that of tracks of a few GeV
    (CMS, JINST 9 (2014) P10009)."""
    angular_resolution: float = setting(CRYSTAL_RESOLUTION, above=0, domains=("jets",))
    """The unit of its angles, radians; by default that of an ECAL crystal (CMS, JINST 3 (2008) S08004)."""
    temperature: float = setting(1.0, above=0)
    """Temperature of both softmaxes in KL(T || S)."""
    max_grad_norm: float = setting(5.0, minimum=0)
    """Norm to which gradients are clipped; 0 does not clip."""


@dataclass(frozen=True, kw_only=True)
class StudentConfig(StudentLossConfig):
    """Settings of a student that learns from a teacher's answers alone."""

    hint_weight: float = setting(0.0, minimum=0)
    """Weight of the match of the outputs of blocks, in units of the teacher's mean square, where both networks have the
    same widths. Layers are too large to be kept: the teacher is queried again in each student step."""
    cutmix: float = setting(0.0, minimum=0, maximum=1, domains=("images",))
    """Share of the images of each student batch that get a rectangle of another one; the teacher is queried again."""
    mixup: bool = setting(False, domains=("images", "vectors", "frames"))
    """If True, each sample of a student batch is blended with another one; the teacher is queried again."""
    init_from_teacher: bool = setting(False)
    """If True, the student begins with the teacher's own layers, wherever name and shapes are the same."""
    ema_decay: float = setting(0.0, minimum=0, below=1)
    """Decay, each step, of an exponential moving average of the student, which is what the run leaves; 0 keeps none."""


@dataclass(frozen=True, kw_only=True)
class RegressingStudentConfig(StudentConfig):
    """Settings of a student that may learn values beside classes, and from samples with noise."""

    jitter: float = setting(0.0, minimum=0, domains=("images", "vectors", "frames"))
    """Standard deviation of the noise that each student batch gets, in units of the networks' inputs; the teacher is
    queried again. To first order that matches the gradients of both by their input (Srinivas and Fleuret,
    arXiv:1803.00443, proposition 1), of a teacher that shows none, too."""
    regression_weight: float = setting(1.0, minimum=0)
    """Weight of the distance of regressed values, for teachers that have such: robust, or, of a value with its width,
    the divergence of two Gaussians."""
