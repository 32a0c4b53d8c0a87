"""Optimisers, learning-rate schedules, and one step that refuses a gradient that is not finite."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zskt.errors import NonFiniteLoss
from zskt.losses import finite
from zskt.parallel.collectives import average_

Schedule = Callable[[int, int], float]
"""Factor on a learning rate, of iteration and iterations."""
ONE_CYCLE_RISE = 0.25
"""Share of the run in which the rate of `one_cycle` rises."""


def cosine(now: int, steps: int) -> float:
    """Fall from 1 to 0 over the run."""
    return 0.5 * (1 + math.cos(math.pi * now / steps))


def step_decay(now: int, steps: int) -> float:
    """Divide by 5 after 30, 60 and 80 % of the run (Zagoruyko and Komodakis, arXiv:1605.07146, section 3)."""
    return 0.2 ** sum(now >= share * steps for share in (0.3, 0.6, 0.8))


def multistep(now: int, steps: int) -> float:
    """Divide by 10 after 20 and 40 % of the run: DFAD's code, after 100 and 200 of 500 epochs."""
    return 0.1 ** sum(now >= share * steps for share in (0.2, 0.4))


def one_cycle(now: int, steps: int) -> float:
    """Rise from 0 to 1 over the first quarter of the run, and fall to 0 over the rest, by straight lines.

    L. N. Smith and N. Topin, "Super-convergence", arXiv:1708.07120: a few tens of epochs at rates that are too high for
    long reach what hundreds do.
    """
    share = (now + 1) / steps
    return min(share / ONE_CYCLE_RISE, (1 - now / steps) / (1 - ONE_CYCLE_RISE))


def constant(now: int, steps: int) -> float:
    """Stay at 1."""
    return 1.0


def drops(*shares: float) -> Schedule:
    """Return a schedule that is multiplied by 0.3 after each of these shares of the run, as DFME's code has it."""

    def fall(now: int, steps: int) -> float:
        return float(0.3 ** sum(now >= share * steps for share in shares))

    return fall


SCHEDULES: dict[str, Schedule] = {
    "cosine": cosine,
    "multistep": multistep,
    "constant": constant,
    "drops-10-30-50": drops(0.1, 0.3, 0.5),
    "drops-40-80": drops(0.4, 0.8),
    "drops-50-80": drops(0.5, 0.8),
}
"""How rates fall over a run, by the names that settings have: factors of iteration and iterations. Names of drops say
after how many per cent of the run they come."""


@dataclass(frozen=True, kw_only=True)
class StudentSchedule:
    """How many steps a student takes in each iteration, and at which learning rates."""

    iterations: int
    student_steps: int
    """On average over the run."""
    lr: float
    growth: float = 0.0
    """Steps of iteration i go with i^growth."""
    warmup: float = 0.0
    """Share of the steps in which the rate rises to the cosine."""

    def steps_until(self, iteration: int) -> int:
        """Count the student steps of all iterations before ``iteration``."""
        share: float = (iteration / self.iterations) ** (self.growth + 1)
        return round(self.iterations * self.student_steps * share)

    def rate(self, begin: int, end: int) -> float:
        """Return the learning rate of the student steps ``begin`` to ``end``."""
        steps = self.steps_until(self.iterations)
        rise = min(end / (self.warmup * steps), 1.0) if self.warmup else 1.0
        return self.lr * rise * cosine(begin, steps)


def adamw(parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """Make AdamW, its weight decay decoupled (I. Loshchilov and F. Hutter, arXiv:1711.05101)."""
    return torch.optim.AdamW(parameters, weight_decay=weight_decay, **_options(parameters, lr, "capturable"))


def adam(parameters: list[nn.Parameter], lr: float, betas: tuple[float, float] = (0.9, 0.999)) -> torch.optim.Optimizer:
    """Make Adam (D. Kingma and J. Ba, arXiv:1412.6980)."""
    return torch.optim.Adam(parameters, betas=betas, **_options(parameters, lr, "capturable"))


def nesterov(parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """Make stochastic gradient descent with Nesterov's momentum of 0.9."""
    momentum: dict[str, Any] = {"momentum": 0.9, "nesterov": True}
    return torch.optim.SGD(parameters, weight_decay=weight_decay, **momentum, **_options(parameters, lr))


def sgd(parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """Make stochastic gradient descent with a momentum of 0.9."""
    return torch.optim.SGD(parameters, momentum=0.9, weight_decay=weight_decay, **_options(parameters, lr))


OPTIMIZERS = {"adamw": adamw, "sgd": sgd}
"""Optimisers of a student that learns from pseudo-samples, by the names that settings have."""
OPTIMIZERS_WITH_SCHEDULES = {
    "adamw": (adamw, cosine),
    "sgd": (nesterov, step_decay),
    "one-cycle": (nesterov, one_cycle),
}
"""The same of one that learns from labels, with the schedule of each. Its "sgd" has Nesterov's momentum, as the
literature on wide ResNets has it; recorded runs hold both by that name."""


def generator_adam(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Make Adam as generators have it in the field, with a momentum of 0.5, for groups of "params" and "lr" each."""
    return torch.optim.Adam(groups, betas=(0.5, 0.999), fused=True)


def _options(parameters: list[nn.Parameter], lr: float, *flags: str) -> dict[str, Any]:
    """Return an optimiser's rate, and what makes its step one kernel; on a GPU the rate lies there, for CUDA graphs.

    Args:
        flags: further options that a graph needs.
    """
    if not parameters[0].is_cuda:
        return {"lr": lr, "fused": True}
    # The steps before the recording are not captured, and PyTorch finds them slow.
    warnings.filterwarnings("ignore", message="This instance was constructed with capturable=True")
    return {"lr": torch.tensor(lr, device=parameters[0].device), "fused": True} | dict.fromkeys(flags, True)


def set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of the steps to come; on a GPU in place, where a CUDA graph reads it."""
    for group in optimizer.param_groups:
        device = group["params"][0].device
        if device.type != "cuda":
            group["lr"] = lr
        elif isinstance(group["lr"], Tensor) and group["lr"].device == device:
            group["lr"].fill_(lr)
        else:  # out of a checkpoint, which lies on the CPU
            group["lr"] = torch.tensor(lr, device=device)


def step(loss: Tensor, optimizer: torch.optim.Optimizer, max_grad_norm: float = 0.0) -> None:
    """Take one step on ``loss`` of the optimiser's parameters alone, their gradient clipped to a norm if positive.

    Of several ranks each gives the loss of its own rows, and the gradients are averaged.

    On a GPU nothing waits for the check of the gradient: the step, and all later ones, leave the parameters as they
    are, and `require_finite` says so.

    Raises:
        NonFiniteLoss: if the gradient is NaN or infinite; the parameters stay as they were.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    average_([p.grad for p in parameters if p.grad is not None])
    norm = nn.utils.clip_grad_norm_(parameters, max_grad_norm or math.inf)
    _step_if_finite(optimizer, norm, loss)


def step_along(
    parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor], optimizer: torch.optim.Optimizer
) -> None:
    """Take one step of parameters along gradients that are there already, one of each; refuses as `step` does.

    Raises:
        NonFiniteLoss: if one is NaN or infinite; the parameters stay as they were.
    """
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    _step_if_finite(optimizer, nn.utils.get_total_norm(list(gradients)))


def _step_if_finite(optimizer: torch.optim.Optimizer, norm: Tensor, *others: Tensor) -> None:
    """Take a step if the norm of the gradient is finite; on a GPU if the other scalars are, too."""
    if norm.is_cuda:
        _skip_unless_finite(torch.stack([value.detach().float() for value in (*others, norm)]), optimizer)
    else:
        finite(norm, "norm of the gradient")
    optimizer.step()


def _skip_unless_finite(values: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Tell a fused optimiser, through its ``found_inf``, to skip this step and all later ones if a value is not finite.

    It is what `torch.amp.GradScaler` tells it by.
    """
    if not hasattr(optimizer, "found_inf"):
        optimizer.found_inf = torch.zeros((), device=values.device)  # type: ignore[attr-defined]
    optimizer.found_inf.logical_or_(~values.isfinite().all())  # type: ignore[attr-defined]


def require_finite(optimizer: torch.optim.Optimizer, whose: str) -> None:
    """Read what `step` found on a GPU; call it once an iteration.

    Raises:
        NonFiniteLoss: if loss or gradient were NaN or infinite; the parameters are those of before.
    """
    found = getattr(optimizer, "found_inf", None)
    if found is not None and bool(found):
        raise NonFiniteLoss(f"{whose} loss or gradient is not finite")
