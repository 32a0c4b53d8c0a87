"""The sample of simulated jets that ships with zskt."""

from pathlib import Path

SAMPLE = Path(__file__).parent.parent / "sample" / "sample.root"
"""2 000 jets of ``--mode simulate --per-class 200 --seed 1``, used to watch runs and never to train."""
