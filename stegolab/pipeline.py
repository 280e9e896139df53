"""The whole way, sender and receiver: speech <-> codec <-> envelope <-> frame <-> carrier <-> picture.

``enhance``, ``hide`` and ``reveal`` are the three models as three functions; the package exports them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import progress
from .audio import RATE, SoundSource, Speech, resample, speech_from
from .carrier.interface import Carrier
from .carrier.textured.lattice import TexturedLattice
from .carriers import EveryCarrier, carrier_for, with_visibility
from .choices import VISIBILITIES, VISIBILITY_LEVELS
from .colour import cover_in_srgb
from .errors import BadAudio, CapacityExceeded
from .images import Picture, Source, psnr, read_image, ssim
from .message import codecs, envelope
from .message import ecc as ecc_codes
from .message.keys import Key, Passphrase, required
from .probe import Rehearsal, rehearse
from .receiver import receive
from .sender import Sender, Stego, Unsafe, Untraceable
from .speech.enhancer import shipped, trained

_MUCH = 12.0  # decibels; if enhancement removes more than that, it was probably not speech


class MuchRemovedWarning(UserWarning):
    """Enhancement removed more than 12 dB: it may have been music, or almost silence."""


@dataclass(frozen=True)
class Revealed:
    """What :func:`reveal` found: the speech, and a report whose keys docs/reference.md lists."""

    speech: Speech
    report: dict[str, Any]


def enhance(speech: Speech | SoundSource) -> Speech:
    """Clean speech from noisy speech (Model 1), with as many samples, at the same rate and level.

    ``speech`` is a :class:`~stegolab.audio.Speech`, or a path, bytes or a binary stream, mixed down to mono at its own
    rate. Everything above 8 kHz is lost, because the network does not process it.

    Raises:
        BadAudio: silent, not finite, shorter than 20 ms or longer than an hour. NotTrained: no weights ship.
    """
    return shipped()(speech_from(speech, rate=None))


def hide(
    speech: Speech | SoundSource,
    cover: Source,
    key: Key | None,
    strength: str = "social",
    codec: str = "auto",
    encrypt: bool = True,
    ecc: str = "auto",
    carrier: str = "auto",
    sparse: bool | None = None,
    salt: bytes | None = None,
    enhance: bool | None = None,
    refine: int = 0,
    keep_profile: bool = False,
    visibility: str | float | None = None,
) -> Stego:
    """Hide speech in a picture so that it survives what ``strength`` declares.

    Args:
        speech: a :class:`~stegolab.audio.Speech`, mono and of any rate; or a path, bytes or a binary stream. It is
            hidden at 16 kHz: everything above 8 kHz is lost.
        cover: a path, a Pillow image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), bytes or a binary stream: whatever
            :func:`~stegolab.images.read_image` takes. Only its opaque parts change and carry.
        key: passphrase (str), key file (path), 32 bytes or a provider; None only with ``encrypt=False``.
        strength: ``file``, ``jpeg`` or ``social``.
        codec: ``auto`` takes the best codec of the ladder that fits; otherwise a name, such as ``opus:8000``.
        encrypt: AES-256-GCM; without it anyone who has this software can listen.
        ecc: ``auto`` or ``ldpc`` (rate to fit), ``bch``, ``none``, or one code such as ``ldpc:1/3``.
        carrier: ``textured``, whose changes follow the cover's texture, and ``inn``, the learned one, for strengths
            ``jpeg`` and ``social``; ``lattice``, the classical one, for all; ``auto`` takes ``textured`` where it can.
        sparse: change no more of the picture than the message needs on the rehearsed channel, the busiest blocks first
            (least visible), instead of all of it (most robust; the default except for strength ``file``).
        salt: 16 bytes instead of random ones, only to reproduce a figure: never use one for two messages.
        enhance: remove noise from the speech first (Model 1); None does so if its weights are there.
        refine: steps in which carrier ``inn`` reads its own picture and corrects it (``carrier/refine.py``); ten steps
            take 3 (``jpeg``) to 6 (``social``) seconds of processor time per megapixel. The default is 0, because it
            gains little: about 4 % more payload at equal PSNR at ``jpeg``, nothing at ``social``.
        visibility: how far changes may show, with carrier ``textured``: ``unseen`` (the default), ``faint`` or
            ``loud``, or a number of times what the texture masks, .5 and up, which is rounded down to one of six
            levels: .5, .7, 1, 1.25, 1.6, 2.5. Flat parts of the cover do not change, and changes never show more than
            this: what does not fit is refused. If the message needs less than there is, the smallest level that carries
            it is used.
        keep_profile: keep the colours in the cover's own profile instead of converting them to sRGB with a warning; the
            message is lost if a platform converts them later.

    Raises:
        CapacityExceeded, BadAudio, BadImage, BadKey, BadSpec, NotTrained.
    """
    carrier = with_visibility(carrier, visibility)
    carrier_for(strength, carrier, refine)  # report a misspelt option or a malformed key before reading anything
    codecs.check(codec)
    ecc_codes.check(ecc)
    envelope.check_salt(salt)
    if encrypt:
        key = required(key)
        if isinstance(key, Passphrase):
            key.warn_if_weak()
    progress.say("reading")
    speech = speech_from(speech)
    notes = list(speech.notes)
    sender = sender_for(cover_of(cover, keep_profile), strength, carrier, ecc, sparse, refine)
    budget = sender.capacity(encrypt)
    enhance = trained() if enhance is None else enhance
    if enhance:
        if speech.seconds > codecs.seconds_that_fit(_smallest(codec), budget):
            _coded(speech, codec, budget, sender)  # refuse speech that is far too long before enhancing it
        noisy = resample(speech, RATE)
        speech = shipped()(noisy)
        removed = _removed(noisy, speech)
        if removed > _MUCH:
            notes.append(
                f"enhancement removed {removed:.0f} dB: is it speech? Listen to it, or hide it unchanged (--no-enhance)"
            )
            warnings.warn(notes[-1], MuchRemovedWarning, stacklevel=2)
    try:
        name, _, posted = send_speech(sender, speech, key, codec, encrypt=encrypt, salt=salt)
    except Unsafe:
        raise
    except CapacityExceeded as error:
        raise CapacityExceeded(f"{error}{_what_would_do(sender, speech.seconds, codec, encrypt)}") from None
    before, after = sender.cover.rgb, posted.picture.rgb
    report = posted.report | {"codec": name, "seconds": round(speech.seconds, 3), "enhanced": enhance}
    if enhance:
        report["removed_db"] = round(removed, 2)
    report |= {"psnr_db": psnr(before, after), "ssim": ssim(before, after), "refine_steps": refine}
    if refine:
        report |= _gain(sender, posted, carrier_for(strength, "inn"))
    report["notes"] = [*notes, *sender.cover.notes]
    return Stego(posted.picture, report)


def reveal(image: Source, key: Key | None = None, allow_unencrypted: bool = False) -> Revealed:
    """The speech in a received picture, and a report of how it was recovered.

    With a ``key``, only a payload sealed with that key is accepted, unless ``allow_unencrypted``.

    Raises:
        NoPayload, UnsupportedVersion, Truncated, Uncorrectable, AuthenticationFailed, NotEncrypted, BadImage, BadKey.
    """
    progress.say("looking for a payload")
    message, report = receive(picture_of(image), key, EveryCarrier(), allow_unencrypted=allow_unencrypted)
    speech = codecs.decode(message)
    return Revealed(speech, report | {"codec": codecs.name_of(message), "seconds": round(speech.seconds, 3)})


def send_speech(
    sender: Sender,
    speech: Speech,
    key: Key | None,
    codec: str = "auto",
    *,
    encrypt: bool = True,
    salt: bytes | None = None,
) -> tuple[str, bytes, Stego]:
    """Code speech with the best codec that fits and send it; returns the codec, the message, and the stego picture.

    If the rehearsal promised too much, ``auto`` goes down the ladder of codecs until the message survives.

    Raises:
        CapacityExceeded: it does not fit, or (``Unsafe``) it fits but does not survive. BadAudio, BadKey, BadSpec.
    """
    budget = sender.capacity(encrypt)
    while True:
        progress.say("coding the speech")
        name, message = _coded(speech, codec, budget, sender)
        progress.say("hiding it")
        for quieter in _quieter(sender, len(message), encrypt):
            with suppress(Unsafe):  # then as visibly as was allowed
                return name, message, _sent(quieter, message, key, encrypt, salt)
        try:
            return name, message, _sent(sender, message, key, encrypt, salt)
        except Unsafe as error:
            if codec != "auto" or isinstance(error, Untraceable):
                raise
            budget = len(message) - 1


def _quieter(sender: Sender, length: int, encrypt: bool) -> Iterator[Sender]:
    """Senders on the same cover that carry as many bytes less visibly, the least visible first."""
    carrier = sender.carrier
    if not isinstance(carrier, TexturedLattice) or sender.sparse:
        return
    for level in VISIBILITY_LEVELS:
        # capacity grows faster than the visibility, so where this is too little there is no need to rehearse
        if level < carrier.visibility and length <= sender.capacity(encrypt) * level / carrier.visibility:
            quieter = Sender.on(sender.cover, replace(carrier, visibility=level), sender.family, sender.sparse)
            if length <= quieter.capacity(encrypt):
                yield quieter


def _sent(sender: Sender, message: bytes, key: Key | None, encrypt: bool, salt: bytes | None) -> Stego:
    posted = sender.send(message, key, encrypt=encrypt, salt=salt)
    if isinstance(sender.carrier, TexturedLattice):
        posted.report["visibility"] = sender.carrier.visibility
    return posted


def sender_for(
    cover: Picture,
    strength: str,
    carrier: str = "auto",
    ecc: str = "auto",
    sparse: bool | None = None,
    refine: int = 0,
) -> Sender:
    """A sender that has rehearsed ``cover``; the arguments are those of :func:`hide`.

    Raises:
        BadImage, BadSpec, NotTrained.
    """
    return Sender.on(cover, carrier_for(strength, carrier, refine), ecc, sparse)


def _what_would_do(sender: Sender, seconds: float, codec: str, encrypt: bool) -> str:
    """The least visibility at which so much speech would fit, for messages; nothing where there is none."""
    carrier = sender.carrier
    if isinstance(carrier, TexturedLattice):
        for name, level in VISIBILITIES.items():
            if level > carrier.visibility:
                louder = Sender.on(sender.cover, replace(carrier, visibility=level), sender.family, sender.sparse)
                if codecs.seconds_that_fit(_smallest(codec), louder.capacity(encrypt)) >= seconds:
                    return f"; with --visibility {name} it would fit"
    return ""


def picture_of(source: Source) -> Picture:
    """A :class:`Picture` from whatever the caller gives.

    Raises:
        BadImage: unreadable, or an array of another shape or type.
    """
    return read_image(source)


def cover_of(source: Source, keep_profile: bool = False) -> Picture:
    """A picture to hide in: in sRGB, with a warning if it was converted, unless it should keep its profile.

    Raises:
        BadImage: see :func:`picture_of`.
    """
    picture = picture_of(source)
    return picture if keep_profile else cover_in_srgb(picture)


def _removed(before: Speech, after: Speech) -> float:
    """By how many decibels enhancement lowered the power of a sound, without its offset.

    Raises:
        BadAudio: nothing is left.
    """
    if after.silent:
        raise BadAudio("enhancement removed everything: if it is speech, hide it with --no-enhance")
    return float(20 * np.log10(np.std(before.samples) / np.std(after.samples)))


def _gain(sender: Sender, posted: Stego, unrefined: Carrier) -> dict[str, float]:
    """The effect of refinement: the margin after the worst attack, measured with random bits."""
    share = posted.report["share"]
    after = sender.rehearsal if share == 1 else _again(sender, sender.carrier, share)
    rehearsals = {"before": _again(sender, unrefined, share), "after": after}
    rate = posted.report["code_rate"]
    return {f"margin_{when}_refinement": r.worst.information / rate - 1 for when, r in rehearsals.items()}


def _again(sender: Sender, carrier: Carrier, share: float) -> Rehearsal:
    return rehearse(carrier, sender.cover.rgb, share, sender.cover.alpha)


def _coded(speech: Speech, codec: str, budget: int, sender: Sender) -> tuple[str, bytes]:
    try:
        return codecs.choose(speech, budget, codec)
    except CapacityExceeded as error:
        bits = round(8 * 10_000 * speech.seconds / codecs.seconds_that_fit(_smallest(codec), 10_000))
        raise CapacityExceeded(f"{error} ({sender.too_long(bits)})") from None


def _smallest(codec: str) -> str:
    """The smallest codec among those that were asked for, the last one to try."""
    return codecs.LADDER[-1] if codec == "auto" else codec
