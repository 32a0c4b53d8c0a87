"""Networks that run on a few jets and not on many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.network_file import Argument
from teachers.output_choice import kept_outputs
from tests.teachers.network_files import Held, group
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess


class OneBatchSize:
    """A file that runs on three jets alone, as scripts that were traced so do."""

    path = Path("model.pt")
    outputs: tuple[str, ...] = ()

    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return (x[0].reshape(3, 15),)


def test_a_network_of_one_batch_size_is_told() -> None:
    file: Any = OneBatchSize()
    assert kept_outputs(file, [torch.zeros(3, 5, 3)], Preprocess((), ("a",)), 3) is None
    with pytest.raises(UserError, match="so it was exported for one batch size; export it with a dynamic first axis"):
        kept_outputs(file, [torch.zeros(64, 5, 3)], Preprocess((), ("a",)), 64)


def test_a_network_that_runs_on_no_jet_is_not_blamed_for_its_batch_size() -> None:
    network = nn.Linear(7, 2)
    features, mask = group("pf_features", ["pfcand_pt_log"], 10), group("pf_mask", ["pfcand_mask"], 40)
    file, x = Held(network, [Argument("x")]), [torch.zeros(64, 5)]
    with pytest.raises(UserError, match=r"model.x: does not run on what p.json describes \(.*shapes cannot be.*belong"):
        kept_outputs(file, x, Preprocess((features,), ("a",)), 64, "p.json")
    with pytest.raises(UserError, match=r"^p.json: pf_features has a max_length of 10, pf_mask of 40, and model.x"):
        kept_outputs(file, x, Preprocess((features, mask), ("a",)), 64, "p.json")
