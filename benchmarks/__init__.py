"""Benchmarks of zskt, as ratios: ``python -m benchmarks``. A file holds one, `table.BENCHMARKS` a line for each."""
