"""The command line: the three models as three verbs, and what goes with them.

Exit code 0, or 1 with one line on standard error. Nothing is half-written: outputs appear by rename.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import files
from .audio import Speech, read_audio, read_channels, write_wav
from .carrier.strengths import STRENGTHS
from .channel import spec
from .channel.platforms import PLATFORMS
from .data import brief_speech, eval_covers, use_data
from .errors import BadKey, BadSpec, StegolabError
from .images import from_array, read_image, write_image
from .message import codecs
from .message.keys import AwsKms, Key, KeyFile, Passphrase, generate_key_file
from .pipeline import CARRIERS, enhance, hide, reveal, sender_for

_CANNOT_CONTINUE = (MemoryError, OSError, RecursionError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script ``stegolab``."""
    warnings.showwarning = _warn
    try:
        options = _parser().parse_args(arguments)
        options.command = shlex.join(["stegolab", *(sys.argv[1:] if arguments is None else arguments)])
        if getattr(options, "data", None):
            use_data(options.data)
        options.run(options)
        sys.stdout.flush()
        return 0
    except StegolabError as error:
        return _complain(f"{type(error).__name__}: {error}")
    except BrokenPipeError:  # the reader of our output has gone: nothing to tell anybody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _complain("interrupted")
    except _CANNOT_CONTINUE as error:
        return _complain(f"{type(error).__name__}: {error}")


def _enhance(options: argparse.Namespace) -> None:
    channels = read_channels(options.input)
    write_wav(options.output, *(channel if channel.silent else enhance(channel) for channel in channels))


def _hide(options: argparse.Namespace) -> None:
    key = _key(options) if options.encrypt else None
    speech = read_audio(options.speech)
    stego = hide(
        speech,
        options.cover,
        key,
        strength=options.strength,
        codec=options.codec,
        encrypt=options.encrypt,
        ecc=options.ecc,
        carrier=options.carrier,
        sparse=options.sparse,
        enhance=options.enhance,
        refine=options.refine,
    )
    write_image(options.output, stego.picture)
    r = stego.report
    what = "enhanced speech" if r["enhanced"] else "speech"
    spoken = f"{r['seconds']:.1f} s of {what} as {r['codec']}, {r['payload_bits']} of {r['capacity_bits']} bits"
    kept = ", ".join(r["survives"]) or "nothing"
    _tell(options, r, f"{options.output}: {spoken}, PSNR {r['psnr_db']:.1f} dB, survives {kept}")


def _reveal(options: argparse.Namespace) -> None:
    found = reveal(options.image, _key(options, required=False))
    write_wav(options.output, found.speech)
    r = found.report
    repaired = f"{r['corrected_bits']} of {r['code_bits']} bits corrected, margin {100 * r['margin']:.0f} %"
    _tell(options, r, f"{options.output}: {r['seconds']:.1f} s of speech as {r['codec']}, {repaired}")


def _attack(options: argparse.Namespace) -> None:
    chain = spec.parse(f"platform:{options.platform}" if options.platform else options.spec)
    data, suffix = chain.encode(read_image(options.input).rgb)
    wanted = Path(options.output).suffix.lower().replace(".jpeg", ".jpg")
    if wanted == suffix:
        with files.replacing(options.output) as temporary:
            temporary.write_bytes(data)
    elif wanted in (".jpg", ".webp"):
        raise BadSpec(f"this attack ends as {suffix}, not {wanted}: name the output so, or .png to keep the pixels")
    else:
        write_image(options.output, from_array(chain(read_image(options.input).rgb)))
    _tell(options, {"spec": str(chain), "output": str(options.output)}, f"{options.output}: {chain}")


def _capacity(options: argparse.Namespace) -> None:
    cover = read_image(options.cover)
    table: dict[str, Any] = {}
    for name in [options.strength] if options.strength else STRENGTHS:
        room = sender_for(cover, name, options.carrier, options.ecc).capacity()
        seconds = {codec: round(codecs.seconds_that_fit(codec, room), 2) for codec in codecs.LADDER}
        table[name] = {
            "capacity_bits": 8 * room,
            "bits_per_pixel": 8 * room / cover.rgb[..., 0].size,
            "seconds": seconds,
        }
    names = list(table)
    lines = [f"{'seconds of speech':<20}" + "".join(f"{n:>10}" for n in names)]
    lines += [f"{c:<20}" + "".join(f"{table[n]['seconds'][c]:>10.1f}" for n in names) for c in codecs.LADDER]
    lines += [f"{'bits':<20}" + "".join(f"{table[n]['capacity_bits']:>10}" for n in names)]
    _tell(options, table, "\n".join(lines))


def _study(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from . import results, study

    engine = study.engine(options.engine, options.jobs, options.address)
    strengths = options.strength or [s for s in STRENGTHS if s != "file"]
    attacks = _lines(options.attacks) if options.attacks else options.set
    study.plan(strengths, attacks)
    covers = {name: read_image(path) for name, path in _by_name(options.covers or eval_covers()).items()}
    clips = _clips(options.speech) if options.speech else None
    out = files.folder(options.out)
    with tqdm(unit="trial", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        rows = study.run(
            *(covers, strengths, attacks, clips, options.seed, options.carrier or ["auto"]),
            enhance=options.enhance,
            turns=options.turns,
            engine=engine,
            journal=out / "journal.jsonl",
            progress=progress,
        )
    study.write_csv(out / "trials.csv", rows)
    study.write_parquet(out / "trials.parquet", rows)
    table = study.summary(rows)
    with files.replacing(out / "summary.md") as temporary:
        temporary.write_text(table + "\n")
    results.write(
        *("attack_study", study.figures(rows)),
        profile="command",
        seed=options.seed,
        command=options.command,
        path=out / "results.json",
    )
    corrupt = sum(row.outcome == study.CORRUPT for row in rows)
    _tell(options, {"trials": len(rows), "exact": sum(r.exact for r in rows), "silent_corruptions": corrupt}, table)


def _clips(source: str) -> dict[str, Speech]:
    if source == "valid":
        return {name: read_audio(path) for name, path in brief_speech("valid").items()}
    folder = Path(source)
    paths = sorted(p for p in folder.rglob("*") if p.suffix in (".wav", ".flac", ".ogg"))
    if not paths:
        raise BadSpec(f"--speech {folder}: no .wav, .flac or .ogg there")
    return {name: read_audio(path) for name, path in _by_name(paths).items()}


def _by_name(paths: Sequence[str | Path]) -> dict[str, Path]:
    named = {Path(path).stem: Path(path) for path in paths}
    if len(named) < len(paths):
        raise BadSpec("two files of the same name would be one row of the table: rename one")
    return named


def _notebooks(options: argparse.Namespace) -> None:
    from . import gallery

    outcomes = gallery.run_notebooks(
        options.names, options.profile, options.out, options.jobs, Path(options.folder), options.data
    )
    gallery.raise_failures(outcomes)
    print(f"{len(outcomes)} notebooks executed: {Path(options.out) / 'index.html'}")


def _keygen(options: argparse.Namespace) -> None:
    generate_key_file(options.output)
    print(f"{options.output}: keep it secret, and send it by another way than the picture")


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


def _lines(path: str) -> list[str]:
    try:
        lines = [line.partition("#")[0].strip() for line in Path(path).read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(f"--attacks {path}: cannot be read, one attack a line is expected ({error})") from error
    return [line for line in lines if line]


def _tell(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    print(json.dumps(report, indent=2) if options.json else text)


def _complain(message: str) -> int:
    print("stegolab: " + " ".join(message.split()), file=sys.stderr)
    return 1


def _warn(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    print(f"stegolab: {category.__name__}: {message}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Usage errors are one line and exit code 1 like every other error."""

    def error(self, message: str) -> NoReturn:
        raise BadSpec(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="stegolab", description="Speech hidden in a photograph that survives recompression.")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)

    def verb(name: str, run: Callable[[argparse.Namespace], None], text: str, *places: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        for place in places:
            sub.add_argument(place, metavar=place.upper())
        sub.set_defaults(run=run)
        return sub

    verb("enhance", _enhance, "take noise and other voices out of speech", "input", "output")

    sub = verb("hide", _hide, "hide speech in a picture", "speech", "cover", "output")
    _add_key(sub)
    sub.add_argument("--strength", default="social", help=f"what it must survive: {', '.join(STRENGTHS)} (social)")
    sub.add_argument("--codec", default="auto", help=f"auto, opus:6000 to opus:24000, or: {', '.join(codecs.LADDER)}")
    sub.add_argument("--ecc", default="auto", help="auto, ldpc, bch, none, or one code such as ldpc:1/3 or bch:1/2")
    sub.add_argument("--carrier", default="auto", help=f"auto, {', '.join(CARRIERS)} (inn, where it is trained)")
    sub.add_argument(
        "--sparse", action="store_true", default=None, help="change only as many blocks as it takes, the busiest"
    )
    refine = "carrier inn: correct the picture in so many steps; slow, pays a little at jpeg only (0)"
    sub.add_argument("--refine", type=int, default=0, metavar="STEPS", help=refine)
    sub.add_argument("--no-enhance", dest="enhance", action="store_false", default=None, help="hide the sound as it is")
    sub.add_argument("--no-encrypt", dest="encrypt", action="store_false", help="let anyone listen")
    _add_json(sub)

    sub = verb("reveal", _reveal, "find the speech in a received picture", "image", "output")
    _add_key(sub)
    _add_json(sub)

    sub = verb("attack", _attack, "do to a picture what a platform does", "input", "output")
    sub.epilog = "attacks, joined by commas:\n" + spec.usage()
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--spec", help='for example "resize:0.5,jpeg:75"')
    which.add_argument("--platform", help=", ".join(PLATFORMS))
    _add_json(sub)

    sub = verb("capacity", _capacity, "how many seconds of speech a cover carries", "cover")
    sub.add_argument("--strength", help="only this one")
    sub.add_argument("--carrier", default="auto")
    sub.add_argument("--ecc", default="auto")
    _add_json(sub)

    sub = verb("study", _study, "covers x speech x carriers x strengths x attacks, one table; run again, it goes on")
    sub.add_argument("covers", nargs="*", metavar="COVER", help="pictures; without any, the eval covers of the data")
    sub.add_argument("--speech", metavar="DIR", help="hide these clips (valid: 8 of the data); else random bytes")
    sub.add_argument("--turns", action="store_true", help="one clip a cover, in turn, not every clip in every cover")
    sub.add_argument("--no-enhance", dest="enhance", action="store_false", default=None, help="hide the sound as it is")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--attacks", metavar="FILE", help="one attack a line")
    which.add_argument("--set", default="published", help="published, declared (all that is promised) or all (beyond)")
    sub.add_argument("--strength", action="append", help="may be repeated (jpeg and social)")
    sub.add_argument("--carrier", action="append", help="may be repeated (auto)")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--engine", default="local", help="local, serial, or ray (pip install 'stegolab[ray]')")
    sub.add_argument("--jobs", type=int, default=0, help="processes of --engine local (one for each core)")
    sub.add_argument("--address", default="", help="the cluster of --engine ray (one that is started here)")
    sub.add_argument("--out", required=True, metavar="DIR", help="receives the table, its summary and the journal")
    _add_data(sub)
    _add_json(sub)

    sub = verb("notebooks", _notebooks, "execute the notebooks and write the gallery")
    sub.add_argument("names", nargs="*", metavar="NAME")
    sub.add_argument("--profile", default="smoke", help="smoke, cpu or gpu")
    sub.add_argument("--out", required=True, metavar="DIR")
    sub.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    sub.add_argument("--folder", default="notebooks", help="where the notebooks are")
    _add_data(sub)

    verb("keygen", _keygen, "write a new random key file, readable by its owner only", "output")
    return parser


def _add_key(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--key-file", metavar="K", help="32 random bytes, raw or hexadecimal; see stegolab keygen")
    which.add_argument("--passphrase-env", metavar="VAR", help="environment variable that holds the passphrase")
    which.add_argument("--kms-key-id", metavar="ID", help="AWS KMS HMAC key (pip install 'stegolab[kms]')")


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="real data (or the environment variable STEGOLAB_DATA)")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
