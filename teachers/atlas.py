"""ATLAS's taggers: the description that salt and umami write into the metadata of an ONNX file (``gnn_config``).

It is JSON, as Athena's FlavorTagDiscriminants reads it: ``inputs`` of the jet and ``input_sequences`` of tracks and
other constituents, each a name and variables with an offset and a scale, x -> (x + offset) * scale, and ``outputs`` by
model with their labels. Its variables are written here in the branches of JetClass (`VARIABLES`): ATLAS has MeV and mm,
and impact parameters of the sign opposite to JetClass's.

Sources: gitlab.cern.ch/atlas-flavor-tagging-tools (salt, training-dataset-dumper); resolutions of tracks: ATLAS,
CERN-OPEN-2008-020, table of the barrel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from zskt.errors import UserError
from zskt.jets.definitions import FileDefinition
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

KEY = "gnn_config"
"""Name of the metadata."""
MAX_CONSTITUENTS = 40
"""Constituents of a jet that ATLAS gives a tagger, the description does not say it."""

_SINE = "part_pt / part_p"
TRACK_VARIABLES: dict[str, tuple[str, str]] = {
    "pt": ("1000 * part_pt", "transverse momentum, MeV"),
    "log_pt": ("np.log(1000 * part_pt)", "ln of the transverse momentum, MeV"),
    "energy": ("1000 * part_energy", "energy, MeV"),
    "eta": ("part_eta", "pseudorapidity"),
    "phi": ("part_phi", "azimuth"),
    "theta": ("np.arctan2(part_pt, part_pz)", "polar angle"),
    "deta": ("part_eta - jet_eta", "pseudorapidity less the jet's"),
    "abs_deta": ("np.sign(jet_eta) * (part_eta - jet_eta)", "the same, outwards"),
    "dphi": ("part_dphi", "azimuth less the jet's"),
    "dr": ("np.hypot(part_deta, part_dphi)", "distance from the jet's axis"),
    "log_dr": ("np.log(np.hypot(part_deta, part_dphi))", "ln of the distance from the jet's axis"),
    "ptfrac": ("part_pt / jet_pt", "pT / jet's"),
    "log_ptfrac": ("np.log(part_pt / jet_pt)", "ln of pT / jet's"),
    "qOverP": ("part_charge / (1000 * part_p)", "charge / momentum, 1 / MeV"),
    "charge": ("part_charge", "charge"),
    "isCharged": ("np.abs(part_charge) > 0", "charged?"),
    "d0": ("-part_d0val", "transverse impact parameter, mm"),
    "z0": ("part_dzval", "longitudinal impact parameter, mm"),
    "z0SinTheta": (f"part_dzval * {_SINE}", "longitudinal impact parameter times the sine of the polar angle, mm"),
    "d0Uncertainty": ("part_d0err", "error of d0, mm"),
    "z0Uncertainty": ("part_dzerr", "error of z0, mm"),
    "z0SinThetaUncertainty": (f"part_dzerr * {_SINE}", "error of z0 sin theta, mm"),
    "lifetimeSignedD0": ("10 * pfcand_btagsip2dval", "d0, signed by the jet's axis, mm"),
    "lifetimeSignedD0Significance": ("pfcand_btagsip2dsig", "d0 / error, signed by the jet's axis"),
    "lifetimeSignedZ0SinTheta": (
        f"np.sign((jet_eta - part_eta) * part_dzval) * np.abs(part_dzval) * {_SINE}",
        "z0 sin theta, signed by the jet's axis, mm",
    ),
    "lifetimeSignedZ0SinThetaSignificance": (
        "np.where(part_dzerr > 0, np.sign((jet_eta - part_eta) * part_dzval) * np.abs(part_dzval) / part_dzerr, 0)",
        "z0 / error, signed by the jet's axis",
    ),
    "phiUncertainty": ("7e-5 * np.sqrt(1 + (39 / part_pt)**2)", "error of the azimuth, typical of the barrel"),
    "thetaUncertainty": (
        f"7e-4 * ({_SINE})**2 * np.sqrt(1 + (5 / part_pt)**2)",
        "error of the polar angle, typical of the barrel",
    ),
    "qOverPUncertainty": (
        f"3.4e-7 * {_SINE} * np.sqrt(1 + (44 / part_pt)**2)",
        "error of charge / momentum, typical of the barrel, 1 / MeV",
    ),
    "numberOfPixelHits": ("pfcand_npixhits", "pixel hits, typical of a track"),
    "numberOfSCTHits": ("pfcand_nstriphits", "strip hits, typical of a track"),
    "numberOfInnermostPixelLayerHits": ("pfcand_lostinnerhits < 0", "hit in the innermost layer?"),
    "numberOfNextToInnermostPixelLayerHits": ("pfcand_npixhits > 2", "hit in the next layer?"),
    "expectInnermostPixelLayerHit": ("np.ones_like(part_pt)", "1, as for most tracks"),
    "expectNextToInnermostPixelLayerHit": ("np.ones_like(part_pt)", "1, as for most tracks"),
    "leptonID": ("-part_charge * (11 * part_isElectron + 13 * part_isMuon)", "number of the lepton's kind"),
}  # fmt: skip
TRACK_VARIABLES |= {
    f"{name}RelativeToBeamspot{rest}": TRACK_VARIABLES[f"{name}{rest}"]
    for name in ("d0", "z0")
    for rest in ("", "Uncertainty")
}
TRACK_VARIABLES |= {
    earlier: TRACK_VARIABLES[name]
    for earlier, name in {
        "IP3D_signed_d0": "lifetimeSignedD0", "IP3D_signed_d0_significance": "lifetimeSignedD0Significance",
        "IP3D_signed_z0": "lifetimeSignedZ0SinTheta",
        "IP3D_signed_z0_significance": "lifetimeSignedZ0SinThetaSignificance", "btagIp_d0": "d0",
        "btagIp_z0SinTheta": "z0SinTheta", "btagIp_d0Uncertainty": "d0Uncertainty",
        "btagIp_z0SinThetaUncertainty": "z0SinThetaUncertainty", "pt_frac": "ptfrac", "log_pTfrac": "log_ptfrac",
    }.items()
}  # fmt: skip
TRACK_VARIABLES |= dict.fromkeys(
    (
        *(f"numberOf{layer}{what}Hits" for layer in ("InnermostPixelLayer", "NextToInnermostPixelLayer", "Pixel", "SCT")
          for what in ("Shared", "Split")),
        "numberOfPixelHoles", "numberOfSCTHoles", "numberOfPixelDeadSensors", "numberOfSCTDeadSensors",
    ),
    ("np.zeros_like(part_pt)", "0, as for most tracks"),
)  # fmt: skip
"""Variables of tracks and other constituents: expressions of JetClass's branches, and what they are in words."""
JET_VARIABLES: dict[str, tuple[str, str]] = {
    "pt": ("1000 * jet_pt", "jet's pT, MeV"), "log_pt": ("np.log(1000 * jet_pt)", "ln of the jet's pT, MeV"),
    "eta": ("jet_eta", "jet's pseudorapidity"), "absEta": ("np.abs(jet_eta)", "jet's |pseudorapidity|"),
    "abs_eta": ("np.abs(jet_eta)", "jet's |pseudorapidity|"), "phi": ("jet_phi", "jet's azimuth"),
    "mass": ("1000 * jet_mass", "jet's mass, MeV"), "energy": ("1000 * jet_energy", "jet's energy, MeV"),
}  # fmt: skip
"""Variables of the jet, to which btagJes may be added: as calibrated for b-tagging."""
_CALIBRATION = re.compile(r"_(btagJes|uncalib|calib|nocalib)$")


@cache
def read_gnn_config(path: Path) -> Preprocess | None:
    """Read how a network is fed from its own file; None where it does not say.

    Args:
        path: any file; only ONNX has such metadata.

    Raises:
        UserError: if the metadata are there and cannot be understood.
    """
    if path.suffix != ".onnx" or not path.is_file():
        return None
    import onnx  # takes a second to import

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # whoever reads the network says what is wrong with the file
        return None
    text = next((entry.value for entry in model.metadata_props if entry.key == KEY), None)
    if text is None:
        return None
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: its {KEY} is no JSON ({error}); give --preprocess preprocess.json") from error
    constants = {tensor.name for tensor in model.graph.initializer}
    arguments = [argument for argument in model.graph.input if argument.name not in constants]
    shared = {d for i in arguments if "jet" in i.name.lower() for d in _axes(i)}
    of_constituents = {d for i in arguments for d in _axes(i)} - shared
    try:
        outputs = [(o.name, _width(o, of_constituents)) for o in model.graph.output]
        return _described(config, [argument.name for argument in arguments], outputs)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise UserError(
            f"{path}: its {KEY} is not laid out as salt writes it ({error!r}); give --preprocess preprocess.json"
        ) from error


def _axes(value: Any) -> set[str]:
    """Return the names of the axes of an input or output that may have any length."""
    return {dim.dim_param for dim in value.type.tensor_type.shape.dim if dim.dim_param}


def _width(output: Any, of_constituents: set[str]) -> int | None:
    """Return how many numbers of a jet an output holds; None if it has some for each constituent.

    Args:
        of_constituents: names of the axes that inputs of constituents have, and those of the jet do not.
    """
    dims = output.type.tensor_type.shape.dim
    if len(dims) > 2 or _axes(output) & of_constituents:
        return None
    return int(dims[-1].dim_value or 1) if dims else 1


def _described(
    config: Mapping[str, Any], names: Sequence[str], outputs: Sequence[tuple[str, int | None]]
) -> Preprocess:
    """Make the description of a network.

    Args:
        config: the metadata.
        names: names of the inputs of the graph.
        outputs: names and widths of its outputs.
    """
    definitions: dict[str, FileDefinition] = {}
    groups = []
    for entry in config.get("inputs", ()):
        if entry.get("variables"):
            groups.append(_group(entry, _argument(entry["name"], names, "jet"), True, definitions))
    for entry in config.get("input_sequences", ()):
        groups.append(_group(entry, _argument(entry["name"], names, ""), False, definitions))
    if not groups:
        raise ValueError("no inputs")
    groups.sort(key=lambda group: names.index(group.name) if group.name in names else len(names))
    return Preprocess(tuple(groups), _outputs(config, outputs), tuple(definitions.values()))


def _argument(name: str, arguments: Sequence[str], word: str) -> str:
    """Return the input of the graph that an entry describes: track_features of tracks_r22default_sd0sort."""
    stem = word or re.split(r"[_\d]", name)[0].rstrip("s").lower()
    found = [argument for argument in arguments if argument.lower().startswith(stem)]
    return found[0] if len(found) == 1 else next((a for a in arguments if a == name), name)


def _group(entry: Mapping[str, Any], argument: str, of_jet: bool, definitions: dict[str, FileDefinition]) -> InputGroup:
    """Make an input of the network; what its variables are is added to the definitions.

    Names of jets and of constituents are the same (pt, eta), so that each gets the name of its objects in front.
    """
    prefix = "jet" if of_jet else "track" if "track" in argument.lower() or "track" in entry["name"] else "part"
    table = JET_VARIABLES if of_jet else TRACK_VARIABLES
    variables = []
    for variable in entry["variables"]:
        own = str(variable["name"])
        name = f"{prefix}_{own}"
        offset, scale = float(variable.get("offset", 0.0)), float(variable.get("scale", 1.0))
        variables.append(Variable(name, -offset, scale))
        expression, words = (
            table.get(own) or table.get(_CALIBRATION.sub("", own)) or ("", "no variable of ATLAS known here")
        )
        definitions[name] = FileDefinition(name, expression, words)
    longest = 1 if of_jet else MAX_CONSTITUENTS
    entries = "jet" if of_jet else prefix if prefix == "track" else ""
    return InputGroup(argument, tuple(variables), 1, longest, flat=of_jet, entries=entries)


def _outputs(config: Mapping[str, Any], outputs: Sequence[tuple[str, int | None]]) -> tuple[str, ...]:
    """Return the names of what the network answers for a jet: of the graph's outputs, or the labels of one of them."""
    of_jet = [(name, width) for name, width in outputs if width is not None]
    models = config.get("outputs") or {}
    labels = [f"{model}_{label}" for model, entry in models.items() for label in entry.get("labels", ())]
    if len(of_jet) == 1 and len(labels) > 1:
        return tuple(labels)
    return tuple(name for name, _ in of_jet) or tuple(labels)
