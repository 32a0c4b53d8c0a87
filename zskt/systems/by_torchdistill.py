"""The same distillation through zskt and through torchdistill (Y. Matsubara, arXiv:2011.12913), on MNIST.

torchdistill is no requirement of zskt: ``pip install torchdistill``.
"""

from __future__ import annotations

import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import RandomSampler, TensorDataset

from zskt.errors import UserError
from zskt.networks.lenet_vgg import LeNet5
from zskt.systems.digits import digits
from zskt.systems.system import Figures, System, error, learned

OF_TEACHER, TEACHER_EPOCHS = 10_000, 3
LABELLED, EPOCHS, BATCH, RATE = 1000, 20, 50, 2e-3
TEACHERS_SHARE, TEMPERATURE = 0.9, 4.0


def both(seed: int, place: Path | None) -> Figures:
    """Distil LeNet-5 into its half by KD from 1 000 labelled images, twice: accuracies on the test images."""
    train, test = digits(place, "train"), digits(place, "test")
    many, few = train.rows(torch.arange(OF_TEACHER)), train.rows(torch.arange(LABELLED))
    teacher = learned(_lenet(1.0), *many, epochs=TEACHER_EPOCHS, batch_size=128, seed=seed).eval()
    begun = _lenet(0.5)
    settings: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "student_lr": RATE, "max_grad_norm": 0.0}
    alone = learned(copy.deepcopy(begun), *few, seed=seed, **settings)
    ours = learned(
        copy.deepcopy(begun), *few, teacher=teacher, seed=seed, kd_fraction=TEACHERS_SHARE, temperature=TEMPERATURE,
        **settings,
    )  # fmt: skip
    theirs = through_torchdistill(teacher, copy.deepcopy(begun), *few)
    networks = {"teacher": teacher, "student alone": alone, "KD by zskt": ours, "KD by torchdistill": theirs}
    return {name: 1 - error(network, *test) for name, network in networks.items()}


def _lenet(width: float) -> nn.Module:
    return LeNet5(10, 1, width, 28)


def configuration(steps: int) -> dict[str, Any]:
    """Return torchdistill's configuration of the same KD: what its users write as YAML."""
    logits = {"student_module_path": ".", "student_module_io": "output",
              "teacher_module_path": ".", "teacher_module_io": "output"}  # fmt: skip
    loss = logits | {"temperature": TEMPERATURE, "alpha": 1 - TEACHERS_SHARE, "beta": TEACHERS_SHARE}
    criterion = {"criterion": {"key": "KDLoss", "kwargs": loss | {"reduction": "batchmean"}}, "weight": 1.0}
    return {
        "num_epochs": EPOCHS,
        "train_data_loader": {
            "dataset_id": "train",
            "sampler": {"class_or_func": RandomSampler},
            "kwargs": {"batch_size": BATCH, "drop_last": True},
        },
        "teacher": {"forward_proc": "forward_batch_only", "requires_grad": False},
        "student": {"forward_proc": "forward_batch_only"},
        "optimizer": {"key": "Adam", "kwargs": {"lr": RATE}},
        "scheduler": {"key": "CosineAnnealingLR", "kwargs": {"T_max": steps}, "scheduling_step": 1},
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {"kd": criterion}}},
    }


def through_torchdistill(teacher: nn.Module, student: nn.Module, x: Tensor, labels: Tensor) -> nn.Module:
    """Distil with torchdistill's own loop, and return the student.

    Args:
        x: (N, ...), with labels (N,).

    Raises:
        UserError: if torchdistill is not installed.
    """
    try:
        distillation: Any = import_module("torchdistill.core.distillation")
    except ImportError as missing:
        raise UserError(f"torchdistill: cannot be imported ({missing}); pip install torchdistill") from missing
    config = configuration(EPOCHS * (len(x) // BATCH))
    box = distillation.get_distillation_box(
        teacher, student, {"train": TensorDataset(x, labels)}, config, torch.device("cpu"), None, False, 1
    )
    for epoch in range(box.num_epochs):
        box.pre_epoch_process(epoch=epoch)
        for batch, targets, more in box.train_data_loader:
            box.post_forward_process(loss=box.forward_process(batch, targets, more))
        box.post_epoch_process()
    box.clean_modules()
    return student


TORCHDISTILL = System(
    title="The same KD through torchdistill, MNIST",
    source="Hinton, Vinyals and Dean, arXiv:1503.02531; torchdistill 1.1.5 (Matsubara, arXiv:2011.12913)",
    published=dict.fromkeys(("teacher", "student alone", "KD by zskt", "KD by torchdistill"), ""),
    run=both,
    seeds=5,
    remark="Both begin with the same student, and learn from the same teacher and images by 0.1 of the cross-entropy "
    "and 0.9 of 16 KL at a temperature of 4, 400 steps of Adam with a cosine; only the order of images differs.",
)
