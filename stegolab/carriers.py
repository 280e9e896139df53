"""Which carrier hides, and which of them a receiver looks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .carrier.interface import Carrier
from .carrier.lattice import LatticeCarrier
from .carrier.learned import learned_carrier
from .carrier.strengths import STRENGTHS, weights_of
from .carrier.strengths import strength as strength_named
from .carrier.textured.lattice import TexturedLattice
from .carrier.textured.masking import level
from .carrier.textured.presets import MASKINGS
from .choices import CARRIERS
from .errors import BadSpec


def carrier_for(strength: str, carrier: str = "auto", refine: int = 0) -> Carrier:
    """The carrier of that name at that strength; ``inn`` refines what it embeds in ``refine`` steps.

    ``auto`` is ``textured`` where steps follow the texture, else ``lattice``; ``inn`` if it is to refine. ``textured``
    may be followed by how visible it may be, such as ``textured:faint``.

    Raises:
        BadSpec: no such strength or carrier, or a carrier that cannot refine. NotTrained: ``inn``.
    """
    chosen = strength_named(strength)
    asked, (carrier, _, visibility) = carrier, carrier.partition(":")
    if carrier not in ("auto", *CARRIERS) or (visibility and carrier != "textured"):
        raise BadSpec(f"no carrier {asked!r}: choose auto, {', '.join(CARRIERS)}")
    if carrier == "auto":
        carrier = "textured" if strength in MASKINGS else "lattice"
        carrier = "inn" if refine and weights_of(chosen).exists() else carrier
    if carrier == "inn":
        return learned_carrier(chosen, refine)
    if refine:
        raise BadSpec("only the learned carrier can refine: use --carrier inn, or leave out --refine")
    if carrier != "textured":
        return LatticeCarrier(chosen)
    if strength not in MASKINGS:
        raise BadSpec(f"nothing follows the texture at strength {strength}: choose {' or '.join(MASKINGS)}")
    return TexturedLattice.of(strength, level(visibility or "unseen"))


class EveryCarrier(Collection[Carrier]):
    """What a receiver looks for: every carrier at every strength, the defaults of :func:`hide` first."""

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, carrier: object) -> bool:
        return any(carrier == one for one in self)

    def __iter__(self) -> Iterator[Carrier]:
        first = {strength: carrier_for(strength) for strength in STRENGTHS}
        yield from first.values()
        yield from (learned_carrier(strength) for strength in STRENGTHS.values() if weights_of(strength).exists())
        for strength in STRENGTHS.values():
            if first[strength.name].name != "lattice":
                yield LatticeCarrier(strength)


def with_visibility(carrier: str, visibility: str | float | None) -> str:
    """The name of the carrier that is as visible as was asked for.

    Raises:
        BadSpec: no such visibility, or a carrier without one.
    """
    if visibility is None:
        return carrier
    if carrier not in ("auto", "textured"):
        raise BadSpec(
            f"carrier {carrier} has no dial for visibility: use --carrier textured, or leave out one of the two"
        )
    level(visibility)
    return f"textured:{visibility}"
