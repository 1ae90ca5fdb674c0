"""Benchmarks: each prints one JSON object. Nothing in tests/ asserts a time."""
