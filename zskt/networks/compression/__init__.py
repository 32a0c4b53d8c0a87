"""Networks made smaller: fewer channels, lower rank, fewer bits, zeros."""

from zskt.networks.compression.compressed import Compression, calibrate_inputs, compressed, plain

__all__ = ["Compression", "calibrate_inputs", "compressed", "plain"]
