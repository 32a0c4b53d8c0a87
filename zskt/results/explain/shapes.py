"""Shape functions in the one form in which they can be read: centred over classes and samples, pairs purified.

Many additive networks answer the same. A function common to all classes changes no probability (X. Zhang et al.,
"Axiomatic interpretability for multiclass additive models", arXiv:1810.09092); a constant may be moved to the bias; a
part of a pair's function that depends on one feature alone belongs to that feature's shape (B. Lengerich et al.,
"Purifying interaction effects with the functional ANOVA", arXiv:1911.04974).

Shapes: N samples, F features, M knots, m coarse knots, O outputs of which K are classes, Q pairs.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zskt.networks.additive import Additive, hats


@torch.no_grad()
def readable(network: Additive, x: Tensor, classes: int) -> Additive:
    """Return an additive network with the same probabilities, in double precision, whose functions can be read.

    Args:
        x: (N, F), the samples over which means are zero.
        classes: K, outputs that are one choice; 0 of independent labels, which have no function in common.
    """
    form, x = copy.deepcopy(network).double().eval().requires_grad_(False), x.double()
    if form.surfaces is not None:
        _purify(form, x)
    if classes:
        for values in (form.shapes, form.bias, *([] if form.surfaces is None else [form.surfaces])):
            values[..., :classes] -= values[..., :classes].mean(-1, keepdim=True)
    mean = torch.einsum("fm,fmo->fo", hats(x, form.knots).mean(0), form.shapes)
    form.shapes.sub_(mean.unsqueeze(1))
    form.bias.add_(mean.sum(0))
    return form


def _purify(form: Additive, x: Tensor) -> None:
    """Move to the shapes what a pair's function says of one feature.

    That is its closest sum of two piecewise-linear functions of one feature each, over the samples; what is left is
    orthogonal to all such functions.
    """
    assert form.surfaces is not None
    coarse, count = hats(x, form.coarse_knots), form.coarse_knots.shape[1]
    fine = torch.stack([hats(knots.unsqueeze(1), row.unsqueeze(0)).squeeze(1)
                        for knots, row in zip(form.knots, form.coarse_knots, strict=True)])  # fmt: skip
    for q, pair in enumerate(form.pairs):
        basis = torch.cat([coarse[:, feature] for feature in pair], 1)
        grid = (coarse[:, pair[0]].unsqueeze(2) * coarse[:, pair[1]].unsqueeze(1)).flatten(1)
        surface = form.surfaces[q]
        # The pseudo-inverse: a constant may be of either feature, and no sample may be near a knot.
        effects = torch.linalg.pinv(basis.T @ basis, rtol=1e-10, hermitian=True) @ (basis.T @ (grid @ surface))
        first, second = effects[:count], effects[count:]
        form.surfaces[q] -= (first.unsqueeze(1) + second.unsqueeze(0)).flatten(0, 1)
        for feature, effect in zip(pair, (first, second), strict=True):
            form.shapes[feature] += fine[feature] @ effect


@torch.no_grad()
def contributions(form: Additive, x: Tensor) -> Tensor:
    """Return what each shape adds to the outputs of samples (N, F): (N, F, O)."""
    return torch.einsum("nfm,fmo->nfo", hats(x.double(), form.knots), form.shapes)


@torch.no_grad()
def pair_contributions(form: Additive, x: Tensor) -> Tensor:
    """Return what each pair adds to the outputs of samples (N, F): (N, Q, O)."""
    if form.surfaces is None:
        return torch.zeros(len(x), 0, len(form.bias), dtype=torch.float64)
    return torch.einsum("nqp,qpo->nqo", form.pair_basis(x.double()), form.surfaces)


@torch.no_grad()
def curves(form: Additive, grid: Tensor) -> Tensor:
    """Return the shapes at points of each feature, (G, F) -> (G, F, O)."""
    return contributions(form, grid)
