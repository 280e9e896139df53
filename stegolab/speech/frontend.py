"""Waveform to complex spectrogram and back, exactly: the input and output of Model 1 (notebook 01).

Every sample is covered by the same number of windows, those at the edges too, and the synthesis window is the canonical
dual of the analysis window: ``dual(n) = w(n) / sum_k w(n + k hop)^2``. The inverse is then exact for every hop, even if
the squared windows do not add up to a constant. For a spectrogram that belongs to no waveform, it is the least-squares
inverse (Griffin & Lim 1984). Nothing depends on the whole signal, so the same arithmetic works on a stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..audio import RATE
from ..errors import BadSpec

WINDOWS = ("sqrt_hann", "hann")
FAINT = 1e-8  # power below which compress() stops amplifying: about that of 16-bit rounding


@dataclass(frozen=True)
class StftConfig:
    """Sizes in samples at ``rate`` hertz. The default is 25 ms every 12.5 ms; the DCCRN paper's hop is 100 (6.25 ms).

    Raises:
        BadSpec: a window outside 20 to 40 ms, an overlap outside 50 to 75 %, an FFT shorter than the window.
    """

    window: int = 400
    hop: int = 200
    fft: int = 512
    shape: str = "sqrt_hann"
    rate: int = RATE

    def __post_init__(self) -> None:
        if self.shape not in WINDOWS:
            raise BadSpec(f"window {self.shape!r}: choose one of {', '.join(WINDOWS)}")
        if not 20 <= 1000 * self.window / self.rate <= 40:
            raise BadSpec(f"a window of {1000 * self.window / self.rate:g} ms: speech is analysed in 20 to 40 ms")
        if not self.window <= 4 * self.hop <= 2 * self.window:
            raise BadSpec(
                f"hop {self.hop} of window {self.window}: overlap 50 to 75 %, that is half to a quarter of it"
            )
        if self.fft < self.window:
            raise BadSpec(f"an FFT of {self.fft} does not hold a window of {self.window} samples")

    @property
    def bins(self) -> int:
        """Frequencies of a spectrum, 0 Hz and half the rate included."""
        return self.fft // 2 + 1

    @property
    def overlap(self) -> int:
        """Samples that a frame shares with the next."""
        return self.window - self.hop

    def frames(self, n: int) -> int:
        """How many frames cover ``n`` samples."""
        return -(-(n + self.overlap) // self.hop)


class Stft(nn.Module):
    """Short-time Fourier transform with an exact inverse: ``synthesise(analyse(x), x.shape[-1]) == x``.

    Waveforms are (B, N), spectrograms complex (B, bins, T). Frame t ends with sample ``(t + 1) * hop - 1``: it looks
    back, never ahead. Always float32, under autocast too. Both directions are differentiable.
    """

    window: Tensor
    dual: Tensor

    def __init__(self, config: StftConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or StftConfig()
        window = torch.hann_window(config.window, dtype=torch.float64)
        if config.shape == "sqrt_hann":
            window = window.sqrt()
        power = F.pad(window.square(), (0, -config.window % config.hop)).view(-1, config.hop).sum(0)  # period: a hop
        dual = window / power.repeat(-(-config.window // config.hop))[: config.window]
        self.register_buffer("window", window.float(), persistent=False)
        self.register_buffer("dual", dual.float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """The same as :meth:`analyse`."""
        return self.analyse(waveform)

    def analyse(self, waveform: Tensor) -> Tensor:
        """(B, N) to complex (B, bins, T), with ``T = config.frames(N)``."""
        c = self.config
        n = waveform.shape[-1]
        after = (c.frames(n) - 1) * c.hop + c.window - c.overlap - n
        return self.spectra(F.pad(waveform, (c.overlap, after)))

    def synthesise(self, spectrogram: Tensor, n: int) -> Tensor:
        """Complex (B, bins, T) to (B, n), for n samples or fewer than T frames cover."""
        c = self.config
        return self.overlap_add(spectrogram)[..., c.overlap : c.overlap + n]

    def spectra(self, samples: Tensor) -> Tensor:
        """The spectra of all whole windows of (B, n) samples, without any padding."""
        frames = samples.float().unfold(-1, self.config.window, self.config.hop)  # (B, T, window)
        return torch.fft.rfft(frames * self.window, self.config.fft).transpose(1, 2)

    def overlap_add(self, spectrogram: Tensor) -> Tensor:
        """Windows (B, bins, T) overlapped and added: (B, (T - 1) * hop + window); the edges are incomplete."""
        c = self.config
        frames = torch.fft.irfft(spectrogram, c.fft, dim=1)[:, : c.window] * self.dual[:, None]  # (B, window, T)
        length = (frames.shape[-1] - 1) * c.hop + c.window
        return F.fold(frames, (1, length), (1, c.window), stride=(1, c.hop))[:, 0, 0]


class StreamingAnalyser:
    """:meth:`Stft.analyse` in chunks of any size: the frames of all calls, joined, are those of the whole."""

    def __init__(self, stft: Stft, batch: int = 1) -> None:
        self.stft = stft
        self._pending = stft.window.new_zeros(batch, stft.config.overlap)

    def push(self, chunk: Tensor) -> Tensor:
        """The frames (B, bins, t) that ``chunk`` (B, n) completes; t may be 0."""
        c = self.stft.config
        samples = torch.cat([self._pending, chunk], -1)
        t = max((samples.shape[-1] - c.overlap) // c.hop, 0)
        self._pending = samples[:, t * c.hop :]
        if not t:
            return torch.zeros(len(samples), c.bins, 0, dtype=torch.complex64, device=samples.device)
        return self.stft.spectra(samples[:, : t * c.hop + c.overlap])

    def flush(self) -> Tensor:
        """The last frames: silence follows. Start a new analyser afterwards."""
        c = self.stft.config
        pending = self._pending.shape[-1]
        return self.push(
            self._pending.new_zeros(len(self._pending), -(-pending // c.hop) * c.hop + c.overlap - pending)
        )


class StreamingSynthesiser:
    """:meth:`Stft.synthesise` frame by frame: samples come out as soon as no later frame can change them."""

    def __init__(self, stft: Stft, batch: int = 1) -> None:
        self.stft = stft
        self._tail = stft.window.new_zeros(batch, stft.config.overlap)
        self._lead = stft.config.overlap  # samples in front of the first one of the signal

    def push(self, spectrogram: Tensor) -> Tensor:
        """The samples (B, n) that the frames (B, bins, t) complete."""
        t = spectrogram.shape[-1]
        if not t:
            return self._tail[:, :0]
        samples = self.stft.overlap_add(spectrogram)
        samples = samples + F.pad(self._tail, (0, samples.shape[-1] - self._tail.shape[-1]))
        complete, self._tail = samples.tensor_split([t * self.stft.config.hop], dim=-1)
        lead = min(self._lead, complete.shape[-1])
        self._lead -= lead
        return complete[:, lead:]


def compress(spectrogram: Tensor, power: float = 0.3) -> Tensor:
    """Raise magnitudes to ``power`` and keep phases, so that quiet consonants count beside loud vowels, as for the ear.

    Complex, any shape. Finite gradients, also at zero.
    """
    loudness = spectrogram.real.square() + spectrogram.imag.square() + FAINT
    return spectrogram * loudness ** ((power - 1) / 2)


def as_channels(spectrogram: Tensor) -> Tensor:
    """Complex (B, F, T) to real (B, 2, F, T): the real part, then the imaginary part."""
    return torch.stack([spectrogram.real, spectrogram.imag], dim=1)


def as_complex(channels: Tensor) -> Tensor:
    """The inverse of :func:`as_channels`: real (B, 2, F, T) to complex (B, F, T)."""
    real, imaginary = channels.float().unbind(1)
    return torch.complex(real, imaginary)
