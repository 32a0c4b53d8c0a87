"""What ranks sum, collect and share out, on three of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.ranks import in_ranks
from zskt.errors import UserError
from zskt.parallel import collectives
from zskt.parallel.ranks import world


def functions() -> dict[str, Any]:
    """What the functions of `zskt.parallel.collectives` do on three ranks."""
    rank = world().rank
    rows = torch.arange(5)[rank::3].float()
    ragged = torch.full((rank, 2), float(rank))
    index = torch.tensor([0, 5, 4, 1])
    nine = torch.arange(9.0).unsqueeze(1)
    taken = collectives.take(collectives.own(nine), index)
    labels = collectives.take(collectives.own(torch.arange(9) % 2 == 0), index)
    gradient = torch.tensor([1.0 + rank], requires_grad=True)
    (3 * collectives.mean(gradient.square()) * (rank + 1)).sum().backward()  # type: ignore[no-untyped-call]
    w = torch.tensor([float(rank), 0.0])
    collectives.average_([w])
    try:
        collectives.share_of(8)
    except UserError as error:
        message = str(error)
    return {
        "taken": taken,
        "added": collectives.added([taken, labels, torch.zeros(4, 0)]),
        "to leader": collectives.to_leader(rows, 5),
        "together": collectives.together(ragged),
        "whole": collectives.whole(collectives.own(nine)),
        "any": collectives.any_of(rank == 1, False),
        "sum": collectives.sum_of(0.5),
        "leader": collectives.from_leader({"rank": rank}),
        "gradient": gradient.grad,
        "average": w,
        "message": message,
    }


def test_what_three_ranks_collect_and_share_out() -> None:
    answers = in_ranks(functions, size=3)
    assert answers[0]["to leader"].tolist() == [0, 1, 2, 3, 4]
    for rank, answer in enumerate(answers):
        assert answer["taken"].flatten().tolist() == [x if x % 3 == rank else 0 for x in (0, 5, 4, 1)]
        values, labels, nothing = answer["added"]
        assert values.flatten().tolist() == [0, 5, 4, 1] and labels.tolist() == [True, False, True, False]
        assert nothing.shape == (4, 0)
        assert answer["together"].tolist() == [[1.0, 1.0], [2.0, 2.0], [2.0, 2.0]]
        assert answer["whole"].flatten().tolist() == list(range(9))
        assert answer["any"] == (True, False) and answer["sum"] == 1.5 and answer["leader"] == {"rank": 0}
        assert answer["gradient"].item() == pytest.approx(2 * (1 + rank) * (1 + 2 + 3))  # of the sum of all losses
        assert answer["average"].tolist() == [1.0, 0.0]
        assert answer["message"] == "batch_size: 8 cannot be shared out among 3 processes; take 6 or 9"
