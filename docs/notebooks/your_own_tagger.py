# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Your own tagger
#
# A tagger from a file, with the `preprocess.json` that says how it is fed, is distilled on pseudo-jets: nobody's jets
# are needed. Here a small network stands for yours; replace the two files by those of your experiment.

# %%
import json
import os
import tempfile
from pathlib import Path

import torch
from torch import nn

import zskt
from zskt.jets.sample import SAMPLE

folder = Path(tempfile.mkdtemp())


class Tagger(nn.Module):
    """A network of two inputs, as an experiment might run it: features (B, C, P), mask (B, 1, P) -> probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.phi = nn.Conv1d(4, 32, 1)
        self.f = nn.Linear(32, 3)

    def forward(self, pf_features: torch.Tensor, pf_mask: torch.Tensor) -> torch.Tensor:
        h = (torch.relu(self.phi(pf_features)) * pf_mask).sum(2) / pf_mask.sum(2).clamp(min=1)
        return (5 * self.f(h)).softmax(1)


torch.manual_seed(0)
torch.jit.script(Tagger().eval()).save(str(folder / "model.pt"))
variables = {
    "pfcand_pt_log": {"median": 1.0, "norm_factor": 0.7},
    "pfcand_etarel": {"median": 0.0, "norm_factor": 3.0},
    "pfcand_phirel": {"median": 0.0, "norm_factor": 3.0},
    "pfcand_charge": {"median": 0.0, "norm_factor": 1.0},
}
description = {
    "output_names": ["label_b", "label_c", "label_light"],
    "input_names": ["pf_features", "pf_mask"],
    "pf_features": {"var_names": list(variables), "var_infos": variables, "min_length": 1, "max_length": 50},
    "pf_mask": {"var_names": ["pfcand_mask"], "var_infos": {"pfcand_mask": {}}, "min_length": 1, "max_length": 50},
}
(folder / "preprocess.json").write_text(json.dumps(description))

# %% [markdown]
# The card of the two files knows what each variable is, and which jets the tagger is for. Read what it says: a variable
# that zskt does not know is drawn from a learned bounded distribution.

# %%
os.environ["ZSKT_TRUST_TEACHER"] = "1"  # TorchScript is code: its author is known here
card = zskt.teachers.card_of_files(folder / "model.pt", folder / "preprocess.json")
print(card.describe())

# %% [markdown]
# Student and generator come from the catalogue; the generator is public physics, moved by an adversary.

# %%
catalog = zskt.catalog()
teacher = card.load()
student = catalog.students["pfn"].build(card.inputs, len(card.outputs))
generator = catalog.generators["shower"].build(card.inputs)

jets = card.inputs.read(SAMPLE, card.classes)
test = [card.inputs(jets.samples[i : i + 200]) for i in range(0, 1000, 200)]

run = zskt.distill(
    teacher,
    student,
    generator=generator,
    iterations=20,
    batch_size=64,
    student_steps=15,
    student_lr=5e-3,
    replay_fraction=0.9,
    class_entropy_weight=3.0,
    evaluate=test,
)
print(f"agreement {run.evaluation['agreement']:.3f} on {run.evaluation['count']} simulated jets")

# %% [markdown]
# The command line does the same, with a run folder, TensorBoard, an HTML report and export to ONNX:
#
#     zskt --mode zero-shot --teacher-path model.pt --preprocess preprocess.json --trust-teacher
