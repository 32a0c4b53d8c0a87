"""Pseudo-samples and test samples in the plane of the teacher's two strongest features (PCA).

Shapes: B samples, F features.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.dataset import drawn_rows
from zskt.experiments.finished import FinishedRun
from zskt.experiments.result import DATA_FREE
from zskt.experiments.run_generator import rebuild_generator
from zskt.forward import evaluating
from zskt.plots.palette import BLUE, VERMILLION
from zskt.plots.plot import FONT_SIZE, Panel, Plot, legend, panel_axes

SAMPLES = 500
"""Points of each kind, at most."""


@torch.no_grad()
def features(network: nn.Module, x: Batch) -> tuple[Tensor, str]:
    """Return what a network's last linear layer takes, (B, F), or its logits where it has none; and which it is.

    Raises:
        TypeError: if the network has no forward pass for the batch.
    """
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1:]
    seen: list[Tensor] = []
    handles = [module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) for module in last]
    try:
        with evaluating(network):
            logits = network(*x)
    finally:
        for handle in handles:
            handle.remove()
    if seen and len(seen[-1]) == len(logits):
        return seen[-1].flatten(1).cpu(), "inputs of its last layer"
    return logits.flatten(1).cpu(), "logits"


@torch.no_grad()
def feature_plane(run: FinishedRun) -> Plot | None:
    """Draw test samples and the generator's pseudo-samples in the plane of the teacher's features of the former.

    None where there is no generator, no teacher or no test sample.
    """
    evaluator, card = run.evaluator, run.card
    if run.config.mode not in DATA_FREE or evaluator.teacher is None or evaluator.missing or len(evaluator.data) < 3:
        return None
    generator, _ = rebuild_generator(run)
    batch = generator.eval().draw(SAMPLES, torch.Generator().manual_seed(0))
    chosen = drawn_rows(len(evaluator.data), SAMPLES)
    real = card.inputs(evaluator.data[chosen].samples)
    places = []
    for x in (real, batch.x):
        found, layer = features(evaluator.teacher, tuple(t.to(evaluator.device) for t in x))
        places.append(found.double().numpy())
    if places[0].shape[1] < 2:
        return None
    pca = PCA(2, random_state=0).fit(places[0])
    axes = panel_axes(width=4.2, height=3.6)
    rows: list[dict[str, object]] = []
    for name, several, colour, marker in (("test samples", places[0], BLUE, "o"),
                                          ("pseudo-samples", places[1], VERMILLION, "x")):  # fmt: skip
        x, y = pca.transform(several).T
        axes.scatter(x, y, s=9, c=colour, marker=marker, alpha=0.55, linewidths=0.7, label=name)
        rows += [{"kind": name, "component 1": float(a), "component 2": float(b)} for a, b in zip(x, y, strict=True)]
    shares = 100 * np.asarray(pca.explained_variance_ratio_)
    axes.set_xlabel(f"component 1 ({shares[0]:.0f} % of the variance)", fontsize=FONT_SIZE)
    axes.set_ylabel(f"component 2 ({shares[1]:.0f} %)", fontsize=FONT_SIZE)
    legend(axes)
    figure = axes.figure
    assert isinstance(figure, Figure)
    note = (
        f"Principal components of the teacher's features ({layer}) of the test samples; both kinds are shown in them."
    )
    return Plot("Features of the teacher", (Panel("", figure, rows),), note)
