"""Raw outputs of networks, and how far two networks are apart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.outputs import as_outputs, describe_differences, largest_differences, raw_outputs


class Several(nn.Module):
    """Two outputs, in a dictionary."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"classes": x, "mass": 2 * x[:, 0]}


def test_outputs_are_put_side_by_side() -> None:
    x = (torch.tensor([[1.0, 3.0], [2.0, 5.0]]),)
    assert raw_outputs(Several(), x).tolist() == [[1.0, 3.0, 2.0], [2.0, 5.0, 4.0]]


def test_differences_are_in_units_of_an_outputs_size() -> None:
    x = (torch.tensor([[1.0, 3.0], [2.0, 5.0]]),)
    expected = torch.tensor([[1.0, 3.0, 2.0], [2.0, 5.0, 5.0]])
    assert largest_differences(Several(), x, expected).tolist() == pytest.approx([0.0, 0.2])
    assert describe_differences(Several(), x, expected, "it") == "1 of 2 random jets differ from it by more than 0.0001"


def test_any_answer_is_a_tuple_of_tensors() -> None:
    one, two = torch.zeros(2, 1), torch.ones(2)
    assert as_outputs(one) == (one,) and as_outputs([one, two]) == (one, two) and as_outputs({"a": two}) == (two,)
