"""Training a network on labelled samples, alone or beside a teacher: how the teachers were made that nobody publishes,
and the yardsticks of zero-shot.

G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531 (KD);
S. Zagoruyko and N. Komodakis, "Paying more attention to attention", arXiv:1612.03928, equation 2 (AT).

Shapes: B batch, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch, Inputs, Samples
from zskt.dataset import Labelled
from zskt.experiments.config import Config
from zskt.forward import ask
from zskt.images.augment import AUGMENTATIONS
from zskt.losses import attention_distance, divergence, finite, step
from zskt.optim import cosine
from zskt.pair import Pair


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
    """A student of labels and, if there is one, of a teacher, in turns over a random order of all samples.

    Its loss is (1 - alpha) cross-entropy + alpha T^2 KL(teacher || student), softened by T, both in nats per example,
    + beta times the attention distance; without a teacher, the cross-entropy.

    Args:
        steps: a turn has so many; None makes a turn an epoch.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Labelled,
        inputs: Inputs,
        config: Config,
        device: torch.device,
        teacher: nn.Module | None = None,
        steps: int | None = None,
    ) -> None:
        self.network, self.data, self.inputs, self.config, self.device = network, data, inputs, config, device
        self.players = None if teacher is None else Pair(teacher, network)
        self.size = min(config.batch_size, len(data))
        self.steps = steps or max(len(data) // self.size, 1)
        self.optimizer = OPTIMIZERS[config.optimizer](network, config)
        self.order = torch.Generator().manual_seed(config.seed * 4)
        self.state = TrainState(
            parts={"student": network, "student_optimizer": self.optimizer},
            streams={"order": self.order},
            device=device,
        )

    def play(self, turns: int) -> Iterator[dict[str, float]]:
        """Turns up to number ``turns``, yielding mean loss and accuracy on the training samples of each."""
        while self.state.step < turns:
            self.network.train()
            loss_sum, right = 0.0, 0
            for i, rows in enumerate(self._batches()):
                fall = SCHEDULES[self.config.optimizer](self.state.step * self.steps + i, turns * self.steps)
                rate = self.config.student_lr * fall
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                batch = self.data[rows]
                labels = batch.labels.to(self.device)
                x = tuple(t.to(self.device) for t in self.inputs(self.augmented(batch.samples)))
                loss, logits = self.loss(x, labels)
                step(loss, self.optimizer, self.config.clip)
                loss_sum, right = loss_sum + float(loss.detach()), right + int((logits.argmax(1) == labels).sum())
            self.state.step += 1
            self.count("steps", self.steps)
            yield {
                "loss/student": loss_sum / self.steps,
                "accuracy/training": right / (self.steps * self.size),
                "rate/student": rate,
            }

    def loss(self, x: Batch, labels: Tensor) -> tuple[Tensor, Tensor]:
        """A scalar, and the student's logits (B, K)."""
        players, config = self.players, self.config
        if players is None:
            logits: Tensor = self.network(*x)
            return finite(nn.functional.cross_entropy(logits, labels), "cross-entropy"), logits
        with torch.no_grad():
            answer = ask(players.teacher, x, players.layers(players.teacher, config.beta))
        self.count("teacher_queries", len(labels))
        said = ask(self.network, x, players.layers(self.network, config.beta))
        loss = (1 - config.alpha) * finite(nn.functional.cross_entropy(said.logits, labels), "cross-entropy")
        kl = finite(divergence(answer.logits, said.logits, config.temperature).mean(), "student's KL")
        loss = loss + config.alpha * kl
        if config.beta:
            loss = loss + config.beta * finite(attention_distance(answer.attention, said.attention), "attention")
        return loss, said.logits

    def count(self, what: str, n: int) -> None:
        self.state.counters[what] = self.state.counters.get(what, 0) + n

    def augmented(self, samples: Samples) -> Samples:
        """The samples after the changes that `Config.augment` names, drawn from the stream of the order."""
        for change in AUGMENTATIONS[self.config.augment]:
            assert isinstance(samples, Tensor), "Config allows augmentation of images only"
            samples = change(samples, self.order)
        return samples

    def _batches(self) -> Iterator[Tensor]:
        """Rows of the batches of a turn: as many random orders of all samples as that takes, one after the other."""
        orders = math.ceil(self.steps * self.size / len(self.data))
        order = torch.cat([torch.randperm(len(self.data), generator=self.order) for _ in range(orders)])
        return (order[i * self.size : (i + 1) * self.size] for i in range(self.steps))
