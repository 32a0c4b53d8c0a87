"""The output that tells classes is chosen by the number of names, or by its own name, and never guessed."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.class_output import class_output, row
from teachers.image_file import card_of_image_file
from tests.teachers.plain_networks import Pictures
from zskt.errors import UserError

HERE = Path("net.onnx")
FEATURES, LOGITS, PRICE = torch.rand(3, 64), torch.randn(3, 10), torch.rand(3, 1)


@pytest.mark.parametrize(
    ("outputs", "names", "count", "position"),
    [
        ([FEATURES, LOGITS], ("features", "logits"), 0, 1),
        ([PRICE, LOGITS], ("price", "logits"), 0, 1),
        ([FEATURES, LOGITS], ("495", "496"), 10, 1),
        ([FEATURES, PRICE], (), 2, 1),
        ([LOGITS, LOGITS.softmax(1)], ("logits", "probabilities"), 0, 0),
        ([LOGITS.long(), LOGITS], ("label", "output"), 0, 1),
    ],
)
def test_the_number_of_names_counts_then_the_name(
    outputs: list[Tensor], names: tuple[str, ...], count: int, position: int
) -> None:
    chosen, left = class_output(outputs, 3, names, count, HERE)
    assert chosen == position
    assert bool(left) == all(o.is_floating_point() for o in outputs)


@pytest.mark.parametrize(
    ("outputs", "names", "count", "message"),
    [
        ([FEATURES, LOGITS], (), 0, r"number 1 \(64\) and number 2 \(10\) numbers a sample, .*give --classes FILE"),
        ([FEATURES, LOGITS], ("a", "b"), 7, r"a \(64\) and b \(10\) numbers a sample, but --classes has 7 names"),
        ([LOGITS, -LOGITS], ("a", "b"), 10, "several have as many as --classes has names; export it with the classes"),
        ([torch.rand(3, 4, 5)], ("a",), 0, "answers no row of numbers for each sample"),
    ],
)
def test_what_may_be_several_is_refused(
    outputs: list[Tensor], names: tuple[str, ...], count: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        class_output(outputs, 3, names, count, HERE)


def test_a_row_is_what_has_one_axis_behind_the_samples() -> None:
    assert [row(torch.rand(s)) for s in ((3,), (3, 1), (3, 5), (3, 5, 1, 1), (3, 5, 2))] == [1, 1, 5, 5, 0]


class WithFeatures(nn.Module):
    """Answers with features, and logits behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Pictures(outputs=9)
        self.head = nn.Linear(9, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return features, self.head(features)


@pytest.mark.parametrize(("names", "told"), [(["features", "logits"], False), (["a", "b"], True)])
def test_logits_behind_features_are_learned(tmp_path: Path, names: list[str], told: bool) -> None:
    network, file, x = WithFeatures().eval(), tmp_path / "net.onnx", torch.rand(5, 3, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (x,), str(file), input_names=["x"], output_names=names, dynamic_axes={"x": {0: "N"}}, dynamo=False
        )
    (tmp_path / "classes").write_text("q\nr\ns\nt\n")
    card = card_of_image_file(file, (3, 8, 8), classes=tmp_path / "classes" if told else None)
    teacher = card.load()
    assert torch.allclose(teacher(x), network(x)[1], atol=1e-4)
    assert str(teacher.taken_for) == f"4 classes, by logits; its output {names[1]} (4), without {names[0]} (9)"
    again = type(card)(name="x", summary="", inputs=card.inputs, local_file=file).with_record(card.record(), file)
    assert torch.allclose(again.load()(x), network(x)[1], atol=1e-4)  # a run goes on without --classes
