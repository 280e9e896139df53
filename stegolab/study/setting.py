"""The ingredients of a stego picture in the study (notebook 08).

Settings are sent to other processes and machines and compared there, so a cover or clip is identified by its name and a
digest of its content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from ..audio import Speech
from ..images import Picture


@dataclass(frozen=True)
class _Named:
    """An object with its name and a digest of its content."""

    name: str
    digest: str


@dataclass(frozen=True)
class Cover(_Named):
    """A picture by name; made by :meth:`of`."""

    picture: Picture = field(compare=False, repr=False)

    @classmethod
    def of(cls, name: str, picture: Picture) -> Cover:
        """Name a picture."""
        samples = picture.rgb if picture.alpha is None else np.dstack([picture.rgb, picture.alpha])
        return cls(name, _digest(samples, samples.shape), picture)


@dataclass(frozen=True)
class Clip(_Named):
    """Speech by name; made by :meth:`of`."""

    speech: Speech = field(compare=False, repr=False)

    @classmethod
    def of(cls, name: str, speech: Speech) -> Clip:
        """Name a clip."""
        return cls(name, _digest(speech.samples, speech.rate), speech)


@dataclass(frozen=True)
class Setting:
    """One stego picture; without a ``clip`` it carries as many random bytes as fit."""

    cover: Cover
    clip: Clip | None
    carrier: str
    strength: str
    seed: int
    enhance: bool

    @property
    def key(self) -> bytes:
        """32 bytes, for this study only."""
        return sha256(f"stegolab study {self.seed}".encode()).digest()

    @property
    def identity(self) -> tuple[str | int | bool, ...]:
        """Everything that the stego picture depends on, except the program."""
        spoken = (self.clip.name, self.clip.digest) if self.clip else ()
        return (self.cover.name, self.cover.digest, *spoken, self.carrier, self.strength, self.seed, self.enhance)


def _digest(values: np.ndarray, about: object) -> str:
    return sha256(repr(about).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()
