"""TensorBoard: what its own reader finds in a run's events."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
import torch
from google.protobuf import text_format
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from tests.conftest import Call
from zskt.experiments.event_writer import EVENTS, close_writer, open_writer
from zskt.experiments.loggers.hyperparameters import columns
from zskt.experiments.loggers.logger import Projection, RunDescription
from zskt.experiments.loggers.tensorboard import TensorBoard

RUN = RunDescription("run", {"method": "zskt", "student_lr": 0.5, "ema": True, "generator": None}, ("QCD", "top"))


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


def test_the_recipe_is_text_and_a_line_of_the_table_of_hyperparameters(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, None)
    board.begin(RUN)
    board.finish({"student": {"agreement": 0.75}, "steps": 3}, 7)
    read = events(tmp_path)
    (text,) = read.Tensors("recipe/text_summary")
    assert b"| student_lr | 0.5 |" in text.tensor_proto.string_val[0]
    found = read.summary_metadata
    started = metadata.parse_session_start_info_plugin_data(
        found[metadata.SESSION_START_INFO_TAG].plugin_data.content
    ).hparams
    assert {n: v.WhichOneof("kind") for n, v in started.items()} == {
        "method": "string_value",
        "student_lr": "number_value",
        "ema": "bool_value",
    }
    assert started["student_lr"].number_value == 0.5
    table = metadata.parse_experiment_plugin_data(found[metadata.EXPERIMENT_TAG].plugin_data.content)
    assert {"method", "student_lr", "seed", "teacher"} <= {info.name for info in table.hparam_infos}
    metrics = {info.name.tag for info in table.metric_infos}
    (value,) = read.Scalars("final/student agreement")
    assert "final/student agreement" in metrics and (value.step, value.value) == (7, 0.75)
    end = metadata.parse_session_end_info_plugin_data(found[metadata.SESSION_END_INFO_TAG].plugin_data.content)
    assert end.status == 1  # STATUS_SUCCESS
    assert [path.name.partition(".tfevents")[0] for path in tmp_path.iterdir()] == ["events.out"]  # no folder beside


def test_every_run_has_the_same_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert columns() == columns()


def test_the_layout_begins_with_test_samples_and_the_loss_of_the_student(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, None)
    board.begin(RUN)
    board.flush()
    (layout,) = events(tmp_path).Tensors("custom_scalars__config__")
    first, second, *_ = Layout.FromString(layout.tensor_proto.string_val[0]).category
    tags = [tag for chart in first.chart for tag in chart.multiline.tag]
    assert all(tag.startswith("test/") for tag in tags) and "test/teacher_accuracy" in tags
    assert [list(chart.multiline.tag) for chart in second.chart] == [["loss/student"]]


def test_points_of_a_projector_are_files_that_it_reads(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, None)
    board.projection("pseudo", Projection(torch.eye(2), ("sample", "class"), [("pseudo", "a"), ("test", "b")]), 3)
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (shown,) = config.embeddings
    assert shown.tensor_name == "pseudo"
    assert (tmp_path / shown.tensor_path).read_text() == "1\t0\n0\t1\n"
    assert (tmp_path / shown.metadata_path).read_text() == "sample\tclass\npseudo\ta\ntest\tb\n"


def test_a_resumed_run_writes_what_came_after_its_checkpoint_again(tmp_path: Path) -> None:
    before = TensorBoard(tmp_path, None)
    before.begin(RUN)
    for step in (1, 2, 3):
        before.scalars(step, {"loss": float(step)})
    before.flush()  # and is killed: nothing is closed
    after = TensorBoard(tmp_path, 2)
    for step in (3, 4):
        after.scalars(step, {"loss": 10.0 * step})
    after.finish({}, 4)
    read = events(tmp_path)
    assert [(e.step, e.value) for e in read.Scalars("loss")] == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    assert len(read.Tensors("recipe/text_summary")) == 1


def test_files_of_one_folder_are_read_in_the_order_in_which_they_were_opened(tmp_path: Path) -> None:
    second, last = int(time.time()), f"{socket.gethostname()}.{os.getpid()}.99"  # the hundredth sorts before it
    earlier = [f"events.out.tfevents.{second + later:010d}.{last}" for later in (0, 1)]
    for name in earlier:
        (tmp_path / name).touch()
    close_writer(open_writer(tmp_path))
    ours = sorted(path.name for path in tmp_path.glob(EVENTS))[-1]
    assert ours not in earlier and len(list(tmp_path.glob(EVENTS))) == 3


def test_a_run_shows_its_teacher_and_names_its_classes_and_changes_nothing(call: Call, digits: Path) -> None:
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--iterations", 2, "--batch-size", 8)
    run = (*run, "--student-steps", 1, "--data", digits, "--set", "evaluate_every=1")
    code, _, err = call(*run, "--out", "a", "--logger", "tensorboard", "--logger", "csv")
    assert code == 0, err
    assert call(*run, "--out", "b", "--logger", "csv")[0] == 0
    assert Path("a/student.safetensors").read_bytes() == Path("b/student.safetensors").read_bytes()
    assert not list(Path("b").glob("events*"))
    read = events(Path("a"))
    tags = set(read.Tags()["scalars"])
    assert {"test/teacher_accuracy", "final/student agreement", "teacher_class/7"} <= tags
    assert [e.step for e in read.Scalars("test/teacher_accuracy")] == [1, 2]
    assert [e.step for e in read.Images("pseudo-samples")] == [0, 1, 2]
    rows = Path("a/projector-pseudo-samples-labels.tsv").read_text().splitlines()
    assert rows[0].split("\t") == ["sample", "class of the student", "label"]
    assert [row.split("\t")[0] for row in rows[1:]] == ["pseudo"] * 256 + ["test"] * 40
    assert "teacher_accuracy" not in Path("a/metrics.jsonl").read_text()
    assert "test/teacher_accuracy" in Path("a/metrics.csv").read_text()
