"""How a run ends that cannot go on: it diverges, or a file cannot be written. One line says what is left of it.

Losses and gradients are looked at before each step, see `zskt.optim.step`. A step with a finite gradient may still
leave parameters that are not, at a rate of 1e38: these are looked at before they are judged or saved, so that a
checkpoint that is there is good.
"""

from __future__ import annotations

import contextlib
import math
import shlex
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.errors import NonFiniteLoss, UserError
from zskt.experiments.interrupt import how_to_go_on
from zskt.experiments.run_folder import RunFolder


def require_finite_parameters(state: TrainState) -> None:
    """Read the largest parameter, and the running statistics, of each network of a run: one reading of a GPU each.

    Raises:
        NonFiniteLoss: naming iteration and network, if one is NaN or infinite.
    """
    for name, part in state.parts.items():
        if isinstance(part, nn.Module):
            tensors = [t.detach() for t in _trained(part) if t.is_floating_point() and t.numel()]
            if tensors and not torch.isfinite(nn.utils.get_total_norm(tensors, math.inf)):
                raise NonFiniteLoss(f"iteration {state.step}: a parameter of the {name} is not finite")


def _trained(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.running_mean is not None:
            yield module.running_mean
            if module.running_var is not None:
                yield module.running_var


@contextlib.contextmanager
def saying_what_is_left(folder: RunFolder, state: TrainState) -> Iterator[None]:
    """Add to an error that ends a run which checkpoint is the last good one.

    Raises:
        NonFiniteLoss: if the run diverges.
        UserError: if a file of the run cannot be written.
    """
    try:
        yield
    except NonFiniteLoss as error:
        where = shlex.quote(str(folder.checkpoint))
        left = "nothing was saved" if state.saved_step is None else f"good until iteration {state.saved_step}: {where}"
        raise NonFiniteLoss(f"{error}; {left}") from error
    except BrokenPipeError:
        raise
    except OSError as error:
        where = str(error.filename or folder.path)
        raise UserError(f"{where}: {error.strerror or error}; mend that; {how_to_go_on(folder.path)}") from error
