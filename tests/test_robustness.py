"""Samples that change, and networks whose answers to them are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.jets.test_response import Momentum
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.jets.features import KIN
from zskt.jets.jets import JETCLASS_CLASSES
from zskt.jets.read import read_constituents
from zskt.jets.sample import SAMPLE
from zskt.jets.variations import VARIATIONS
from zskt.robustness import Variation, chosen, robustness


@pytest.fixture(scope="module")
def data() -> Labelled:
    return read_constituents(SAMPLE, JETCLASS_CLASSES)[:120]


def test_robustness_has_a_row_for_each_size_and_nothing_changes_at_zero(data: Labelled) -> None:
    rows = robustness(Momentum(1.0), {"same": Momentum(3.0), "contrary": Momentum(-1.0)}, data, KIN, VARIATIONS)
    assert [(row["variation"], row["size"], row["network"]) for row in rows] == [
        (variation, size, network)
        for variation, changed in VARIATIONS.items()
        for size in changed.sizes
        for network in ("teacher", "same", "contrary")
    ]
    for row in rows:
        if row["size"] == 0:
            assert row["keeps"] == 1
        if row["network"] == "same":
            assert row["agreement"] > 0.99  # both decide by the sign of the same number
        if row["network"] == "contrary":
            assert row["agreement"] < 0.01
    keeps = {
        name: [r["keeps"] for r in rows if r["variation"] == name and r["network"] == "same"] for name in VARIATIONS
    }
    assert keeps["boost"][-1] < 0.9  # a faster jet's leading particle is harder than exp(5) GeV more often
    assert min(keeps["rotation"]) > 0.9


class Sign(torch.nn.Module):
    """Logits (x, -x) of numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, -x], 1)


SHIFT = Variation(lambda samples, size, rng: TensorSamples((samples.x[0] + size,)), (0.0, 2.0), "numbers")


def test_shares_are_those_counted_by_hand_and_samples_without_a_label_are_not_wrong() -> None:
    numbers = TensorSamples((torch.tensor([[-3.0], [-1.0], [1.0], [3.0]]),))
    data = Labelled(numbers, torch.tensor([1, 1, 0, -1]))
    as_they_are, shifted = (
        row for row in robustness(Sign(), {}, data, TensorInputs(), {"shift": SHIFT}) if row["network"] == "teacher"
    )
    assert (as_they_are["accuracy"], as_they_are["keeps"]) == (1, 1)
    assert shifted["accuracy"] == pytest.approx(2 / 3) and shifted["keeps"] == 0.75  # -1 becomes 1
    nameless = Labelled(numbers, torch.full((4,), -1))
    assert {row["accuracy"] for row in robustness(Sign(), {}, nameless, TensorInputs(), {"shift": SHIFT})} == {None}


def test_variations_are_chosen_by_name_with_sizes() -> None:
    assert chosen({"shift": SHIFT}, []) == {"shift": SHIFT}
    assert chosen({"shift": SHIFT}, ["shift:-1,2.5"])["shift"].sizes == (-1, 2.5)
    for wrong, message in (("turn", "choose of shift"), ("shift:a", "as numbers"), ("shift:nan", "finite"),
                           ("shift:inf", "finite"), ("shift:", "as numbers")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            chosen({"shift": SHIFT}, [wrong])
    with pytest.raises(ValueError, match="twice"):
        chosen({"shift": SHIFT}, ["shift:1", "shift:2"])
