"""Measurements: `python -m benchmarks NAME [--json]` prints one row per figure."""
