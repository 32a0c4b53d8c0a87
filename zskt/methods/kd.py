"""Knowledge distillation (KD) from given samples: the baseline that has data.

G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531. The teacher is
queried once about each sample, and its answers are kept; the same steps as the student of `zskt.methods.zskt` takes.
Where a budget of queries does not last for all samples, it learns from as many, chosen at random: data may be sorted.
From shards of answers (mode ``answers``) it is not queried at all.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from zskt.checkpoint import TrainState
from zskt.dataset import Labelled
from zskt.device import to_device
from zskt.errors import UserError
from zskt.forward import CountedTeacher, Output
from zskt.markdown import integer
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.student import StudentStep, altered, alters, ema_of, init_from_teacher, student_terms, trainable
from zskt.methods.student_settings import RegressingStudentConfig
from zskt.optim import adamw, cosine
from zskt.parallel.collectives import share_of
from zskt.parallel.ranks import world
from zskt.replay import ReplayBuffer, put_together
from zskt.settings import sample_count, setting
from zskt.shard_stream import ShardStream
from zskt.teacher_access import ACCESSES
from zskt.terminal import note
from zskt.terms import TERMS
from zskt.terms.term import Term

FEWEST = 2
"""Answers that it can learn from: what normalises over a batch cannot do with less."""
QUERY_BATCH = 256
"""Samples that the teacher is asked about at once."""


@dataclass(frozen=True, kw_only=True)
class KDConfig(RegressingStudentConfig):
    """Settings of knowledge distillation. Losses are in nats per example."""

    iterations: int = setting(400, minimum=1)
    """Iterations of `student_steps` steps each."""
    batch_size: int = sample_count(128)
    """B: samples a student step."""
    student_steps: int = setting(10, minimum=1)
    """Student steps an iteration."""
    student_lr: float = setting(2e-3, minimum=0)
    """Learning rate of AdamW; falls to 0 by a cosine over the run."""
    weight_decay: float = setting(0.0, minimum=0)
    """Decoupled weight decay (AdamW)."""


class KD(Method):
    """Student steps on samples whose answers are kept."""

    Config = KDConfig
    needs_generator = False
    needs_data = True
    accesses = ACCESSES

    def __init__(self, config: KDConfig, setup: Setup) -> None:
        assert (setup.data is not None and setup.inputs is not None) or setup.shards is not None
        share_of(config.batch_size)
        self.config, self.data, self.inputs, self.seed = config, setup.data, setup.inputs, setup.seed
        pair, device = setup.pair, setup.device
        if config.init_from_teacher:
            init_from_teacher(pair)
        self.terms = student_terms(config, pair)
        self.cacheable = [term for term in self.terms if term.cacheable]
        optimizer = adamw(trainable(pair.student), config.student_lr, config.weight_decay)
        self.samples = _samples(setup)
        average = ema_of(pair.student, config.ema_decay)
        self.rng = torch.Generator(device).manual_seed(4 * setup.seed + 1)
        self.state = TrainState(
            parts={"student": pair.student, "student_optimizer": optimizer, "samples": self.samples},
            streams={"replay": self.rng},
            device=device,
        )
        if average is not None:
            self.state.parts["average"] = average
        self.student_step = StudentStep(pair, self.terms, self.state, optimizer, config.max_grad_norm, average)
        self.teacher = CountedTeacher(pair, self.state)
        self.meter = pair.meter if pair.meter is not None and pair.meter.limit else None
        self.asks_again = _asks_again(config, setup, self.terms)
        if self.meter is not None and setup.data is not None:
            least = min(config.batch_size if self.asks_again else FEWEST, len(setup.data))
            if self.meter.affordable(least) < least - least % world().size:
                smaller = ", or a smaller batch_size" if self.asks_again else ""
                raise UserError(
                    f"queries is {self.meter.limit}, but kd needs {least} answers before its first step: give more"
                    + smaller
                )

    @classmethod
    def queries_of(cls, config: KDConfig, setup: Setup | None = None) -> int | None:
        """Return what all steps ask, where answers cannot be kept; None where they are."""
        kept = all(TERMS[name].cacheable for name, weight in config.terms.items() if weight)
        again = alters(config) or config.hint_weight or not kept
        if setup is not None:
            again = _asks_again(config, setup, student_terms(config, setup.pair))
        return config.iterations * config.student_steps * config.batch_size if again else None

    def fill(self) -> None:
        """Query the teacher about the samples, once each, and keep its answers; each rank does so with its own.

        Where the steps ask again, no answer is kept, and none is asked for here. A budget pays for as many samples as
        it lasts for.
        """
        assert isinstance(self.samples, ReplayBuffer) and self.data is not None and self.inputs is not None
        here, data = world(), self._affordable(self.data)
        before = self.state.counters.get("teacher_queries", 0)
        count = len(data)
        starts = range(0, count, QUERY_BATCH * here.size)
        for i in tqdm(starts, "teacher queries", disable=None, unit="batch", leave=False):
            end = min(i + QUERY_BATCH * here.size, count)
            first = min(i + here.rank, count - 1)  # fewer samples are left than ranks: one is queried and not kept
            batch = self.inputs(data.samples[first : end : here.size])
            x = tuple(to_device(t, self.state.device) for t in batch)
            kept = slice(len(range(i + here.rank, end, here.size)))
            nothing = Output(x[0].new_zeros(len(x[0]), 0))
            answer = nothing if self.asks_again else self.teacher.query(x, self.cacheable)
            self.samples.add(tuple(t[kept] for t in x), answer.rows(kept), end - i)
        if not self.asks_again:
            self.state.counters["teacher_queries"] = before + count

    def _affordable(self, data: Labelled) -> Labelled:
        """Return as many samples as the budget pays answers for: all, or some at random; a line says how many."""
        if self.meter is None or self.asks_again:
            return data
        count = len(data)
        asked = count + -count % world().size  # all ranks ask about as many
        if self.meter.affordable(asked) == asked:
            return data
        left = self.meter.affordable(count)
        if world().leader:
            of = f"{integer(left)} of {integer(count)}"
            note(f"zskt: queries {self.meter.limit}: kd learns from {of} samples, chosen at random")
        return data[torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))[:left].sort().values]

    def run(self) -> Iterator[Metrics]:
        """Take student steps to the last iteration, and yield what each iteration has to log."""
        config, state = self.config, self.state
        if not len(self.samples):  # a resumed run has them
            self.fill()
        while state.step < config.iterations:
            lr = config.student_lr * cosine(state.step, config.iterations)
            for _ in range(config.student_steps):
                used = self.samples.used if isinstance(self.samples, ShardStream) else 0
                x, answer = self.samples.draw(config.batch_size, self.rng)
                if isinstance(self.samples, ReplayBuffer):
                    x, answer = put_together(x, answer)
                x = altered(x, config, self.rng)
                if self.asks_again:
                    answer = self.teacher.query(x, self.terms)
                elif isinstance(self.samples, ShardStream):
                    state.count("teacher_queries", self.samples.used - used)  # asked before the run
                loss, output = self.student_step(x, answer, lr)
            metrics = self.student_step.metrics(loss, answer.logits, output.logits)
            state.step += 1
            yield {**metrics, "rate/student": lr}

    @property
    def result(self) -> torch.nn.Module:
        """The student that the run leaves."""
        return self.student_step.result


def _asks_again(config: KDConfig, setup: Setup, terms: Sequence[Term]) -> bool:
    """Whether the teacher is asked in each step: its answers cannot be kept, or lack what a term compares."""
    return (
        getattr(setup.pair.teacher, "draws", False)
        or alters(config)
        or not all(term.cacheable for term in terms)
        or (setup.shards is not None and any(term.needs_layers for term in terms))
    )


def _samples(setup: Setup) -> ReplayBuffer | ShardStream:
    """Make what batches are drawn from: a buffer of all samples, or a stream of answered ones."""
    if setup.shards is not None:
        return ShardStream(setup.shards, setup.seed, setup.device)
    assert setup.data is not None
    return ReplayBuffer(len(setup.data), setup.device)
