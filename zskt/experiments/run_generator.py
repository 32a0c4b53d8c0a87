"""The generator of a finished run, rebuilt for pictures and for calibration."""

from __future__ import annotations

import torch

from zskt.domains import DOMAINS
from zskt.experiments.build import build_student
from zskt.experiments.finished import FinishedRun
from zskt.generator import Generator, is_trainable
from zskt.storage.checkpoint_file import read_checkpoint


def rebuild_generator(run: FinishedRun) -> tuple[Generator, bool]:
    """Rebuild the generator of a run, in training mode, as the student saw it.

    A run that has lost its checkpoint gives the generator as the run began; one that had none, the domain's default.

    Returns:
        the generator, and whether it is as the run left it.

    Raises:
        UserError: if the checkpoint is damaged.
    """
    config, card = run.config, run.card
    own = config.generator in run.catalog.generators
    with torch.random.fork_rng(devices=[]):
        if own:
            build_student(config, card, run.catalog)  # seeds, and draws what the run drew before its generator
        else:
            torch.manual_seed(config.seed)
        name = str(config.generator) if own else DOMAINS[card.domain].default_generator
        generator: Generator = run.catalog.generators[name].build(card.inputs)
    checkpoint = run.folder / "checkpoint.pt"
    state = read_checkpoint(checkpoint)["parts"].get("generator") if own and checkpoint.is_file() else None
    if state is not None:
        generator.load_state_dict(state)
    return generator, own and (state is not None or not is_trainable(generator))
