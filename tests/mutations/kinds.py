"""The kinds of files that the program reads: a sound one of each, how it is damaged, and who reads it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchvision.datasets.mnist

from teachers import torchscript
from teachers.files import read_state_dict
from teachers.kinds import kind_of_file, remedy
from teachers.readers import reader_of
from teachers.state_dict_reader import parameters
from teachers.tagger import read_tagger
from teachers.weaver_yaml import read_weaver_yaml
from tests.mutations.kind import Kind, text
from tests.mutations.mutate import of_json, of_lines, of_toml, of_yaml
from tests.mutations.samples import SAMPLES
from tests.toy_taggers import Toy, described, write
from zskt.__main__ import catalog
from zskt.cluster.compare.budget import Budget
from zskt.cluster.compare.campaign import Plan
from zskt.cluster.site import read_site
from zskt.experiments.build import build_student, load_student
from zskt.experiments.finished import read_config
from zskt.forward import Output
from zskt.jets.preprocess import read_preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.results.records import read_index, records_of_runs
from zskt.results.tables import all_tables
from zskt.shards import Manifest, Shard, read_shard, write_shard
from zskt.storage.checkpoint_file import read_checkpoint
from zskt.storage.exported_archive import load_program

RUN = Path("runs/reference/jets-embedded-shower-seed0").resolve()
SITE = 'processes = 1\ncores = 4\nmemory = "16 GB"\ntime = "04:00:00"\nqueue = "gpu"\ngpus = 1\ndirectives = ["-x"]\n'
WEAVER = """
treename: tree
new_variables: {part_mask: ak.ones_like(part_energy)}
preprocess: {method: manual, params: {part_e: {length: 9, center: 1.0, scale: 0.5, min: -5, max: 5, pad_value: 0}}}
inputs:
  pf_features: {length: 9, pad_mode: constant, vars: [[part_pt_log, 1.7, 0.7], [part_deta, null], part_e]}
  pf_mask: {length: 9, vars: [[part_mask, null]]}
labels: {type: simple, value: [label_QCD, label_Hbb]}
"""


def _copy_run(folder: Path) -> None:
    shutil.copytree(RUN, folder, dirs_exist_ok=True)


def _tagger_run(folder: Path) -> None:
    """A run whose teacher came from a file."""
    _copy_run(folder)
    network, where = write(folder, described(), Toy(described()), "onnx")
    card = catalog().card_of_files(network, where)
    (folder / "inputs.json").write_text(json.dumps(card.record()))
    values = json.loads((folder / "config.json").read_text())
    values |= {"teacher": card.name, "files": {"teacher": {"path": None, "sha256": None}}}
    (folder / "config.json").write_text(json.dumps(values))


def _read_record(path: Path) -> None:
    config, _ = read_config(path.parent)
    known = catalog().with_run(path.parent)
    card = known.card(config)
    card.describe()
    build_student(config, card, known)


def _read_run_config(path: Path) -> None:
    config, _ = read_config(path.parent)
    known = catalog().with_run(path.parent)
    known.require(config)
    known.card(config)


def _read_student(path: Path) -> None:
    config, _ = read_config(path.parent)
    load_student(path.parent, config, catalog().with_run(path.parent))


def _read_result(path: Path) -> None:
    all_tables(path.parent.parent, catalog())
    records_of_runs([path.parent])


def _read_metrics(path: Path) -> None:
    for record in records_of_runs([path.parent]):
        record.curve("test/accuracy")


def _checkpoint(folder: Path) -> None:
    config, _ = read_config(RUN)
    payload = {
        "config": {**config.to_dict()},
        "step": 3,
        "counters": {},
        "device": "cpu",
        "parts": {"a": {"w": torch.ones(9)}},
    }
    torch.save(payload, folder / "checkpoint.pt")


def _network(kind: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        if kind == "pt2":
            torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(2, 3),)), folder / "model.pt2")
        else:
            write(folder, described(), Toy(described()), kind)

    return make


def _read_network(path: Path) -> None:
    where = path.with_name("preprocess.json")
    read_tagger(path, read_preprocess(where), where)


def _read_script(path: Path) -> None:
    kind_of_file(path)
    file = torchscript.open_file(path)
    groups = described().groups
    with contextlib.suppress(RuntimeError):  # as the search for its layouts does
        file.run([*random_inputs(groups, 2)])


def _read_described(path: Path) -> None:
    preprocess = read_preprocess(path)
    random_inputs(preprocess.groups, 16)
    read_tagger(path.with_name("model.onnx"), preprocess, path)


def _read_weaver(path: Path) -> None:
    random_inputs(read_weaver_yaml(path).groups, 16)


def _state(folder: Path) -> None:
    torch.save(Toy(described()).state_dict(), folder / "state.pt")


def _read_state(path: Path) -> None:
    kind_of_file(path)
    parameters(path)
    read_state_dict(path)


def _npz(folder: Path) -> None:
    np.savez(folder / "arrays.npz", a=np.arange(9), b=np.ones(3))


def _read_foreign(path: Path) -> None:
    kind_of_file(path)
    remedy(path)
    reader_of(path)


def _shard(folder: Path) -> None:
    Manifest(
        preset="a",
        teacher="b",
        teacher_sha256=None,
        generator="c",
        seed=1,
        samples=8,
        shard_size=4,
        selection={},
        unit="jet",
    ).write(folder)
    x = torch.rand(4, 3)
    write_shard(folder / "shard.parquet", Shard.of((x,), Output(logits=torch.rand(4, 2))), {"index": 0, "seed": 1})


def _read_manifest(path: Path) -> None:
    manifest = Manifest.read(path.parent)
    _ = manifest.shards, manifest.count(0), manifest.shard_seed(0)


def _plan(folder: Path) -> None:
    trials = {"zskt": [{"iterations": 2, "seconds": 1.5, "queries": 9}]}
    (folder / "plan.json").write_text(
        json.dumps(
            {"preset": "a", "budget": {"minutes": 1.0, "queries": None}, "iterations": {"zskt": 7}, "trials": trials}
        )
    )


def _index(folder: Path) -> None:
    lines = Path("runs/reference/index.jsonl").read_text().splitlines()[:3]
    (folder / "index.jsonl").write_text("\n".join(lines) + "\n")


def _hdf5(folder: Path) -> None:
    content = b"\x89HDF\r\n\x1a\n" + b"model_config" + bytes(500)
    (folder / "model.h5").write_bytes(content)


KINDS = (
    *SAMPLES,
    Kind("checkpoint", "checkpoint.pt", _checkpoint, read_checkpoint),
    Kind("student", "student.safetensors", _copy_run, _read_student),
    Kind("config.json", "config.json", _copy_run, _read_run_config, of_json),
    Kind("result.json", "result.json", _copy_run, _read_result, of_json),
    Kind("metrics.jsonl", "metrics.jsonl", _copy_run, _read_metrics, of_lines),
    Kind("index.jsonl", "index.jsonl", _index, lambda path: read_index(path.parent), of_lines),
    Kind("inputs record", "inputs.json", _tagger_run, _read_record, of_json),
    Kind("preprocess.json", "preprocess.json", _network("onnx"), _read_described, of_json),
    Kind("weaver YAML", "weaver.yaml", text("weaver.yaml", WEAVER), _read_weaver, of_yaml),
    Kind("state_dict", "state.pt", _state, _read_state),
    Kind("TorchScript", "model.pt", _network("pt"), _read_script),
    Kind("torch.export", "model.pt2", _network("pt2"), load_program),
    Kind("ONNX", "model.onnx", _network("onnx"), _read_network),
    Kind("NumPy arrays", "arrays.npz", _npz, _read_foreign, sound="refused"),
    Kind("HDF5", "model.h5", _hdf5, kind_of_file),
    Kind("site TOML", "site.toml", text("site.toml", SITE), read_site, of_toml),
    Kind("shard", "shard.parquet", _shard, read_shard),
    Kind("answers.json", "answers.json", _shard, _read_manifest, of_json),
    Kind("plan.json", "plan.json", _plan, lambda path: Plan.open(path, "a", Budget(minutes=1.0)), of_json),
)  # fmt: skip
_ = torchvision.datasets.mnist  # imported once, and not by each child
