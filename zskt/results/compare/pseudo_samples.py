"""Pictures of what each entrant of a comparison showed its student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from zskt.contracts import PseudoBatch
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import FinishedRun, open_run
from zskt.experiments.run_generator import rebuild_generator
from zskt.results.compare.group import Group
from zskt.results.html_page import png
from zskt.storage.checkpoint_file import read_checkpoint
from zskt.terminal import note


def pseudo_samples(groups: Sequence[Group], catalog: Catalog) -> Iterator[dict[str, str]]:
    """Yield a picture of the pseudo-samples of each entrant's first seed; none where a domain has no pictures.

    A run that cannot be opened is told of on standard error and left out.
    """
    for group in groups:
        if group.is_reference or group.results[0].generator is None:
            continue
        try:
            picture = _picture(group, catalog)
        except UserError as error:
            note(f"zskt: {error}; its pseudo-samples are left out")
            continue
        if picture is not None:
            yield picture


@torch.no_grad()
def _picture(group: Group, catalog: Catalog) -> dict[str, str] | None:
    run = open_run(group.records[0].folder, catalog)
    domain = DOMAINS[run.card.domain]
    batch, when = _from_bank(run, domain.pictured), "the last ones of the memory bank"
    if batch is None:
        generator, as_left = rebuild_generator(run)
        batch = generator.eval().draw(2 * domain.pictured, torch.Generator().manual_seed(0))
        when = "at the end of the run" if as_left else "as the run began"
    figure = domain.picture(batch, None, run.card)
    if figure is None:
        return None
    note = f"Seed {run.config.seed}, {when}."
    return {"title": f"Pseudo-samples of {group.label}", "png": png(figure), "note": note}


def _from_bank(run: FinishedRun, count: int) -> PseudoBatch | None:
    """Return images that an inversion method has kept; None where it kept none, or where x does not say it all."""
    checkpoint = run.folder / "checkpoint.pt"
    if run.card.domain != "images" or not checkpoint.is_file():
        return None
    bank = read_checkpoint(checkpoint)["parts"].get("bank")
    if not isinstance(bank, dict) or "x.0" not in bank.get("columns", {}):
        return None
    images = bank["columns"]["x.0"]
    end = bank["seen"] % len(images) or len(images)  # the oldest are written over, from the front
    return PseudoBatch(x=(images[max(end - count, 0) : end].float(),))
