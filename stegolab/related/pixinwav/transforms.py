"""From a waveform to the planes to which a picture is added, and back (notebook 11).

What counts here is the round trip: a residual that is added to the planes must still be there after the planes have
become a waveform and the waveform planes again. An overlapping transform has many more coefficients than samples, so
most residuals belong to no waveform and are lost (:func:`surviving`); a critically sampled one has as many, and keeps
all residuals. Princen & Bradley 1986 (MDCT); Geleta et al. 2021, PixInWav (STDCT, STFT).

Waveforms are (B, n), planes (B, C, F, T) in units in which white noise of level one has coefficients near one.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import BadSpec
from ...speech.frontend import Stft, StftConfig
from .config import TRANSFORMS


class Mdct(nn.Module):
    """Modified discrete cosine transform with the sine window: a plane (B, 1, bins, n / bins + 1).

    Orthonormal and critically sampled, except for half a frame at each end: ``synthesise(analyse(x)) == x``, and
    ``analyse(synthesise(c)) == c`` away from the first and the last frame.
    """

    part = slice(0, 1)  # the planes that carry
    basis: Tensor

    def __init__(self, bins: int = 192) -> None:
        super().__init__()
        self.bins = bins
        k, j = torch.arange(bins, dtype=torch.float64) + 0.5, torch.arange(2 * bins, dtype=torch.float64) + 0.5
        window = torch.sin(math.pi * j / (2 * bins))
        basis = window[:, None] * torch.cos(math.pi / bins * (j[:, None] + bins / 2) * k) * math.sqrt(2 / bins)
        self.register_buffer("basis", basis.float(), persistent=False)  # (2 bins, bins)

    def shape(self, n: int) -> tuple[int, int, int]:
        """The planes (C, F, T) that carry in ``n`` samples."""
        return 1, self.bins, -(-n // self.bins) + 1

    def analyse(self, waveform: Tensor) -> Tensor:
        """(B, n) to (B, 1, F, T)."""
        n = waveform.shape[-1]
        padded = F.pad(waveform, (self.bins, self.bins + -n % self.bins))
        return (padded.unfold(-1, 2 * self.bins, self.bins) @ self.basis).transpose(1, 2)[:, None]

    def synthesise(self, planes: Tensor, n: int) -> Tensor:
        """(B, 1, F, T) to (B, n)."""
        frames = planes[:, 0].transpose(1, 2) @ self.basis.T  # (B, T, 2 bins)
        return _overlap_add(frames, self.bins)[:, self.bins : self.bins + n]


class Stdct(nn.Module):
    """Short-time DCT-II of Hamming windows: a plane (B, 1, window, T), as in PixInWav.

    ``synthesise(analyse(x)) == x``, but there are ``window / hop`` coefficients per sample: 66 for 4096 and 62.
    """

    part = slice(0, 1)
    window: Tensor
    scale: Tensor
    phase: Tensor

    def __init__(self, length: int = 4096, hop: int = 62) -> None:
        super().__init__()
        self.length, self.hop = length, hop
        self.register_buffer("window", torch.hamming_window(length), persistent=False)
        scale = torch.full((length,), math.sqrt(2 / length))
        scale[0] /= math.sqrt(2)
        self.register_buffer("scale", scale, persistent=False)
        angle = math.pi / (2 * length) * torch.arange(length, dtype=torch.float64)
        self.register_buffer("phase", torch.polar(torch.ones_like(angle), angle).to(torch.complex64), persistent=False)

    def shape(self, n: int) -> tuple[int, int, int]:
        """The planes (C, F, T) that carry in ``n`` samples."""
        return 1, self.length, -(-max(n - self.length, 0) // self.hop) + 1

    def analyse(self, waveform: Tensor) -> Tensor:
        """(B, n) to (B, 1, F, T)."""
        padded = F.pad(waveform, (0, self._covered(waveform.shape[-1]) - waveform.shape[-1]))
        frames = padded.unfold(-1, self.length, self.hop) * self.window
        spectra = torch.fft.rfft(frames, 2 * self.length)[..., : self.length]
        return ((spectra * self.phase.conj()).real * self.scale).transpose(1, 2)[:, None]

    def synthesise(self, planes: Tensor, n: int) -> Tensor:
        """(B, 1, F, T) to (B, n): overlapping frames are added and divided by the sum of their windows."""
        spectra = planes[:, 0].transpose(1, 2) * self.scale * self.phase
        frames = torch.fft.ifft(spectra, 2 * self.length, norm="forward").real[..., : self.length]
        weight = _overlap_add(self.window.expand(1, frames.shape[1], -1), self.hop)
        return (_overlap_add(frames, self.hop) / weight)[:, :n]

    def _covered(self, n: int) -> int:
        return (self.shape(n)[2] - 1) * self.hop + self.length


class Polar(nn.Module):
    """Magnitude and phase of an STFT (25 ms, half overlapped): (B, 2, 257, T), of which ``part`` carries.

    ``synthesise(analyse(x)) == x``. Phases are in radians; they mean little where the magnitude is small.
    """

    def __init__(self, part: str = "both") -> None:
        super().__init__()
        self.stft = Stft(StftConfig())
        self.scale = float(self.stft.window.square().sum().sqrt())
        self.part = {"magnitude": slice(0, 1), "phase": slice(1, 2), "both": slice(0, 2)}[part]

    def shape(self, n: int) -> tuple[int, int, int]:
        """The planes (C, F, T) that carry in ``n`` samples."""
        return self.part.stop - self.part.start, self.stft.config.bins, self.stft.config.frames(n)

    def analyse(self, waveform: Tensor) -> Tensor:
        """(B, n) to (B, 2, F, T): magnitude, phase."""
        spectrogram = self.stft.analyse(waveform) / self.scale
        magnitude = (spectrogram.real.square() + spectrogram.imag.square() + 1e-10).sqrt()  # a slope at silence too
        return torch.stack([magnitude, torch.atan2(spectrogram.imag, spectrogram.real + 1e-10)], dim=1)

    def synthesise(self, planes: Tensor, n: int) -> Tensor:
        """(B, 2, F, T) to (B, n)."""
        magnitude, phase = planes.unbind(1)
        spectrogram = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        return self.stft.synthesise(spectrogram * self.scale, n)


def transform(name: str) -> Any:
    """The transform called ``name``: one of TRANSFORMS.

    Raises:
        BadSpec: no such transform.
    """
    match name:
        case "mdct":
            return Mdct()
        case "stdct-4096":
            return Stdct(4096, 62)
        case "stdct-1024":
            return Stdct(1024, 130)
        case "magnitude" | "phase" | "both":
            return Polar(name)
    raise BadSpec(f"transform {name!r}: choose one of {', '.join(TRANSFORMS)}")


def surviving(kind: Any, residual: Tensor, n: int) -> float:
    """The share of a residual's energy (B, C, F, T) that a waveform of ``n`` samples carries, for linear kinds."""
    returned = kind.analyse(kind.synthesise(residual, n))
    return float(returned.square().sum() / residual.square().sum())


def _overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Frames (B, T, length) laid ``hop`` apart: (B, (T - 1) hop + length)."""
    count, length = frames.shape[1:]
    total = (count - 1) * hop + length
    return F.fold(frames.transpose(1, 2), (1, total), (1, length), stride=(1, hop))[:, 0, 0]
