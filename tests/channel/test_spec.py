"""The parser reads what the chain writes, refuses everything else by name, and a chain is its attacks in order."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from stegolab.channel import attacks
from stegolab.channel.platforms import PRESETS
from stegolab.channel.software import SOFTWARE
from stegolab.channel.spec import ATTACKS, Attack, Chain, _parameters, parse, usage
from stegolab.errors import BadSpec

COFFEE = data.coffee()[:120, :200]

number = st.floats(0.1, 0.9)
attack = st.one_of(
    st.builds("jpeg:{}".format, st.integers(1, 100)),
    st.builds("jpeg:{}:{}".format, st.integers(1, 100), st.sampled_from(["444", "422", "420"])),
    st.builds("jpeg:{}:{}:progressive".format, st.integers(1, 100), st.sampled_from(["444", "422", "420"])),
    st.builds("webp:{}".format, st.integers(1, 100)),
    st.builds("{}:{!r}".format, st.sampled_from(["resize", "crop", "blur", "noise", "brightness", "contrast"]), number),
    st.builds("resize:{!r}:{}".format, number, st.sampled_from(list(attacks.KERNELS))),
    st.builds("cap:{}".format, st.integers(16, 5000)),
    st.builds("crop:{!r}:{!r}:{!r}".format, number, number, number),
    st.builds("noise:{}:{}".format, st.integers(0, 9), st.integers(0, 2**32 - 1)),
    st.builds("shift:{}:{}".format, st.integers(-64, 64), st.integers(-64, 64)),
    st.builds("hue:{!r}".format, st.floats(-180, 180)),
    st.builds("platform:{}".format, st.sampled_from(list(PRESETS))),
    st.builds("rotate:{}".format, st.integers(0, 3)),
    st.sampled_from(["flip", "median", "median:5", "grey", "none", "gamma:2", "sharpen:1.5"]),
)
chains = st.lists(attack, min_size=1, max_size=5).map(",".join)


@given(chains)
def test_parsing_what_a_chain_writes_gives_the_chain(spec):
    chain = parse(spec)
    assert parse(str(chain)) == chain
    assert hash(parse(str(chain))) == hash(chain)
    assert str(parse(str(chain))) == str(chain)


@given(st.text(alphabet="jpegresiznoncap:,.0123456789-+ e_", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_chain_or_a_bad_spec(text):
    try:
        assert isinstance(parse(text), Chain)
    except BadSpec as error:
        assert str(error)


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("resize:0.5,jpeg:75", "resize:0.5,jpeg:75"),
        (" Resize:.5 , JPEG: 75 ", "resize:0.5,jpeg:75"),
        ("jpeg:80:444", "jpeg:80:444"),
        ("jpeg:80:420", "jpeg:80"),
        ("jpeg:50:420:progressive", "jpeg:50:420:progressive"),
        ("resize:0.75:lanczos", "resize:0.75:lanczos"),
        ("resize:0.75:bicubic", "resize:0.75"),
        ("blur:1", "blur:1"),
        ("blur:1.0", "blur:1"),
        ("crop:0.1:0.5:0.5", "crop:0.1"),
        ("crop:0.1:0:0.5", "crop:0.1:0"),
        ("median", "median"),
        ("median:3", "median"),
        ("noise:5:0", "noise:5"),
        ("none", "none"),
        ("none,jpeg:50", "jpeg:50"),
        ("jpeg:90,jpeg:60", "jpeg:90,jpeg:60"),
        ("platform:twitter", "cap:4096,jpeg:85"),
        ("vips:.6:lanczos3,mozjpeg:75:420", "vips:0.6,mozjpeg:75"),
        ("vips:0.675:linear,mozjpeg:80:444", "vips:0.675:linear,mozjpeg:80:444"),
    ],
)
def test_one_way_of_writing_each_chain(spec, canonical):
    assert str(parse(spec)) == canonical


@pytest.mark.parametrize(
    ("text", "arguments"),
    [("sorted:3", (3,)), ("sorted:3:upside", (3, True)), ("sorted:3:upside:sideways", (3, True, True))],
)
def test_every_flag_is_written_as_its_own_name(monkeypatch, text, arguments):
    """Not only jpeg's: what any attack's chain writes can be read again."""

    def sort(rgb: attacks.RGB, rows: int, upside: bool = False, sideways: bool = False) -> attacks.RGB:
        return np.sort(rgb, axis=0)

    sort.__annotations__ = {"rows": "int", "upside": "bool", "sideways": "bool"}  # as text, as in attacks.py
    monkeypatch.setitem(ATTACKS, "sorted", sort)
    chain = parse(f"jpeg:50:444:progressive,{text}")
    assert chain.attacks[1] == Attack("sorted", arguments)
    assert str(chain) == f"jpeg:50:444:progressive,{text}"
    assert parse(str(chain)) == chain


@pytest.mark.parametrize("name", [*ATTACKS, *SOFTWARE])
def test_a_flag_is_off_unless_it_is_written(name):
    """There is no way to write that a flag is off, so none may be on by default."""
    flags = [parameter for parameter in _parameters(name) if parameter.annotation == "bool"]
    assert [flag.default for flag in flags] == [False] * len(flags)


def test_none_leaves_the_picture_alone():
    assert parse("none") == Chain()
    assert np.array_equal(parse("none")(COFFEE), COFFEE)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("jpeg:50", lambda rgb: attacks.jpeg(rgb, 50, "4:2:0", False)),
        ("jpeg:80:444", lambda rgb: attacks.jpeg(rgb, 80, "4:4:4")),
        ("jpeg:50:422:progressive", lambda rgb: attacks.jpeg(rgb, 50, "4:2:2", progressive=True)),
        ("resize:0.5,jpeg:75", lambda rgb: attacks.jpeg(attacks.resize(rgb, 0.5), 75)),
        ("jpeg:75,resize:0.5", lambda rgb: attacks.resize(attacks.jpeg(rgb, 75), 0.5)),
        ("resize:0.75:lanczos", lambda rgb: attacks.resize(rgb, 0.75, "lanczos")),
        ("crop:0.1:0:1", lambda rgb: attacks.crop(rgb, 0.1, y=0, x=1)),
        ("noise:5:3", lambda rgb: attacks.noise(rgb, 5, seed=3)),
        ("cap:100:box", lambda rgb: attacks.cap(rgb, 100, "box")),
    ],
)
def test_a_chain_is_its_attacks_from_left_to_right(spec, expected):
    assert np.array_equal(parse(spec)(COFFEE), expected(COFFEE))


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_can_be_written_and_runs(name):
    arguments = {"median": "", "grey": "", "jpeg": ":50", "webp": ":50", "cap": ":64", "sharpen": ":2"}
    arguments |= {"avif": ":50", "jpeg2000": ":20", "palette": ":16", "shift": ":2", "flip": "", "rotate": ":1"}
    assert parse(name + arguments.get(name, ":0.5"))(COFFEE).dtype == np.uint8


def test_every_public_attack_is_known_to_the_parser():
    public = {
        name
        for name, value in vars(attacks).items()
        if callable(value) and getattr(value, "__module__", "") == attacks.__name__
    }
    assert {name for name in public if not name.startswith("_") and not name.endswith("_bytes")} == set(ATTACKS)


@pytest.mark.parametrize(
    ("spec", "part", "hint"),
    [
        ("", "''", "the attacks are jpeg"),
        ("jpeg:50,", "''", "the attacks are"),
        ("resize:0.5,jepg:75", "'jepg:75'", "the attacks are jpeg"),
        ("jpeg", "'jpeg'", r"write jpeg:QUALITY\[:SUBSAMPLING\[:progressive\]\]"),
        ("jpeg:1:420:progressive:5", "'jpeg:1:420:progressive:5'", "write jpeg:QUALITY"),
        ("grey:1", "'grey:1'", "write grey"),
        ("jpeg:good", "'jpeg:good'", "quality must be a whole number, not 'good'"),
        ("jpeg:50.5", "'jpeg:50.5'", "whole number"),
        ("jpeg:101", "'jpeg:101'", "quality must be 1 to 100, not 101"),
        ("jpeg:" + "9" * 400, "'jpeg:999", "quality must be 1 to 100"),
        ("jpeg:" + "9" * 5000, "'jpeg:999", "whole number"),
        ("jpeg:80:411", "'jpeg:80:411'", "4:4:4, 4:2:2, 4:2:0"),
        ("jpeg:80:420:fast", "'jpeg:80:420:fast'", "expected 'progressive'"),
        ("resize:half", "'resize:half'", "factor must be a number"),
        ("resize:nan", "'resize:nan'", "factor must be"),
        ("resize:inf", "'resize:inf'", "factor must be"),
        ("resize:0.5:cubic", "'resize:0.5:cubic'", "nearest, box, bilinear, hamming, bicubic, lanczos"),
        ("vips:9", "'vips:9'", "factor must be 0.05 to 4, not 9"),
        ("vips:0.5:bicubic", "'vips:0.5:bicubic'", "kernel must be one of nearest, linear, cubic, mitchell"),
        ("mozjpeg", "'mozjpeg'", r"write mozjpeg:QUALITY\[:SUBSAMPLING\]"),
        ("mozjpeg:75:422", "'mozjpeg:75:422'", "subsampling must be one of 4:4:4, 4:2:0, not 4:2:2"),
        ("blur:-1,jpeg:50", "'blur:-1'", "sigma must be"),
        ("median:4", "'median:4'", "odd"),
        ("none:1", "'none:1'", "the attacks are"),
        ("platform", "'platform'", "the platforms are whatsapp"),
        ("platform:myspace", "'platform:myspace'", "the platforms are whatsapp"),
        ("platform:email:2", "'platform:email:2'", "the platforms are"),
    ],
)
def test_a_bad_part_is_named_with_what_would_do(spec, part, hint):
    with pytest.raises(BadSpec, match=f"bad attack {part}.*{hint}"):
        parse(spec)


def test_chains_are_keys():
    table = {parse("jpeg:50"): 1, parse("resize:0.5,jpeg:50"): 2}
    assert table[parse("jpeg:50:420")] == 1
    assert table[Chain((Attack("resize", (0.5,)), Attack("jpeg", (50,))))] == 2


@pytest.mark.parametrize(
    ("spec", "suffix"),
    [
        ("resize:0.5,jpeg:75", ".jpg"),
        ("jpeg:75,webp:80", ".webp"),
        ("jpeg:75,avif:60", ".avif"),
        ("jpeg2000:20", ".jp2"),
        ("jpeg:75,resize:0.5", ".png"),
        ("none", ".png"),
    ],
)
def test_the_file_handed_out_holds_what_the_chain_returns(spec, suffix):
    contents, kind = parse(spec).encode(COFFEE)
    assert kind == suffix
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")), parse(spec)(COFFEE))


def test_usage_lists_everything_that_can_be_written():
    lines = usage().splitlines()
    assert {line.split(":")[0].split("[")[0] for line in lines} == {*ATTACKS, *SOFTWARE, "platform", "none"}
    assert "resize:FACTOR[:KERNEL]" in lines
    assert all(f"platform:{name}" in lines for name in PRESETS)
