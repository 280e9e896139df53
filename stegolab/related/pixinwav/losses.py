"""The losses of a container and a revealed picture (notebook 11): spectra, picture, and one of two losses on the sound.

PixInWav adds a soft-DTW of the waveforms to its loss, but gives each as a sequence of *one* element, which has one
alignment only: the loss is then a squared error. :func:`features` cuts the sound into frames first.
Soft-DTW: Cuturi & Blondel 2017.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ...audio import RATE
from ..pictures import luma

_FLOOR = 1e-3  # share of the power in a band at level one


def soft_dtw(a: Tensor, b: Tensor, gamma: float = 0.1) -> Tensor:
    """Soft minimum, over all monotone alignments, of the summed squared distances between elements: (B,).

    Args:
        a: sequences (B, n, features).
        b: sequences (B, m, features).
        gamma: softness; towards 0 it is dynamic time warping. Between sequences of one element it is the squared error.
    """
    distance = (a[:, :, None] - b[:, None]).square().sum(-1)  # (B, n, m)
    n, m = distance.shape[1:]
    rows = torch.arange(n, device=a.device)
    nowhere = distance.new_full((len(a), n + 1), 1e10)
    corner = torch.cat([distance.new_zeros(len(a), 1), nowhere[:, 1:]], 1)
    before, last = corner, nowhere  # antidiagonals over rows 0 .. n, whose cells do not depend on one another
    for k in range(n + m - 1):
        columns = k - rows
        inside = (columns >= 0) & (columns < m)
        ways = torch.stack([before[:, :-1], last[:, :-1], last[:, 1:]])  # from the corner, from above, from the left
        cells = distance[:, rows, columns.clamp(0, m - 1)] - gamma * torch.logsumexp(-ways / gamma, 0)
        before, last = last, torch.cat([nowhere[:, :1], torch.where(inside, cells, nowhere[:, 1:])], 1)
    return last[:, n]


def features(waveform: Tensor, bands: int = 24, window: int = 512, hop: int = 256) -> Tensor:
    """Log power in mel bands, (B, n) to (B, frames, bands), of waveforms near level one; 16 ms a frame."""
    frames = waveform.unfold(-1, window, hop) * torch.hann_window(window, device=waveform.device)
    power = torch.fft.rfft(frames).abs().square() / window
    return (power @ _mel(bands, window).to(power) + _FLOOR).log()


def structure(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of the luma of pictures (B, 1 or 3, H, W) in [0, 1]: (B,), as in ``images.ssim``."""
    x, y = (_luma(picture)[:, None] for picture in (a, b))
    taps = torch.exp(-torch.arange(-5.0, 6.0, device=x.device).square() / (2 * 1.5**2))
    window = (taps[:, None] * taps / taps.sum().square())[None, None]
    mean_x, mean_y, xx, yy, xy = (F.conv2d(plane, window) for plane in (x, y, x * x, y * y, x * y))
    covariance = 2 * (xy - mean_x * mean_y) + 0.03**2
    variances = xx + yy - mean_x.square() - mean_y.square() + 0.03**2
    likeness = (2 * mean_x * mean_y + 0.01**2) / (mean_x.square() + mean_y.square() + 0.01**2)
    return (likeness * covariance / variances).mean((1, 2, 3))


def _luma(picture: Tensor) -> Tensor:
    return picture[:, 0] if picture.shape[1] == 1 else luma(picture)


@lru_cache(maxsize=4)
def _mel(bands: int, window: int) -> Tensor:
    """Triangles whose centres are equally far apart in mel, (window / 2 + 1, bands), each of sum one."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, bands + 2) / 2595) - 1)
    f = torch.linspace(0, RATE / 2, window // 2 + 1)[:, None]
    rise, fall = (f - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - f) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rise, fall).clamp(min=0)
    return triangles / triangles.sum(0).clamp(min=1e-6)
