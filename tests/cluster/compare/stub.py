"""A stand-in for ``python -m zskt``: leaves a result in no time, or fails as its method's name says."""

import argparse
import json
import os
import signal
import time
from pathlib import Path

parser = argparse.ArgumentParser()
for flag in ("--method", "--seed", "--iterations", "--out"):
    parser.add_argument(flag)
parser.add_argument("--resume", action="store_true")
flags = parser.parse_args()
out = Path(flags.out)
out.mkdir(parents=True, exist_ok=True)
with (out.parent / "calls.txt").open("a") as file:
    file.write(f"{flags.method} {flags.seed} {flags.iterations} {'resumed' if flags.resume else 'begun'}\n")
if flags.method == "refuses":
    print("zskt: a remark")
    print("zskt: refuses: knows no vectors")
    raise SystemExit(2)
if flags.method == "breaks" and flags.seed == "1":
    raise RuntimeError("out of luck")
if flags.method == "sleeps":
    time.sleep(60)
if flags.method == "killed" and not flags.resume:
    (out / "checkpoint.pt").write_text("")
    os.kill(os.getpid(), signal.SIGKILL)
iterations = int(flags.iterations or 10)
seconds = iterations**2 / 100 if flags.method == "grows" else 0.5 * iterations
result = {
    "schema": 2, "preset": "p", "mode": "zero-shot", "method": flags.method, "generator": "mlp",
    "seed": int(flags.seed), "iterations": iterations, "batch_size": 8, "changes": {}, "steps": 10 * iterations,
    "teacher_queries": 100 * iterations, "seconds": 1.0, "training_seconds": seconds,
    "data": {"name": "jets.root", "sha256": "ab", "count": 5, "unit": "jet"},
    "teacher": {"name": "t", "accuracy": 0.7},
    "student": {"name": "s", "agreement": 0.5 + 0.01 * int(flags.seed), "kl": 1.0},
}  # fmt: skip
(out / "result.json").write_text(json.dumps(result))
