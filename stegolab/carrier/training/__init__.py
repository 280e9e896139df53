"""Training the learned carrier: its losses, its discriminator and its trainer (notebook 07)."""
