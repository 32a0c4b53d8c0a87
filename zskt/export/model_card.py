"""The card of an exported student: what it is, of whom it learned, how good it is, what it must not be used for."""

from __future__ import annotations

from typing import Any

from zskt.experiments.finished import FinishedRun
from zskt.experiments.result import DATA_FREE
from zskt.experiments.summary import figure, written
from zskt.export.hls4ml import MIN_AGREEMENT
from zskt.export.latency import latency_table
from zskt.export.student import ExportSpec
from zskt.markdown import integer
from zskt.markdown import table as markdown_table

FILES = {"onnx": "model.onnx", "int8": "model-int8.onnx"}


DIRICHLET = (
    "The logits of this student are the logarithms of a Dirichlet distribution's parameters. The files give its mean, "
    "`softmax`, alone; how sure the teacher's networks are together, the sum of exp(logit), is had from "
    "`student.safetensors` in Python."
)
"""What is lost of a student that learned what each member of an ensemble believes."""


def model_card(run: FinishedRun, spec: ExportSpec, measured: dict[str, Any]) -> str:
    """Write the model card as Markdown.

    Args:
        measured: the content of ``export.json``.
    """
    card, config, result = run.card, run.config, run.result
    data, student, teacher = result["data"], result["student"], result["teacher"]
    learned = "without any data" if config.mode in DATA_FREE else "from data"
    kind = data["unit"]
    keys = ("parameters", "accuracy", "agreement", "kl")
    figures = markdown_table(
        ["", "network", "parameters", "accuracy", "agreement", "KL (nats)"],
        [
            [role, entry["name"], *(written(figure(entry, key)) for key in keys)]
            for role, entry in (("teacher", teacher), ("student", student))
        ],
    )
    quantised = measured["int8"]
    seen = f" It sees `{config.view}` of what its teacher sees." if config.view else ""
    tied = ""
    if "ties" in measured:
        ties, compared = measured["ties"], measured["compared"]
        what = "numbers between two of a grid" if result.get("compression") else "neighbours"
        tied = f", but for {ties} of {compared} {kind}s in which {what} tie"
    parts = [
        f"# {student['name']}, distilled from {teacher['name']}",
        f"A student of: {card.summary}. It learned {learned} (zskt, mode {config.mode}, seed {config.seed}).{seen}",
        "**It needs its own calibration.** It answers like its teacher, mistakes included: working points, scale "
        "factors and systematic uncertainties of the teacher do not carry over.",
        f"Teacher: {_members(config.members)}{card.source}. Licence of the teacher: {card.licence}. "
        f"{card.caveats}".rstrip(),
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
        f"- `model-int8.onnx`: {integer(quantised['bytes'])} bytes instead of {integer(measured['onnx']['bytes'])}; "
        + _int8(measured)
        + (f" It is {quantised['note']}." if "note" in quantised else ""),
        "- `student.safetensors`: parameters for zskt.",
    ]
    if getattr(config.settings, "terms", {}).get("dirichlet"):
        parts.append(DIRICHLET)
    if result.get("compression"):
        parts[7:7] = ["## Made smaller", _compression(result["compression"])]
    if measured.get("hls4ml"):
        parts.append(_firmware(measured["hls4ml"]))
    if measured.get("latency"):
        note = f"{spec.latency_note}Teacher: {measured['latency'][0]['teacher']}."
        parts += ["## Time in onnxruntime", note, latency_table(measured["latency"], kind)]
    if measured.get("beside_whole"):
        parts += ["Beside the student that it was made of:", _beside_whole(measured["beside_whole"])]
    return "\n\n".join(parts) + "\n"


def _members(count: int) -> str:
    """Say that a teacher is several networks."""
    return f"{count} networks together, which are asked for the mean of their probabilities; of each: " * (count > 1)


def _compression(entry: dict[str, Any]) -> str:
    """Say what was made smaller, and what that saves."""
    rows = [
        ("channels that stay", None, written(entry["channels"])),
        ("rank, of the largest", None, written(entry["rank"])),
        ("bits", "32", written(entry["bits"])),
        ("sparsity", None, written(entry["sparsity"])),
        ("parameters", written(entry["parameters_before"]), written(entry["parameters"])),
        ("weights that are zero", None, written(entry["zeros"])),
        ("products a sample (MACs)", written(entry["macs_before"]), written(entry["macs"])),
        ("bit operations", written(entry["bit_operations_before"]), written(entry["bit_operations"])),
        ("LUTs + 55 DSPs, fully unrolled, estimate", None, written(entry["luts"])),
    ]
    return markdown_table(["", "before", "now"], [[name, before or "", now] for name, before, now in rows])


def _beside_whole(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Say how many times as fast the exported files are as the whole student's."""
    cells = [
        [f"`{FILES[name]}`", str(r["threads"]), str(r["batch"]), f"{r['ratio']:.2f}"]
        for name in rows
        for r in rows[name]
    ]
    return markdown_table(["file", "threads", "batch", "times as fast"], cells)


def judged_on(measured: dict[str, Any]) -> str:
    """Say on which samples the exported files were compared with the student: how many, of how many, of what data."""
    count, every = measured["count"], measured["of"]
    drawn = f" drawn at random from {every}" if count < every else ""
    return f"{count} {measured['unit']}s{drawn} of {measured['data']}"


def _int8(measured: dict[str, Any]) -> str:
    """Say what quantisation costs."""
    quantised, exact = measured["int8"], measured["onnx"]
    if not measured["count"]:
        same = quantised.get("agreement_with_student_on_pseudo_samples")
        seen = "" if same is None else f" On pseudo-samples its top class is the student's on {written(same)}."
        return f"it was not compared with the student on any test sample: do that before you use it.{seen}"
    return (
        f"on {judged_on(measured)}, same top class as the student on "
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
