"""One trial: a message is hidden, the picture is attacked, and a receiver gets only the key (notebook 08).

Everything is real: a message of exactly the capacity that the tool declares for that cover (or real speech,
enhanced and coded as ``hide`` does it), sealed and embedded; the attack run by Pillow; the receiver of ``reveal``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE, Speech, resample
from ..carrier.interface import Carrier
from ..channel import spec
from ..channel.uploading import flattened
from ..errors import BadData, CapacityExceeded, MissingExtra, StegolabError
from ..images import from_array, lpips, psnr, ssim
from ..message import frame
from ..message.keys import as_provider, keystream_of
from ..pipeline import EveryCarrier, send_speech, sender_for
from ..receiver import receive
from ..sender import Sender, Stego
from ..speech.enhancer import shipped
from . import sound, sweeps
from .setting import Clip, Cover, Setting

EXACT, CORRUPT = "exact", "silent corruption"
_MOVES = {"crop", "shift", "flip", "rotate"}  # attacks that move every pixel, as a screenshot with margins does


@dataclass(frozen=True)
class Trial:
    """A row of the table. ``outcome`` is ``exact``, the class of the declared error, or ``silent corruption``.

    ``speech`` is empty and ``codec`` is ``random`` if random bytes filled the capacity. ``declared``: the strength
    promises to survive this attack. ``raw_ber``: share of code bits that arrived wrong, for a failed trial measured at
    the true size (NaN if the picture was moved). ``ber_after_ecc``: share of message bits that were returned wrong; NaN
    if none were returned. PESQ is wide-band; the recovered speech is compared with the original, with the original
    cleaned by Model 1 (NaN without it), and with the output of the codec alone. What cannot be measured is NaN.
    """

    cover: str
    pixels: int
    speech: str
    codec: str
    enhanced: bool
    carrier: str
    strength: str
    family: str
    attack: str
    declared: bool
    exact: bool
    outcome: str
    payload_bits: int = 0
    bits_per_pixel: float = 0.0
    psnr_db: float = nan
    ssim: float = nan
    lpips: float = nan
    raw_ber: float = nan
    ber_after_ecc: float = nan
    margin: float = nan
    pesq_original: float = nan
    stoi_original: float = nan
    si_sdr_original: float = nan
    pesq_enhanced: float = nan
    stoi_enhanced: float = nan
    si_sdr_enhanced: float = nan
    pesq_codec: float = nan
    stoi_codec: float = nan
    si_sdr_codec: float = nan
    hide_seconds: float = 0.0
    reveal_seconds: float = 0.0

    def untimed(self) -> Trial:
        """The row without its times: the same for the same arguments, on any machine and at any time."""
        return replace(self, hide_seconds=0.0, reveal_seconds=0.0)


COLUMNS = tuple(f.name for f in fields(Trial))


def trials(setting: Setting, attacks: tuple[str, ...]) -> Iterator[Trial]:
    """Make the stego picture of a setting and put it through each attack."""
    try:
        sent = _sent(setting)
    except CapacityExceeded as error:
        common = _names(setting)
        for attack in attacks:
            yield _trial(common, setting, attack, error)
        return
    for attack in attacks:
        yield _attacked(sent, attack)


@dataclass(frozen=True)
class _Sent:
    """A stego picture, its content, and the columns that all of its rows share."""

    setting: Setting
    sender: Sender
    posted: Stego
    message: bytes
    common: dict[str, Any]

    @cached_property
    def seen(self) -> NDArray[np.uint8]:
        """The picture that is attacked: on white, as a program that makes a JPEG draws it."""
        return flattened(self.posted.picture.rgb, self.posted.picture.alpha)

    @cached_property
    def sounds(self) -> dict[str, float]:
        """The scores of the message's speech, which apply to every exact trial."""
        return self.scores(self.message)

    def scores(self, message: bytes) -> dict[str, float]:
        """The scores of the speech in ``message`` against the three references."""
        if self.setting.clip is None:
            return {}
        original = resample(self.setting.clip.speech, RATE)
        references = {"original": original, "codec": sound.decoded(self.message)}
        if self.setting.enhance:
            references["enhanced"] = _enhanced(self.setting.clip)
        return sound.against(references, sound.decoded(message))

    @cached_property
    def _carrier(self) -> Carrier:
        return self.sender.carrier.keyed(keystream_of(as_provider(self.setting.key)))

    @cached_property
    def _code_bits(self) -> tuple[frame.Header, NDArray[np.uint8], NDArray[np.bool_]]:
        reading, drawn = self._carrier.read(self.seen, self.seen.shape), self._carrier.keystream
        header = frame.read_header(reading.header_llr, drawn)
        assert header is not None, "a stego picture that the sender verified has a header"
        found = frame.unpack(reading.body_llr(header.code_word(drawn)), header, drawn)
        return header, *frame.pack(found.body, header, self.sender.rehearsal.slots, drawn)

    def raw_ber(self, received: NDArray[np.uint8]) -> float:
        """The share of wrong code bits, read at the true size; a bit that did not arrive counts one half."""
        header, bits, used = self._code_bits
        reading = self._carrier.read(received, self.seen.shape)
        llr = reading.body_llr(header.code_word(self._carrier.keystream))[used]
        return float(np.mean(np.where(llr == 0, 0.5, (llr > 0) != bits[used])))


@lru_cache(maxsize=1)
def _sender(cover: Cover, strength: str, carrier: str) -> tuple[Sender, float]:
    """The rehearsed sender, and the seconds that it took, which are only recorded."""
    began = time.perf_counter()
    return sender_for(cover.picture, strength, carrier), time.perf_counter() - began


@lru_cache(maxsize=1)
def _enhanced(clip: Clip) -> Speech:
    return shipped()(resample(clip.speech, RATE))


@lru_cache(maxsize=1)
def _sent(setting: Setting) -> _Sent:
    sender, rehearsed = _sender(setting.cover, setting.strength, setting.carrier)
    began = time.perf_counter()
    codec, message, posted = _hidden(setting, sender)
    seconds = rehearsed + time.perf_counter() - began
    before, after = setting.cover.picture.rgb, posted.picture.rgb
    return _Sent(
        setting,
        sender,
        posted,
        message,
        _names(setting)
        | {
            "codec": codec,
            "payload_bits": 8 * len(message),
            "bits_per_pixel": 8 * len(message) / before[..., 0].size,
            "psnr_db": psnr(before, after),
            "ssim": ssim(before, after),
            "lpips": _lpips(before, after),
            "hide_seconds": seconds,
        },
    )


def _hidden(setting: Setting, sender: Sender) -> tuple[str, bytes, Stego]:
    """Codec, message and stego picture, as in ``pipeline.hide``."""
    salt = setting.key[:16]
    if setting.clip is None:
        message = np.random.default_rng(setting.seed).bytes(max(sender.capacity(), 1))
        return "random", message, sender.send(message, setting.key, salt=salt)
    speech = _enhanced(setting.clip) if setting.enhance else setting.clip.speech
    return send_speech(sender, speech, setting.key, salt=salt)


def _attacked(sent: _Sent, attack: str) -> Trial:
    received = spec.parse(attack)(sent.seen)
    began = time.perf_counter()
    try:
        got, report = receive(from_array(received), sent.setting.key, EveryCarrier())
    except StegolabError as error:
        seconds = time.perf_counter() - began
        raw = nan if any(map(_moves, spec.parse(attack).attacks)) else sent.raw_ber(received)
        return _trial(sent.common, sent.setting, attack, error, raw_ber=raw, reveal_seconds=seconds)
    seconds = time.perf_counter() - began
    measured = {
        "raw_ber": report["corrected_bits"] / report["code_bits"],
        "ber_after_ecc": _wrong_bits(got, sent.message),
        "margin": report["margin"],
        "reveal_seconds": seconds,
    }
    heard = sent.sounds if got == sent.message else sent.scores(got)
    return _trial(sent.common, sent.setting, attack, CORRUPT if got != sent.message else EXACT, **measured, **heard)


def _moves(step: spec.Attack) -> bool:
    return step.name in _MOVES or (step.name == "screenshot" and any(step.arguments[1:2]))


def _names(setting: Setting) -> dict[str, Any]:
    return {
        "cover": setting.cover.name,
        "pixels": setting.cover.picture.height * setting.cover.picture.width,
        "speech": setting.clip.name if setting.clip else "",
        "codec": "" if setting.clip else "random",
        "enhanced": setting.enhance,
        "carrier": setting.carrier,
        "strength": setting.strength,
    }


def _trial(
    common: dict[str, Any], setting: Setting, attack: str, outcome: str | StegolabError, **measured: Any
) -> Trial:
    outcome = outcome if isinstance(outcome, str) else type(outcome).__name__
    about: dict[str, Any] = {"family": sweeps.family(attack), "declared": sweeps.declared(attack, setting.strength)}
    return Trial(**common, **about, attack=attack, exact=outcome == EXACT, outcome=outcome, **measured)


def _wrong_bits(got: bytes, sent: bytes) -> float:
    """The share of the sent bits that were not returned right."""
    one, two = (
        np.unpackbits(np.frombuffer(word.ljust(len(sent), b"\0")[: len(sent)], np.uint8)) for word in (got, sent)
    )
    return float((one != two).mean())


def _lpips(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    try:
        return lpips(before, after)
    except (BadData, MissingExtra):  # its backbone was not fetched, or the package is not installed
        return nan
