"""The carrier whose steps follow the texture: loud where the picture is busy, silent where it is flat."""
