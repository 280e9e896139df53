"""The presets can be parsed and run, and none claims more than its source."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel.platforms import PLATFORMS
from stegolab.channel.spec import parse
from stegolab.images import psnr

BIG = np.tile(data.coffee()[:300, :400], (2, 6, 1))  # 600 x 2400


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_preset_is_the_chain_of_its_figures(name):
    chain = parse(f"platform:{name}")
    assert chain == parse(PLATFORMS[name].spec)
    assert str(chain) == PLATFORMS[name].spec  # written canonically, one attack a figure
    assert len(chain.attacks) == len(PLATFORMS[name].figures)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_preset_bounds_the_size_and_hands_out_a_lossy_file(name):
    cap, *_, last = parse(f"platform:{name}").attacks
    assert cap.name == "cap"
    assert last.name in {"jpeg", "webp", "avif"}
    received = parse(f"platform:{name}")(BIG)
    assert max(received.shape) == min(cap.arguments[0], 2400)
    small = BIG[:300, :400]
    assert 28 < psnr(parse(f"platform:{name}")(small), small) < 60  # recompressed, not resized


def test_messengers_feeds_forums_and_mail_are_there_and_all_three_codecs():
    assert {"whatsapp", "telegram", "facebook", "mastodon", "forum", "email"} <= PLATFORMS.keys()
    steps = {figure.step.split(":")[0] for platform in PLATFORMS.values() for figure in platform.figures}
    assert steps == {"cap", "sharpen", "jpeg", "webp", "avif"}


@pytest.mark.parametrize("name", PLATFORMS)
def test_metadata_does_not_come_through(name):
    contents, _ = parse(f"platform:{name}").encode(BIG[:64, :64])
    handed_out = Image.open(io.BytesIO(contents))
    assert not handed_out.getexif()
    assert not {"icc_profile", "comment", "xmp"} & handed_out.info.keys()


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_every_figure_says_where_it_comes_from(platform):
    assert PLATFORMS[platform.name] is platform
    assert platform.what
    for figure in platform.figures:
        assert figure.status in {"cited", "assumed"}
        assert len(figure.source) > 5
        assert 2005 <= figure.year <= 2026
        if figure.status == "cited":
            assert "reported" not in figure.source
            assert "our choice" not in figure.source
