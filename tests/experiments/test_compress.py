"""Mode ``compress``: students of finished runs, made smaller and healed."""

from __future__ import annotations

from pathlib import Path

import pytest

import zskt
from tests.conftest import Call
from tests.experiments.test_launch import CATALOG, PAPER, acting, options, power_cut
from zskt.experiments.finished import open_run
from zskt.experiments.launch import launch
from zskt.experiments.runner import Options
from zskt.networks.compression import plain
from zskt.networks.compression.compressed import products
from zskt.storage.files import read_json

SHORT = {"student": "deepsets", "iterations": 4, "batch_size": 32, "student_steps": 40, "evaluate_every": 0}
SMALLER = PAPER.with_(mode="compress", channels=0.5, bits=6, sparsity=0.5, iterations=3)


@pytest.fixture(scope="module")
def jets_run(tmp_path_factory: pytest.TempPathFactory, few_jets: Path) -> Path:
    """A short run of the teacher that ships into a student for FPGAs."""
    config = CATALOG.presets["jets-embedded"].with_(**SHORT)
    out = tmp_path_factory.mktemp("runs") / "run"
    return launch(config, CATALOG, Options(device="cpu", out=out, data=few_jets, progress=False))[0]


def test_the_healed_student_agrees_more_and_says_what_it_saves(
    call: Call, tmp_path: Path, jets_run: Path, few_jets: Path
) -> None:
    out = tmp_path / "small"
    code, _, err = call(
        *("--mode", "compress", "--run", jets_run, "--channels", 0.5, "--rank", 0.5, "--bits", 6, "--sparsity", 0.5),
        *("--iterations", 4, "--set", "evaluate_every=0", "--data", few_jets, "--out", out),
    )
    assert code == 0, err
    result = read_json(out / "result.json")
    entry, student = result["compression"], result["student"]
    assert student["agreement"] > entry["unhealed_agreement"] + 0.05
    assert student["kl"] < entry["unhealed_kl"]
    assert result["mode"] == "compress" and result["generator"] == "shower"
    assert result["changes"].items() >= {"channels": 0.5, "rank": 0.5, "bits": 6, "sparsity": 0.5}.items()
    assert entry["macs_before"] == 16 * (32 * 7 + 32 * 32) + 32 * 32 + 10 * 32
    # Of 16 channels, and of ranks 4 and 5 at both ends: for 16 x 16 two products of rank 8 would be no smaller.
    assert entry["macs"] == 16 * (4 * (7 + 16) + 16 * 16) + 16 * 16 + 5 * (16 + 10)
    assert entry["bit_operations"] < 0.02 * entry["bit_operations_before"] and entry["luts"] < entry["bit_operations"]
    assert student["parameters"] == entry["parameters"] < 0.4 * entry["parameters_before"]
    evaluated = open_run(out, CATALOG, data=few_jets).evaluate()
    assert evaluated["student"]["agreement"] == student["agreement"]
    network = zskt.load_run(out).student
    weights = [p.weight for p in products(plain(network)).values()]
    assert sum(int((w == 0).sum()) for w in weights) == entry["zeros"] >= sum(w.numel() for w in weights) // 2 - 3
    assert all(len(w.unique()) <= 63 for w in weights)


def test_a_smaller_student_is_exported_with_its_firmware(
    call: Call, tmp_path: Path, jets_run: Path, few_jets: Path
) -> None:
    pytest.importorskip("hls4ml", reason="hls4ml is in requirements-fpga.txt")
    short = ("--iterations", 2, "--set", "evaluate_every=0", "--data", few_jets)
    code, _, err = call(
        "--mode", "compress", "--run", jets_run, "--channels", 0.5, "--bits", 8, *short, "--out", "small"
    )
    assert code == 0, err
    code, _, err = call("--mode", "export", "--run", "small", "--out", "exported")
    assert code == 0, err
    measured, card = read_json(tmp_path / "exported/export.json"), (tmp_path / "exported/README.md").read_text()
    assert measured["difference"] < 1e-5 and measured["hls4ml"]["agreement_with_student"] > 0.97
    assert "8 bits" in measured["hls4ml"]["precision"]
    assert "## Made smaller" in card and "learned without any data" in card
    defines = (tmp_path / "exported/hls4ml/firmware/defines.h").read_text()
    assert "ap_ufixed<8," in defines and "ap_fixed<16," in defines


def test_a_run_that_was_killed_goes_on_to_the_same_student(digits: Path, tmp_path: Path) -> None:
    begun, _ = launch(PAPER, CATALOG, options(digits, tmp_path / "begun"))
    config = SMALLER.with_(checkpoint_every=1)
    whole, _ = launch(config, CATALOG, options(digits, tmp_path / "whole", start=begun))
    cut = acting(power_cut, at=5)  # one pass for the ranges, two an iteration
    with pytest.raises(RuntimeError, match="power cut"):
        launch(config, cut, options(digits, tmp_path / "cut", start=begun))
    _, result = launch(config, CATALOG, options(digits, tmp_path / "cut", start=begun, resume=True))
    assert (tmp_path / "cut/student.safetensors").read_bytes() == (whole / "student.safetensors").read_bytes()
    assert result["compression"] == read_json(whole / "result.json")["compression"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--bits", 0), "bits is 0, but must be at least 2"),
        (("--channels", 2), "channels is 2.0, but must be at most 1"),
        (("--rank", 0), "rank is 0.0, but must be above 0"),
        (("--sparsity", 1), "sparsity is 1.0, but must be below 1"),
        ((), "--mode compress: say how much smaller"),
    ],
)
def test_mistakes_are_one_line(
    call: Call, tmp_path: Path, jets_run: Path, flags: tuple[object, ...], message: str
) -> None:
    code, _, err = call("--mode", "compress", "--run", jets_run, *flags, "--out", tmp_path / "small")
    assert code == 2 and message in err and len(err.splitlines()) == 1
    assert not (tmp_path / "small").exists()


def test_runs_without_a_student_to_make_smaller_are_told(
    call: Call, tmp_path: Path, jets_run: Path, digits: Path
) -> None:
    code, _, err = call("--mode", "compress", "--bits", 8, "--out", tmp_path / "small")
    assert code == 2 and "say which run: --run runs/NAME" in err
    lost = tmp_path / "lost"
    lost.mkdir()
    (lost / "config.json").write_bytes((jets_run / "config.json").read_bytes())
    code, _, err = call("--mode", "compress", "--run", lost, "--bits", 8, "--out", tmp_path / "small")
    assert code == 2 and "student.safetensors: no such file" in err and len(err.splitlines()) == 1
    begun, _ = launch(PAPER, CATALOG, options(digits, tmp_path / "begun"))
    small, _ = launch(SMALLER, CATALOG, options(digits, tmp_path / "smaller", start=begun))
    code, _, err = call("--mode", "compress", "--run", small, "--bits", 8, "--out", tmp_path / "small")
    assert code == 2 and "its student is a smaller one already" in err


def test_a_student_that_learned_from_data_is_healed_without(call: Call, tmp_path: Path, digits: Path) -> None:
    short = ("--iterations", 2, "--batch-size", 8, "--student-steps", 2, "--data", digits)
    preset = ("--preset", "mnist-lenet5-to-lenet5-half")
    code, _, err = call("--mode", "kd", *preset, *short, "--out", "begun")
    assert code == 0, err
    code, _, err = call("--mode", "compress", "--run", "begun", "--bits", 8, *short, "--out", "small")
    assert code == 0, err
    result = read_json(tmp_path / "small/result.json")
    assert result["generator"] == CATALOG.presets[preset[1]].generator and result["method"] == "zskt"
