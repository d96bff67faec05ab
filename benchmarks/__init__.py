"""Benchmarks: one file a kind of work, run by ``script/bench NAME``."""
