"""The speech samples, the network that ships, and what may happen to a file of sound."""

from functools import cache

import numpy as np
import torch

from stegolab.audio import RATE, Speech, from_pcm16, read_audio, to_pcm16, write_wav
from stegolab.data import sample_speech
from stegolab.related.wavinwav.codec import prepare
from stegolab.related.wavinwav.losses import snr_db
from stegolab.related.wavinwav.network import shipped

KEY, NONCE = bytes(range(32)), b"one"


@cache
def clips():
    return [read_audio(path) for path in sample_speech().values()]


@cache
def network():
    return shipped()


def snr(estimate, speech):
    reference = prepare(speech, len(estimate.samples))
    return float(snr_db(torch.from_numpy(estimate.samples)[None], reference))


def sent(speech, tmp_path):
    """The sound after writing and reading a real file."""
    write_wav(tmp_path / "stego.wav", speech)
    return read_audio(tmp_path / "stego.wav")


def disturbed(speech, db):
    random = np.random.default_rng(0)
    added = random.normal(0, np.std(speech.samples) * 10 ** (-db / 20), len(speech.samples))
    return from_pcm16(to_pcm16(Speech((speech.samples + added).astype(np.float32), RATE)), RATE)
