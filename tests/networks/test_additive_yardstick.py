"""Additive networks beside explainable boosting machines of InterpretML, the yardstick of the field, if installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zskt.networks.additive import Additive

glassbox = pytest.importorskip("interpret.glassbox")


def fit(x: Tensor, probabilities: Tensor, smoothness: float, steps: int = 300) -> Additive:
    """Fit probabilities (N, K) by full batches of Adam."""
    network = Additive(x.shape[1], probabilities.shape[1], smoothness=smoothness)
    network.calibrate(x)
    optimizer = torch.optim.Adam(network.parameters(), 0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), probabilities).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


def test_breast_cancer_is_told_as_well_as_by_boosting() -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.metrics import roc_auc_score

    data: Any = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.target))
    train, test = order[:400], order[400:]
    ebm = glassbox.ExplainableBoostingClassifier(interactions=0, outer_bags=2, n_jobs=1, random_state=0)
    ebm.fit(data.data[train], data.target[train])
    theirs = roc_auc_score(data.target[test], ebm.predict_proba(data.data[test])[:, 1])
    x = torch.tensor(data.data, dtype=torch.float32)
    network = fit(x[train], nn.functional.one_hot(torch.tensor(data.target[train]), 2).float(), 1e-2)
    with torch.no_grad():
        ours = roc_auc_score(data.target[test], network(x[test]).softmax(1)[:, 1].numpy())
    assert theirs > 0.97 and ours > theirs - 0.01


def test_jets_are_explained_as_well_as_by_boosting() -> None:
    import teachers
    from tests.jets.samples import sample_jets
    from zskt.domains import DOMAINS
    from zskt.results.explain.scores import explained
    from zskt.viewed import make_view

    card = teachers.TEACHERS["zskt-particlenet"]
    view = make_view("observables", card.inputs, DOMAINS["jets"].views)
    batch = card.inputs(sample_jets(1200))
    with torch.no_grad():
        (x,) = view.transform(*batch)
        logits = torch.cat([card.load()(*(t[i : i + 200] for t in batch)) for i in range(0, 1200, 200)])
    train, test = slice(0, 800), slice(800, 1200)
    centred = logits - logits.mean(1, keepdim=True)
    theirs = []
    for k in range(logits.shape[1]):  # it takes no soft labels, so one regressor a class
        ebm = glassbox.ExplainableBoostingRegressor(interactions=0, outer_bags=1, n_jobs=1, random_state=0)
        ebm.fit(x[train].numpy(), centred[train, k].numpy())
        theirs.append(torch.tensor(ebm.predict(x[test].numpy())))
    network = fit(x[train], logits[train].softmax(1), 1e-3)
    with torch.no_grad():
        ours = network(x[test])
    by_boosting, by_network = (
        explained(logits[test], answer)["explained"] for answer in (torch.stack(theirs, 1), ours)
    )
    assert by_network > 0.3 and by_network > by_boosting - 0.03
    print(f"explained of 400 jets: {by_boosting:.3f} by boosting, {by_network:.3f} by the network")
