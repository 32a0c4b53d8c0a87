"""The machine on which figures were measured, so that they can be compared with others of the same."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).parent.parent
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16")
"""Instruction sets of a processor that make a difference."""


def machine(device: torch.device) -> dict[str, Any]:
    """Describe processor, card, versions and the commit that is measured."""
    import torch  # only those that measure need it

    model, flags = _processor()
    found: dict[str, Any] = {
        "processor": model,
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": str(device),
        "commit": _commit(),
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {"card": card.name, "card_gib": round(card.total_memory / 2**30, 1), "cuda": torch.version.cuda}
    return found


def in_words(found: dict[str, Any]) -> str:
    """Write a machine in one line."""
    parts = [
        f"{found['processor']}, {found['cores']} cores, {found['threads']} threads",
        f"torch {found['torch']}",
        *([f"{found['card']} ({found['card_gib']} GiB), CUDA {found['cuda']}"] if "card" in found else []),
        f"commit {found['commit']}",
    ]
    return "; ".join(parts)


def _processor() -> tuple[str, set[str]]:
    """Return the processor's name and its instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    fields = dict(line.partition(":")[::2] for line in reversed(lines) if ":" in line)
    values = {key.strip(): value.strip() for key, value in fields.items()}
    return values.get("model name", platform.machine()), set(values.get("flags", "").split())


def _commit() -> str:
    """Return the commit, with a plus sign where files differ from it; empty outside a checkout."""

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
