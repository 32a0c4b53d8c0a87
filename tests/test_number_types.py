"""Numbers of one type as those of another."""

from __future__ import annotations

import torch

from zskt.number_types import as_type


def test_whole_numbers_are_the_nearest_within_the_range_of_their_type() -> None:
    near = torch.tensor([253.99998, 0.6, -3.0, 300.0])
    assert as_type(near, torch.uint8).tolist() == [254, 1, 0, 255]
    assert as_type(near, torch.int8).tolist() == [127, 1, -3, 127]
    for wide in (torch.int32, torch.int64):
        assert as_type(near, wide).tolist() == [254, 1, -3, 300]
    assert torch.equal(as_type(near, torch.float32), near)
    assert as_type(torch.tensor([3]), torch.uint8).dtype == torch.uint8
    assert as_type(torch.tensor([0.2, 0.0]), torch.bool).tolist() == [True, False]
    assert as_type(torch.tensor([2.0**31 - 65, 3e9]), torch.int32).tolist() == [2**31 - 128, 2**31 - 1]
