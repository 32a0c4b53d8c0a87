"""Additive students beside explainable boosting machines (EBM), the yardstick of the field for sums of shapes.

On breast cancer both learn from labels. On jets both learn what a tagger answers, as functions of observables: boosting
from simulated jets, ours from as many, and from none. Needs interpret-core (``requirements-test.txt``).

Shapes: N samples, F features, K classes.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from zskt.api import distill
from zskt.contracts import Batch
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.jets.student_views import VIEWS
from zskt.networks.additive import Additive
from zskt.results.explain.scores import explained
from zskt.systems.jets_response import PRESET, TEACHER, halves
from zskt.systems.system import Figures, System, learned
from zskt.viewed import Viewed, make_view

TRAINED = 400
"""Of the 569 tumours, those that are learned from; the others are judged."""
SMOOTHNESS = 1e-2
"""Of the shapes of so few samples."""
ITERATIONS, STEPS, RATE = 50, 10, 0.04
"""Iterations of a student of jets, its steps in each, and its learning rate: the problem is convex."""
BATCH = 128
ARMS = ("jets, EBM from 1 000 jets", "jets, additive from 1 000 jets", "jets, additive without data")
FIGURES = ("explained", "agreement", "ado")


def additive_yardstick(seed: int, catalog: Catalog) -> Figures:
    """Fit boosting machines and additive networks: AUROC of tumours, and shares of a tagger that are explained."""
    return breast_cancer(seed) | jets(seed, catalog)


def _glassbox() -> Any:
    try:
        return import_module("interpret.glassbox")
    except ImportError:
        raise UserError("--only additive-yardstick: needs interpret-core: pip install interpret-core") from None


def breast_cancer(seed: int) -> Figures:
    """Learn from the labels of some tumours: AUROC on the others."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.metrics import roc_auc_score

    x, labels = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    train, test = order[:TRAINED], order[TRAINED:]
    ebm = _glassbox().ExplainableBoostingClassifier(interactions=0, n_jobs=1, random_state=seed)
    ebm.fit(x[train], labels[train])
    features = torch.tensor(x, dtype=torch.float32)
    torch.manual_seed(seed)
    network = Additive(features.shape[1], 2, smoothness=SMOOTHNESS)
    network.calibrate(features[train])
    fitted = learned(
        network, features[train], torch.tensor(labels[train]).long(), epochs=300, seed=seed, batch_size=TRAINED,
        student_lr=0.05, weight_decay=0.0,
    ).eval()  # fmt: skip
    with torch.no_grad():
        ours = fitted(features[test]).softmax(1)[:, 1]
    return {
        "breast cancer, EBM: AUROC": float(roc_auc_score(labels[test], ebm.predict_proba(x[test])[:, 1])),
        "breast cancer, additive: AUROC": float(roc_auc_score(labels[test], ours.numpy())),
    }


def jets(seed: int, catalog: Catalog) -> Figures:
    """Explain the teacher that ships by sums of functions of one observable each, on jets that nothing learned from."""
    card = catalog.teachers[TEACHER]
    teacher, view = card.load(), make_view("observables", card.inputs, VIEWS)
    some, test = (card.inputs(data.samples) for data in halves(card))
    own: dict[str, Any] = {"iterations": ITERATIONS, "student_steps": STEPS, "student_lr": RATE}
    preset = catalog.presets[PRESET].settings.to_dict() | own

    def student() -> nn.Module:
        network: nn.Module = catalog.students["additive"].build(view.inputs, len(card.classes))
        return Viewed(view, network)

    play = partial(distill, teacher, seed=seed, progress=False)
    without = play(
        student(), generator=catalog.generators["shower"].build(card.inputs), method="zskt", **preset
    ).student
    with_jets = play(
        student(), data=DataLoader(TensorDataset(*some), BATCH), method="kd", batch_size=BATCH, **own
    ).student
    logits = _answers(teacher, test)
    by_arm = dict(
        zip(
            ARMS,
            (
                _boosted(view.transform(*some)[0], _answers(teacher, some), view.transform(*test)[0], seed),
                _answers(with_jets, test),
                _answers(without, test),
            ),
            strict=True,
        )
    )
    scores = {arm: explained(logits, answers) for arm, answers in by_arm.items()}
    return {f"{arm}: {figure}": scores[arm][figure] for arm in ARMS for figure in FIGURES}


def _boosted(x: Tensor, logits: Tensor, test: Tensor, seed: int) -> Tensor:
    """Fit a boosting machine to each centred logit, for it takes no soft labels: its answers to other samples, (N, K).

    Args:
        x, test: observables, (N, F).
        logits: of the samples ``x``, (N, K).
    """
    centred = logits - logits.mean(1, keepdim=True)
    columns = []
    for k in range(logits.shape[1]):
        ebm = _glassbox().ExplainableBoostingRegressor(interactions=0, n_jobs=1, random_state=seed)
        ebm.fit(x.numpy(), centred[:, k].numpy())
        columns.append(torch.tensor(ebm.predict(test.numpy())))
    return torch.stack(columns, 1)


@torch.no_grad()
def _answers(network: nn.Module, x: Batch) -> Tensor:
    """Return what a network answers all samples, (N, K)."""
    network.eval()
    return torch.cat([network(*batch) for batch in zip(*(torch.split(t, BATCH) for t in x), strict=True)])


ADDITIVE_YARDSTICK = System(
    title="Additive explanations beside boosting",
    source="Tan et al., arXiv:1801.08640; the AUROC of boosting on breast cancer is that of InterpretML's table, "
    "10 splits, all pairs allowed",
    published={
        "breast cancer, EBM: AUROC": "0.995",
        "breast cancer, additive: AUROC": "",
        **{f"{arm}: {figure}": "" for arm in ARMS for figure in FIGURES},
    },
    run=additive_yardstick,
    takes_catalog=True,
    seeds=3,
    by_default=False,
    remark="Breast cancer: 400 tumours with labels, the other 169 are judged; one function of each of 30 features. "
    "Jets: the teacher that ships, and its observables; what 1 000 jets of the sample that ships teach is judged on "
    "the other 1 000, and so is a student that saw no jet (500 steps). Boosting fits each centred logit, one "
    "regression a class, for it takes no soft labels; ours minimises the KL. Explained: 1 - KL over all that there is "
    "to explain; ado: the average decision ordering. Needs interpret-core.",
)
