"""Finished runs: opened, and judged again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.build import load_student
from zskt.experiments.finished import evaluate_runs, judged_before, open_run, read_config, require_same_config
from zskt.experiments.launch import launch
from zskt.experiments.runner import Options
from zskt.experiments.teacher_files import TeacherFiles
from zskt.storage.files import read_json, write_json

CATALOG = catalog()
PAPER = CATALOG.presets["mnist-lenet5-to-lenet5-half-paper"].with_(iterations=1, batch_size=8, student_steps=1)


@pytest.fixture
def run(digits: Path, tmp_path: Path) -> Path:
    return launch(PAPER, CATALOG, Options(device="cpu", out=tmp_path / "run", data=digits, progress=False))[0]


def test_a_run_is_judged_again_where_it_found_its_images(run: Path) -> None:
    result = read_json(run / "result.json")
    ((path, again),) = evaluate_runs([run], CATALOG, None, None, "cpu")
    assert path == run / "evaluate-mnist-test-digits.json" and read_json(path) == again
    assert set(again) == set(result)
    for key in ("accuracy", "agreement", "kl", "parameters"):
        assert again["student"][key] == pytest.approx(result["student"][key], rel=1e-6)


def test_other_images_under_the_same_name_are_not_its_own(run: Path, digits: Path) -> None:
    list(evaluate_runs([run], CATALOG, None, None, "cpu"))
    next(digits.glob("test*")).write_bytes(next(digits.glob("train*")).read_bytes())
    with pytest.raises(UserError, match="not the images that this run was evaluated on; say where they are: --data"):
        open_run(run, CATALOG)
    with pytest.raises(UserError, match=r"evaluate-mnist-test-digits\.json: holds figures on another file"):
        list(evaluate_runs([run], CATALOG, digits, None, "cpu"))


def test_samples_of_another_file_are_refused_before_any_network_is_asked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Path(shutil.copytree(run, tmp_path / "second"))
    figures = read_json(second / "result.json")
    figures["data"]["sha256"] = "ab"
    write_json(second / "evaluate-mnist-test-digits.json", figures)

    def ask(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("zskt.experiments.finished.FinishedRun.evaluate", ask)
    with pytest.raises(UserError, match=r"second.*: holds figures on another file, .*; rename "):
        list(evaluate_runs([run, second], CATALOG, None, None, "cpu"))


def test_an_opened_run_has_its_student_and_shares_evaluators(run: Path) -> None:
    evaluators: dict[tuple[object, ...], object] = {}
    first, second = (open_run(run, CATALOG, evaluators=evaluators) for _ in range(2))  # type: ignore[arg-type]
    assert first.evaluator is second.evaluator and first.student_name == "lenet5-half" and not first.student.training
    assert first.config == PAPER and first.card.name == "mnist-lenet5"
    student = load_student(run, PAPER, CATALOG)
    x = torch.randn(2, 1, 32, 32)
    assert torch.equal(student(x), first.student(x))


def test_a_teacher_that_cannot_be_had_leaves_agreement_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_json(run / "config.json")
    config["files"]["teacher"]["sha256"] = "0" * 64
    write_json(run / "config.json", config)
    opened = open_run(run, CATALOG)
    err = capsys.readouterr().err
    assert "is not the teacher that this run was distilled from" in err and "agreement and KL are left out" in err
    figures = opened.evaluate()["student"]
    assert figures["agreement"] is figures["kl"] is None and figures["accuracy"] is not None
    with pytest.raises(UserError, match="not the teacher that this run was distilled from"):
        open_run(run, CATALOG, requires_teacher=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("student.safetensors", "does not hold the lenet5-half"),
        ("config.json", "not a readable JSON"),
        ("result.json", "not a readable JSON"),
    ],
)
def test_a_damaged_run_is_told(run: Path, tmp_path: Path, name: str, message: str) -> None:
    shutil.copytree(run, tmp_path / "copy")
    (tmp_path / "copy" / name).write_bytes(b"damaged")
    with pytest.raises(UserError, match=message):
        open_run(tmp_path / "copy", CATALOG)


def test_a_run_that_is_not_finished_is_told(run: Path) -> None:
    (run / "student.safetensors").unlink()
    with pytest.raises(UserError, match="the run is not finished: continue it with --resume --out"):
        open_run(run, CATALOG)
    with pytest.raises(UserError, match=r"config\.json: no such file; give the folder of a run of zskt"):
        read_config(run / "nothing")


def test_runs_of_earlier_versions_are_opened(run: Path, digits: Path) -> None:
    old = {
        "preset": "mnist-lenet5-to-lenet5-half",
        "mode": "zero-shot",
        "teacher": "mnist-lenet5",
        "student": "lenet5-half",
        "generator": "image",
        "seed": 0,
        "pseudo_batches": 5,
        "pool": 64,
        "beta": 2500.0,
        "files": read_json(run / "config.json")["files"],
    }
    (run / "config.json").write_text(json.dumps(old))
    opened = open_run(run, CATALOG)
    assert opened.config.settings.replay_size == 64 and opened.config.settings.attention_weight == 2500
    assert opened.evaluate()["student"]["agreement"] is not None


def test_a_folder_of_another_recipe_is_told(tmp_path: Path) -> None:
    config = catalog().presets["jets-embedded"]
    require_same_config(tmp_path, config)  # nobody has begun there
    write_json(tmp_path / "config.json", config.to_dict())
    require_same_config(tmp_path, config)
    size = config.flat()["batch_size"]
    told = (
        f"{tmp_path}: was begun otherwise: batch_size is {size} there, 7 here; name another --out, or remove the folder"
    )
    with pytest.raises(UserError) as error:
        require_same_config(tmp_path, config.with_(batch_size=7))
    assert str(error.value) == told
    with pytest.raises(UserError, match="otherwise: teacher_access is not set there, probabilities here; name another"):
        require_same_config(tmp_path, config.with_(teacher_access="probabilities"))
    with pytest.raises(UserError, match=r"seed is 0 there, 1 here.* there, .* here and 2 more; name another"):
        require_same_config(tmp_path, config.with_(batch_size=7, seed=1, queries=9, precision="bf16", student_steps=3))


@pytest.fixture
def of_vectors(tmp_path: Path) -> Path:
    """A finished run of a network of vectors, judged on a table."""
    names = ("net.pt", "test.csv", "features.json", "classes.txt")
    network, table, features, classes = (tmp_path / name for name in names)
    torch.jit.trace(torch.nn.Linear(2, 2), torch.randn(3, 2)).save(str(network))  # type: ignore[no-untyped-call]
    rows = "".join(f"{i / 10},{-i / 7},{'ab'[i % 2]}\n" for i in range(12))
    table.write_text(f"x,y,label\n{rows}")
    features.write_text(json.dumps({"features": [{"name": name, "mean": 0, "std": 1} for name in "xy"]}))
    classes.write_text("a\nb\n")
    known, name = CATALOG.with_files(None, TeacherFiles(network=network, inputs=features, classes=classes))
    assert name is not None
    config = CATALOG.presets["vectors"].with_(teacher=name, iterations=1, batch_size=8, student_steps=1)
    options = Options(device="cpu", out=tmp_path / "run", data=table, teacher_path=network, progress=False)
    return launch(config, known, options)[0]


def test_a_run_of_vectors_is_judged_again_on_the_file_that_it_recorded(
    of_vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, before = open_run(of_vectors, CATALOG), read_json(of_vectors / "result.json")["student"]
    assert run.evaluator.look() is None
    assert run.evaluate()["student"]["agreement"] == pytest.approx(before["agreement"])
    assert judged_before(of_vectors, run.card) == tmp_path / "test.csv"
    (tmp_path / "test.csv").write_text("x,y,label\n0,0,a\n")
    assert open_run(of_vectors, CATALOG).evaluator.look() is not None
    assert "test.csv: was what this run was judged on, and is another file by now; say" in capsys.readouterr().err
    (tmp_path / "test.csv").unlink()
    assert judged_before(of_vectors, run.card) is None and "is not there any more" in capsys.readouterr().err


def test_a_run_that_does_not_say_any_more_what_its_teacher_takes_names_the_file(of_vectors: Path) -> None:
    (of_vectors / "inputs.json").unlink()
    with pytest.raises(UserError, match=r"run/inputs\.json: no such file; it says what the teacher .*-net takes"):
        open_run(of_vectors, CATALOG)


def test_runs_whose_teacher_is_fed_otherwise_share_no_answers(of_vectors: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(of_vectors, tmp_path / "other"))
    record = read_json(other / "inputs.json")
    record["inputs"]["names"].reverse()
    write_json(other / "inputs.json", record)
    alone = [open_run(run, CATALOG).evaluate()["student"]["kl"] for run in (of_vectors, other)]
    evaluators: dict[tuple[object, ...], object] = {}
    runs = [open_run(run, CATALOG, evaluators=evaluators) for run in (of_vectors, other, of_vectors)]  # type: ignore[arg-type]
    assert runs[0].evaluator is runs[2].evaluator is not runs[1].evaluator
    together = [run.evaluate()["student"]["kl"] for run in runs[:2]]
    assert together == pytest.approx(alone) and together[0] != pytest.approx(together[1])
