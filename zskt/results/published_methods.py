"""Published figures of data-free methods on the pairs of the literature, in percent; none is ours.

Authors who print each other's baselines disagree: ZSKT on CIFAR-100, WRN-40-2 to 16-2, is 28.44 in CMI's README and
54.59 in Fast's. Most publications report the best test accuracy over epochs, not that of the last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PAIRS = ("resnet34-to-resnet18", "wrn-40-2-to-wrn-16-1", "wrn-40-2-to-wrn-40-1", "wrn-40-2-to-wrn-16-2")
"""Columns of the tables below: teacher and student, behind the data's name they are names of presets."""
FAST = "README of Fast-Datafree, revision 0dcecbc"
ADADFKD = "README of ljrprocc/DFKD (AdaDFKD)"
ZSKT = "Micaelli and Storkey, arXiv:1905.09768v3, last test accuracy, three seeds"
NAYER = "second-hand: the table of Tran et al., arXiv:2310.00258, was not read; verify before quoting"
DFAD = "result image of VainF/Data-Free-Adversarial-Distillation, revision c161591, pair not named"
DFME = "Truong et al., arXiv:2011.14779, at 20 million queries, black box"
DAFL_LENET = "Chen et al., arXiv:1904.01186"


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published figure."""

    method: str
    """Our name of the method."""
    label: str
    """Its name there, with its variant."""
    preset: str
    """Our name of the pair."""
    accuracy: str
    """Percent, as printed."""
    source: str

    @property
    def settings(self) -> Mapping[str, float]:
        """Return what the variant changes in the method's defaults."""
        return VARIANTS.get(self.label, {})


VARIANTS: Mapping[str, Mapping[str, float]] = {
    "Fast-2": {"synthesis_steps": 2, "generator_lr": 5e-3, "latent_lr": 1.5e-2},
    "Fast-5": {"synthesis_steps": 5, "generator_lr": 3e-3},
}
"""Label of a published variant -> settings that differ from the method's defaults, which are those of Fast-10."""
TEACHERS = {
    "cifar10": ("95.70", "94.87", "94.87", "94.87"),
    "cifar100": ("78.05", "75.83", "75.83", "75.83"),
}
"""Data -> the teachers' accuracies by pair, in Fast's README; other publications trained their own."""
FROM_DATA = {
    "cifar10": ("95.20", "91.12", "93.94", "93.95"),
    "cifar100": ("77.10", "65.31", "72.19", "73.56"),
}
"""Data -> accuracies of the students from all images, there."""
_ROWS: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("dafl", "DAFL", "cifar10", ("92.22", "65.71", "81.33", "81.55"), FAST),
    ("zskt", "ZSKT", "cifar10", ("93.32", "83.74", "86.07", "89.66"), FAST),
    ("zskt", "ZSKT, its own paper", "cifar10", ("", "83.69 ± 0.58", "86.60 ± 1.79", "89.71 ± 0.10"), ZSKT),
    ("dfad", "DFAD", "cifar10", ("93.3", "", "", ""), DFAD),
    ("deepinversion", "DeepInversion", "cifar10", ("93.26", "83.04", "86.85", "89.72"), FAST),
    ("dfq", "DFQ", "cifar10", ("94.61", "86.14", "91.69", "92.01"), FAST),
    ("cmi", "CMI", "cifar10", ("94.84", "90.01", "92.78", "92.52"), FAST),
    ("fast", "Fast-2", "cifar10", ("92.62", "88.36", "89.56", "89.68"), FAST),
    ("fast", "Fast-5", "cifar10", ("93.63", "88.90", "92.04", "91.96"), FAST),
    ("fast", "Fast-10", "cifar10", ("94.05", "89.29", "92.51", "92.45"), FAST),
    ("nayer", "NAYER", "cifar10", ("95.21", "91.94", "", ""), NAYER),
    ("adadfkd", "AdaDFKD", "cifar10", ("95.32", "90.05", "93.38", "93.15"), ADADFKD),
    ("dfme", "DFME", "cifar10", ("88.1", "", "", ""), DFME),
    ("dafl", "DAFL", "cifar100", ("74.47", "20.88", "42.83", "43.70"), FAST),
    ("zskt", "ZSKT", "cifar100", ("67.74", "36.66", "53.60", "54.59"), FAST),
    ("dfad", "DFAD", "cifar100", ("67.7", "", "", ""), DFAD),
    ("deepinversion", "DeepInversion", "cifar100", ("61.32", "53.77", "61.33", "61.34"), FAST),
    ("dfq", "DFQ", "cifar100", ("77.01", "51.27", "54.43", "64.79"), FAST),
    ("cmi", "CMI", "cifar100", ("77.04", "57.91", "68.88", "68.75"), FAST),
    ("fast", "Fast-2", "cifar100", ("69.76", "41.77", "53.15", "57.08"), FAST),
    ("fast", "Fast-5", "cifar100", ("72.82", "52.90", "61.80", "63.83"), FAST),
    ("fast", "Fast-10", "cifar100", ("74.34", "54.02", "63.91", "65.12"), FAST),
    ("adadfkd", "AdaDFKD", "cifar100", ("77.13", "", "68.19", "67.54"), ADADFKD),
)
"""Method, its name there, data, accuracies by pair ("" where none was printed), source."""
_OTHERS = (
    Published(method="dafl", label="DAFL", preset="mnist-lenet5-to-lenet5-half", accuracy="98.20", source=DAFL_LENET),
    Published(method="dfad", label="DFAD", preset="mnist-lenet5-to-lenet5-half", accuracy="98.3", source=DFAD),
)


def published_figures() -> Iterator[Published]:
    """Yield every published figure, pair by pair of each row."""
    for method, label, data, accuracies, source in _ROWS:
        for pair, accuracy in zip(PAIRS, accuracies, strict=True):
            if accuracy:
                yield Published(method=method, label=label, preset=f"{data}-{pair}", accuracy=accuracy, source=source)
    yield from _OTHERS
