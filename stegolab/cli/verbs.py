"""The verbs that treat one sound or one picture."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .. import files, pipeline, progress
from ..audio import check_output, sound_blocks, write_blocks, write_sound
from ..carrier.strengths import STRENGTHS
from ..carrier.textured.presets import MASKINGS
from ..carriers import with_visibility
from ..channel import spec
from ..channel.uploading import check_background, uploaded
from ..choices import VISIBILITIES
from ..errors import BadKey, BadSpec
from ..images import Source, from_array, read_image, write_image
from ..message import codecs, ecc
from ..message.keys import AwsKms, Key, KeyFile, Passphrase, generate_key_file
from ..picture_files import check_output as check_picture
from ..speech.enhancer import shipped, told
from .output import tell


def enhance(options: argparse.Namespace) -> None:
    """Remove the noise from every channel of a sound."""
    check_output(options.output)
    progress.say("reading")
    with sound_blocks(options.input) as sound:
        check_output(options.output, sound.channels)
        blocks = told(sound.blocks(), sound.length, sound.rate)
        clean = shipped().stream_channels(blocks, sound.rate, sound.silent)
        write_blocks(options.output, clean, sound.rate, sound.subtype, dither=True)


def hide(options: argparse.Namespace) -> None:
    """Hide speech in a picture."""
    check_picture(options.output)
    key = _key(options) if options.encrypt else None
    stego = pipeline.hide(
        options.speech,
        _picture(options.cover),
        key,
        strength=options.strength,
        codec=options.codec,
        encrypt=options.encrypt,
        ecc=options.ecc,
        carrier=options.carrier,
        sparse=options.sparse,
        enhance=options.enhance,
        refine=options.refine,
        keep_profile=options.keep_profile,
        visibility=options.visibility,
    )
    write_image(options.output, stego.picture)
    r = stego.report
    what = "enhanced speech" if r["enhanced"] else "speech"
    hidden = f"{r['seconds']:.1f} s of {what} as {r['codec']}, {r['payload_bits']} of {r['capacity_bits']} bits"
    kept = ", ".join(r["survives"]) or "nothing"
    tell(options, r, f"{files.printable(options.output)}: {hidden}, PSNR {r['psnr_db']:.1f} dB, survives {kept}")


def reveal(options: argparse.Namespace) -> None:
    """Find the speech in a received picture."""
    check_output(options.output)
    found = pipeline.reveal(_picture(options.image), _key(options, required=False), options.allow_unencrypted)
    write_sound(options.output, [found.speech])
    r = found.report
    repaired = f"{r['corrected_bits']} of {r['code_bits']} bits corrected, margin {100 * r['margin']:.0f} %"
    tell(options, r, f"{files.printable(options.output)}: {r['seconds']:.1f} s of speech as {r['codec']}, {repaired}")


def attack(options: argparse.Namespace) -> None:
    """Do to a picture what a platform does."""
    files.check(options.output)
    chain = spec.parse(f"platform:{options.platform}" if options.platform else options.spec)
    chain.check()
    check_background(options.background)
    wanted = Path(options.output).suffix.lower().replace(".jpeg", ".jpg")
    if chain.suffix:
        _check_received(options.output, wanted, chain.suffix)
    received = uploaded(read_image(_picture(options.input)), options.background)
    data, suffix = chain.encode(received)
    _check_received(options.output, wanted, suffix)
    if wanted == suffix:
        with files.replacing(options.output) as temporary:
            temporary.write_bytes(data)
    else:
        write_image(options.output, from_array(chain(received)))
    name = files.printable(options.output)
    tell(options, {"spec": str(chain), "output": name}, f"{name}: {chain}")


def capacity(options: argparse.Namespace) -> None:
    """Print the seconds of speech for each codec and strength, and unless it was chosen for each visibility."""
    carrier = with_visibility(options.carrier, options.visibility)
    every = MASKINGS if carrier.startswith("textured") else STRENGTHS
    columns: dict[str, tuple[str, str]] = {}  # its name -> strength, carrier
    for name in [options.strength] if options.strength else list(every):
        columns[name] = name, carrier
        if carrier in ("auto", "textured") and name in MASKINGS:
            columns |= {f"{name} {level}": (name, f"textured:{level}") for level in list(VISIBILITIES)[1:]}
    for name, chosen in columns.values():
        pipeline.carrier_for(name, chosen)
    ecc.check(options.ecc)
    cover = pipeline.cover_of(_picture(options.cover), options.keep_profile)
    table: dict[str, Any] = {}
    for column, (name, chosen) in columns.items():
        room = pipeline.sender_for(cover, name, chosen, options.ecc).capacity()
        seconds = {codec: round(codecs.seconds_that_fit(codec, room), 2) for codec in codecs.ladder()}
        table[column] = {
            "capacity_bits": 8 * room,
            "bits_per_pixel": 8 * room / cover.rgb[..., 0].size,
            "seconds": seconds,
        }
    names = list(table)
    wide = {name: max(9, len(name) + 2) for name in names}
    lines = [f"{'seconds of speech':<18}" + "".join(f"{n:>{wide[n]}}" for n in names)]
    lines += [f"{c:<18}" + "".join(f"{table[n]['seconds'][c]:>{wide[n]}.1f}" for n in names) for c in codecs.ladder()]
    lines += [f"{'bits':<18}" + "".join(f"{table[n]['capacity_bits']:>{wide[n]}}" for n in names)]
    tell(options, table, "\n".join(lines))


def keygen(options: argparse.Namespace) -> None:
    """Write a new key file."""
    generate_key_file(options.output)
    print(f"{files.printable(options.output)}: keep it secret, and do not send it the same way as the picture")


def _check_received(output: str, wanted: str, suffix: str) -> None:
    """Check that the file that an attack gives, or its pixels without loss, can have the name of the output."""
    if wanted == suffix:
        return
    if wanted in (".jpg", ".webp"):
        raise BadSpec(f"this attack gives a {suffix}, not a {wanted}: end the output in {suffix}, or in .png")
    check_picture(output)


def _picture(place: str) -> Source:
    """The source of a picture: a path, or ``-`` for standard input."""
    return sys.stdin.buffer if place == "-" else place


def _key(options: argparse.Namespace, required: bool = True) -> Key | None:
    if options.key_file:
        return KeyFile(Path(options.key_file))
    if options.kms_key_id:
        return AwsKms(options.kms_key_id)
    if options.passphrase_env:
        if not os.environ.get(options.passphrase_env):
            raise BadKey(f"the environment variable {options.passphrase_env} is not set: put the passphrase there")
        return Passphrase(os.environ[options.passphrase_env])
    if required:
        raise BadKey("no key: give --key-file, --passphrase-env or --kms-key-id, or --no-encrypt if anyone may listen")
    return None
