"""Pseudo-jets of a run, and simulated ones, as numbers that a page draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from zskt.dataset import Labelled
from zskt.domains import Source
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.finished import FinishedRun, read_config
from zskt.experiments.run_generator import rebuild_generator
from zskt.jets.event_display import PARTICLE_COLOURS
from zskt.jets.jetclass import read_jets
from zskt.jets.jets import JETCLASS_RADIUS, Jets
from zskt.jets.sample import SAMPLE

COUNT = 12
"""Jets of each sort."""


@torch.no_grad()
def pseudo_jets(run: Path, catalog: Catalog) -> dict[str, Any]:
    """Return jets of a run's generator as it was left, and simulated jets that ship.

    Returns:
        "kinds" of particles, half the "side" of the plane, lists "pseudo" and "simulated" of jets: "pt" and "mass" in
        GeV, and "particles" as (deta, dphi, pt in GeV, number of the kind).

    Raises:
        UserError: if the run is damaged, or its samples are no jets.
    """
    config, _ = read_config(run)
    catalog = catalog.with_run(run)
    card = catalog.card(config)
    if card.domain != "jets":
        raise UserError(f"{run}: is of {card.domain}, not of jets; look at its report")
    nobody = Evaluator(Source("", "", "jet", _no_samples), card, None, torch.device("cpu"))
    generator, _ = rebuild_generator(FinishedRun(run, config, nn.Identity(), nobody, {}, catalog))
    batch = generator.eval().draw(4 * COUNT, torch.Generator().manual_seed(config.seed))
    simulated = read_jets(SAMPLE, most=COUNT).samples
    if not isinstance(batch.view, Jets) or not isinstance(simulated, Jets):
        raise UserError(f"{run}: its generator makes no jets that can be drawn; look at its report")
    return {
        "kinds": [label for label, _ in PARTICLE_COLOURS.values()] + ["others"],
        "side": JETCLASS_RADIUS,
        "pseudo": [_jet(batch.view, i) for i in range(min(COUNT, len(batch.view)))],
        "simulated": [_jet(simulated, i) for i in range(len(simulated))],
    }


def _jet(jets: Jets, i: int) -> dict[str, Any]:
    """Return one jet: what it is, and its particles."""
    here = jets.mask[i]
    flags = torch.stack([getattr(jets, name)[i][here] > 0 for name in PARTICLE_COLOURS])
    kinds = torch.where(flags.any(0), flags.int().argmax(0), len(PARTICLE_COLOURS))
    columns = (jets.deta[i][here], jets.dphi[i][here], jets.pt[i][here])
    particles = [
        (round(x, 4), round(y, 4), round(pt, 3), kind)
        for x, y, pt, kind in zip(*(column.tolist() for column in columns), kinds.tolist(), strict=True)
    ]
    return {"pt": round(float(jets.jet_pt[i])), "mass": round(float(jets.mass[i])), "particles": particles}


def _no_samples() -> Labelled:
    raise UserError("no samples are needed")
