"""The card of an exported student: what it is, of whom it learned, how good it is, what it must not be used for."""

from __future__ import annotations

from typing import Any

from zskt.experiments.finished import FinishedRun
from zskt.experiments.summary import written
from zskt.export.hls4ml import MIN_AGREEMENT
from zskt.export.latency import latency_table
from zskt.export.student import ExportSpec
from zskt.markdown import table as markdown_table


def model_card(run: FinishedRun, spec: ExportSpec, measured: dict[str, Any]) -> str:
    """Write the model card as Markdown.

    Args:
        measured: the content of ``export.json``.
    """
    card, config, result = run.card, run.config, run.result
    data, student, teacher = result["data"], result["student"], result["teacher"]
    learned = "without any data" if config.mode == "zero-shot" else "from data"
    kind = data["unit"]
    keys = ("parameters", "accuracy", "agreement", "kl")
    figures = markdown_table(
        ["", "network", "parameters", "accuracy", "agreement", "KL (nats)"],
        [
            [role, entry["name"], *(written(entry.get(key)) for key in keys)]
            for role, entry in (("teacher", teacher), ("student", student))
        ],
    )
    quantised = measured["int8"]
    seen = f" It sees `{config.view}` of what its teacher sees." if config.view else ""
    tied = ""
    if "ties" in measured:
        tied = f", but for {measured['ties']} of {measured['compared']} {kind}s in which neighbours tie"
    parts = [
        f"# {student['name']}, distilled from {teacher['name']}",
        f"A student of: {card.summary}. It learned {learned} (zskt, mode {config.mode}, seed {config.seed}).{seen}",
        "**It needs its own calibration.** It answers like its teacher, mistakes included: working points, scale "
        "factors and systematic uncertainties of the teacher do not carry over.",
        f"Teacher: {card.source}. Licence of the teacher: {card.licence}. {card.caveats}".strip(),
        "## Figures",
        f"Nothing was judged: {data['missing']}."
        if data.get("missing")
        else f"On {data['count']} {kind}s of {data['name']}:",
        figures,
        "## Files",
        f"- `model.onnx`: output `softmax`{' (a sigmoid each)' if card.bernoulli else ''}, in the order of "
        "`output_names` of `preprocess.json`; any number of "
        f"{kind}s. When it was exported, it differed from the trained network by at most "
        f"{measured['difference']:.1e} on the inputs that were tried{tied}.",
        f"- `preprocess.json`: {spec.preprocess_note}. `labels.txt`: the classes.",
        f"- `model-int8.onnx`: {quantised['bytes']:,} bytes instead of {measured['onnx']['bytes']:,}; "
        + _int8(measured)
        + (f" It is {quantised['note']}." if "note" in quantised else ""),
        "- `student.safetensors`: parameters for zskt.",
    ]
    if measured.get("hls4ml"):
        parts.append(_firmware(measured["hls4ml"]))
    if measured.get("latency"):
        note = f"{spec.latency_note}Teacher: {measured['latency'][0]['teacher']}."
        parts += ["## Time in onnxruntime", note, latency_table(measured["latency"], kind)]
    return "\n\n".join(parts) + "\n"


def _int8(measured: dict[str, Any]) -> str:
    """Say what quantisation costs."""
    quantised, exact = measured["int8"], measured["onnx"]
    if not measured["count"]:
        return "it was not compared with the student on any test sample: do that before you use it."
    return (
        f"on {measured['count']} {measured['unit']}s same top class as the student on "
        f"{written(quantised.get('agreement_with_student'))}, agreement with the teacher "
        f"{written(quantised.get('agreement_with_teacher'))} instead of {written(exact.get('agreement_with_teacher'))}."
    )


def _firmware(hls: dict[str, Any]) -> str:
    """Say what the emulated firmware is worth."""
    agreement = hls["agreement_with_student"]
    if agreement is None:
        return f"- `hls4ml/`: project in {hls['precision']}, not emulated ({hls['error']}): do not synthesise it."
    warning = "" if agreement >= MIN_AGREEMENT else f" That is less than {MIN_AGREEMENT}: do not synthesise it."
    return (
        f"- `hls4ml/`: project in {hls['precision']}; emulated, its top class is the student's on {agreement:.4f} of "
        f"{hls['jets']} jets.{warning}"
    )
