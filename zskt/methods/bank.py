"""A memory bank: pseudo-samples that a method has made, and the student's steps on them.

It lies in memory, not in files of images, so that nothing is rounded to 8 bits and no disk is waited for.

Shapes: B batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.forward import CountedTeacher, Output
from zskt.images.augment import augmented
from zskt.methods.student import StudentStep, altered, alters
from zskt.parallel import collectives
from zskt.replay import ReplayBuffer, put_together


@dataclass
class Bank:
    """Pseudo-samples with the teacher's answers, from which a student learns.

    Args:
        rng: of the rows that are drawn and of augmentation.
        batch_size: B, of all ranks together.
        augment: name in `zskt.images.augment.AUGMENTATIONS`; the teacher is queried about the augmented samples.
        balance: as in `ReplayBuffer.draw`.
        cutmix, mixup, jitter: what changes a batch behind its augmentation, see `zskt.methods.student.altered`.
    """

    samples: ReplayBuffer
    teacher: CountedTeacher
    student: StudentStep
    rng: torch.Generator
    batch_size: int
    augment: str = "none"
    balance: float = 0.0
    cutmix: float = 0.0
    mixup: bool = False
    jitter: float = 0.0

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def asks_again(self) -> bool:
        """Whether the answers that are kept do not serve a student step."""
        return self.augment != "none" or alters(self) or not all(term.cacheable for term in self.student.terms)

    @torch.no_grad()
    def add(self, x: Batch) -> Output:
        """Query the teacher about a batch, keep both, and return the answers."""
        x = tuple(t.detach() for t in x)
        answer = self.teacher.query(x, [term for term in self.student.terms if term.cacheable])
        self.samples.add(x, answer)
        return answer

    def step(self, lr: float) -> tuple[Tensor, Output, Output]:
        """Take one student step on samples of the bank; the loss, the teacher's answers and the student's."""
        x, answer = put_together(*self.samples.draw(self.batch_size, self.rng, self.balance))
        if self.augment != "none":
            x = (collectives.own(augmented(collectives.whole(x[0]), self.augment, self.rng)),)
        x = altered(x, self, self.rng)
        if self.asks_again:
            answer = self.teacher.query(x, self.student.terms)
        loss, output = self.student(x, answer, lr)
        return loss, answer, output
