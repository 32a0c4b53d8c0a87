"""Speed of a tagger of CMS as a teacher, against its TorchScript file and against onnxruntime.

Compares the file with the network that zskt runs in its place, forward and with the gradient of the features, on
pseudo-jets: ``python -m benchmarks --only taggers --size folder=FOLDER``, which holds ``model.pt`` and
``preprocess.json``. If there is a ``model.onnx``, onnxruntime runs it forward, with as many threads.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.bench import Bench, Job, Skipped
from benchmarks.particlenet import forward
from zskt.contracts import Batch


def with_gradient(network: nn.Module, x: Batch) -> Job:
    """Make the job of a forward pass and the gradient of all inputs."""

    def job() -> None:
        asked = tuple(t.clone().requires_grad_() for t in x)
        network(*asked).log().sum().backward()

    return job


def players(folder: Path, batch: int) -> tuple[dict[str, nn.Module], Batch]:
    """Read the tagger both ways, and draw pseudo-jets for it."""
    from generators import GENERATORS
    from teachers.tagger import read_tagger
    from zskt.jets.preprocess import read_preprocess
    from zskt.jets.selection_hints import selection_by_length
    from zskt.jets.tagger_inputs import TaggerInputs

    where = folder / "preprocess.json"
    tagger, preprocess = read_tagger(folder / "model.pt", read_preprocess(where), where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.load(str(folder / "model.pt"), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    for parameter in script.parameters():
        parameter.requires_grad_(False)
    inputs = TaggerInputs(preprocess=preprocess, selection=selection_by_length(preprocess))
    generator = GENERATORS["shower-prior"].build(inputs)
    rng = torch.Generator().manual_seed(0)
    x = generator(torch.randn(3 * batch, generator.latent_size, generator=rng), rng).x
    return {"TorchScript": script, "zskt": tagger.network}, tuple(t[:batch] for t in x)


def onnx_job(path: Path, x: Batch, threads: int) -> Job:
    """Make the job of a forward pass in onnxruntime on the CPU."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {entry.name: t.numpy() for entry, t in zip(session.get_inputs(), x, strict=True)}
    return lambda: session.run(None, feed)


def measure(bench: Bench) -> dict[str, Any]:
    """Time the file and our network in turns."""
    folder = bench.text("folder")
    if not folder:
        raise Skipped("needs a folder with model.pt and preprocess.json: --size folder=FOLDER")
    found, x = players(Path(folder), bench.size("batch", 64))
    x = tuple(t.to(bench.device) for t in x)
    jobs = {f"{name}, forward": forward(n.to(bench.device), x) for name, n in found.items()}
    jobs |= {f"{name}, with gradient": with_gradient(n, x) for name, n in found.items()}
    onnx = Path(folder) / "model.onnx"
    if onnx.is_file() and bench.device.type == "cpu":
        jobs["onnxruntime, forward"] = onnx_job(onnx, x, bench.threads)
    times = bench.time(jobs)
    ratios = {
        f"{way}: TorchScript / zskt": times.ratio(f"TorchScript, {way}", f"zskt, {way}")
        for way in ("forward", "with gradient")
    }
    if "onnxruntime, forward" in times.seconds:
        ratios["forward: onnxruntime / zskt"] = times.ratio("onnxruntime, forward", "zskt, forward")
    slots = [t.shape[-1] for t in x]
    return {"tagger": Path(folder).name, "batch": len(x[0]), "slots": slots, "ratios": ratios, "times": times.to_json()}
