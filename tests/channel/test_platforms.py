"""The presets can be parsed and run, and none claims more than its source."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel.platforms import PLATFORMS, PRESETS, SOFTWARE_PLATFORMS
from stegolab.channel.spec import parse
from stegolab.images import psnr

BIG = np.tile(data.coffee()[:300, :400], (2, 6, 1))  # 600 x 2400


def skip_where_missing(name):
    if missing := parse(f"platform:{name}").missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_chain_of_its_figures(name):
    chain = parse(f"platform:{name}")
    assert chain == parse(PRESETS[name].spec)
    assert str(chain) == PRESETS[name].spec  # written canonically, one attack a figure
    assert len(chain.attacks) == len(PRESETS[name].figures)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_bounds_the_size_and_hands_out_a_lossy_file(name):
    skip_where_missing(name)
    attacks = parse(f"platform:{name}").attacks
    cap, last = attacks[0], attacks[-1]
    assert cap.name in {"cap", "vipscap", "magickcap", "canvascap"}
    assert last.name in {"jpeg", "webp", "avif", "mozjpeg", "magickjpeg", "canvascap"}
    received = parse(f"platform:{name}")(BIG)
    assert max(received.shape) == min(cap.arguments[0], 2400)
    small = BIG[:300, :400]
    assert 28 < psnr(parse(f"platform:{name}")(small), small) < 60  # recompressed, not resized


def test_messengers_feeds_forums_and_mail_are_there_and_all_three_codecs():
    assert {"whatsapp", "telegram", "facebook", "mastodon", "forum", "email"} <= PLATFORMS.keys()
    steps = {figure.step.split(":")[0] for platform in PLATFORMS.values() for figure in platform.figures}
    assert steps == {"cap", "sharpen", "jpeg", "webp", "avif"}


@pytest.mark.parametrize("name", PRESETS)
def test_metadata_does_not_come_through(name):
    skip_where_missing(name)
    contents, _ = parse(f"platform:{name}").encode(BIG[:64, :64])
    handed_out = Image.open(io.BytesIO(contents))
    assert not handed_out.getexif()
    own = {"icc_profile"} if name == "canvas_upload" else set()  # Chromium writes its own, of sRGB
    assert {"icc_profile", "comment", "xmp"} & handed_out.info.keys() == own


@pytest.mark.parametrize("platform", PRESETS.values(), ids=PRESETS)
def test_every_figure_says_where_it_comes_from(platform):
    assert PRESETS[platform.name] is platform
    assert platform.what
    for figure in platform.figures:
        assert figure.status in {"cited", "assumed"}
        assert len(figure.source) > 5
        assert 2005 <= figure.year <= 2026
        if figure.status == "cited":
            assert "reported" not in figure.source
            assert "our choice" not in figure.source


def test_presets_in_the_platforms_own_software_cite_its_code_or_are_assumed_and_are_in_no_published_study():
    figures = [figure for platform in SOFTWARE_PLATFORMS.values() for figure in platform.figures]
    assert all((figure.status == "cited") == ("source code" in figure.source) for figure in figures)
    assert sum(figure.status == "assumed" for figure in figures) == 2  # remembered, not looked up
    assert not SOFTWARE_PLATFORMS.keys() & PLATFORMS.keys()
    assert not any(parse(platform.spec).missing for platform in PLATFORMS.values())
