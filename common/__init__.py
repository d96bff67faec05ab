"""What every part of the project shares: words, states, errors and the channel protocol. No models."""
