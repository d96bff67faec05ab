"""The model test: the engine beside a naive reference, on random histories."""
