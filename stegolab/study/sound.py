"""The quality of the recovered speech compared with references: PESQ, STOI, SI-SDR (notebook 08)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from math import nan

import numpy as np

from ..audio import RATE, Speech
from ..errors import BadAudio
from ..message import codecs
from ..speech.scores import pesq_wb, si_sdr, stoi

_SCORES = {"pesq": pesq_wb, "stoi": stoi, "si_sdr": si_sdr}
_DECODE = """
import sys
from stegolab.message import codecs
sys.stdout.buffer.write(codecs.decode(sys.stdin.buffer.read()).samples.tobytes())
"""


@lru_cache(maxsize=2)
def decoded(message: bytes) -> Speech:
    """``codecs.decode``, always with the same samples for the same message.

    Codec2 draws the phases of unvoiced sounds from a generator that lasts as long as its process, so its messages are
    decoded in a separate process.
    """
    if not codecs.name_of(message).startswith("codec2"):
        return codecs.decode(message)
    done = subprocess.run([sys.executable, "-c", _DECODE], input=message, stdout=subprocess.PIPE, check=True)
    return Speech(np.frombuffer(done.stdout, np.float32), RATE)


def against(references: Mapping[str, Speech], estimate: Speech) -> dict[str, float]:
    """Wide-band PESQ, STOI and SI-SDR (dB) of ``estimate`` against each reference, all at 16 kHz.

    The keys are ``pesq_NAME``, ``stoi_NAME`` and ``si_sdr_NAME``. A clip that a score cannot judge, because it is too
    short or silent, has NaN; one that equals its reference has an infinite SI-SDR.
    """
    scores = {}
    for name, reference in references.items():
        length = min(len(reference.samples), len(estimate.samples))
        for score, judge in _SCORES.items():
            try:
                value = judge(reference.samples[:length], estimate.samples[:length], estimate.rate)
            except BadAudio:
                value = nan
            scores[f"{score}_{name}"] = value
    return scores
