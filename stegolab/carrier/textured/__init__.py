"""The carrier whose steps follow the texture: large where the picture is busy, and flat parts stay unchanged."""
