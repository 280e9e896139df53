"""Hide-Net and Reveal-Net: a picture in a picture, and that picture sent as sound (notebook 10)."""
