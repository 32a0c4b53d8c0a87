"""Training a network on labelled samples: how the teachers were made that nobody publishes.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from teachers.inputs import Inputs, Samples

from .augment import AUGMENTATIONS
from .config import Config
from .distill import cosine
from .game import finite, step
from .labelled import Labelled
from .state import State


def stairs(step_now: int, steps: int) -> float:
    """Divided by 5 after 30, 60 and 80 % of the run (Zagoruyko and Komodakis, arXiv:1605.07146, section 3)."""
    return 0.2 ** sum(step_now >= share * steps for share in (0.3, 0.6, 0.8))


OPTIMIZERS: dict[str, Callable[[nn.Module, Config], torch.optim.Optimizer]] = {
    "adamw": lambda network, config: torch.optim.AdamW(
        network.parameters(), config.student_lr, weight_decay=config.weight_decay
    ),
    "sgd": lambda network, config: torch.optim.SGD(
        network.parameters(), config.student_lr, momentum=0.9, nesterov=True, weight_decay=config.weight_decay
    ),
}
SCHEDULES = {"adamw": cosine, "sgd": stairs}


class Classifier:
    """The cross-entropy's minimum, an epoch being a random order of all samples."""

    def __init__(
        self, network: nn.Module, data: Labelled, inputs: Inputs, config: Config, device: torch.device
    ) -> None:
        self.network, self.data, self.inputs, self.config, self.device = network, data, inputs, config, device
        self.optimizer = OPTIMIZERS[config.optimizer](network, config)
        self.order = torch.Generator().manual_seed(config.seed * 4)
        self.state = State(
            parts={"student": network, "student_optimizer": self.optimizer},
            streams={"order": self.order},
            device=device,
        )

    def steps_an_epoch(self) -> int:
        return max(len(self.data) // self.config.batch_size, 1)

    def play(self, epochs: int) -> Iterator[dict[str, float]]:
        """Epochs up to number ``epochs``, yielding mean loss and accuracy on the training samples of each."""
        steps = self.steps_an_epoch()
        while self.state.step < epochs:
            self.network.train()
            loss_sum, right, seen = 0.0, 0, 0
            for i, rows in enumerate(self._batches(steps)):
                rate = self.config.student_lr * SCHEDULES[self.config.optimizer](
                    self.state.step * steps + i, epochs * steps
                )
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                batch = self.data[rows]
                labels = batch.labels.to(self.device)
                logits = self.network(*(t.to(self.device) for t in self.inputs(self.augmented(batch.samples))))
                loss = finite(nn.functional.cross_entropy(logits, labels), "cross-entropy")
                step(loss, self.optimizer, self.config.clip)
                loss_sum, right = loss_sum + float(loss.detach()), right + int((logits.argmax(1) == labels).sum())
                seen += len(rows)
            self.state.step += 1
            self.state.counters["steps"] = self.state.counters.get("steps", 0) + steps
            yield {"loss/student": loss_sum / steps, "accuracy/training": right / seen, "rate/student": rate}

    def augmented(self, samples: Samples) -> Samples:
        """The samples after the changes that `Config.augment` names, drawn from the stream of the order."""
        for change in AUGMENTATIONS[self.config.augment]:
            assert isinstance(samples, Tensor), "Config allows augmentation of images only"
            samples = change(samples, self.order)
        return samples

    def _batches(self, steps: int) -> Iterator[torch.Tensor]:
        order = torch.randperm(len(self.data), generator=self.order)
        size = min(self.config.batch_size, len(self.data))
        return (order[i * size : (i + 1) * size] for i in range(steps))
