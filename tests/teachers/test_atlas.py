"""ATLAS's descriptions in the metadata of an ONNX file, as salt writes them; made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from teachers import card_of_files
from teachers.atlas import JET_VARIABLES, MAX_CONSTITUENTS, TRACK_VARIABLES, read_gnn_config
from tests.jets.samples import sample_jets
from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition, meaning
from zskt.jets.inputs_in_words import describe
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.jets.tracks import reconstruct

TRACKS = (
    "d0", "z0SinTheta", "dphi", "deta", "qOverP", "IP3D_signed_d0_significance", "IP3D_signed_z0_significance",
    "phiUncertainty", "thetaUncertainty", "qOverPUncertainty", "numberOfPixelHits", "numberOfSCTHits",
    "numberOfInnermostPixelLayerHits", "numberOfNextToInnermostPixelLayerHits", "numberOfInnermostPixelLayerSharedHits",
    "numberOfInnermostPixelLayerSplitHits", "numberOfPixelSharedHits", "numberOfPixelSplitHits",
    "numberOfSCTSharedHits",
    "muon_quality",
)  # fmt: skip


def config() -> dict[str, Any]:
    return {
        "inputs": [{"name": "jet_var", "variables": [
            {"name": "pt_btagJes", "offset": -50000.0, "scale": 1e-5},
            {"name": "absEta_btagJes", "offset": 0, "scale": 1},
        ]}],
        "input_sequences": [
            {"name": "tracks_r22default_sd0sort",
             "variables": [{"name": n, "offset": 0.0, "scale": 1.0} for n in TRACKS]}
        ],
        "outputs": {"GN2": {"labels": ["pb", "pc", "pu"], "node_index": 0}},
    }  # fmt: skip


def write(path: Path, metadata: str | None) -> Path:
    """A graph with ATLAS's names: mean of the tracks' first variables."""
    inputs = [
        helper.make_tensor_value_info("jet_features", TensorProto.FLOAT, [1, 2]),
        helper.make_tensor_value_info("track_features", TensorProto.FLOAT, ["n_tracks", len(TRACKS)]),
    ]
    nodes = [helper.make_node("ReduceSum", ["jet_features"], [f"GN2_{x}"], keepdims=0) for x in ("pb", "pc", "pu")]
    nodes.append(helper.make_node("Identity", ["track_features"], ["GN2_TrackOrigin"]))
    outputs = [helper.make_tensor_value_info(f"GN2_{x}", TensorProto.FLOAT, []) for x in ("pb", "pc", "pu")]
    outputs.append(helper.make_tensor_value_info("GN2_TrackOrigin", TensorProto.FLOAT, ["n_tracks", len(TRACKS)]))
    model = helper.make_model(helper.make_graph(nodes, "GN2", inputs, outputs))
    if metadata is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = "gnn_config", metadata
    onnx.save(model, str(path))
    return path


def test_the_file_says_how_it_is_fed(tmp_path: Path) -> None:
    preprocess = read_gnn_config(write(tmp_path / "network.onnx", json.dumps(config())))
    assert preprocess is not None
    jet, tracks = preprocess.groups
    assert (jet.name, jet.flat, tracks.name, tracks.max_length) == (
        "jet_features",
        True,
        "track_features",
        MAX_CONSTITUENTS,
    )
    assert preprocess.outputs == ("GN2_pb", "GN2_pc", "GN2_pu")
    assert (jet.variables[0].median, jet.variables[0].norm_factor) == (50000.0, 1e-5)
    inputs = TaggerInputs(preprocess=preprocess)
    samples = reconstruct(sample_jets(30), inputs.selection.radius)
    x_jet, x = inputs(samples)
    assert torch.allclose(x_jet[:, 0], (1000 * samples.jet["pt"][:, 0] - 50000) * 1e-5, rtol=1e-5)
    assert torch.allclose(x_jet[:, 1], samples.jet["eta"][:, 0].abs())
    c = samples.particles
    rows = [c["track"][0] > 0]
    first = {n: v[0][rows[0]][:MAX_CONSTITUENTS] for n, v in c.columns.items()}
    count, values = len(first["pt"]), dict(zip(TRACKS, x[0], strict=True))
    momentum = first["pt"] * first["eta"].cosh()
    wanted = {
        "d0": 10 * first["dxy"], "z0SinTheta": 10 * first["dz"] / first["eta"].cosh(),
        "deta": first["eta"] - samples.jet["eta"][0], "qOverP": first["charge"] / (1000 * momentum),
        "IP3D_signed_d0_significance": first["sip2d"] / first["dxy_error"], "numberOfPixelHits": first["pixel_hits"],
        "numberOfInnermostPixelLayerHits": (first["lost_inner_hits"] < 0).float(),
        "numberOfPixelSharedHits": torch.zeros(count),
    }  # fmt: skip
    for name, value in wanted.items():
        assert torch.allclose(values[name][:count], value, rtol=1e-4, atol=1e-7), name
    assert (x[0][:, count:] == 0).all()
    text = describe(inputs)
    assert "not known: no variable of ATLAS known here, drawn" in text and "transverse impact parameter, mm" in text
    assert inputs.roles[1].only == ("track",) and inputs.roles[1].unknown == (TRACKS.index("muon_quality"),)


@pytest.mark.parametrize(
    ("table", "kind", "prefix"), [(TRACK_VARIABLES, "particles", "track"), (JET_VARIABLES, "jet", "jet")]
)
def test_every_variable_of_the_tables_can_be_computed(table: dict[str, Any], kind: str, prefix: str) -> None:
    for own, (expression, words) in table.items():
        name = f"{prefix}_{own}"
        assert meaning(name, kind, {name: FileDefinition(name, expression, words)}).definition is not None, name


def test_other_files_do_not_say_and_bad_ones_are_told(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.onnx", None)
    assert read_gnn_config(silent) is None and read_gnn_config(tmp_path / "none.onnx") is None
    with pytest.raises(UserError, match="say how it is fed: --preprocess"):
        card_of_files(silent, None)
    with pytest.raises(UserError, match="its gnn_config is no JSON"):
        read_gnn_config(write(tmp_path / "bad.onnx", "{"))
    with pytest.raises(UserError, match="its gnn_config is not laid out as salt writes it"):
        read_gnn_config(write(tmp_path / "odd.onnx", '{"inputs": [{"name": "jet", "variables": [3]}]}'))
    assert card_of_files(write(tmp_path / "own.onnx", json.dumps(config())), None).files() == {
        "teacher": tmp_path / "own.onnx"
    }
