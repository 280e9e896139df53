"""The networks: residuals that do not depend on the host, all transforms and embeddings, and rounding to 16 bits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stegolab.audio import RATE, Speech
from stegolab.errors import BadSpec
from stegolab.related.pixinwav import codec, scrambling
from stegolab.related.pixinwav.codec import as_tensor
from stegolab.related.pixinwav.config import ARCHITECTURES, EMBEDDINGS, TRANSFORMS, NetworkConfig
from stegolab.related.pixinwav.network import UNet, pcm16
from tests.related.pixinwav.small import KEY, TINY, batch, clip, model, picture


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
    sent, revealed = system(batch(clip(length=length)), as_tensor(picture()))
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
        changed = system.hide(spectrogram, as_tensor(picture()))
        assert torch.equal(changed[:, kept], spectrogram[:, kept])
        assert not torch.equal(changed[:, 1 - kept], spectrogram[:, 1 - kept])


def test_the_residual_knows_no_host_only_where_it_says_so():
    hosts, image = [batch(clip(seed)) for seed in (0, 1)], as_tensor(picture())
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
    system, image = model(replace(TINY, architecture="scaled")), as_tensor(picture())
    spectrogram = system.analyse(batch(clip()))
    louder = system.hide(2 * spectrogram, image) - 2 * spectrogram
    torch.testing.assert_close(louder, 2 * (system.hide(spectrogram, image) - spectrogram), atol=1e-5, rtol=0)


def test_plain_makes_the_container_itself_and_takes_no_key():
    system, image = model(replace(TINY, architecture="plain")), as_tensor(picture())
    spectrogram, fold = system.analyse(batch(clip())), system.embedding.fold
    laid = system.embedding.lay(image, system.size)
    made = system.embedding.unfold(system.hider(torch.cat([laid, fold(spectrogram)], 1)), system.shape)
    torch.testing.assert_close(system.hide(spectrogram, image), made, atol=1e-5, rtol=0)
    with pytest.raises(BadSpec, match="no key"):
        system.hide(spectrogram, image, torch.from_numpy(scrambling.order(KEY, *system.shape[1:])))


def test_an_unknown_architecture_is_refused():
    with pytest.raises(BadSpec, match="independent"):
        NetworkConfig(architecture="recurrent")


def test_pcm16_is_what_a_wav_file_returns_and_lets_the_gradient_through():
    samples = torch.linspace(-1.2, 1.2, 4_001).requires_grad_()
    rounded = pcm16(samples)
    read = codec.through_wav(Speech(samples.detach().numpy(), RATE))
    assert np.array_equal(read.samples, rounded.detach().numpy())
    (slope,) = torch.autograd.grad(rounded.sum(), samples)
    assert torch.equal(slope, torch.ones(4_001))


def test_a_key_moves_the_residual_within_its_frequency_and_the_same_key_moves_it_back():
    system, image = model(), as_tensor(picture())
    spectrogram = system.analyse(batch(clip()))
    order = torch.from_numpy(scrambling.order(KEY, *system.shape[1:]))
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
