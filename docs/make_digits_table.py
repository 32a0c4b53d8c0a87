#!/usr/bin/env python3
"""Write the teacher and the tables of docs/results/digits-table.md into a folder.

    python docs/make_digits_table.py FOLDER

The teacher is a perceptron that learns scikit-learn's 1 797 digits as 64 numbers from 0 to 16: ``digits-mlp.pt2``. Its
features stand in ``digits.yaml``, the 1 297 samples that it learns from in ``train.csv``, the others in ``test.csv``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from sklearn.datasets import load_digits
from torch import Tensor, nn

LEARNED, HIDDEN, STEPS = 1297, 128, 600
NAMES = [f"n{i}" for i in range(64)]


def samples() -> tuple[Tensor, Tensor]:
    """Return the digits in a random order: (N, 64), (N,)."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return torch.tensor(x[order]).float(), torch.tensor(y[order])


def trained(x: Tensor, y: Tensor) -> nn.Module:
    """Train the teacher: (N, 64), (N,) -> a network of ten classes."""
    torch.manual_seed(0)
    widths = [(64, HIDDEN), (HIDDEN, HIDDEN)]
    hidden = [layer for before, after in widths for layer in (nn.Linear(before, after), nn.ReLU())]
    network = nn.Sequential(*hidden, nn.Linear(HIDDEN, 10))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (128,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


def write_table(path: Path, x: Tensor, y: Tensor) -> None:
    """Write samples and labels as CSV."""
    lines = [",".join([*NAMES, "label"])]
    for row, label in zip(x.tolist(), y.tolist(), strict=True):
        lines.append(",".join([*(f"{number:g}" for number in row), str(label)]))
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Write the four files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    x, y = samples()
    network = trained(x[:LEARNED], y[:LEARNED])
    batch = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(network, (x[:4],), dynamic_shapes=batch), folder / "digits-mlp.pt2")
    features = [{"name": name, "low": 0, "high": 16} for name in NAMES]
    (folder / "digits.yaml").write_text(yaml.safe_dump({"features": features}))
    write_table(folder / "train.csv", x[:LEARNED], y[:LEARNED])
    write_table(folder / "test.csv", x[LEARNED:], y[LEARNED:])


if __name__ == "__main__":
    main()
