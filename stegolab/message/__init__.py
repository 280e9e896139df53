"""Speech <-> bits: codecs, keys, envelope, error correction, frame. It does not know about images."""
