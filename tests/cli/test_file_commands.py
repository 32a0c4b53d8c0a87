"""Networks of images and of vectors from files, by the command line: from the file to an exported student."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.conftest import Call
from tests.teachers.plain_networks import Pictures, Rows, write
from zskt.storage.files import read_json

SHORT = ("--iterations", 2, "--student-steps", 2, "--batch-size", 8)
STUDENT = """
from torch import nn


def tiny(input_shape, outputs):
    features = 1
    for size in input_shape:
        features *= size
    return nn.Sequential(nn.Flatten(), nn.Linear(features, outputs))


def wide(input_shape, outputs):
    return tiny(input_shape, outputs + 1)


def none(input_shape, outputs):
    return outputs
"""


@pytest.fixture
def images(tmp_path: Path) -> tuple[object, ...]:
    file = write(Pictures(channels=1, outputs=10, head="softmax"), torch.rand(2, 1, 28, 28), tmp_path / "net.onnx")
    return ("--teacher-path", file, "--input-shape", 1, 28, 28)


def test_images_without_data_are_distilled_resumed_exported_and_judged_later(
    call: Call, images: tuple[object, ...], digits: Path
) -> None:
    code, out, err = call("--mode", "zero-shot", *images, "--mean", 0.1307, "--std", 0.3081, *SHORT, "--out", "run")
    assert code == 0 and "nothing was judged" in out and "is not judged" in err, err
    config, record = read_json(Path("run/config.json")), read_json(Path("run/inputs.json"))
    assert (config["preset"], config["student"]) == ("grey-images", "lenet5-half")
    assert (record["kind"], record["inputs"]["mean"]) == ("images", [0.1307])
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", "run", *SHORT)
    assert code == 0, err
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", "run", *SHORT, *images, "--mean", 0.5)
    assert code == 2 and "is fed otherwise in this run" in err and err.count("\n") == 1
    code, out, err = call("--mode", "evaluate", "--run", "run", "--data", digits)
    assert code == 0 and "40 images of" in out and "net" in out, err
    code, _, err = call("--mode", "export", "--run", "run", "--out", "exported")
    assert code == 0 and Path("exported/model-int8.onnx").is_file(), err
    code, _, err = call("--mode", "report", "--run", "run")
    assert code == 0 and "Nothing was scored" in Path("run/report.html").read_text(), err


def test_vectors_are_distilled_from_a_description(call: Call, tmp_path: Path) -> None:
    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    Path("inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    Path("names.txt").write_text("one\ntwo\nthree\n")
    teacher = ("--teacher-path", file, "--inputs", "inputs.yaml", "--classes", "names.txt")
    code, out, err = call("--mode", "zero-shot", *teacher, *SHORT, "--out", "run")
    assert code == 0 and "nothing was judged" in out, err
    Path("table.csv").write_text("b,a,c,label\n0,0.5,1,two\n1,0.1,2,one\n-2,0.9,0,three\n")
    code, out, err = call("--mode", "evaluate", "--run", "run", "--data", "table.csv")
    assert code == 0 and "3 vectors of table.csv" in out, err
    code, _, err = call("--mode", "kd", *teacher, *SHORT, "--data", "table.csv", "--out", "kd")
    assert code == 0, err
    code, _, err = call("--mode", "export", "--run", "run", "--out", "exported", "--data", "table.csv")
    assert code == 0 and Path("exported/labels.txt").read_text() == "one\ntwo\nthree\n", err
    code, _, err = call("--mode", "kd", *teacher, *SHORT, "--out", "none")
    assert code == 2 and "this mode learns from vectors; give a table" in err and err.count("\n") == 1


def test_a_student_is_code_of_the_users(call: Call, images: tuple[object, ...]) -> None:
    Path("mine.py").write_text(STUDENT)
    run = ("--mode", "zero-shot", *images, *SHORT, "--student")
    code, _, err = call(*run, "mine.py:tiny", "--out", "run")
    assert code == 0, err
    assert read_json(Path("run/config.json"))["student"] == "mine.py:tiny"
    assert read_json(Path("run/result.json"))["student"]["parameters"] == 785 * 10
    code, _, err = call("--mode", "export", "--run", "run", "--out", "exported")
    assert code == 0 and "its student is code, mine.py:tiny, which is run now" in err, err
    for name, message in (
        ("mine.py:small", "--student mine.py:small: mine.py has no function or class small"),
        ("mine.py:wide", "its network answers (2, 11) for 2 samples; it must answer (2, 10)"),
        ("mine.py:none", "--student mine.py:none: returns a int; return an nn.Module"),
        ("nowhere:net", "--student nowhere:net: no module nowhere; give file.py:function"),
        (":net", "--student :net: write it as module:function or file.py:function"),
    ):
        code, _, err = call(*run, name)
        assert code == 2 and message in err and err.splitlines()[-1].startswith("zskt: --student"), err


def test_what_does_not_fit_is_told_in_a_line(call: Call, images: tuple[object, ...]) -> None:
    path = images[:2]
    for flags, message in (
        ((*path, "--input-shape", 3, 28, 28), "takes samples of 1 x 28 x 28, but --input-shape 3 28 28"),
        ((*path, "--input-shape", 28, 28, "--mean", 0.1, 0.2), "--mean 0.1 0.2: 2 numbers for 1 channels"),
        ((*path, "--input-shape", 28, 28, "--classes", "no.txt"), "--classes no.txt: no such file"),
        (("--input-shape", 28, 28), "--input-shape: say of which network: --teacher-path FILE"),
        (("--teacher", "mnist-lenet5", "--input-shape", 28, 28), "--input-shape: mnist-lenet5 is fed as its card says"),
        (("--preset", "vectors"), "--preset vectors: say of which network: --teacher-path FILE --inputs"),
    ):
        code, _, err = call("--mode", "zero-shot", *flags, *SHORT, "--out", "run")
        assert code == 2 and message in err and err.count("\n") == 1, err
    assert not Path("run").exists()
