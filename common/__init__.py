"""Shared by every part of the project: words, states, errors and the channel protocol. No models."""
