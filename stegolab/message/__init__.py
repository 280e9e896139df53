"""Speech <-> bits: codecs, keys, envelope, error correction, frame. Knows no image."""
