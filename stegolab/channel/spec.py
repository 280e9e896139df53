"""Attack specifications: ``resize:0.5,jpeg:75`` is a chain of two attacks, applied from left to right.

    chain    = attack {"," attack}
    attack   = name {":" argument} | "platform:" name | "none"
    argument = number | word | "444" | "422" | "420" | flag

The names are those of the functions of :mod:`.attacks` and :mod:`.software`, with their arguments in order; the later
ones may be left out. A flag is set by its parameter's name, such as ``progressive``. ``platform:telegram`` stands for
the chain of that preset in :mod:`.platforms`. To read a specification needs none of the software that carries it out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image

from ..errors import BadSpec
from . import attacks
from .attacks import RGB
from .platforms import PRESETS
from .software import SOFTWARE

Argument = int | float | str | bool

ATTACKS: dict[str, Callable[..., RGB]] = {
    attack.__name__: attack
    for attack in (
        attacks.jpeg,
        attacks.webp,
        attacks.resize,
        attacks.cap,
        attacks.crop,
        attacks.blur,
        attacks.median,
        attacks.sharpen,
        attacks.brightness,
        attacks.contrast,
        attacks.gamma,
        attacks.noise,
        attacks.grey,
        attacks.avif,
        attacks.jpeg2000,
        attacks.palette,
        attacks.hue,
        attacks.shift,
        attacks.flip,
        attacks.rotate,
    )
}

# The attacks whose result a platform delivers as a file of that kind.
_FILES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "jpeg": (".jpg", attacks.jpeg_bytes),
    "webp": (".webp", attacks.webp_bytes),
    "avif": (".avif", attacks.avif_bytes),
    "jpeg2000": (".jp2", attacks.jpeg2000_bytes),
}


@dataclass(frozen=True)
class Attack:
    """One attack with its arguments, without those that equal their defaults; made by :func:`parse`."""

    name: str
    arguments: tuple[Argument, ...]

    def __call__(self, rgb: RGB) -> RGB:
        """Attack a picture, uint8 (H, W, 3).

        Raises:
            MissingSoftware: the software that carries it out is not installed; the message says how to install it.
        """
        return (SOFTWARE.get(self.name) or ATTACKS[self.name])(rgb, *self.arguments)

    def __str__(self) -> str:
        """Write the attack as :func:`parse` reads it."""
        named = zip(_parameters(self.name), self.arguments, strict=False)
        return ":".join([self.name, *(_word(parameter.name, argument) for parameter, argument in named)])


@dataclass(frozen=True)
class Chain:
    """Attacks in order; an empty chain leaves the picture as it is. ``parse(str(chain)) == chain``."""

    attacks: tuple[Attack, ...] = ()

    def __call__(self, rgb: RGB) -> RGB:
        """Return what the receiver sees of a picture, uint8 (H, W, 3)."""
        for attack in self.attacks:
            rgb = attack(rgb)
        return rgb

    def __str__(self) -> str:
        """Write the chain as :func:`parse` reads it."""
        return ",".join(map(str, self.attacks)) or "none"

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the software that these attacks need and that is not installed here."""
        needs = dict.fromkeys(SOFTWARE[attack.name].needs for attack in self.attacks if attack.name in SOFTWARE)
        return tuple(backend.name for backend in needs if not backend.here())

    def check(self) -> None:
        """Check that the software of every attack is installed.

        Raises:
            MissingSoftware: one is not; the message says how to install it.
        """
        for attack in self.attacks:
            if attack.name in SOFTWARE:
                SOFTWARE[attack.name].needs.require()

    @property
    def suffix(self) -> str | None:
        """The suffix of the file that :meth:`encode` returns; None where other software decides by its arguments."""
        last = self.attacks[-1].name if self.attacks else "none"
        if last in SOFTWARE and SOFTWARE[last].encode:
            return None
        return _FILES[last][0] if last in _FILES else ".png"

    def encode(self, rgb: RGB) -> tuple[bytes, str]:
        """Return the file that the platform delivers, and its suffix.

        It is the .jpg, .webp, .avif, ... file that the last attack makes, if it makes one, else a .png. Reading it
        gives ``chain(rgb)``, without another compression. Raises what a call does.
        """
        *before, last = self.attacks or (None,)
        if last and last.name in _FILES:
            suffix, encode = _FILES[last.name]
            return encode(Chain(tuple(before))(rgb), *last.arguments), suffix
        if last and last.name in SOFTWARE and SOFTWARE[last.name].encode:
            return SOFTWARE[last.name].file(Chain(tuple(before))(rgb), *last.arguments)
        file = BytesIO()
        Image.fromarray(self(rgb)).save(file, "PNG", compress_level=4)
        return file.getvalue(), ".png"


def parse(spec: str) -> Chain:
    """Read an attack specification.

    Raises:
        BadSpec: a part is unknown, has too many or too few arguments, or one that is not a number or out of range.
    """
    chain: list[Attack] = []
    for part in spec.lower().split(","):
        name, *words = (word.strip() for word in part.split(":"))
        try:
            if name == "platform":
                chain += _platform(words).attacks
            elif [name, *words] != ["none"]:
                chain.append(_attack(name, tuple(words)))
        except BadSpec as error:
            raise BadSpec(f"bad attack {part.strip()!r}: {error}") from None
    return Chain(tuple(chain))


def usage() -> str:
    """List every attack and platform on a line of its own, as they are written in a specification."""
    return "\n".join([*map(_usage, [*ATTACKS, *SOFTWARE]), *(f"platform:{name}" for name in PRESETS), "none"])


def _platform(words: list[str]) -> Chain:
    if len(words) != 1 or words[0] not in PRESETS:
        raise BadSpec(f"the platforms are {', '.join(PRESETS)}")
    return parse(PRESETS[words[0]].spec)


@lru_cache(maxsize=4096)  # a training and a study read the same ones thousands of times
def _attack(name: str, words: tuple[str, ...]) -> Attack:
    if name not in ATTACKS and name not in SOFTWARE:
        raise BadSpec(f"the attacks are {', '.join([*ATTACKS, *SOFTWARE])}, platform, none")
    parameters = _parameters(name)
    if len(words) > len(parameters) or any(p.default is p.empty for p in parameters[len(words) :]):
        raise BadSpec(f"write {_usage(name)}")
    arguments = [_convert(parameter, word) for parameter, word in zip(parameters, words, strict=False)]
    while arguments and arguments[-1] == parameters[len(arguments) - 1].default:
        arguments.pop()
    attack = Attack(name, tuple(arguments))
    if name in SOFTWARE:
        SOFTWARE[name].check(*arguments)
    else:
        attack(np.zeros((16, 16, 3), np.uint8))  # try it on a small picture: each attack checks its own arguments
    return attack


def _parameters(name: str) -> list[inspect.Parameter]:
    run = SOFTWARE[name].run if name in SOFTWARE else ATTACKS[name]
    _, *parameters = inspect.signature(run).parameters.values()  # all except the picture
    return parameters


def _usage(name: str) -> str:
    """Write an attack with its parameters, the optional ones in brackets: ``resize:FACTOR[:KERNEL]``."""
    words = [name]
    for parameter in _parameters(name):
        word = parameter.name if parameter.annotation == "bool" else parameter.name.upper()
        words.append(f":{word}" if parameter.default is parameter.empty else f"[:{word}")
    return "".join(words) + "]" * sum(word.startswith("[") for word in words)


def _convert(parameter: inspect.Parameter, word: str) -> Argument:
    """Read one argument as the type in the attack's signature."""
    try:
        match parameter.annotation:
            case "int":
                return int(word)
            case "float":
                return float(word)
            case "bool" if word == parameter.name:
                return True
            case "str":
                return ":".join(word) if word.isdecimal() else word  # 420 is 4:2:0
    except ValueError:
        kind = "a whole number" if parameter.annotation == "int" else "a number"
        raise BadSpec(f"{parameter.name} must be {kind}, not {word!r}") from None
    raise BadSpec(f"expected {parameter.name!r} or nothing, not {word!r}")


def _word(name: str, argument: Argument) -> str:
    """Write one argument as :func:`_convert` reads it: what is true or false by the parameter's name, which sets it."""
    match argument:
        case bool():
            return name
        case float():
            return repr(argument).removesuffix(".0")
        case _:
            return str(argument).replace(":", "")
