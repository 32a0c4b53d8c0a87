"""Layouts of inputs: moved axis by axis, told by shapes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from teachers.layouts import (
    OF_ENTRIES,
    OF_JET,
    OF_ONE_VARIABLE,
    Arranged,
    arrange,
    is_layout,
    layouts_of,
    takes_one_jet,
    with_layouts,
)
from teachers.network_file import Argument, Axis
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

X = torch.arange(24.0).reshape(2, 3, 4)
"""Two jets of three variables and four entries."""


def group(name: str = "pf_features", variables: int = 3, length: int = 4, layout: str = "") -> InputGroup:
    return InputGroup(name, tuple(Variable(f"v{i}") for i in range(variables)), 1, length, layout=layout)


MASK = InputGroup("pf_mask", (Variable("pf_mask"),), 1, 4)


def by_hand(x: Tensor, layout: str) -> Tensor:
    """Write a layout number by number: of (B, C, P), where B, C or P may be one."""
    sizes = {"B": x.shape[0], "C": x.shape[1], "P": x.shape[2], "1": 1}
    shape = [sizes[letter] for letter in layout]
    out = torch.full(shape, -1.0)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            for p in range(x.shape[2]):
                place = {"B": b, "C": c, "P": p, "1": 0}
                out[tuple(place[letter] for letter in layout)] = x[b, c, p]
    return out


@pytest.mark.parametrize("layout", sorted({*OF_ENTRIES, *OF_ONE_VARIABLE, *OF_JET}))
def test_every_layout_is_the_one_written_by_hand(layout: str) -> None:
    x = X if "B" in layout else X[:1]
    x = x if "C" in layout else x[:, :1]
    x = x if "P" in layout else x[:, :, :1]
    assert torch.equal(arrange(x, layout), by_hand(x, layout))
    if x.shape[2] == 1:  # the same of numbers of the jet that come without an axis of entries
        assert torch.equal(arrange(x[:, :, 0], layout), by_hand(x, layout))


def test_some_layouts_have_these_very_numbers() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    assert arrange(x, "BPC").tolist() == [[[1, 4], [2, 5], [3, 6]]]
    assert arrange(x, "BCP1").tolist() == [[[[1], [2], [3]], [[4], [5], [6]]]]
    assert arrange(x, "PC").tolist() == [[1, 4], [2, 5], [3, 6]]
    assert arrange(x[:, :1], "BP").tolist() == [[1, 2, 3]]
    assert arrange(x[:, :, 0], "1C").tolist() == [[1, 4]] and arrange(x[:, :, 0], "BCP").shape == (1, 2, 1)
    assert arrange(x, "BCP") is x and arrange(x[:, :, 0], "BC").shape == (1, 2)


def test_gradients_flow_through_an_arrangement() -> None:
    x = X.clone().requires_grad_()
    weights = torch.randn(2, 4, 3)
    (arrange(x, "BPC") * weights).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, weights.transpose(1, 2))


@pytest.mark.parametrize(
    ("word", "expected"),
    [("BCP", True), ("BPC", True), ("BCP1", True), ("PC", True), ("C", True), ("1P", True), ("", False),
     ("BPPC", False), ("BXC", False), ("bpc", False), ("B1CP1", False)],
)  # fmt: skip
def test_a_layout_is_a_letter_for_each_axis(word: str, expected: bool) -> None:
    assert is_layout(word) is expected


def test_the_user_says_layouts_by_the_names_of_inputs() -> None:
    preprocess = Preprocess((group(), MASK), ("a", "b"))
    chosen = with_layouts(preprocess, [("pf_mask", "BP")])
    assert [g.layout for g in chosen.groups] == ["", "BP"] and chosen.without_layouts() == preprocess
    with pytest.raises(UserError, match="sv_mask"):
        with_layouts(preprocess, [("sv_mask", "BP")])
    with pytest.raises(
        UserError, match=r"--layout pf_mask=BXP: write an axis as a letter: B jets, C variables"
    ) as told:
        with_layouts(preprocess, [("pf_mask", "BXP")])
    assert "\n" not in str(told.value)


def test_one_jet_a_call_is_a_layout_without_jets() -> None:
    assert [takes_one_jet(word) for word in ("BCP", "BP", "PC", "1C")] == [False, False, True, True]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (("N", 3, "n_pf"), ["BCP", "1CP"]),
        (("N", "n_pf", 3), ["BPC", "1PC"]),
        (("N", 40, 3), ["BPC", "1PC"]),
        ((1000, 3, 4), ["BCP"]),
        (("N", 3, "n_pf", 1), ["BCP1"]),
        (("N", "n_pf", 3, 1), ["BPC1"]),
        (("n_tracks", 3), ["PC"]),
        ((3, "n_tracks"), ["CP"]),
        ((None, 3, None), ["BCP", "1CP"]),
        (("N", 1, 3, "n_pf"), ["B1CP"]),
        (("N", 5, 6), []),
        (("N", 3), ["PC"]),
    ],
)
def test_a_shape_tells_the_layout_of_entries(shape: tuple[Axis, ...], expected: list[str]) -> None:
    """An axis of one jet may be free too: what takes a jet a call is tried last."""
    assert layouts_of(Argument("pf_features", shape), group()) == expected


def test_where_a_shape_leaves_a_choice_it_is_left() -> None:
    assert set(layouts_of(Argument("x", (None, None, None)), group())) >= {"BCP", "BPC"}
    assert set(layouts_of(Argument("x", ("N", 3, 3)), group(length=3))) >= {"BCP", "BPC"}
    assert layouts_of(Argument("x"), group()) == list(OF_ENTRIES)
    assert layouts_of(Argument("x"), MASK) == [*OF_ENTRIES, *OF_ONE_VARIABLE]
    assert layouts_of(Argument("x"), group("jet", 3, 1)) == list(OF_JET)


def test_masks_may_have_no_axis_of_variables() -> None:
    assert "BP" in layouts_of(Argument("mask", ("N", "n_pf")), MASK)
    assert layouts_of(Argument("mask", ("N", 1, "n_pf")), MASK)[0] == "BCP"
    assert layouts_of(Argument("mask", ("n_tracks",)), MASK) == ["P"]
    assert "BP" not in layouts_of(Argument("features", ("N", "n_pf")), group())


def test_numbers_of_the_jet_have_layouts_of_their_own() -> None:
    jet = group("jet_features", 2, 1)
    assert layouts_of(Argument("jet", ("N", 2)), jet)[0] == "BC"
    assert layouts_of(Argument("jet", (1, 2)), jet)[:2] == ["BC", "1C"]
    assert layouts_of(Argument("jet", (2,)), jet) == ["C"]
    assert layouts_of(Argument("jet", ("N", 2, 1)), jet)[0] == "BCP"


def test_what_the_user_says_counts_if_the_shape_allows_it() -> None:
    said = group(layout="BPC")
    assert layouts_of(Argument("x"), said) == ["BPC"]
    assert layouts_of(Argument("x", ("N", 3, 3)), said) == ["BPC"]
    assert layouts_of(Argument("x", ("N", 3, 40)), said) == []


class Two(nn.Module):
    """Answers with a table of what it is given."""

    origin, published, differentiable = "here", 7, False

    def forward(self, mask: Tensor, features: Tensor) -> dict[str, Tensor]:
        return {"mask": mask, "both": features.sum((1, 2)), "features": features}


def test_a_network_gets_its_own_inputs_in_its_own_order_and_layouts() -> None:
    dropped, mask = torch.zeros(2, 2, 4), X[:, :1]
    network = Arranged(Two(), [2, 1], ["BP", "BPC"])
    outputs = network(dropped, X, mask)
    assert torch.equal(outputs[0], mask[:, 0]) and torch.equal(outputs[2], X.transpose(1, 2))
    assert (network.origin, network.published, network.differentiable) == ("here", 7, False)
    kept = Arranged(Two(), [2, 1], ["BP", "BPC"], [1])(dropped, X, mask)
    assert len(kept) == 1 and torch.equal(kept[0], X.sum((1, 2)))
