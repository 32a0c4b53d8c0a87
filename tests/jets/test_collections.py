"""Collections of objects: rows, orders and padding."""

from __future__ import annotations

import torch

from zskt.jets.collections import Collection, ReconstructedJets, empty


def collection() -> Collection:
    pt = torch.tensor([[3.0, 5.0, 4.0], [2.0, 0.0, 0.0]])
    return Collection({"pt": pt}, pt > 0)


def test_rows_are_trimmed_to_the_longest_jet() -> None:
    short = collection().rows(torch.tensor([1]))
    assert short["pt"].tolist() == [[2.0]] and short.mask.tolist() == [[True]]
    assert collection().rows(slice(0, 0))["pt"].shape == (0, 1)


def test_entries_that_are_left_out_become_padding() -> None:
    c = collection()
    order = torch.argsort(c["pt"], dim=1, descending=True, stable=True)
    assert c.ordered(order)["pt"].tolist() == [[5.0, 4.0, 3.0], [2.0, 0.0, 0.0]]
    cut = c.ordered(order, c["pt"] < 5)
    assert cut["pt"].tolist() == [[4.0, 3.0], [2.0, 0.0]] and cut.mask.tolist() == [[True, True], [True, False]]


def test_an_empty_collection_has_a_column_of_padding() -> None:
    c = empty(2, ("pt", "eta"), torch.device("cpu"))
    assert "eta" in c and "phi" not in c
    assert c["pt"].shape == (2, 1) and not c.mask.any()


def test_rows_of_jets_take_all_their_collections_along() -> None:
    none = empty(2, ("pt",), torch.device("cpu"))
    scores = {"b": torch.tensor([0.25, 0.75])}
    jets = ReconstructedJets({"pt": torch.tensor([[9.0], [2.0]])}, collection(), none, none, scores)
    last = jets[torch.tensor([1])]
    assert len(jets) == 2 and len(last) == 1
    assert last.jet["pt"].item() == 2 and last.particles["pt"].tolist() == [[2.0]]
    assert last.scores["b"].tolist() == [0.75]
