"""Distil a trained network into a small, fast one without a single training sample."""

__version__ = "0.14.0"
