"""Speech in memory, and how sound files are read and written.

Inside the package speech is mono float32 in [-1, 1]. Whatever a user gives (8 bit, 96 kHz, six channels, a film's sound
track, a pipe) is converted to that here and nowhere else. Long sound is processed in blocks of all its channels.
"""

from .reading import SoundBlocks, read_audio, sound_blocks, speech_from
from .resampling import Resampler, resample
from .source import SoundSource
from .speech import (
    FULL_SCALE,
    LONGEST,
    RATE,
    SHORTEST,
    CutShortWarning,
    OutOfPhaseWarning,
    Speech,
    check,
    from_pcm16,
    to_pcm16,
)
from .writing import SUFFIXES, check_output, encode, write_blocks, write_sound, write_wav

__all__ = [
    "FULL_SCALE",
    "LONGEST",
    "RATE",
    "SHORTEST",
    "SUFFIXES",
    "CutShortWarning",
    "OutOfPhaseWarning",
    "Resampler",
    "SoundBlocks",
    "SoundSource",
    "Speech",
    "check",
    "check_output",
    "encode",
    "from_pcm16",
    "read_audio",
    "resample",
    "sound_blocks",
    "speech_from",
    "to_pcm16",
    "write_blocks",
    "write_sound",
    "write_wav",
]
