# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # A method of your own, in 40 lines
#
# A method is its settings and its loop. This one asks the teacher about samples between pseudo-samples: it mixes two
# of them before the teacher answers (mixup, H. Zhang et al., arXiv:1710.09412). The generator is only sampled.

# %%
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

import zskt
from zskt.checkpoint import TrainState
from zskt.forward import CountedTeacher
from zskt.methods.student import StudentStep
from zskt.optim import cosine
from zskt.settings import Settings, setting
from zskt.terms import KL


@dataclass(frozen=True, kw_only=True)
class MixupConfig(Settings):
    """Settings of distillation on mixed pseudo-samples."""

    iterations: int = setting(400, minimum=1)
    batch_size: int = setting(128, minimum=2)
    student_lr: float = setting(5e-3, minimum=0)


class Mixup(zskt.Method):
    """Distillation on mixtures of two pseudo-samples."""

    Config = MixupConfig
    needs_generator, needs_data = True, False

    def __init__(self, config: MixupConfig, setup: zskt.Setup) -> None:
        self.config, self.generator = config, setup.generator
        self.rng = torch.Generator(setup.device).manual_seed(setup.seed)
        optimizer = torch.optim.AdamW(setup.pair.student.parameters(), config.student_lr)
        parts = {"student": setup.pair.student, "student_optimizer": optimizer}
        self.state = TrainState(parts=parts, streams={"latent": self.rng}, device=setup.device)
        self.terms = (KL(),)
        self.teacher = CountedTeacher(setup.pair, self.state)
        self.student_step = StudentStep(setup.pair, self.terms, self.state, optimizer)

    def run(self) -> Iterator[dict[str, float]]:
        while self.state.step < self.config.iterations:
            batch = self.generator.sample(self.config.batch_size, self.rng)
            share = torch.rand(1, generator=self.rng, device=self.rng.device)
            x = tuple(share * t + (1 - share) * t.roll(1, 0) for t in batch.x)
            lr = self.config.student_lr * cosine(self.state.step, self.config.iterations)
            loss, _ = self.student_step(x, self.teacher.query(x), lr)
            self.state.step += 1
            yield {"loss/student": float(loss)}

    @property
    def result(self) -> nn.Module:
        return self.student_step.result


# %% [markdown]
# Try it on a teacher of 16 numbers, beside the method that ships.

# %%
torch.manual_seed(0)
teacher = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 5))
test = torch.randn(4000, 16)


def student() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))


# %%
figures = {}
for method in (Mixup, "zskt"):
    generator = zskt.generators.tabular(-3.0, 3.0, size=16)
    run = zskt.distill(teacher, student(), generator=generator, method=method, iterations=300, evaluate=test)
    figures[run.method] = run.evaluation["agreement"]
    print(f"{run.method}: agreement {run.evaluation['agreement']:.3f}, {run.teacher_queries} teacher queries")

# %% [markdown]
# To keep it, put the two classes into a file of `zskt/methods/` and name it in `METHODS`: the command line, resume,
# TensorBoard and the tables then work with it. [Add a method](../how-to/add-a-method.md) shows the whole change.
