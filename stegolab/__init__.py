"""stegolab: speech, cleaned, encrypted, and hidden in a photograph that survives recompression.

The three models as three functions; everything else is in the submodules, in the order that the data flows.
"""

from .audio import Speech, read_audio, write_wav
from .images import Picture, read_image, write_image
from .pipeline import Revealed, Stego, enhance, hide, reveal

__all__ = [
    "Picture",
    "Revealed",
    "Speech",
    "Stego",
    "enhance",
    "hide",
    "read_audio",
    "read_image",
    "reveal",
    "write_image",
    "write_wav",
]
