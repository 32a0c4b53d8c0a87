"""Training a network on labelled jets: how the teacher that ships with the project was made.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from teachers.inputs import JetInputs

from .config import Config
from .data import Labelled
from .distill import cosine
from .game import finite, step
from .state import State


class Classifier:
    """AdamW on the cross-entropy, cosine to zero, an epoch being a random order of all jets."""

    def __init__(
        self, network: nn.Module, data: Labelled, inputs: JetInputs, config: Config, device: torch.device
    ) -> None:
        self.network, self.data, self.inputs, self.config, self.device = network, data, inputs, config, device
        self.optimizer = torch.optim.AdamW(network.parameters(), config.student_lr, weight_decay=config.weight_decay)
        self.order = torch.Generator().manual_seed(config.seed * 4)
        self.state = State(
            parts={"student": network, "student_optimizer": self.optimizer},
            streams={"order": self.order},
            device=device,
        )

    def steps_an_epoch(self) -> int:
        return max(len(self.data) // self.config.batch_size, 1)

    def play(self, epochs: int) -> Iterator[dict[str, float]]:
        """Epochs up to number ``epochs``, yielding mean loss and accuracy on the training jets of each."""
        steps = self.steps_an_epoch()
        while self.state.step < epochs:
            self.network.train()
            loss_sum, right, seen = 0.0, 0, 0
            for i, rows in enumerate(self._batches(steps)):
                rate = self.config.student_lr * cosine(self.state.step * steps + i, epochs * steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                batch = self.data[rows]
                labels = batch.labels.to(self.device)
                logits = self.network(*(t.to(self.device) for t in self.inputs(batch.jets)))
                loss = finite(nn.functional.cross_entropy(logits, labels), "cross-entropy")
                step(loss, self.optimizer, self.config.clip)
                loss_sum, right = loss_sum + float(loss.detach()), right + int((logits.argmax(1) == labels).sum())
                seen += len(rows)
            self.state.step += 1
            self.state.counters["steps"] = self.state.counters.get("steps", 0) + steps
            yield {"loss/student": loss_sum / steps, "accuracy/training": right / seen, "rate/student": rate}

    def _batches(self, steps: int) -> Iterator[torch.Tensor]:
        order = torch.randperm(len(self.data), generator=self.order)
        size = min(self.config.batch_size, len(self.data))
        return (order[i * size : (i + 1) * size] for i in range(steps))
