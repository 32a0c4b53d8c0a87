"""Tests of generators, and the random stream that they share."""

import torch


def stream(seed: int = 0) -> torch.Generator:
    """A random stream of its own."""
    return torch.Generator().manual_seed(seed)
