"""A comparison of teacher and student for tests."""

from __future__ import annotations

import torch

from zskt.jets.jetclass import read_jets
from zskt.jets.jets import JETCLASS_CLASSES, Jets
from zskt.jets.metrics import TaggingComparison, compare_taggers
from zskt.jets.sample import SAMPLE


def sample_comparison(*, labelled: bool = True, most: int = 1000, strength: float = 3.0) -> TaggingComparison:
    """Compare a good and a worse tagger on the sample that ships.

    Args:
        strength: of the teacher: how far the true class stands out of noise of width 1.
    """
    data = read_jets(SAMPLE, most=most)
    assert isinstance(data.samples, Jets)
    rng = torch.Generator().manual_seed(0)
    truth = torch.nn.functional.one_hot(data.labels, 10).float()
    teacher = strength * truth + torch.randn(len(data), 10, generator=rng)
    student = teacher + torch.randn(len(data), 10, generator=rng)
    labels = data.labels if labelled else torch.full_like(data.labels, -1)
    return compare_taggers(JETCLASS_CLASSES, data.samples, labels, teacher, student)
