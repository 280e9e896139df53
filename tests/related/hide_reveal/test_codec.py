"""Pictures in bytes, hidden by the networks and written to files, and what is measured on them."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from stegolab.data import sample_covers
from stegolab.errors import BadImage, BadSpec
from stegolab.images import psnr
from stegolab.related.hide_reveal import codec
from stegolab.related.hide_reveal.config import NetworkConfig
from stegolab.related.hide_reveal.lsb import LowBits
from stegolab.related.hide_reveal.network import HideReveal
from stegolab.related.weights import shipped

TINY = NetworkConfig(depth=2, width=8, widest=16, reveal_width=4)


def model(config=TINY):
    torch.manual_seed(0)
    return HideReveal(config).eval()


def squares():
    """Cover and secret, 64 x 64."""
    chelsea, coffee = (sample_covers()[name] for name in ("chelsea", "coffee"))
    return np.ascontiguousarray(chelsea[100:164, 150:214]), np.ascontiguousarray(coffee[100:164, 200:264])


def test_bytes_are_what_the_tensors_round_to():
    hider, (cover, secret) = codec.Learned(model()), squares()
    container = hider.hide(cover, secret)
    tensors = [torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (cover, secret, container)]
    wanted = (255 * hider.model.hide(*tensors[:2])).detach().round()[0].permute(1, 2, 0)
    assert np.array_equal(container, wanted.numpy())
    wanted = (255 * hider.model.reveal(tensors[2])).detach().round()[0].permute(1, 2, 0)
    assert np.array_equal(hider.reveal(container), wanted.numpy())


def test_pictures_that_do_not_fit_are_refused():
    hider, (cover, secret) = codec.Learned(model()), squares()
    for either in (hider, LowBits()):
        with pytest.raises(BadImage, match="scale one"):
            either.hide(cover, secret[:32])
    with pytest.raises(BadImage, match="multiples of 4"):
        hider.hide(cover[:63], secret[:63])


# --- measuring -------------------------------------------------------------------------------------------------------


def test_measures_are_means_of_what_the_file_held():
    pair, hider = squares(), LowBits(4)
    container = hider.hide(*pair)
    found = codec.measure(hider, [pair, pair[::-1]])
    other = codec.measure(hider, [pair[::-1]])["container_psnr_db"]
    assert found["container_psnr_db"] == pytest.approx((psnr(pair[0], container) + other) / 2)
    assert codec.measure(hider, [pair])["revealed_psnr_db"] == pytest.approx(psnr(pair[1], hider.reveal(container)))
    assert 0.8 < found["container_ssim"] < 1


def test_an_attack_meets_the_container_before_it_is_revealed():
    pair, hider = squares(), LowBits(4)
    clean, attacked = codec.measure(hider, [pair]), codec.measure(hider, [pair], "jpeg:90")
    assert attacked["revealed_psnr_db"] < clean["revealed_psnr_db"] - 10
    assert attacked["container_psnr_db"] == clean["container_psnr_db"]


def test_there_must_be_something_to_measure():
    with pytest.raises(BadSpec):
        codec.measure(LowBits(), [])


# --- what ships ------------------------------------------------------------------------------------------------------


def test_the_weights_that_ship_hide_and_reveal_and_are_small():
    found = codec.measure(codec.Learned(), [squares(), squares()[::-1]])
    assert found["container_psnr_db"] > 30
    assert found["revealed_psnr_db"] > 24
    assert shipped("hide_reveal").stat().st_size < 2 << 20


def test_the_model_card_tells_the_shape_that_ships():
    card = shipped("hide_reveal").with_suffix(".md").read_text()
    config = codec.Learned().model.config
    for name, value in asdict(config).items():
        option = name.replace("_", "-")
        wanted = f"--{option} {value}" if value not in (True, False) else f"--{'' if value else 'no-'}{option} "
        assert wanted in card, name
