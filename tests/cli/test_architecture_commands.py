"""From a file of parameters and the code that builds its network to a student, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.conftest import Call
from tests.toy_taggers import Toy, described
from zskt.storage.files import read_json

SHORT = ("--iterations", 2, "--student-steps", 2, "--batch-size", 16)
CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner, self.outer = nn.Linear(7, width), nn.Linear(width, 3)

    def forward(self, pf_features, pf_mask, sv_features, sv_mask):
        h = torch.cat([(pf_features * pf_mask).sum(2) / 10, (sv_features * sv_mask).sum(2)], 1)
        return 3 * self.outer(torch.relu(self.inner(h)))
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "preprocess.json").write_text(json.dumps(described().to_json()))
    (folder / "network.py").write_text(CODE)
    torch.save({f"mod.{n}": v for n, v in Toy(described()).state_dict().items()}, folder / "net_best_epoch_state.pt")
    return folder


def flags(files: Path) -> tuple[object, ...]:
    return ("--teacher-path", files / "net_best_epoch_state.pt", "--preprocess", files / "preprocess.json")


def test_parameters_with_their_architecture_are_distilled_resumed_and_evaluated(
    call: Call, files: Path, tmp_path: Path, few_jets: Path
) -> None:
    architecture = ("--architecture", f"{files}/network.py:Net", "--architecture-options", '{"width": 32}')
    run = tmp_path / "run"
    code, _, err = call("--mode", "zero-shot", *flags(files), *architecture, *SHORT, "--out", run, "--data", few_jets)
    assert code == 0, err
    result = read_json(run / "result.json")
    assert result["teacher"]["parameters"] == 7 * 32 + 32 + 32 * 3 + 3
    record = read_json(run / "inputs.json")["architecture"]
    assert record["options"] == {"width": 32} and len(record["sha256"]) == 64

    resumed = ("--mode", "zero-shot", "--resume", "--out", run, "--data", few_jets)
    code, _, err = call(*resumed, *SHORT)
    assert code == 0, err
    code, _, err = call(*resumed, *flags(files), *architecture, *SHORT)
    assert code == 0, err
    code, _, err = call(*resumed, *flags(files), "--architecture", f"{files}/network.py:Net", *SHORT)
    assert code == 2 and "leave the flag out" in err and err.count("\n") == 1

    (files / "net_best_epoch_state.pt").rename(tmp_path / "moved.pt")
    where = ("--mode", "evaluate", "--run", run, "--data", few_jets, "--teacher-path", tmp_path / "moved.pt")
    code, _, err = call(*where)
    assert code == 0, err
    agreement = read_json(run / "evaluate-few.json")["student"]["agreement"]
    assert agreement == read_json(run / "result.json")["student"]["agreement"] is not None

    (files / "network.py").write_text(CODE + "\n")
    code, _, err = call(*where)
    assert code == 2 and "not the file that the run began with; put it back" in err


def test_logits_of_the_architecture_are_those_of_the_network(files: Path, tmp_path: Path) -> None:
    from teachers import card_of_files
    from zskt.jets.random_inputs import random_inputs

    card = card_of_files(files / "net_best_epoch_state.pt", files / "preprocess.json")
    teacher = card.with_architecture(f"{files}/network.py:Net", '{"width": 32}').load()
    x = random_inputs(described().groups, 6)
    assert torch.allclose(teacher(*x).softmax(1), Toy(described())(*x), atol=1e-6)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "parameters alone, without their network; give the code that builds it: --architecture network.py"),
        (("--architecture-options", "{}"), "say of what: --architecture package.module:Class"),
        (("--architecture", "FILE:Net"), "cannot be built (TypeError"),
        (("--architecture", "FILE:Net", "--architecture-options", "{"), "no JSON"),
        (("--architecture", "FILE:Net", "--architecture-options", '{"width": 8}'), "size mismatch for inner.weight"),
    ],
)
def test_what_is_missing_is_one_line(call: Call, files: Path, more: tuple[str, ...], message: str) -> None:
    given = [part.replace("FILE", f"{files}/network.py") for part in more]
    code, _, err = call("--mode", "zero-shot", *flags(files), *given, *SHORT)
    assert code == 2 and message in err and err.count("\n") == 1, err


def test_an_architecture_goes_with_parameters_of_a_file(call: Call, files: Path) -> None:
    code, _, err = call("--mode", "zero-shot", "--teacher", "mnist-lenet5", "--architecture", "a:b", *SHORT)
    assert code == 2 and "the teacher mnist-lenet5 has its own architecture" in err
    code, _, err = call("--mode", "zero-shot", "--architecture", "a:b", *SHORT)
    assert code == 2 and "say of which parameters, and how they are fed" in err
    torch.jit.script(Toy(described()).eval()).save(str(files / "net_best_epoch_state.pt"))  # type: ignore[no-untyped-call]
    code, _, err = call("--mode", "zero-shot", *flags(files), "--architecture", "a:b", *SHORT)
    assert code == 2 and "holds the network itself; leave the flag out" in err


def test_a_whole_pickled_module_is_called_what_it_is(call: Call, files: Path) -> None:
    torch.save(nn.Linear(5, 3), files / "net_best_epoch_state.pt")
    code, _, err = call("--mode", "zero-shot", *flags(files), *SHORT)
    assert code == 2 and "to unpickle it is to run code of whoever wrote it" in err and "fetch it again" not in err
