"""The attacks of the study: each kind from mild to harsh (notebook 08).

A sweep says where the declared range of strength ``social`` ends: ``within`` is promised, ``beyond`` is measured to see
where recovery fails. The other strengths promise what their own table (:mod:`..carrier.strengths`) says.
"""

from __future__ import annotations

from ..carrier.strengths import strength
from ..channel.platforms import PLATFORMS
from ..errors import BadSpec
from .pipelines import PIPELINES
from .sweep import Sweep, unique, written

_SAME_SIZE = ("jpeg:90", "jpeg:75", "jpeg:50", "jpeg:90:444", "jpeg:75:444", "jpeg:50:444")
#: the attacks of the published table, by strength
ATTACKS = {
    "file": ("none",),
    "jpeg": _SAME_SIZE,
    "social": ("jpeg:50", "resize:0.5,jpeg:75", "resize:0.75,jpeg:75", "webp:75", "jpeg:80,jpeg:60"),
}

_IN_A_ROW = ("jpeg:92", "jpeg:80", "jpeg:88", "jpeg:75", "jpeg:95", "jpeg:70")  # the first n attacks


def _in_a_row(*numbers: int) -> tuple[str, ...]:
    return tuple(",".join(_IN_A_ROW[:n]) for n in numbers)


def _each(attack: str, *values: float) -> tuple[str, ...]:
    return tuple(attack.format(f"{value:g}") for value in values)


SWEEPS: tuple[Sweep, ...] = (
    Sweep("none", ("none",)),
    Sweep("jpeg", _each("jpeg:{}", 95, 85, 75, 65, 50), _each("jpeg:{}", 40, 30)),
    Sweep("jpeg 4:4:4", _each("jpeg:{}:444", 95, 75, 50), ("jpeg:30:444",)),
    Sweep("jpegs in a row", _in_a_row(1, 2, 3), _in_a_row(4, 5, 6)),
    Sweep(
        "resize",
        (
            *("resize:2:lanczos,jpeg:85", "resize:1.5,jpeg:75", "resize:1.25:bilinear,jpeg:90"),
            *("resize:0.9:hamming,jpeg:80", "resize:0.75:bilinear,jpeg:75", "resize:0.6:box,jpeg:85"),
            "resize:0.5:lanczos,jpeg:75",
        ),
        # A triangle of four pixels leaves .30 bit per slot; bicubic and Lanczos kernels leave .47 and .53.
        ("resize:0.5:bilinear,jpeg:75", "resize:0.5:nearest,jpeg:75", "resize:0.5,jpeg:50", "resize:0.4,jpeg:75"),
    ),
    Sweep(
        "crop",
        (
            "crop:0.01:0:0",
            "crop:0.03:1:0.4",
            "crop:0.05:0.3:0.8",
            "crop:0.1",
            "crop:0.1:1:0",
            "crop:0.1:0.7:0.2,jpeg:75",
        ),
        ("crop:0.15", "crop:0.2:0.2:0.9", "crop:0.25"),
    ),
    Sweep("shift", ("shift:1", "shift:0:2", "shift:3:-3", "shift:-5:4", "shift:7:7", "shift:-6:5,jpeg:75")),
    Sweep("flip and turn", ("flip,jpeg:75", "rotate:1,jpeg:75", "rotate:2", "flip,rotate:3,jpeg:75")),
    Sweep(
        "crop, shift and scale",
        (
            "crop:0.05:0.2:0.7,resize:0.8,jpeg:80",
            "crop:0.1:0.9:0.1,resize:1.3:lanczos,jpeg:80",
            "shift:5:3,resize:0.7,jpeg:85",
        ),
        ("crop:0.2:0.4:0.1,resize:0.6,jpeg:75",),
        target=0.9,
    ),
    Sweep("blur", _each("blur:{}", 0.5, 0.75, 1), _each("blur:{}", 1.5, 2)),
    Sweep("webp", _each("webp:{}", 95, 85, 75), _each("webp:{}", 60, 40)),
    Sweep("platform", tuple(f"platform:{name}" for name in PLATFORMS)),
    # Nothing is promised for the following.
    Sweep("median", (), ("median:3", "median:5")),
    Sweep("sharpen", (), _each("sharpen:{}", 1.25, 1.5, 2, 3)),
    Sweep("noise", (), _each("noise:{}", 2, 5, 10, 20)),
    Sweep("brightness", (), _each("brightness:{}", 0.7, 0.9, 1.1, 1.3)),
    Sweep("contrast", (), _each("contrast:{}", 0.7, 0.9, 1.1, 1.3)),
    Sweep("gamma", (), _each("gamma:{}", 0.7, 0.9, 1.1, 1.4)),
    Sweep("hue", (), _each("hue:{}", 5, 15, 45, 180)),
    Sweep("grey", (), ("grey", "grey,jpeg:75")),
    Sweep("avif", (), _each("avif:{}", 90, 75, 60, 45)),
    Sweep("jpeg 2000", (), _each("jpeg2000:{}", 8, 16, 32, 64)),
    Sweep("palette", (), _each("palette:{}", 256, 64, 16)),
    Sweep(  # shown on a display at another scale with its tone curve, with the edges of the window cut off
        "screenshot",
        (),
        (
            "resize:1.25:bilinear",
            "resize:1.5:bilinear,crop:0.02:0.5:0.5",
            "resize:0.8:bilinear,gamma:1.05,crop:0.04:0.8:0.3",
            "resize:0.75:bilinear,crop:0.05:0.1:0.6,jpeg:80",
        ),
    ),
)
_EVERY = (*SWEEPS, *PIPELINES)
SETS = ("published", "declared", "all", "software")


def attacks_of(name: str, strength_name: str) -> tuple[str, ...]:
    """The set called ``name``.

    ``published`` is a short table, ``declared`` everything promised, ``all`` that and beyond: these are Pillow's.
    ``software`` is what other programs do (:mod:`.pipelines`), installed or not.

    Raises:
        BadSpec: no such set or strength.
    """
    if name not in SETS:
        raise BadSpec(f"no set of attacks {name!r}: choose one of {', '.join(SETS)}")
    if name == "published":
        return unique(ATTACKS[strength(strength_name).name])
    if name == "software":
        return unique(["none", *(attack for sweep in PIPELINES for attack in sweep.attacks)])
    every = unique(
        ["none", *strength(strength_name).attacks, *(attack for sweep in SWEEPS for attack in sweep.attacks)]
    )
    return every if name == "all" else tuple(attack for attack in every if declared(attack, strength_name))


def declared(attack: str, strength_name: str) -> bool:
    """Whether the strength promises to survive this attack.

    Raises:
        BadSpec: malformed.
    """
    name = written(attack)
    if name in unique(["none", *strength(strength_name).attacks]):
        return True
    return strength_name == "social" and any(name in unique(sweep.within) for sweep in _EVERY)


def family(attack: str) -> str:
    """The sweep that an attack belongs to; for one that is in none, the name of its first step.

    Raises:
        BadSpec: malformed.
    """
    name = written(attack)
    return next((sweep.family for sweep in _EVERY if name in sweep.attacks), name.split(":")[0])
