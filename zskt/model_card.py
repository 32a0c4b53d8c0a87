"""The card of an exported student: what it is, of whom it learned, how good it is, what it must not be used for."""

from __future__ import annotations

from typing import Any

from .domains import unit
from .evaluation import Finished
from .latency import table


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}".replace(",", " ")


def model_card(found: Finished, measured: dict[str, Any]) -> str:
    """Markdown."""
    card, config, result = found.judge.card, found.config, found.result
    data, student, teacher = result["data"], result["student"], result["teacher"]
    learned = "without any data" if config.mode == "zero-shot" else "from data"
    kind = unit(data)
    rows = "\n".join(
        f"| {role} | {entry['name']} | {_figure(entry['parameters'])} | {_figure(entry['accuracy'])} | "
        f"{_figure(entry.get('agreement'))} | {_figure(entry.get('kl'))} |"
        for role, entry in (("teacher", teacher), ("student", student))
    )
    quantised = measured["int8"]
    parts = [
        f"# {student['name']}, distilled from {teacher['name']}",
        f"A student of: {card.line}. It learned {learned} (zskt, mode {config.mode}, seed {config.seed}).",
        "**It needs its own calibration.** It answers like its teacher, mistakes included: working points, scale "
        "factors and systematic uncertainties of the teacher do not carry over.",
        f"Teacher: {card.source}. Licence of the teacher: {card.licence}. {card.facts}".strip(),
        "## Figures",
        f"On {data[f'{kind}s']} {kind}s of {data['name']}:",
        f"| | network | parameters | accuracy | agreement | KL (nats) |\n|---|---|---|---|---|---|\n{rows}",
        "## Files",
        "- `model.onnx`: output `softmax`, in the order of `output_names` of `preprocess.json`; any number of jets and "
        f"of entries. Differs from the trained network by at most {measured['difference']:.1e}.",
        "- `preprocess.json`: how it is fed, in CMS's layout. `labels.txt`: the classes.",
        f"- `model-int8.onnx`: {quantised['bytes']:,} bytes instead of {measured['onnx']['bytes']:,}; same top class "
        f"as the student on {_figure(quantised.get('agreement_with_student'))} of {measured['jets']} jets; agreement "
        f"with the teacher {_figure(quantised.get('agreement_with_teacher'))} instead of "
        f"{_figure(measured['onnx'].get('agreement_with_teacher'))}.",
        "- `student.safetensors`: parameters for zskt.",
    ]
    if measured.get("hls4ml"):
        hls = measured["hls4ml"]
        parts.append(
            f"- `hls4ml/`: project in {hls['precision']}; emulated, its top class is the student's on "
            f"{hls['agreement_with_student']:.4f} of {hls['jets']} jets."
        )
    if measured.get("latency"):
        how = f"Jets with as many entries as the network takes; teacher: {measured['latency'][0]['teacher']}."
        parts += ["## Time in onnxruntime", how, table(measured["latency"])]
    return "\n\n".join(parts) + "\n"
