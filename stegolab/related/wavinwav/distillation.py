"""Optional embedding distillation: the secret keeps its *voice*, not only its waveform (notebook 12).

A teacher trained on speech turns both into embeddings, which should be equal. It is WavLM if its weights are already on
this machine (nothing is downloaded), else the speaker encoder that comes with Resemblyzer (``pip install --no-deps
resemblyzer``: only its weights are read). Teachers are frozen; gradients go through them. Chen et al. 2022, WavLM; Wan
et al. 2018, Generalized end-to-end loss for speaker verification.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...audio import RATE
from ...errors import BadData


class SpeakerEncoder(nn.Module):
    """Resemblyzer's d-vectors: 40 mel bands, three LSTM layers of 256, one unit vector a clip. (B, N) to (B, 256)."""

    def __init__(self) -> None:
        super().__init__()
        from torchaudio.transforms import MelSpectrogram

        self.mel = MelSpectrogram(RATE, n_fft=400, hop_length=160, n_mels=40, norm="slaney", mel_scale="slaney")
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, waveform: Tensor) -> Tensor:
        """Clips are brought to -30 dBFS first, the level at which the encoder was trained."""
        level = waveform.square().mean(-1, keepdim=True).clamp_min(1e-10).sqrt()
        frames = self.mel(waveform / level * 10 ** (-30 / 20)).transpose(1, 2)
        _, (hidden, _) = self.lstm(frames)
        return F.normalize(self.linear(hidden[-1]).relu(), dim=-1)


class EmbeddingDistance(nn.Module):
    """Mean cosine distance of the teacher's embeddings of two batches of waveforms; 0 for the same voice."""

    def __init__(self, teacher: nn.Module) -> None:
        super().__init__()
        self.teacher = teacher.eval().requires_grad_(False)

    def forward(self, estimate: Tensor, reference: Tensor) -> Tensor:
        """Waveforms (B, N) to one number, with the gradient of ``estimate``."""
        # cuDNN's LSTM has no backward pass in evaluation mode, and a teacher must not be in training mode
        with torch.backends.cudnn.flags(enabled=False):
            with torch.no_grad():
                wanted = self.teacher(reference)
            return (1 - F.cosine_similarity(self.teacher(estimate), wanted, dim=-1)).mean()


def teacher(name: str = "auto") -> nn.Module:
    """``wavlm``, ``speaker``, or ``auto``: WavLM if its weights are on disk, else the speaker encoder.

    Raises:
        BadData: no weights here; or no teacher of this name.
    """
    wavlm_weights, speaker_weights = _wavlm_file(), _speaker_file()
    if name in ("auto", "wavlm") and wavlm_weights is not None:
        return _wavlm(wavlm_weights)
    if name in ("auto", "speaker") and speaker_weights is not None:
        return _speaker(speaker_weights)
    raise BadData(
        f"no weights for the teacher {name!r}: pip install --no-deps resemblyzer, or put torchaudio's "
        "wavlm_base.pth into PyTorch's folder of checkpoints"
    )


class _WavLm(nn.Module):
    """Frames of the last layer: (B, N) to (B, frames, 768)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, waveform: Tensor) -> Tensor:
        return self.model.extract_features(waveform)[0][-1]


def _wavlm_file() -> Path | None:
    path = Path(torch.hub.get_dir()) / "checkpoints" / "wavlm_base.pth"
    return path if path.is_file() else None


def _speaker_file() -> Path | None:
    spec = find_spec("resemblyzer")  # finds the package without importing it, which would need librosa
    path = Path(spec.origin).with_name("pretrained.pt") if spec and spec.origin else None
    return path if path is not None and path.is_file() else None


def _wavlm(path: Path) -> nn.Module:
    from torchaudio.models import wavlm_base

    model = wavlm_base()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return _WavLm(model)


def _speaker(path: Path) -> nn.Module:
    encoder = SpeakerEncoder()
    saved = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    encoder.load_state_dict(saved, strict=False)  # it also holds the two numbers of the loss it was trained with
    return encoder
