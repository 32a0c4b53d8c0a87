"""The recurrent network over frames: what it reads, what it answers on the way, and its form for export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zskt.frames.inputs import FrameInputs
from zskt.networks.frame_recurrent import FrameRecurrent
from zskt.networks.students import STUDENTS, count_parameters
from zskt.onnx_runtime import run_onnx, write_onnx

from .statistics import randomise

VIDEO = FrameInputs(length=5, size=12, mean=(0.0, 0.0), std=(1.0, 1.0))
SERIES = FrameInputs(length=7, mean=(0.0,) * 3, std=(1.0,) * 3)


def network(inputs: FrameInputs) -> FrameRecurrent:
    one = randomise(FrameRecurrent(inputs, 4, (6, 8, 8), 5)).eval()
    assert isinstance(one, FrameRecurrent)
    return one


@torch.no_grad()
@pytest.mark.parametrize("inputs", [VIDEO, SERIES])
def test_its_answer_after_t_frames_is_that_to_the_first_t(inputs: FrameInputs) -> None:
    one, x = network(inputs), torch.randn(3, *inputs.sample_shape)
    on_the_way = one.answers(x)
    for t in (1, 3, inputs.length):
        assert torch.allclose(one(x[:, :t]), on_the_way[:, t - 1], atol=1e-5)
    assert not torch.allclose(one(x.flip(1)), one(x), atol=1e-3)


@pytest.mark.parametrize(("inputs", "places"), [(VIDEO, (2, 8, 5, 3, 3)), (SERIES, (2, 8, 7))])
def test_its_maps_are_features_of_all_places_of_all_frames_and_its_states(
    inputs: FrameInputs, places: tuple[int, ...]
) -> None:
    one, maps = network(inputs), list[Tensor]()
    for name in one.attention_layers:
        one.get_submodule(name).register_forward_hook(lambda module, args, output: maps.append(output))
    x = torch.randn(2, *inputs.sample_shape)
    one(x)
    assert maps[0].shape == places and maps[1].shape == (2, 5, inputs.length)
    assert torch.allclose(one.f(maps[1][:, :, -1]), one(x))
    alone = one.phi(x[:, 1])  # the features of the second frame
    assert torch.allclose(maps[0][:, :, 1], alone, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 5, 16, 28, 64])
def test_pictures_of_any_size_leave_few_features(size: int) -> None:
    inputs = FrameInputs(length=2, size=size, mean=(0.0,), std=(1.0,))
    one = FrameRecurrent(inputs, 3, (4, 4, 4), 5).eval()
    assert one(torch.randn(2, *inputs.sample_shape)).shape == (2, 3) and one.gru.input_size <= 4 * 9


@torch.no_grad()
@pytest.mark.parametrize("inputs", [VIDEO, SERIES])
def test_it_leaves_as_onnx(tmp_path: Path, inputs: FrameInputs) -> None:
    one, path = network(inputs), tmp_path / "model.onnx"
    write_onnx(one, ("frames",), ({0: "N"},), (torch.randn(2, *inputs.sample_shape),), path)
    x = torch.randn(7, *inputs.sample_shape)
    assert torch.allclose(run_onnx(path, ("frames",), (x,)), one(x), atol=1e-5)


def test_students_of_frames_have_the_sizes_that_their_summaries_say() -> None:
    inputs = FrameInputs(length=8, size=16, mean=(0.1,), std=(0.2,))
    large, small = (count_parameters(STUDENTS[name].build(inputs, 16)) for name in ("frame-gru", "frame-gru-small"))
    assert (large, small) == (20_848, 4_512) or (large == 20_848 and 4_000 < small < 5_500)
