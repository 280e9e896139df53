"""A family of attacks, and how an attack is written in the study (notebook 08)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ..channel import spec
from ..channel.platforms import PRESETS


@dataclass(frozen=True)
class Sweep:
    """One kind of attack, mild to harsh, as specifications; ``target`` is the promised recovery rate on ``within``."""

    family: str
    within: tuple[str, ...]
    beyond: tuple[str, ...] = ()
    target: float = 0.95

    @property
    def attacks(self) -> tuple[str, ...]:
        """All attacks, as the parser writes them."""
        return unique((*self.within, *self.beyond))


@cache
def written(attack: str) -> str:
    """The standard spelling of each attack: that of the parser, but a platform keeps its name.

    Raises:
        BadSpec: malformed.
    """
    chain = str(spec.parse(attack))
    name = attack.strip().lower()
    return name if name in {f"platform:{platform}" for platform in PRESETS} else chain


def unique(attacks: Sequence[str]) -> tuple[str, ...]:
    """Each attack once, in order, as :func:`written`.

    Raises:
        BadSpec: malformed.
    """
    return tuple(dict.fromkeys(map(written, attacks)))
