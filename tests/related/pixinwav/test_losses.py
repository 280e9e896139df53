"""Soft-DTW against the textbook's loops, SSIM against scikit-image, and what the original's call of DTW amounts to."""

import numpy as np
import pytest
import torch

from stegolab.images import ssim
from stegolab.related.pixinwav.losses import features, soft_dtw, structure


def sequence(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def textbook(a, b, gamma):
    n, m = len(a), len(b)
    r = np.full((n + 1, m + 1), np.inf)
    r[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            ways = np.array([r[i - 1, j - 1], r[i - 1, j], r[i, j - 1]])
            if gamma:
                lowest = ways.min()
                soft = lowest - gamma * np.log(np.exp(-(ways - lowest) / gamma).sum())
            else:
                soft = ways.min()
            r[i, j] = np.square(a[i - 1] - b[j - 1]).sum() + soft
    return r[n, m]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (5, 1), (6, 6), (4, 9), (9, 4)])
@pytest.mark.parametrize("gamma", [0.1, 1.0])
def test_soft_dtw_is_the_textbooks(n, m, gamma):
    a, b = sequence(2, n, 3), sequence(2, m, 3, seed=1)
    wanted = [textbook(x.numpy(), y.numpy(), gamma) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(soft_dtw(a, b, gamma), wanted, rtol=1e-9)


def test_with_little_gamma_it_is_dtw_and_forgives_a_shift():
    a = sequence(1, 30, 2).cumsum(1)
    late = torch.cat([a[:, :1], a[:, :-1]], 1)
    assert float(soft_dtw(a, late, 1e-4)) == pytest.approx(textbook(a[0].numpy(), late[0].numpy(), 0), abs=1e-2)
    assert float(soft_dtw(a, late, 1e-4)) < 0.2 * float((a - late).square().sum())


def test_of_one_element_it_is_a_squared_error():
    """What the original does: the whole waveform is one element of a sequence of length one."""
    a, b = sequence(3, 1, 500), sequence(3, 1, 500, seed=1)
    torch.testing.assert_close(soft_dtw(a, b), (a - b).square().sum((1, 2)))


def test_its_gradient_is_right():
    a, b = sequence(1, 5, 2).requires_grad_(), sequence(1, 4, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: soft_dtw(x, y, 0.5), (a, b))


def test_features_hear_loudness_and_pitch():
    t = torch.arange(8_000) / 16_000
    low, high = (torch.sin(2 * torch.pi * f * t)[None] for f in (200.0, 3_000.0))
    assert features(low).shape == (1, 30, 24)
    assert int(features(low).mean(1).argmax()) < int(features(high).mean(1).argmax())
    assert float((features(10 * low) - features(low)).max()) == pytest.approx(np.log(100), abs=0.01)
    assert torch.isfinite(features(torch.zeros(1, 1_000))).all()


@pytest.mark.parametrize("colours", [1, 3])
def test_structure_is_images_ssim(colours):
    random = np.random.default_rng(0)
    a = random.integers(0, 256, (40, 32, colours)).astype(np.uint8)
    b = np.clip(a + random.normal(0, 40, a.shape), 0, 255).astype(np.uint8)
    found = structure(*(torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (a, b)))
    wanted = ssim(*(np.ascontiguousarray(np.broadcast_to(x, (40, 32, 3))) for x in (a, b)))
    assert float(found) == pytest.approx(wanted, abs=1e-4)
