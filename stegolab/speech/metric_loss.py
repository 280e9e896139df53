"""Metrics that have a gradient: torch-pesq and torch-stoi as a loss, the other way to please a listener (notebook 03).

The metric GAN learns what PESQ and STOI say; these compute it. Against the real scores of 600 clips, speech in noise
before and after crude enhancement, they correlate with .996 (PESQ) and 1.000 (STOI). What they cannot do is a score
that nobody has written as a differentiable program: that is what the GAN is for.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from ..audio import RATE
from .losses import SILENCE

METRIC_LOSSES = ("gan", "differentiable", "both", "none")  # what the metric phase of training adds to stage one

SHORTEST = 0.4  # seconds; both metrics need as much
_STOI_FRAMES = 30  # that one of STOI's segments spans, 0.4 s, once pauses are cut out


class DifferentiableMetrics(nn.Module):
    """``pesq_weight * PESQ's distance + stoi_weight * (1 - STOI)``, one number a clip, the lower the better.

    PESQ's distance is that of P.862 before it is mapped to MOS-LQO, 0 (perfect) to about 5 (SNR -5 dB): unlike the
    score, it does not saturate. With the weights given, the gradients of both together are as long as that of
    :class:`~stegolab.speech.losses.StageOneLoss` with respect to a waveform of PESQ 1.3 to 2, and longer above.
    """

    def __init__(self, pesq_weight: float = 0.2, stoi_weight: float = 1.5, rate: int = RATE) -> None:
        super().__init__()
        from torch_pesq import PesqLoss

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the old name of a resampling method
            from torch_stoi import NegSTOILoss

            self.stoi = NegSTOILoss(rate)
        # Its tables are float64, and must be: sixth powers of distances near 0 underflow in float32, gradients are NaN.
        self.pesq = PesqLoss(1.0, rate)
        self.pesq_weight, self.stoi_weight, self.rate = pesq_weight, stoi_weight, rate

    def forward(self, estimate: Tensor, clean: Tensor) -> Tensor:
        """Waveforms (B, N) to (B,), float32 also under autocast.

        A clip that cannot be judged gives 0 and no gradient, one by one; the others do not notice.
        """
        with torch.autocast(estimate.device.type, enabled=False):
            estimate, clean = estimate.float(), clean.float()
            losses = estimate[:, :0].sum(-1)  # zeros that backward() can start from
            judged = self.judged(estimate, clean)
            if judged.any():
                estimate, clean = estimate[judged], clean[judged]
                level = clean.square().mean(-1, keepdim=True).sqrt()
                losses[judged] = self._losses(estimate / level, clean / level)
            return losses

    @torch.no_grad()
    def judged(self, estimate: Tensor, clean: Tensor) -> Tensor:
        """Which clips have a score, (B,) bool: neither is silent or not finite, and pauses apart, 0.4 s are spoken."""
        if clean.shape[-1] < SHORTEST * self.rate:
            return torch.zeros(len(clean), dtype=torch.bool, device=clean.device)
        power = torch.stack([estimate, clean]).square().mean(-1)  # (2, B)
        usable = ((power > SILENCE) & power.isfinite()).all(0)
        speech = torch.where(usable[:, None], clean, 0)
        s = self.stoi
        if s.sample_rate != s.resample.new_freq:
            speech = s.resample(speech)
        *_, active = s.remove_silent_frames(speech, speech, s.dyn_range, s.win, s.win_len, s.win_len // 2)
        return usable & (active.sum(-1) > _STOI_FRAMES)

    def _losses(self, estimate: Tensor, clean: Tensor) -> Tensor:
        quality = self.pesq(clean, estimate).float()
        return self.pesq_weight * quality + self.stoi_weight * (1 + self.stoi(estimate, clean))
