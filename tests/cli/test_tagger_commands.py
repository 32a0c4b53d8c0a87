"""From the files of a tagger to a student that leaves, by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.conftest import Call
from tests.jets.pfnano_file import write_pfnano
from tests.toy_taggers import Toy, described, write
from zskt.jets.preprocess import InputGroup, Preprocess, Variable, read_preprocess
from zskt.jets.tagger_description import Description
from zskt.onnx_runtime import session
from zskt.storage.checkpoint_file import read_checkpoint
from zskt.storage.files import read_json, write_json
from zskt.terminal import note_once

SHORT = ("--iterations", 2, "--student-steps", 2, "--batch-size", 16)


def distil(call: Call, folder: Path, preprocess: Preprocess, network: Toy, *more: object, kind: str = "pt") -> Path:
    path, where = write(folder / "files", preprocess, network, kind)
    arguments = ("--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, "--out", folder / "run")
    code, out, err = call(*arguments, *SHORT, *more)
    assert code == 0, err
    assert "pseudo-jets: radius" in out
    return folder / "run"


def test_a_tagger_with_unknown_variables_is_distilled_evaluated_reported_and_exported(
    call: Call, tmp_path: Path, few_jets: Path
) -> None:
    preprocess = described(names=("pfcand_mystery",))
    run = distil(call, tmp_path, preprocess, Toy(preprocess), "--data", few_jets)
    result = read_json(run / "result.json")
    assert result["preset"] == "tagger" and 0 <= result["student"]["agreement"] <= 1
    assert result["teacher"]["parameters"] == sum(p.numel() for p in Toy(preprocess).parameters())
    record = run / "inputs.json"
    assert Description.from_record(read_json(record), record).preprocess.without_layouts() == preprocess

    (tmp_path / "files" / "model.pt").rename(tmp_path / "moved.pt")
    code, _, err = call("--mode", "evaluate", "--run", run, "--data", few_jets)
    assert code == 0 and "agreement and KL are left out" in err, err
    code, _, err = call("--mode", "evaluate", "--run", run, "--data", few_jets, "--teacher-path", tmp_path / "moved.pt")
    assert code == 0, err
    assert read_json(run / "evaluate-few.json")["student"]["agreement"] == result["student"]["agreement"]

    with_teacher = ("--run", run, "--data", few_jets, "--teacher-path", tmp_path / "moved.pt")
    code, _, err = call("--mode", "report", *with_teacher)
    assert code == 0, err
    page = (run / "report.html").read_text()
    assert page.count("data:image/png;base64") >= 4 and "pfcand_mystery" in page
    assert "http" not in page.replace("https://github.com", "").split("<h1>")[0]
    assert read_json(run / "physics-few.json")["truth"] == "the teacher's top class"

    code, _, err = call("--mode", "export", *with_teacher, "--out", tmp_path / "student")
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["difference"] < 1e-5 and measured["int8"]["bytes"] < measured["onnx"]["bytes"]
    assert measured["int8"]["agreement_with_student"] > 0.7
    assert {row["batch"] for row in measured["latency"]} == {1, 128}
    inputs = {i.name: i.shape for i in session(tmp_path / "student/model.onnx").get_inputs()}
    described_inputs = read_preprocess(tmp_path / "student/preprocess.json")
    assert [g.name for g in described_inputs.groups] == list(inputs)
    assert (tmp_path / "student/labels.txt").read_text().split() == ["b", "c", "light"]
    assert "needs its own calibration" in (tmp_path / "student/README.md").read_text()
    code, _, err = call("--mode", "export", *with_teacher, "--out", tmp_path / "student")
    assert code == 2 and "not empty" in err


@pytest.mark.parametrize(
    "names", [("mass",), ("label_b", "label_c", "label_light", "mass_corr"), ("mass_corr", "b", "c", "g")]
)
def test_regressed_values_are_distilled(call: Call, tmp_path: Path, few_jets: Path, names: tuple[str, ...]) -> None:
    class First(Toy):
        """The value before the classes."""

        def forward(self, pf_features, pf_mask, sv_features, sv_mask):  # type: ignore[no-untyped-def]
            y = self.inner(torch.cat([(pf_features * pf_mask).sum(2) / 10, (sv_features * sv_mask).sum(2)], 1))
            y = self.outer(torch.relu(y))
            return torch.cat([80 + 10 * y[:, :1], (3 * y[:, 1:]).softmax(1)], 1)

    preprocess = described(names)
    network = First(preprocess) if names[0] == "mass_corr" else Toy(preprocess, values=1)
    run = distil(call, tmp_path, preprocess, network, "--data", few_jets, "--iterations", 30, "--student-steps", 20)
    student = read_json(run / "result.json")["student"]
    value = next(iter(student["values"].values()))
    assert "correlation with the teacher's" in call("--mode", "evaluate", "--run", run, "--data", few_jets)[1]
    assert value["median_difference"] < 6 and value["correlation"] > 0.5
    assert (student["agreement"] is None) is (len(names) == 1)
    assert call("--mode", "report", "--run", run, "--data", few_jets)[0] == 0
    code, _, err = call("--mode", "export", "--run", run, "--data", few_jets, "--out", tmp_path / "student")
    assert code == 0, err
    assert read_json(tmp_path / "student/preprocess.json")["output_names"] == list(names)


def test_the_same_again_and_resumed(call: Call, tmp_path: Path, few_jets: Path) -> None:
    preprocess = described(names=("pfcand_mystery",))
    whole = distil(call, tmp_path / "a", preprocess, Toy(preprocess), "--data", few_jets, "--iterations", 4)
    first = distil(call, tmp_path / "b", preprocess, Toy(preprocess), "--data", few_jets, "--iterations", 4)
    checkpoint = read_checkpoint(first / "checkpoint.pt")
    assert checkpoint["step"] == 4
    (first / "result.json").unlink()  # of a finished run it would only be said that it is
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", first)
    assert code == 0, err
    (first / "result.json").unlink()
    (tmp_path / "b/files/preprocess.json").write_text("{}")
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", first)
    assert code == 2 and "not the file that this run began with" in err
    from safetensors.torch import load_file

    for name, value in load_file(whole / "student.safetensors").items():
        assert torch.equal(value, load_file(first / "student.safetensors")[name])


@pytest.mark.parametrize("student", ["deepsets", "pfn-small"])
def test_students_of_taggers_leave(call: Call, tmp_path: Path, few_jets: Path, student: str) -> None:
    if student == "deepsets":
        pytest.importorskip("hls4ml", reason="hls4ml is in requirements-fpga.txt")
    preprocess = described()
    run = distil(call, tmp_path, preprocess, Toy(preprocess), "--data", few_jets, "--student", student, kind="onnx")
    code, _, err = call("--mode", "export", "--run", run, "--data", few_jets, "--out", tmp_path / "student")
    assert code == 0, err
    measured = read_json(tmp_path / "student/export.json")
    assert measured["latency"][0]["teacher"] == "the publisher's ONNX"
    if student == "deepsets":
        assert measured["hls4ml"]["agreement_with_student"] > 0.95
        assert (tmp_path / "student/hls4ml/firmware/student.cpp").is_file()


def test_the_shipped_teachers_student_leaves(call: Call, tmp_path: Path, few_jets: Path) -> None:
    code, _, err = call("--mode", "zero-shot", *SHORT, "--data", few_jets, "--out", tmp_path / "run")
    assert code == 0, err
    code, _, err = call(
        "--mode", "export", "--run", tmp_path / "run", "--data", few_jets, "--out", tmp_path / "student"
    )
    assert code == 0, err
    assert read_json(tmp_path / "student/export.json")["difference"] < 1e-5
    features = read_preprocess(tmp_path / "student/preprocess.json").group("pf_features")
    assert features.variables[0] == Variable("part_pt_log", 1.7, 0.7, 0.0, -5.0, 5.0)
    assert call("--mode", "report", "--run", tmp_path / "run", "--data", few_jets)[0] == 0


def test_a_tagger_is_judged_on_pfnano(call: Call, tmp_path: Path) -> None:
    file = write_pfnano(tmp_path / "nano.root")
    preprocess = described(("label_Hbb", "label_Hcc", "label_QCD"), most=100)
    run = distil(call, tmp_path, preprocess, Toy(preprocess), "--data", file)
    assert read_json(run / "result.json")["data"]["count"] == 2


def test_broken_pfnano_ends_a_run_before_it_begins(call: Call, tmp_path: Path) -> None:
    file = write_pfnano(tmp_path / "nano.root", PFCands_d0Err=None)
    preprocess = described(("label_Hbb", "label_Hcc", "label_QCD"), most=100)
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    out = tmp_path / "run"
    code, _, err = call(
        "--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, *SHORT, "--data", file, "--out", out
    )
    assert code == 2 and "no branch PFCands_d0Err" in err and len(err.strip().splitlines()) == 1
    assert not (out / "result.json").exists()


def test_flags_that_do_not_go_together(call: Call, tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    torch_file = path.rename(tmp_path / "model.onnx")  # told by what it holds, not by its name
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(torch_file.read_bytes()[:500])
    for arguments, words in (
        (("--teacher-path", torch_file), "say how it is fed"),
        (("--preprocess", where), "say of which network"),
        (("--preprocess", where, "--teacher", "jetclass-particlenet-kin"), "fed as its card says"),
        (("--teacher-path", damaged, "--preprocess", where), "not a readable ONNX file"),
        (
            ("--teacher", "cms-hlt-particlenet-ak4", "--preprocess", tmp_path / "no.json", "--teacher-path", path),
            "no such file",
        ),
        (("--set", "pt_low=2000"), "the first must be the smaller"),
        (("--set", "radius=1.5"), "at most 0.8"),
    ):
        code, _, err = call("--mode", "zero-shot", *arguments, *SHORT)
        assert code == 2 and words in err and len(err.strip().splitlines()) == 1, err
    assert not list(Path().glob("runs/*"))
    code, _, err = call("--mode", "export", "--run", tmp_path)
    assert code == 2 and "say where to write" in err
    code, _, err = call("--mode", "report", "--run", tmp_path / "nothing")
    assert code == 2


@pytest.mark.parametrize("kind", ["pt", "onnx"])
def test_lost_tracks_jets_and_flat_inputs_reach_the_student(
    call: Call, tmp_path: Path, few_jets: Path, kind: str
) -> None:
    class Flat(torch.nn.Module):
        """Particles, lost tracks and two numbers of the jet."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.outer = torch.nn.Linear(5, 3)

        def forward(
            self, cpf_features: torch.Tensor, lt_features: torch.Tensor, jet_features: torch.Tensor
        ) -> torch.Tensor:
            return self.outer(torch.cat([cpf_features.sum(2), lt_features.sum(2), jet_features], 1)).softmax(1)

    groups = (
        InputGroup("cpf_features", (Variable("cpfcandlt_pt_log_nopuppi"), Variable("cpfcandlt_charge")), 1, 20),
        InputGroup("lt_features", (Variable("losttrack_charge"),), 1, 5),
        InputGroup("jet_features", (Variable("jet_pt_log"), Variable("jet_abseta")), flat=True),
    )
    preprocess = Preprocess(groups, ("probA", "probB", "probC"))
    path, where = write(tmp_path / "files", preprocess, Flat(), kind)  # type: ignore[arg-type]
    out = tmp_path / "run"
    code, _, err = call(
        "--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, *SHORT, "--data", few_jets, "--out", out
    )
    assert code == 0, err
    record = Description.from_record(read_json(out / "inputs.json"), out)
    assert record.classes == ("probA", "probB", "probC") and record.preprocess.without_layouts() == preprocess


def test_figures_with_the_teacher_are_not_lost_without_it(call: Call, tmp_path: Path, few_jets: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    short = ("--iterations", 2, "--student-steps", 2, "--batch-size", 16)
    run = tmp_path / "run"
    evaluate = ("--mode", "evaluate", "--run", run, "--data", few_jets)
    code, _, err = call(
        "--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, *short, "--data", few_jets, "--out", run
    )
    assert code == 0, err
    assert call(*evaluate)[0] == 0
    before = read_json(run / "evaluate-few.json")
    path.rename(tmp_path / "elsewhere.pt")
    code, _, err = call(*evaluate)
    assert code == 2 and "holds agreement with the teacher, kept; give --teacher-path" in err
    assert read_json(run / "evaluate-few.json") == before
    write_json(run / "evaluate-few.json", before)
    assert call(*evaluate, "--teacher-path", tmp_path / "elsewhere.pt")[0] == 0


def test_methods_that_look_at_layers_take_a_tagger_that_names_none(call: Call, tmp_path: Path) -> None:
    note_once.cache_clear()
    preprocess = described()
    path, where = write(tmp_path / "files", preprocess, Toy(preprocess), "pt")
    dafl = ("--mode", "zero-shot", "--teacher-path", path, "--preprocess", where, "--method", "dafl", *SHORT[:2])
    short = ("--batch-size", 16, "--without-evaluation")
    code, _, err = call(*dafl, *short, "--out", tmp_path / "run")
    assert code == 0 and "feature_weight is 0 and not 0.1" in err, err
    assert read_json(tmp_path / "run/config.json")["settings"]["feature_weight"] == 0
    code, _, err = call(*dafl, *short, "--out", tmp_path / "other", "--set", "feature_weight=0.2")
    assert code == 2 and "set feature_weight=0" in err
