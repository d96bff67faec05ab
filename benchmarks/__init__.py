"""What is measured: one module a kind of work, run by ``script/bench NAME``."""
