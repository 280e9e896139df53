"""The grammar of the command line: every verb with its arguments and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from ..choices import BACKGROUNDS, CARRIERS, LADDER, STRENGTHS, SUFFIXES, VISIBILITIES, VISIBILITY_LEVELS
from ..errors import BadSpec
from ..extras import remedy


class _Parser(argparse.ArgumentParser):
    """Usage errors are one line and exit code 1 like every other error.

    ``closing`` writes the end of the help when it is printed, from what takes too long to import for other ends.
    """

    closing: Callable[[], str] | None = None

    def format_help(self) -> str:
        if self.closing:
            self.epilog = self.closing()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise BadSpec(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Print the version, which takes a while to look up."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"stegolab {version('stegolab')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each verb sets ``run`` to a function that imports and does it."""
    top = _Parser(prog="stegolab", description="Speech hidden in a photograph that survives recompression.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)

    def verb(name: str, module: str, text: str, *places: str) -> _Parser:
        sub = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        for place in places:
            sub.add_argument(place, metavar=place.upper())
        sub.set_defaults(run=_later(module, name))
        return sub

    sub = verb("enhance", "verbs", "remove noise from speech", "input", "output")
    sub.epilog = (
        "INPUT is any sound file, or - for standard input; every channel is kept, and the sample format of PCM.\n"
        f"OUTPUT is a file ending in {', '.join(SUFFIXES)}; or - for a WAV on standard output.\n"
        "What lies above 8 kHz is taken away: the network hears 16,000 samples a second. The sound may be long: it is\n"
        "read twice, and written as it is enhanced. A peak that exceeds full scale without its noise is clipped."
    )

    sub = verb("hide", "verbs", "hide speech in a picture", "speech", "cover", "output")
    sub.epilog = (
        "SPEECH is any sound file, or - for standard input. It is mixed down to mono and hidden at 16 kHz:\n"
        "what lies above 8 kHz is lost, with --no-enhance too."
    )
    _add_key(sub)
    sub.add_argument("--strength", default="social", help=f"what it must survive: {', '.join(STRENGTHS)} (social)")
    sub.add_argument("--codec", default="auto", help=f"auto, opus:6000 to opus:24000, or: {', '.join(LADDER)}")
    sub.add_argument("--ecc", default="auto", help="auto, ldpc, bch, none, or one code such as ldpc:1/3 or bch:1/2")
    sub.add_argument("--carrier", default="auto", help=f"auto, {', '.join(CARRIERS)} (textured, where it can)")
    _add_visibility(sub)
    sub.add_argument(
        "--sparse", action="store_true", default=None, help="change only as many blocks as it takes, the busiest"
    )
    refine = "carrier inn: correct the picture in this many steps; slow, gains a little at jpeg only (0)"
    sub.add_argument("--refine", type=int, default=0, metavar="STEPS", help=refine)
    sub.add_argument("--no-enhance", dest="enhance", action="store_false", default=None, help="hide the sound as it is")
    _add_profile(sub)
    sub.add_argument("--no-encrypt", dest="encrypt", action="store_false", help="let anyone listen")
    _add_json(sub)

    sub.epilog += "\n" + (
        "The output keeps the cover's transparency and resolution (DPI), and no other metadata: EXIF goes (upright is\n"
        "what its orientation says). Only opaque parts carry. Of animations and pages the first picture is used.\n"
        "Colours are converted to sRGB. COVER may be -, standard input."
    )

    sub = verb("reveal", "verbs", "find the speech in a received picture", "image", "output")
    sub.epilog = f"OUTPUT is a file ending in {', '.join(SUFFIXES)}; or - for a WAV on standard output."
    _add_key(sub)
    sub.add_argument(
        "--allow-unencrypted",
        action="store_true",
        help="accept a payload that is not encrypted although a key is given: anyone may have put it there",
    )
    _add_json(sub)

    sub = verb("attack", "verbs", "do to a picture what a platform does", "input", "output")
    sub.closing = _attacks
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--spec", help='for example "resize:0.5,jpeg:75"')
    which.add_argument("--platform", help="a preset: one of those below")
    shown = f"what transparent parts are laid onto: {', '.join(BACKGROUNDS)} (white)"
    sub.add_argument("--background", default="white", help=shown)
    _add_json(sub)

    sub = verb("capacity", "verbs", "how many seconds of speech a cover carries", "cover")
    sub.add_argument("--strength", help="only this one")
    sub.add_argument("--carrier", default="auto")
    _add_visibility(sub)
    sub.add_argument("--ecc", default="auto")
    _add_profile(sub)
    _add_json(sub)

    sub = verb(
        "study",
        "batch",
        "covers x speech x carriers x strengths x attacks, one table; run again, it goes on",
    )
    sub.add_argument("covers", nargs="*", metavar="COVER", help="pictures; without any, the eval covers of the data")
    sub.add_argument("--speech", metavar="DIR", help="hide these clips (valid: 8 of the data); else random bytes")
    sub.add_argument("--turns", action="store_true", help="one clip a cover, in turn, not every clip in every cover")
    sub.add_argument("--no-enhance", dest="enhance", action="store_false", default=None, help="hide the sound as it is")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--attacks", metavar="FILE", help="one attack a line")
    shown = "published, declared (all that is promised), all (beyond) or software (what other programs do)"
    which.add_argument("--set", default="published", help=shown)
    sub.add_argument("--strength", action="append", help="may be repeated (jpeg and social)")
    sub.add_argument("--carrier", action="append", help="may be repeated (auto)")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--engine", default="local", help=f"local, serial, or ray ({remedy('ray')})")
    sub.add_argument("--jobs", type=int, default=0, help="processes of --engine local (one for each core)")
    sub.add_argument("--address", default="", help="the cluster of --engine ray (one that is started here)")
    sub.add_argument("--out", required=True, metavar="DIR", help="receives the table, its summary and the journal")
    _add_data(sub)
    _add_json(sub)

    sub = verb("notebooks", "batch", "execute the notebooks and write the gallery")
    sub.add_argument("names", nargs="*", metavar="NAME")
    sub.add_argument("--profile", default="smoke", help="smoke, cpu or gpu")
    sub.add_argument("--out", required=True, metavar="DIR")
    sub.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    sub.add_argument("--folder", default="notebooks", help="where the notebooks are")
    _add_data(sub)

    sub = verb("results", "project", "write the published figures, results/*.json, into README.md and docs/")
    sub.add_argument("--check", action="store_true", help="write nothing; fail if a document is not up to date")

    verb("keygen", "verbs", "write a new random key file, readable by its owner only", "output")
    return top


def _attacks() -> str:
    from ..channel import spec

    return "attacks, joined by commas:\n" + spec.usage()


def _later(module: str, function: str) -> Callable[[argparse.Namespace], None]:
    """A verb that is imported when it runs, so ``--help`` and usage errors need not wait for the import."""

    def run(options: argparse.Namespace) -> None:
        getattr(import_module(f".{module}", __package__), function)(options)

    return run


def _add_key(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--key-file", metavar="K", help="32 bytes, raw, hexadecimal or base64; see stegolab keygen")
    which.add_argument("--passphrase-env", metavar="VAR", help="environment variable that holds the passphrase")
    which.add_argument("--kms-key-id", metavar="ID", help=f"AWS KMS HMAC key ({remedy('kms')})")


def _add_visibility(sub: argparse.ArgumentParser) -> None:
    named = ", ".join(f"{name} ({times:g})" for name, times in VISIBILITIES.items())
    text = f"how far changes may show, unseen unless given: {named}, or a number of times what the texture masks, "
    text += f"rounded down to {', '.join(f'{one:g}' for one in VISIBILITY_LEVELS)}"
    sub.add_argument("--visibility", metavar="NAME", help=text)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    text = "leave the cover's colours in its own profile; a platform that converts them to sRGB destroys the message"
    parser.add_argument("--keep-profile", action="store_true", help=text)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="real data (or the environment variable STEGOLAB_DATA)")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
