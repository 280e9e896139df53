"""The system: residuals that know no host, 16-bit containers, keys, noise, and files that hold all of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.audio import RATE, Speech, read_audio
from stegolab.data import sample_covers, sample_speech
from stegolab.errors import BadAudio, BadData, BadImage, BadSpec, CapacityExceeded
from stegolab.images import ssim
from stegolab.related.pixinwav import container, lsb, scramble
from stegolab.related.pixinwav.embedding import EMBEDDINGS
from stegolab.related.pixinwav.material import Material, host, levelled, planes, thumbnail, to_bytes
from stegolab.related.pixinwav.model import ARCHITECTURES, LEVEL, ModelConfig, PixInWav, pcm16
from stegolab.related.pixinwav.noise import NOISES, noisy
from stegolab.related.pixinwav.transforms import TRANSFORMS
from stegolab.related.pixinwav.unet import UNet
from tests.voice import speak

TINY = ModelConfig(side=16, width=4, samples=5_952)


def model(config=TINY, seed=0):
    torch.manual_seed(seed)
    return PixInWav(config).eval()


def clip(seed=0, length=TINY.samples):
    return host(speak(1.0, seed=seed).samples, length)


def picture(side=16, colours=3):
    return thumbnail(sample_covers()["chelsea"], side, colours)


def batch(array):
    return torch.from_numpy(array)[None]


KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


# --- networks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (9, 13), (3, 2)])
def test_the_unet_keeps_any_size(rows, columns):
    assert UNet(2, 5, 4)(torch.randn(1, 2, rows, columns)).shape == (1, 5, rows, columns)


def test_the_unet_looks_far_enough_and_no_farther():
    """Two halvings: a value reaches over about twenty pixels, not over the whole plane."""
    torch.manual_seed(0)
    network, planes_in = UNet(1, 1, 4), torch.zeros(1, 1, 96, 96, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(planes_in)[0, 0, 48, 48], planes_in)
    reached = gradient[0, 0].abs().sum(1).nonzero().ravel()
    assert reached.min() < 40
    assert 8 < 48 - reached.min() < 40


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_combination_hides_and_has_gradients(transform, architecture):
    embedding = EMBEDDINGS[(TRANSFORMS.index(transform) + ARCHITECTURES.index(architecture)) % len(EMBEDDINGS)]
    length = 4_960 if transform == "stdct-4096" else 2_000
    config = replace(TINY, transform=transform, architecture=architecture, embedding=embedding, samples=length, width=2)
    system = model(config)
    sent, revealed = system(batch(clip(length=length)), batch(planes(picture())))
    assert sent.shape == (1, length)
    assert revealed.shape == (1, 3, 16, 16)
    (revealed.square().mean() + sent.square().mean()).backward()
    for name, parameter in system.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert max(p.grad.abs().max() for p in system.hider.parameters()) > 0


def test_a_part_that_does_not_carry_stays_as_it_is():
    for transform, kept in (("magnitude", 1), ("phase", 0)):
        system = model(replace(TINY, transform=transform, samples=2_000))
        spectrogram = system.analyse(batch(clip(length=2_000)))
        changed = system.hide(spectrogram, batch(planes(picture())))
        assert torch.equal(changed[:, kept], spectrogram[:, kept])
        assert not torch.equal(changed[:, 1 - kept], spectrogram[:, 1 - kept])


def test_the_residual_knows_no_host_only_where_it_says_so():
    hosts, image = [batch(clip(seed)) for seed in (0, 1)], batch(planes(picture()))
    for architecture in ARCHITECTURES:
        system = model(replace(TINY, architecture=architecture))
        spectrograms = [system.analyse(sound) for sound in hosts]
        added = [system.hide(spectrogram, image) - spectrogram for spectrogram in spectrograms]
        if architecture == "independent":
            torch.testing.assert_close(added[0], added[1], atol=1e-5, rtol=0)
            torch.testing.assert_close(added[0], system.residual(image), atol=1e-5, rtol=0)
        else:
            assert (added[0] - added[1]).abs().max() > 1e-3, architecture


def test_scaled_is_the_residual_times_the_loudness_round_about():
    system, image = model(replace(TINY, architecture="scaled")), batch(planes(picture()))
    spectrogram = system.analyse(batch(clip()))
    louder = system.hide(2 * spectrogram, image) - 2 * spectrogram
    torch.testing.assert_close(louder, 2 * (system.hide(spectrogram, image) - spectrogram), atol=1e-5, rtol=0)


def test_plain_makes_the_container_itself_and_takes_no_key():
    system, image = model(replace(TINY, architecture="plain")), batch(planes(picture()))
    spectrogram, fold = system.analyse(batch(clip())), system.embedding.fold
    laid = system.embedding.lay(image, system.size)
    made = system.embedding.unfold(system.hider(torch.cat([laid, fold(spectrogram)], 1)), system.shape)
    torch.testing.assert_close(system.hide(spectrogram, image), made, atol=1e-5, rtol=0)
    with pytest.raises(BadSpec, match="no key"):
        system.hide(spectrogram, image, torch.from_numpy(scramble.order(KEY, *system.shape[1:])))


def test_an_unknown_architecture_is_refused():
    with pytest.raises(BadSpec, match="independent"):
        ModelConfig(architecture="recurrent")


# --- the file ----------------------------------------------------------------------------------------------------


def test_pcm16_is_what_a_wav_file_returns_and_lets_the_gradient_through():
    samples = torch.linspace(-1.2, 1.2, 4_001).requires_grad_()
    rounded = pcm16(samples)
    read = container.through_wav(Speech(samples.detach().numpy(), RATE))
    assert np.array_equal(read.samples, rounded.detach().numpy())
    (slope,) = torch.autograd.grad(rounded.sum(), samples)
    assert torch.equal(slope, torch.ones(4_001))


def test_a_container_is_a_wav_file_and_the_picture_is_revealed_from_that():
    system = model()
    hidden = container.hide(system, speak(1.0), sample_covers()["chelsea"])
    received = container.through_wav(hidden.container)
    assert np.array_equal(received.samples, hidden.container.samples)
    assert np.array_equal(hidden.picture, picture())
    assert float(np.sqrt(np.mean(hidden.host.samples**2))) == pytest.approx(LEVEL, rel=1e-3)
    revealed = container.reveal(system, received)
    measured = container.measure(system, speak(1.0), sample_covers()["chelsea"])
    assert measured["image_ssim"] == ssim(hidden.picture, revealed)
    assert measured["audio_snr_db"] == container.snr_db(hidden.host, received)
    silenced = container.measure(
        system, speak(1.0), sample_covers()["chelsea"], channel=lambda s: Speech(0 * s.samples, s.rate)
    )
    assert silenced["image_ssim"] != measured["image_ssim"]
    assert silenced["audio_snr_db"] == measured["audio_snr_db"]  # of what was sent


def test_a_grey_picture_is_hidden_as_one_channel_and_comes_back_grey():
    system = model(replace(TINY, colours=1))
    hidden = container.hide(system, speak(1.0), sample_covers()["chelsea"])
    revealed = container.reveal(system, hidden.container)
    for rgb in (hidden.picture, revealed):
        assert rgb.shape == (16, 16, 3)
        assert np.array_equal(rgb[..., 0], rgb[..., 1])


def test_what_cannot_be_used_is_refused_in_one_line():
    system, rgb = model(), sample_covers()["chelsea"]
    with pytest.raises(BadAudio, match="longer"):
        container.hide(system, Speech(speak(1.0).samples[:1_000], RATE), rgb)
    with pytest.raises(BadAudio, match="resample"):
        container.hide(system, speak(1.0, 8_000), rgb)
    with pytest.raises(BadAudio, match="silent"):
        container.hide(system, Speech(np.zeros(16_000, np.float32), RATE), rgb)
    with pytest.raises(BadImage, match="16"):
        container.hide(system, speak(1.0), rgb[:10])
    with pytest.raises(BadAudio, match="5952 samples"):
        container.reveal(system, speak(1.0))
    with pytest.raises(BadData, match="train"):
        container.shipped("pixinwav_of_somebody_else")


# --- keys --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(1, 30))
def test_an_order_permutes_every_row_by_its_key(rows, frames):
    found = scramble.order(KEY, rows, frames)
    assert found.shape == (rows, frames)
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(frames), (rows, 1)))
    assert np.array_equal(found, scramble.order(KEY, rows, frames))


def test_orders_differ_by_key_salt_and_row_and_never_change():
    first = scramble.order(KEY, 4, 128)
    assert len({tuple(row) for row in first}) == 4
    for other in (scramble.order(OTHER, 4, 128), scramble.order(KEY, 4, 128, bytes(15) + b"1")):
        assert (other == first).mean() < 0.05
    assert first[0, :6].tolist() == [80, 107, 87, 29, 44, 18]


def test_a_key_moves_the_residual_within_its_frequency_and_the_same_key_moves_it_back():
    system, image = model(), batch(planes(picture()))
    spectrogram = system.analyse(batch(clip()))
    order = torch.from_numpy(scramble.order(KEY, *system.shape[1:]))
    plain = system.hide(spectrogram, image) - spectrogram
    moved = system.hide(spectrogram, image, order) - spectrogram
    torch.testing.assert_close(moved.sort(-1).values, plain.sort(-1).values, atol=1e-5, rtol=0)
    assert (moved - plain).abs().max() > 1e-3
    back = moved.gather(-1, order.argsort(-1).expand_as(moved))
    torch.testing.assert_close(back, plain, atol=1e-5, rtol=0)
    silence = torch.zeros_like(spectrogram)  # without a host in the way, the right key reveals as no key does
    with torch.no_grad():
        wanted = system.reveal(system.hide(silence, image))
        torch.testing.assert_close(system.reveal(system.hide(silence, image, order), order), wanted, atol=1e-4, rtol=0)
        assert (system.reveal(system.hide(silence, image, order)) - wanted).abs().max() > 1e-3


# --- what ships --------------------------------------------------------------------------------------------------


def test_the_shipped_weights_hold_on_the_samples_what_their_card_says():
    """After a real WAV file, without a key and with one; synthesised voices and pictures that training never met."""
    system = container.shipped()
    voices = [read_audio(path) for path in sample_speech().values()] * 2
    for key in (None, KEY):
        found = [container.measure(system, v, c, key) for v, c in zip(voices, sample_covers().values(), strict=True)]
        assert np.mean([one["audio_snr_db"] for one in found]) >= 22
        assert np.mean([one["image_ssim"] for one in found]) >= 0.65
    locked = container.hide(system, voices[0], sample_covers()["coffee"], KEY)
    assert ssim(locked.picture, container.reveal(system, locked.container, OTHER)) < 0.25


def test_one_residual_reveals_from_two_hosts():
    system, small = container.shipped(), thumbnail(sample_covers()["chelsea"])
    with torch.no_grad():
        added = system.synthesise(system.residual(batch(planes(small))))[0].numpy()
    for path in list(sample_speech().values())[:2]:
        both = Speech(host(read_audio(path).samples) + added, RATE)
        assert ssim(small, container.reveal(system, container.through_wav(both))) > 0.6


def test_the_original_reveals_from_floats_what_no_file_carries():
    system, sound = container.shipped("pixinwav_legacy"), read_audio(sample_speech()["morning_awb"])
    hidden = container.hide(system, sound, sample_covers()["chelsea"])
    with torch.no_grad():
        spectrogram = system.analyse(batch(hidden.host.samples))
        floats = system.reveal(system.hide(spectrogram, batch(planes(hidden.picture))))
    from_file = container.reveal(system, container.through_wav(hidden.container))
    assert ssim(hidden.picture, to_bytes(floats[0].numpy())) > ssim(hidden.picture, from_file) + 0.2


# --- noise, material, the rival ----------------------------------------------------------------------------------


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def test_noise_is_of_the_strength_that_it_says():
    sound = batch(clip(length=12_000))
    level = sound.square().mean().sqrt()
    gaussian = noisy(sound, "gaussian", 0.1, random()) - sound
    assert float(gaussian.square().mean().sqrt() / level) == pytest.approx(0.1, rel=0.05)
    speckle = noisy(sound, "speckle", 0.1, random()) - sound
    assert float(speckle.square().mean().sqrt() / level) == pytest.approx(0.1, rel=0.1)
    assert torch.equal(speckle[sound == 0], sound[sound == 0])
    salt, pepper = (noisy(sound, kind, 0.05, random()) for kind in ("salt", "pepper"))
    for befallen, values in ((salt != sound, salt), (pepper != sound, pepper)):
        assert float(befallen.float().mean()) == pytest.approx(0.05, abs=0.02)
        assert len(values[befallen].unique()) <= 2
    assert float(salt.abs().max()) == float(sound.abs().max())
    assert set(salt[salt != sound].sign().tolist()) == {-1.0, 1.0}
    assert not pepper[pepper != sound].any()
    assert noisy(sound, "none", 0.3) is sound


@pytest.mark.parametrize("kind", NOISES[1:])
def test_noise_is_drawn_from_its_generator(kind):
    sound = batch(clip())
    first, again, other = (noisy(sound, kind, 0.1, random(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_unknown_noise_is_refused():
    with pytest.raises(BadSpec, match="pepper"):
        noisy(torch.zeros(1, 4), "sugar", 0.1)


def test_a_host_is_the_loudest_clip_at_its_level_and_never_clips():
    samples = np.concatenate([0.01 * clip(0, 3_000), clip(1, 3_000), 0.01 * clip(2, 3_000)])
    np.testing.assert_allclose(host(samples, 3_000), levelled(samples[3_000:6_000]), atol=1e-6)
    click = np.zeros(3_000, np.float32)
    click[7] = 0.5
    assert np.abs(levelled(click)).max() == pytest.approx(0.9)


def test_pictures_become_planes_and_bytes_again():
    assert np.array_equal(to_bytes(planes(picture())), picture())
    grey = to_bytes(planes(picture(colours=1)))
    assert grey.shape == (16, 16, 3)
    assert np.array_equal(grey[..., 0], picture(colours=1)[..., 0])


def test_material_draws_from_its_generator_and_holds_its_fixed_examples():
    material = Material([speak(1.0).samples, speak(0.2).samples], [sample_covers()["coffee"]], 5_952, 16)
    drawn = [material.draw(3, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert drawn[0][0].shape == (3, 5_952)
    assert drawn[0][1].shape == (3, 3, 16, 16)
    for one, same, other in zip(*drawn, strict=True):
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)
    fixed = list(material.fixed())
    assert len(fixed) == 1
    assert np.array_equal(fixed[0][1], planes(thumbnail(sample_covers()["coffee"], 16)))
    with pytest.raises(BadData, match="sound"):
        Material([speak(0.2).samples], [sample_covers()["coffee"]], 5_952, 16)
    with pytest.raises(BadData, match="picture"):
        Material([speak(1.0).samples], [sample_covers()["coffee"][:8]], 5_952, 16)


@given(st.binary(max_size=60), st.integers(1, 8))
def test_lsb_returns_the_message_and_changes_no_more_than_its_bits(message, bits):
    pcm = np.random.default_rng(0).integers(-(2**15), 2**15, 500).astype(np.int16)
    stego = lsb.hide(pcm, message, bits)
    assert lsb.reveal(stego, len(message), bits) == message
    assert np.array_equal(stego >> bits, pcm >> bits)
    with pytest.raises(CapacityExceeded, match="bytes do"):
        lsb.hide(pcm, bytes(500 * bits // 8 + 1), bits)
