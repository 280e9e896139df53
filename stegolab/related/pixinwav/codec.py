"""Hiding a picture in a real WAV file, revealing it, and measuring the result (notebook 11)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...audio import RATE, Speech, read_audio, write_wav
from ...errors import BadAudio
from ...images import psnr, ssim
from ...message.keys import Key
from ..pictures import to_pixels, to_tensor
from . import scrambling
from .data import host, thumbnail
from .network import PixInWav

RGB = NDArray[np.uint8]
Channel = Callable[[Speech], Speech]


@dataclass(frozen=True)
class Hidden:
    """``container``, 16 bits exactly, beside the ``host`` and the ``picture`` (side, side, 3) that went into it."""

    container: Speech
    host: Speech
    picture: RGB


@torch.no_grad()
def hide(model: PixInWav, sound: Speech, picture: RGB, key: Key | None = None) -> Hidden:
    """Hide the middle square of a picture (H, W, 3) in the loudest clip of a sound at 16 kHz.

    Raises:
        BadAudio: the sound is too short, silent, or of another rate.
        BadImage: the picture is too small.
        BadKey: the key cannot be used.
    """
    _require_rate(sound)
    config = model.config
    clip, small = host(sound.samples, config.samples), thumbnail(picture, config.side, config.colours)
    found, _ = model(_batch(clip), as_tensor(small), _order(model, key))
    return Hidden(Speech(found[0].numpy(), RATE), Speech(clip, RATE), _coloured(small))


@torch.no_grad()
def reveal(model: PixInWav, received: Speech, key: Key | None = None) -> RGB:
    """The picture (side, side, 3) in a received container; grey in three equal colours. A wrong key gives noise.

    Raises:
        BadAudio: it does not have the length or rate of a container.
        BadKey: the key cannot be used.
    """
    _require_rate(received)
    if len(received.samples) != model.config.samples:
        raise BadAudio(f"a container has {model.config.samples} samples, not {len(received.samples)}")
    revealed = model.reveal(model.analyse(_batch(received.samples)), _order(model, key))
    return as_picture(revealed)


def through_wav(sound: Speech) -> Speech:
    """``sound`` after writing it to a 16-bit WAV file and reading it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "container.wav"
        write_wav(path, sound)
        return read_audio(path)


def measure(
    model: PixInWav, sound: Speech, picture: RGB, key: Key | None = None, channel: Channel = through_wav
) -> dict[str, float]:
    """Hide, send through ``channel``, reveal: ``audio_snr_db``, ``image_ssim``, ``image_psnr_db``.

    Raises:
        As for :func:`hide` and :func:`reveal`.
    """
    hidden = hide(model, sound, picture, key)
    revealed = reveal(model, channel(hidden.container), key)
    return {
        "audio_snr_db": snr_db(hidden.host, through_wav(hidden.container)),
        "image_ssim": ssim(hidden.picture, revealed),
        "image_psnr_db": psnr(hidden.picture, revealed),
    }


def snr_db(reference: Speech, disturbed: Speech) -> float:
    """Signal-to-noise ratio in decibels; infinite when equal."""
    error = float(np.sum(np.square(disturbed.samples.astype(np.float64) - reference.samples)))
    power = float(np.sum(np.square(reference.samples, dtype=np.float64)))
    return 10 * float(np.log10(power / error)) if error else np.inf


def as_tensor(picture: RGB) -> Tensor:
    """A picture (side, side, colours) of bytes as input for the network: (1, colours, side, side) in [0, 1]."""
    return to_tensor(picture[None]).contiguous()


def as_picture(revealed: Tensor) -> RGB:
    """A revealed picture (1, colours, side, side) as bytes (side, side, 3); grey becomes three equal colours."""
    return _coloured(to_pixels(revealed)[0])


def _coloured(picture: RGB) -> RGB:
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def _require_rate(sound: Speech) -> None:
    if sound.rate != RATE:
        raise BadAudio(f"the sound has a rate of {sound.rate} Hz: resample it to {RATE} Hz with audio.resample")


def _order(model: PixInWav, key: Key | None) -> Tensor | None:
    return None if key is None else torch.from_numpy(scrambling.order(key, *model.shape[1:]))


def _batch(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))[None]
