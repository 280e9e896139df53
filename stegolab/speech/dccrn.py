"""DCCRN, the network of Model 1: a complex U-Net that maps a spectrogram to a mask (notebook 02).

    noisy waveform -> STFT -> compress -> encoder -> complex LSTM -> decoder -> mask -> times the STFT -> waveform
                                             '------ skip connections ----'

Each encoder stage halves the frequencies, each decoder stage doubles them; time keeps its resolution throughout. After
Hu et al. 2020, DCCRN: Deep Complex Convolution Recurrent Network for Phase-Aware Speech Enhancement, whose network is
the size ``full``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import BadSpec
from .complexnn import (
    ComplexBatchNorm2d,
    ComplexConv2d,
    ComplexConvTranspose2d,
    ComplexLinear,
    ComplexLSTM,
    ComplexPReLU,
    State,
    concatenate,
)
from .frontend import Stft, StftConfig, StreamingAnalyser, StreamingSynthesiser, as_channels, as_complex, compress

MASKS = ("E", "C", "R")
POWER = 0.3  # of the magnitudes that the network sees

#: name -> (channels of each stage, real and imaginary together as in the paper; complex units of each LSTM)
SIZES = {
    "small": ((16, 32, 64, 64, 64, 64), 40),
    "base": ((16, 32, 64, 128, 128, 128), 80),
    "full": ((32, 64, 128, 256, 256, 256), 128),
}


@dataclass(frozen=True)
class DccrnConfig:
    """Everything that determines the network's shape; plain values, so that it can be stored with the weights.

    Args:
        channels: of each encoder stage, real and imaginary together, as the paper counts. The decoder mirrors them.
        hidden: complex units of each of the two LSTM layers.
        mask: ``E``, ``C`` or ``R``, see :func:`apply_mask`.
        causal: without it each decoder stage looks one frame ahead, as in the paper.
        stft: its FFT must be divisible by ``2 ** (len(channels) + 1)``.

    Raises:
        BadSpec: an unknown mask, odd channels, or an FFT that cannot be halved that often.
    """

    channels: tuple[int, ...] = SIZES["full"][0]
    hidden: int = SIZES["full"][1]
    mask: str = "E"
    causal: bool = True
    stft: StftConfig = field(default_factory=StftConfig)

    def __post_init__(self) -> None:
        if self.mask not in MASKS:
            raise BadSpec(f"mask {self.mask!r}: choose one of {', '.join(MASKS)}")
        if not self.channels or any(count < 2 or count % 2 for count in self.channels):
            raise BadSpec(f"channels {self.channels}: even numbers, half for real and half for imaginary parts")
        if self.stft.fft % 2 ** (len(self.channels) + 1):
            raise BadSpec(f"an FFT of {self.stft.fft} cannot be halved {len(self.channels)} times: use 512")


class Dccrn(nn.Module):
    """Noisy waveforms (B, N) in [-1, 1] to enhanced ones (B, N), for any N of at least one sample.

    The frequency at 0 Hz shares the mask of its neighbour, so that the others are a power of two.
    """

    def __init__(self, config: DccrnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DccrnConfig()
        self.stft = Stft(config.stft)
        widths = [1, *(count // 2 for count in config.channels)]  # complex channels
        lookahead = 0 if config.causal else 1
        self.encoder = nn.ModuleList(_Stage(ComplexConv2d(a, b)) for a, b in pairwise(widths))
        bottom = widths[-1] * (config.stft.fft // 2 >> len(config.channels))
        self.recurrent = nn.ModuleList([ComplexLSTM(bottom, config.hidden), ComplexLSTM(config.hidden, config.hidden)])
        self.project = ComplexLinear(config.hidden, bottom)
        upward = [ComplexConvTranspose2d(2 * a, b, lookahead=lookahead) for a, b in pairwise(reversed(widths))]
        self.decoder = nn.ModuleList([*map(_Stage, upward[:-1]), upward[-1]])
        with torch.no_grad():
            upward[-1].bias[0] = 1  # so that an untrained mask passes the speech

    @classmethod
    def from_size(cls, name: str, *, mask: str = "E", causal: bool = True, hop: int = 200) -> Dccrn:
        """A freshly initialised network: ``small`` (0.3 M parameters), ``base`` (1 M) or ``full`` (the paper's 3.7 M).

        Raises:
            BadSpec: unknown size or mask, or a hop outside 100 to 200 samples.
        """
        if name not in SIZES:
            raise BadSpec(f"size {name!r}: choose one of {', '.join(SIZES)}")
        channels, hidden = SIZES[name]
        return cls(DccrnConfig(channels, hidden, mask, causal, StftConfig(hop=hop)))

    @property
    def latency(self) -> float:
        """The longest delay in seconds from a sample to the enhanced sample, without the time for computing."""
        c = self.config
        lookahead = 0 if c.causal else len(c.channels)
        return (c.stft.window + lookahead * c.stft.hop) / c.stft.rate

    @overload
    def forward(self, waveform: Tensor, spectrogram: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(self, waveform: Tensor, spectrogram: Literal[True]) -> tuple[Tensor, Tensor]: ...

    def forward(self, waveform: Tensor, spectrogram: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """(B, N) to (B, N); on request also the spectrogram (B, bins, T) that it is the inverse of."""
        said = self.enhance(self.stft.analyse(waveform))
        samples = self.stft.synthesise(said, waveform.shape[-1])
        return (samples, said) if spectrogram else samples

    def enhance(self, noisy: Tensor, state: State | None = None) -> Tensor:
        """Complex spectrogram (B, bins, T) to the masked one; ``state`` as in :mod:`complexnn`."""
        return apply_mask(noisy, self.mask(noisy, state), self.config.mask)

    def mask(self, noisy: Tensor, state: State | None = None) -> Tensor:
        """The network's raw output for a complex spectrogram (B, bins, T): complex, of the same shape."""
        x = as_channels(compress(noisy, POWER)[:, 1:])  # (B, 2, F, T)
        skips = []
        for stage in self.encoder:
            x = stage(x, state)  # (B, 2C, F / 2, T)
            skips.append(x)
        x = self._remember(x, state)
        for stage in self.decoder:
            x = stage(concatenate(x, skips.pop()), state)  # (B, 2C, 2F, T)
        return as_complex(F.pad(x, (0, 0, 1, 0), mode="replicate"))

    def stream(self, batch: int = 1) -> DccrnStream:
        """Begin a stream of ``batch`` parallel signals.

        Raises:
            BadSpec: the network looks ahead, or is in training mode.
        """
        return DccrnStream(self, batch)

    def _remember(self, x: Tensor, state: State | None) -> Tensor:
        """The recurrent layers at the bottom, and back to the shape (B, 2C, F, T) that came in."""
        y = x.permute(0, 3, 1, 2).flatten(2)  # (B, T, 2CF): real parts first, as in x
        for layer in self.recurrent:
            y = layer(y, state)
        return self.project(y).unflatten(2, x.shape[1:3]).permute(0, 2, 3, 1)


class DccrnStream:
    """A causal network run chunk by chunk: the joined output equals ``forward`` of the whole.

    A sample comes out at most ``Dccrn.latency`` seconds after it went in. Memory does not grow with time. Each call has
    an overhead: on a CPU, chunks of 100 ms take a fifth of the time of single frames.
    """

    def __init__(self, model: Dccrn, batch: int = 1) -> None:
        if not model.config.causal:
            raise BadSpec("this network looks ahead and cannot work on a stream: build it with causal=True")
        if model.training:
            raise BadSpec("a stream needs the running statistics: call model.eval() first")
        self._model, self._state = model, State()
        self._analyser = StreamingAnalyser(model.stft, batch)
        self._synthesiser = StreamingSynthesiser(model.stft, batch)
        self._owed = 0  # samples that went in but have not come out yet

    def push(self, chunk: Tensor) -> Tensor:
        """The enhanced samples (B, m) that ``chunk`` (B, n) completes; m may be 0."""
        self._owed += chunk.shape[-1]
        return self._enhance(self._analyser.push(chunk))

    def flush(self) -> Tensor:
        """The rest; begin a new stream afterwards."""
        return self._enhance(self._analyser.flush())

    @torch.no_grad()
    def _enhance(self, spectrogram: Tensor) -> Tensor:
        if spectrogram.shape[-1]:
            spectrogram = self._model.enhance(spectrogram, self._state)
        samples = self._synthesiser.push(spectrogram)[:, : self._owed]
        self._owed -= samples.shape[-1]
        return samples


def apply_mask(noisy: Tensor, mask: Tensor, mode: str) -> Tensor:
    """Apply the network's output M to the spectrogram X; both complex and of the same shape.

    ``E``: X times M tanh(|M|) / |M|: turns by the angle of M, never amplifies. ``C``: X times M. ``R``: real and
    imaginary parts, each times its own: Re X Re M + i Im X Im M.

    Raises:
        BadSpec: another mode.
    """
    if mode == "C":
        return noisy * mask
    if mode == "R":
        return torch.complex(noisy.real * mask.real, noisy.imag * mask.imag)
    if mode == "E":
        size = (mask.real.square() + mask.imag.square() + 1e-12).sqrt()  # no arctangent, and no pole at zero
        return noisy * mask * (size.tanh() / size)
    raise BadSpec(f"mask {mode!r}: choose one of {', '.join(MASKS)}")


class _Stage(nn.Module):
    """Complex (de)convolution, whitening, PReLU: (B, 2C, F, T) to (B, 2C', F', T)."""

    def __init__(self, convolution: ComplexConv2d | ComplexConvTranspose2d) -> None:
        super().__init__()
        channels = len(convolution.bias) // 2
        self.convolution = convolution
        self.normalise = ComplexBatchNorm2d(channels)
        self.activate = ComplexPReLU(channels)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return self.activate(self.normalise(self.convolution(x, state)))
