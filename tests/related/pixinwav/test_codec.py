"""Containers are WAV files of 16 bits, keys move the residual, and the weights that ship do what their card says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stegolab.audio import RATE, Speech, read_audio
from stegolab.data import sample_covers, sample_speech
from stegolab.errors import BadAudio, BadImage, NotTrained
from stegolab.images import ssim
from stegolab.related.levels import LEVEL
from stegolab.related.pixinwav import codec
from stegolab.related.pixinwav.codec import as_picture, as_tensor
from stegolab.related.pixinwav.data import host, thumbnail
from stegolab.related.pixinwav.network import shipped
from tests.related.pixinwav.small import KEY, OTHER, TINY, batch, model, picture
from tests.voice import speak


def test_a_container_is_a_wav_file_and_the_picture_is_revealed_from_that():
    system = model()
    hidden = codec.hide(system, speak(1.0), sample_covers()["chelsea"])
    received = codec.through_wav(hidden.container)
    assert np.array_equal(received.samples, hidden.container.samples)
    assert np.array_equal(hidden.picture, picture())
    assert float(np.sqrt(np.mean(hidden.host.samples**2))) == pytest.approx(LEVEL, rel=1e-3)
    revealed = codec.reveal(system, received)
    measured = codec.measure(system, speak(1.0), sample_covers()["chelsea"])
    assert measured["image_ssim"] == ssim(hidden.picture, revealed)
    assert measured["audio_snr_db"] == codec.snr_db(hidden.host, received)
    silenced = codec.measure(
        system, speak(1.0), sample_covers()["chelsea"], channel=lambda s: Speech(0 * s.samples, s.rate)
    )
    assert silenced["image_ssim"] != measured["image_ssim"]
    assert silenced["audio_snr_db"] == measured["audio_snr_db"]  # of what was sent


def test_a_grey_picture_is_hidden_as_one_channel_and_comes_back_grey():
    system = model(replace(TINY, colours=1))
    hidden = codec.hide(system, speak(1.0), sample_covers()["chelsea"])
    revealed = codec.reveal(system, hidden.container)
    for rgb in (hidden.picture, revealed):
        assert rgb.shape == (16, 16, 3)
        assert np.array_equal(rgb[..., 0], rgb[..., 1])


def test_what_cannot_be_used_is_refused_in_one_line():
    system, rgb = model(), sample_covers()["chelsea"]
    with pytest.raises(BadAudio, match="longer"):
        codec.hide(system, Speech(speak(1.0).samples[:1_000], RATE), rgb)
    with pytest.raises(BadAudio, match="resample"):
        codec.hide(system, speak(1.0, 8_000), rgb)
    with pytest.raises(BadAudio, match="silent"):
        codec.hide(system, Speech(np.zeros(16_000, np.float32), RATE), rgb)
    with pytest.raises(BadImage, match="16"):
        codec.hide(system, speak(1.0), rgb[:10])
    with pytest.raises(BadAudio, match="5952 samples"):
        codec.reveal(system, speak(1.0))
    with pytest.raises(NotTrained, match="train"):
        shipped("pixinwav_of_somebody_else")


def test_the_shipped_weights_hold_on_the_samples_what_their_card_says():
    """After a real WAV file, without a key and with one; synthesised voices and pictures that training never met."""
    system = shipped()
    voices = [read_audio(path) for path in sample_speech().values()] * 2
    for key in (None, KEY):
        found = [codec.measure(system, v, c, key) for v, c in zip(voices, sample_covers().values(), strict=True)]
        assert np.mean([one["audio_snr_db"] for one in found]) >= 22
        assert np.mean([one["image_ssim"] for one in found]) >= 0.65
    locked = codec.hide(system, voices[0], sample_covers()["coffee"], KEY)
    assert ssim(locked.picture, codec.reveal(system, locked.container, OTHER)) < 0.25


def test_one_residual_reveals_from_two_hosts():
    system, small = shipped(), thumbnail(sample_covers()["chelsea"])
    with torch.no_grad():
        added = system.synthesise(system.residual(as_tensor(small)))[0].numpy()
    for path in list(sample_speech().values())[:2]:
        both = Speech(host(read_audio(path).samples) + added, RATE)
        assert ssim(small, codec.reveal(system, codec.through_wav(both))) > 0.6


def test_the_original_reveals_from_floats_what_no_file_carries():
    system, sound = shipped("pixinwav_legacy"), read_audio(sample_speech()["morning_awb"])
    hidden = codec.hide(system, sound, sample_covers()["chelsea"])
    with torch.no_grad():
        spectrogram = system.analyse(batch(hidden.host.samples))
        floats = system.reveal(system.hide(spectrogram, as_tensor(hidden.picture)))
    from_file = codec.reveal(system, codec.through_wav(hidden.container))
    assert ssim(hidden.picture, as_picture(floats)) > ssim(hidden.picture, from_file) + 0.2
