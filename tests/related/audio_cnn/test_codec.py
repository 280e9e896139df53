"""Pictures as tiles, files that are really written, and what is measured on them."""

import numpy as np
import pytest
import torch

from stegolab.data import sample_covers
from stegolab.errors import BadImage, CapacityExceeded
from stegolab.images import psnr
from stegolab.related.audio_cnn import codec
from stegolab.related.audio_cnn.config import NetworkConfig
from stegolab.related.audio_cnn.data import normalised
from stegolab.related.audio_cnn.lsb import LowBits
from stegolab.related.audio_cnn.network import AudioCNN, shipped


def speech(count, seed=0):
    return normalised(np.random.default_rng(seed).normal(size=count).astype(np.float32))


def photograph():
    return sample_covers()["coffee"][:101, :140]


def untrained(**shape):
    torch.manual_seed(0)
    return codec.Learned(AudioCNN(NetworkConfig(width=4, prepared=2, **shape)))


# --- tiles -------------------------------------------------------------------------------------------------------


def test_tiles_are_cut_row_by_row():
    picture = photograph()
    tiles = codec.cut([picture, picture[:40, :40]], 32)
    assert tiles.shape == (3 * 4 + 1, 32, 32, 3)
    assert np.array_equal(tiles[5], picture[32:64, 32:64])
    assert np.array_equal(tiles[12], picture[:32, :32])


def test_a_picture_smaller_than_a_tile_is_refused():
    with pytest.raises(BadImage, match="32 x 32"):
        codec.cut([photograph()[:31]], 32)


@pytest.mark.parametrize("hider", [LowBits(), untrained(), untrained(payload="stft")])
def test_what_is_not_needed_stays(hider):
    covers = [photograph(), photograph()[:64, :64]]
    samples = speech(2 * hider.layout.hop)
    containers = codec.hide(hider, covers, samples)
    needed = len(hider.layout.lay(samples))
    assert np.array_equal(codec.cut(containers, 32)[needed:], codec.cut(covers, 32)[needed:])
    assert np.array_equal(containers[0][96:], covers[0][96:])
    assert np.array_equal(containers[0][:, 128:], covers[0][:, 128:])
    assert not np.array_equal(containers[0], covers[0])


@pytest.mark.parametrize("hider", [LowBits(), untrained(payload="stft")])
def test_pictures_hold_what_they_promise_and_no_sample_more(hider):
    covers = [photograph()]
    room = codec.capacity(hider, covers)
    assert len(codec.reveal(hider, codec.hide(hider, covers, speech(room)), room)) == room
    with pytest.raises(CapacityExceeded, match=f"at most {room} samples"):
        codec.hide(hider, covers, speech(room + 1))


def test_tiles_do_not_know_their_neighbours():
    """More tiles than go through the networks at once are hidden as if each were alone."""
    hider = untrained()
    tiles = np.random.default_rng(1).integers(0, 256, (70, 32, 32, 3), np.uint8)
    samples = speech(70 * 1024)
    together = hider.hide(tiles, samples)
    alone = hider.hide(tiles[66:67], samples[66 * 1024 : 67 * 1024])
    assert (np.abs(together[66].astype(int) - alone[0]) <= 1).all()
    assert np.allclose(hider.reveal(tiles)[66 * 1024 : 67 * 1024], hider.reveal(tiles[66:67]), atol=1e-4)


# --- figures -----------------------------------------------------------------------------------------------------


def test_on_files_low_bits_are_hard_to_beat_and_jpeg_ends_them():
    covers, samples = [photograph()], speech(12 * 1024)
    on_file = codec.measure(LowBits(), covers, samples)
    after_jpeg = codec.measure(LowBits(), covers, samples, "jpeg:90")
    assert on_file["pcc"] > 0.99
    assert on_file["psnr_db"] > 40
    assert abs(after_jpeg["pcc"]) < 0.2
    assert after_jpeg["psnr_db"] == on_file["psnr_db"]  # of the file, before the attack


def test_files_are_what_was_drawn():
    picture = photograph()
    assert np.array_equal(codec.through_png(picture), picture)


def test_figures_of_known_errors():
    one, other = speech(5000), speech(5000, seed=1)
    found = codec.heard(one, one + 0.1 * other)
    assert found["mse"] == pytest.approx(0.01, rel=1e-3)
    assert found["snr_db"] == pytest.approx(20, abs=0.01)
    assert found["pcc"] == pytest.approx(1 / np.sqrt(1.01), abs=0.01)
    assert codec.heard(one, -one)["pcc"] == pytest.approx(-1)
    assert codec.heard(one, np.zeros_like(one))["pcc"] == 0
    pair = [photograph(), np.clip(photograph(), 3, 255)]
    assert codec.seen(pair[:1], pair[1:])["psnr_db"] == psnr(*pair)
    assert codec.seen([pair[0]] * 2, pair[::-1])["psnr_db"] == psnr(*pair)  # untouched pictures do not flatter
    assert codec.seen(pair, pair) == {"psnr_db": np.inf, "ssim": 1.0}


# --- weights that ship -------------------------------------------------------------------------------------------


def test_without_a_model_those_for_untouched_files_are_taken():
    ours, shipped_ones = codec.Learned().model.state_dict(), shipped("audio_cnn_waveform").state_dict()
    assert all(torch.equal(value, shipped_ones[name]) for name, value in ours.items())


@pytest.mark.parametrize(
    ("name", "attack", "pcc", "psnr_db"),
    [("waveform", "none", 0.95, 36), ("stft", "none", 0.85, 31), ("jpeg", "jpeg:90", 0.8, 25)],
)
def test_weights_that_ship_do_what_the_card_says(name, attack, pcc, psnr_db):
    from stegolab.audio import read_audio
    from stegolab.data import sample_speech

    hider = codec.Learned(shipped(f"audio_cnn_{name}"))
    sound = normalised(read_audio(next(iter(sample_speech().values()))).samples)
    covers = [sample_covers()["coffee"][100:228, 200:328]]
    room = codec.capacity(hider, covers)
    found = codec.measure(hider, covers, sound[8000 : 8000 + room], attack)
    assert found["pcc"] > pcc
    assert found["psnr_db"] > psnr_db
