"""Image networks from files: layouts and heads are found out, answers and gradients are the original's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers import TEACHERS, card_of_files, card_of_record
from teachers.image_file import card_of_image_file, random_images
from tests.teachers.plain_networks import Pictures, write
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs
from zskt.onnx_runtime import N_TRACE_SAMPLES, run_onnx, write_onnx


def images(channels: int = 3, side: int = 8) -> Tensor:
    return torch.rand(5, channels, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".pt2"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("head", ["logits", "softmax"])
def test_answers_and_gradients_are_the_original_networks(tmp_path: Path, suffix: str, last: bool, head: str) -> None:
    network = Pictures(last=last, head=head)
    example = torch.rand(2, 8, 8, 3) if last else torch.rand(2, 3, 8, 8)
    card = card_of_image_file(write(network, example, tmp_path / f"net{suffix}"), (3, 8, 8))
    teacher, x = card.load(), images().requires_grad_()
    assert card.answers.layout == ("BHWC" if last else "BCHW")
    assert ("softmax" in teacher.answers) == (head == "softmax")
    assert (card.classes, card.bernoulli, teacher.regressions) == (("0", "1", "2", "3"), False, 0)
    original = x.detach().clone().requires_grad_()
    expected = network(original.permute(0, 2, 3, 1) if last else original)
    expected = expected.log() if head == "softmax" else expected
    logits = teacher(x)
    assert torch.allclose(logits, expected, atol=1e-4)
    weights = torch.tensor([1.0, -2.0, 3.0, 0.5])
    gradients = [torch.autograd.grad((out * weights).sum(), t)[0] for out, t in ((logits, x), (expected, original))]
    assert gradients[1].abs().max() > 1e-2 and torch.allclose(*gradients, atol=1e-4)


def test_a_file_for_one_image_takes_many(tmp_path: Path) -> None:
    network = Pictures()
    for suffix in (".onnx", ".pt2"):
        file = write(network, torch.rand(1, 3, 8, 8), tmp_path / f"one{suffix}", any_batch=False)
        teacher = card_of_image_file(file, (3, 8, 8)).load()
        assert torch.allclose(teacher(images()), network(images()), atol=1e-4)


class Flat(nn.Module):
    """Takes images without an axis of channels, or as a row of pixels."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.shape, self.linear = shape, nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


@pytest.mark.parametrize(("shape", "layout"), [((8, 8), "BHW"), ((64,), "B(CHW)"), ((8, 8, 1), "BHWC")])
def test_grey_images_come_in_every_layout(tmp_path: Path, shape: tuple[int, ...], layout: str) -> None:
    network = Flat(shape)
    card = card_of_image_file(write(network, torch.rand(2, *shape), tmp_path / "flat.onnx"), (1, 8, 8))
    x = images(1)
    assert card.answers.layout == layout
    assert torch.allclose(card.load()(x), network(x), atol=1e-5)


def test_one_score_is_that_of_the_second_class_and_labels_are_independent(tmp_path: Path) -> None:
    network = Pictures(outputs=1, head="sigmoid")
    file, names = write(network, torch.rand(2, 3, 8, 8), tmp_path / "score.onnx"), tmp_path / "names.txt"
    names.write_text("cat\ndog\n")
    card = card_of_image_file(file, (3, 8, 8), classes=names)
    p = card.load()(images()).softmax(1)
    assert card.classes == ("cat", "dog") and torch.allclose(p[:, 1:], network(images()), atol=1e-5)
    network = Pictures(head="sigmoid")
    card = card_of_image_file(write(network, torch.rand(2, 3, 8, 8), tmp_path / "labels.onnx"), (3, 8, 8))
    assert card.bernoulli and torch.allclose(card.load()(images()).sigmoid(), network(images()), atol=1e-4)


def test_the_record_stands_for_the_flags(tmp_path: Path) -> None:
    file, names = write(Pictures(last=True), torch.rand(2, 8, 8, 3), tmp_path / "net.onnx"), tmp_path / "names.txt"
    names.write_text("a\nb\nc\nd\n")
    card = card_of_files(file, input_shape=(8, 8, 3), mean=(0.5,), std=(0.1, 0.2, 0.3), classes=names)
    record = json.loads(json.dumps(card.record()))
    again = card_of_record(card.name, record, tmp_path / "inputs.json").with_files(file)
    assert again.inputs == card.inputs == ImageInputs(mean=(0.5,) * 3, std=(0.1, 0.2, 0.3), size=8, side=8)
    assert (again.classes, again.record()) == (("a", "b", "c", "d"), record)
    x = card.inputs(torch.full((2, 3, 8, 8), 51, dtype=torch.uint8))[0]
    assert torch.allclose(x[0, :, 0, 0], torch.tensor([-3.0, -1.5, -1.0]))
    assert torch.equal(again.load()(x), card.load()(x))
    assert again.describe() == card.describe() and "BHWC" in card.describe()
    with pytest.raises(UserError, match="is no record of a network of images"):
        card_of_record("x", {"kind": "images"}, tmp_path / "inputs.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"input_shape": (1, 8, 8)},
            "takes samples of 3 x 8 x 8, but --input-shape 1 8 8; give what the network takes",
        ),
        ({"input_shape": (3, 8)}, "--input-shape 3 8: images of 3 x 8 pixels; only square ones are drawn"),
        ({"input_shape": (784,)}, "--input-shape 784: an image has height and width"),
        (
            {"input_shape": (3, 8, 8), "mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)},
            r"--mean 123.675 116.28 103.53: is not of intensities in \[0, 1\]; divide what is of 0 to 255 by 255: "
            "--mean 0.485 0.456 0.406 --std 0.229 0.224 0.225$",
        ),
        (
            {"input_shape": (3, 8, 8), "mean": (127.5,)},
            "--mean 0.5 0.5 0.5 --std 0.00392157 0.00392157 0.00392157$",
        ),
        (
            {"input_shape": (3, 8, 8), "mean": (127.5,), "std": (0.25,)},
            "--mean 0.5 0.5 0.5 --std 0.25 0.25 0.25$",
        ),
        ({"input_shape": (3, 8, 8), "std": (255.0,)}, "--std 255 255 255: .* --mean 0 0 0 --std 1 1 1$"),
        (
            {"input_shape": (3, 8, 8), "mean": (0.5, 0.5)},
            "--mean 0.5 0.5: 2 numbers for 3 channels; give one a channel",
        ),
        ({"input_shape": (3, 8, 8), "std": (0.5, 0.0, 1.0)}, "--std 0.5 0 1: standard deviations are above 0"),
        ({"input_shape": (3, 8, 8), "classes": "names"}, "3 names, but .* answers 4 numbers a sample; give a line a"),
        ({"mean": (0.5,)}, "--mean: is of networks of images; say of which size: --input-shape 3 32 32"),
        ({}, "say how it is fed: --preprocess preprocess.json .*, --input-shape 3 32 32 .*, --inputs"),
        ({"input_shape": (3, 8, 8), "inputs": "names"}, "--input-shape is of images, --inputs of vectors; give one of"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    file = write(Pictures(), torch.rand(2, 3, 8, 8), tmp_path / "net.onnx")
    (tmp_path / "names").write_text("a\nb\nc\n")
    paths = {name: tmp_path / value for name, value in arguments.items() if isinstance(value, str)}
    with pytest.raises(UserError, match=message) as error:
        card_of_files(file, **(arguments | paths)).load()  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_a_script_tells_its_shape_by_trial(tmp_path: Path) -> None:
    file = write(Pictures(), torch.rand(2, 3, 8, 8), tmp_path / "net.pt")
    with pytest.raises(UserError, match=r"does not run on such samples \(--input-shape 1 8 8; .*3 channels"):
        card_of_image_file(file, (1, 8, 8)).load()


def test_images_are_tried_dark_and_bright() -> None:
    inputs = ImageInputs(mean=(0.5,), std=(0.25,), size=8, side=8)
    x = inputs.intensities(random_images(inputs))
    assert x.shape == (16, 1, 8, 8) and 0 <= float(x.min()) < 0.2 and 0.8 < float(x.max()) <= 1


def test_the_published_resnet_is_read_back_from_onnx(shared: Path, tmp_path: Path) -> None:
    weights = next((shared / "teachers" / "cifar10").glob("resnet20*"))
    published = TEACHERS["cifar10-resnet20"].with_files(weights)
    network = published.load()
    file = write(network, torch.rand(2, 3, 32, 32), tmp_path / "resnet20.onnx")
    inputs = published.inputs
    card = card_of_image_file(file, (3, 32, 32), inputs.mean, inputs.std)
    x = random_images(inputs)
    assert torch.allclose(card.load()(x), network(x), atol=1e-4)
    assert card.default_preset == "images" and card.inputs == inputs


def test_a_script_saved_in_training_mode_keeps_its_running_statistics(tmp_path: Path) -> None:
    network, file = Pictures(), tmp_path / "net.pt"
    network.norm.running_mean = torch.linspace(-1, 1, 6)
    network.norm.running_var = torch.linspace(0.5, 2, 6)
    torch.jit.script(network.train()).save(str(file))
    expected = network.eval()(images())
    for card in (card_of_image_file(file, (3, 8, 8)), card_of_image_file(file, (3, 8, 8)).answering_only()):
        teacher = card.load()
        assert torch.allclose(teacher(images()), expected, atol=1e-5)
        held = {name.rpartition(".")[2]: value for name, value in teacher.state_dict().items() if ".norm." in name}
        assert torch.equal(held["running_mean"], network.norm.running_mean)
        assert torch.equal(held["running_var"], network.norm.running_var)


class OfBytes(nn.Module):
    """Takes images of whole numbers from 0 to 255."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Pictures()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.float() / 255)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_images_of_whole_numbers_are_fed_0_to_255(tmp_path: Path, dtype: torch.dtype, suffix: str) -> None:
    network, whole = OfBytes(), torch.arange(4 * 192).remainder(256).view(4, 3, 8, 8)
    file = write(network, whole[:2].to(dtype), tmp_path / f"net{suffix}")
    expected = network(whole.to(dtype))
    for std in (None, (1 / 255,), (0.00392157,)):
        card = card_of_image_file(file, (3, 8, 8), std=std)
        x = card.inputs(whole.to(torch.uint8))[0]
        assert torch.allclose(card.load()(x), expected, atol=1e-4)
        if suffix == ".onnx":
            assert torch.allclose(card.answering_only().load()(x), expected, atol=1e-4)
    with pytest.raises(UserError, match=r"of which these leave 2 levels; for 0 to 255 give --std 0.00392156862745098$"):
        card_of_image_file(file, (3, 8, 8), std=(1.0,))


def test_usual_means_and_spreads_are_taken(tmp_path: Path) -> None:
    file = write(Pictures(), torch.rand(2, 3, 8, 8), tmp_path / "net.onnx")
    for mean, std in (
        ((0.485,), (0.229,)),
        ((0.5,), (0.5,)),
        ((0.5,), (1.0,)),
        ((0.485,), (1 / 255,)),
        ((1.0,), (1.0,)),
    ):
        assert card_of_image_file(file, (3, 8, 8), mean, std).inputs.mean == mean * 3


class Viewed(Pictures):
    """Flattens by a shape that it computes, as networks that say ``x.view(x.size(0), -1)`` do."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.norm(self.first(x))))
        return self.linear(x.view(x.size(0), -1))


@pytest.mark.parametrize("network", [Pictures(), Viewed()])
def test_a_teacher_leaves_as_onnx_that_takes_any_number_of_images(tmp_path: Path, network: nn.Module) -> None:
    teacher = card_of_image_file(write(network, torch.rand(2, 3, 8, 8), tmp_path / "net.onnx"), (3, 8, 8)).load()
    out = tmp_path / "teacher.onnx"
    write_onnx(teacher, ["x"], [{0: "N"}], [torch.rand(N_TRACE_SAMPLES, 3, 8, 8)], out)
    for count in (1, 2, 7):
        x = torch.rand(count, 3, 8, 8)
        assert torch.allclose(run_onnx(out, ["x"], [x]), teacher(x), atol=1e-4)
