"""Speech inside a picture by three small convolutional networks: Prepare, Hiding, Reveal (notebook 09)."""
