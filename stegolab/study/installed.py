"""The software that a study's attacks need: what is missing here, and the versions of what is there (notebook 08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..channel import spec
from ..channel.software import SOFTWARE, Backend
from ..errors import BadSpec


def needed(attacks: Iterable[str]) -> dict[str, tuple[Backend, ...]]:
    """What each attack is carried out by, beside Pillow.

    Raises:
        BadSpec: malformed.
    """
    steps = {attack: [step.name for step in spec.parse(attack).attacks] for attack in attacks}
    return {
        attack: tuple(dict.fromkeys(SOFTWARE[name].needs for name in names if name in SOFTWARE))
        for attack, names in steps.items()
    }


def left_out(attacks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The attacks that cannot run here, by the first software that each lacks: its name, and how to install it."""
    needs = needed(attacks)
    here = {backend: backend.here() for some in needs.values() for backend in some}
    first = {attack: next((b for b in some if not here[b]), None) for attack, some in needs.items()}
    return {
        f"{backend.name} ({backend.remedy})": tuple(attack for attack, lacks in first.items() if lacks == backend)
        for backend in dict.fromkeys(first.values())
        if backend
    }


def require(attacks: Iterable[str]) -> None:
    """Check that all attacks can run here.

    Raises:
        MissingSoftware: one cannot; the message says how to install what it needs.
    """
    versions(attacks)


def versions(attacks: Iterable[str]) -> dict[str, dict[str, str]]:
    """For each attack the software that carries it out, with its version, as the software says itself.

    Raises:
        MissingSoftware: one is not installed; the message says how to install it.
    """
    needs = needed(attacks)
    found = {}
    for backend in dict.fromkeys(backend for some in needs.values() for backend in some):
        backend.require()
        found[backend] = backend.version()
    return {attack: {backend.name: found[backend] for backend in some} for attack, some in needs.items()}


def used(attacks: Iterable[str]) -> dict[str, str]:
    """The software of all of these attacks, with its version; raises what :func:`versions` does."""
    return {name: version for some in versions(attacks).values() for name, version in some.items()}


def same(asking: Mapping[str, Mapping[str, str]]) -> None:
    """Check that attacks would run here in the versions ``asking``, as of :func:`versions`: no table mixes two.

    Raises:
        BadSpec: this machine has another version. MissingSoftware: it lacks one.
    """
    for attack, here in versions(asking).items():
        for name, version in here.items():
            if asking[attack][name] != version:
                raise BadSpec(
                    f"a machine of the cluster has {name} {version}, not {asking[attack][name]}: "
                    "install the same one everywhere"
                )
