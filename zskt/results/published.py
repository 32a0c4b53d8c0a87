"""Published figures of Micaelli and Storkey, arXiv:1905.09768v3, in percent unless said; none is ours.

The few-shot figures and the mean transition errors are those of the published notebooks and curves.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A teacher and a student of the paper. Accuracies are mean and, where published, standard deviation."""

    data: str
    teacher: str
    student: str
    teacher_accuracy: str = "–"
    student_accuracy: str = "–"
    kd_at: str = "–"
    """Accuracy of KD with attention transfer, from 200 images per class."""
    zero_shot: str = "–"

    @property
    def preset(self) -> str:
        """Name of our preset; the paper's own recipe is the preset of the same name with ``-paper`` behind."""
        return f"{self.data}-{self.teacher}-to-{self.student}"


PAIRS = (
    Pair("cifar10", "wrn-16-2", "wrn-16-1", "93.97 ± 0.11", "91.04 ± 0.04", "84.54 ± 0.21", "82.44 ± 0.21"),
    Pair("cifar10", "wrn-40-1", "wrn-16-1", "93.18 ± 0.08", "91.04 ± 0.04", "81.71 ± 0.25", "79.93 ± 1.11"),
    Pair("cifar10", "wrn-40-2", "wrn-16-1", "94.73 ± 0.02", "91.04 ± 0.04", "81.25 ± 0.67", "83.69 ± 0.58"),
    Pair("cifar10", "wrn-40-1", "wrn-16-2", "93.18 ± 0.08", "93.97 ± 0.11", "85.74 ± 0.47", "86.60 ± 0.56"),
    Pair("cifar10", "wrn-40-2", "wrn-16-2", "94.73 ± 0.02", "93.97 ± 0.11", "86.39 ± 0.33", "89.71 ± 0.10"),
    Pair("cifar10", "wrn-40-2", "wrn-40-1", "94.73 ± 0.02", "93.18 ± 0.08", "87.35 ± 0.12", "86.60 ± 1.79"),
    Pair("svhn", "wrn-40-2", "wrn-16-1", zero_shot="94.06 ± 0.27"),
    Pair("mnist", "lenet5", "lenet5-half"),
    Pair("fashion-mnist", "lenet5", "lenet5-half"),
)
"""The last two are not in the paper."""

TRANSITION_PRESETS = ("cifar10-wrn-40-2-to-wrn-16-1", "svhn-wrn-40-2-to-wrn-16-1", "mnist-lenet5-to-lenet5-half")
"""Pairs whose transition curves are measured: those that the paper shows, and one that two CPU cores can do."""
FEW_SHOT_PRESETS = (TRANSITION_PRESETS[0], TRANSITION_PRESETS[2])
"""Pairs with a few-shot curve."""
IMAGES_PER_CLASS = (10, 25, 50, 75, 100, 200)
FEW_SHOT: dict[str, dict[int, float]] = {
    "labels alone": {10: 25.8, 25: 33.5, 50: 44.9, 75: 55.6, 100: 58.8},
    "KD+AT": {10: 40.3, 25: 57.0, 50: 68.0, 75: 72.0, 100: 76.0, 200: 81.25},
    "zero-shot, then fine-tuned": {10: 84.7, 25: 84.7, 50: 85.3, 75: 85.8, 100: 85.9},
}
"""Method -> accuracy by images per class: CIFAR-10, WRN-40-2 to WRN-16-1."""
MTE = {"cifar10": {"zero-shot": 0.22, "KD+AT": 0.68}, "svhn": {"zero-shot": 0.09, "KD+AT": 0.64}}
"""Mean transition error by data and method, stepping on the student; KD+AT with 200 images per class."""
