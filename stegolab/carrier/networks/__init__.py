"""The learned carrier's networks: parts, configuration, weights, and how NumPy runs them (notebook 06)."""
