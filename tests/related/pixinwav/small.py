"""The smallest complete PixInWav, with a picture and a host."""

import torch

from stegolab.data import sample_covers
from stegolab.related.pixinwav.config import NetworkConfig
from stegolab.related.pixinwav.data import host, thumbnail
from stegolab.related.pixinwav.network import PixInWav
from tests.voice import speak

TINY = NetworkConfig(side=16, width=4, samples=5_952)
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def model(config=TINY, seed=0):
    torch.manual_seed(seed)
    return PixInWav(config).eval()


def clip(seed=0, length=TINY.samples):
    return host(speak(1.0, seed=seed).samples, length)


def picture(side=16, colours=3):
    return thumbnail(sample_covers()["chelsea"], side, colours)


def batch(array):
    return torch.from_numpy(array)[None]
