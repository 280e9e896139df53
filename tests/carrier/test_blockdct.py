"""The block DCT is an orthonormal transform: it undoes itself, keeps energy, and is SciPy's and JPEG's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dctn

from stegolab.carrier.blockdct import analyse, basis, blur_gain, forward, inverse, some, synthesise, zigzag
from stegolab.carrier.sync.geometry import TURNS, facing

SIZES = (8, 16, 32)
sizes = st.sampled_from(SIZES)
seeds = st.integers(0, 2**32 - 1)

# ITU-T T.81, figure 5, as (vertical, horizontal); figure A.6 numbers the same path.
T81_FIRST = [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0)]
T81_LAST = [(6, 7), (7, 6), (7, 7)]


def plane(seed: int, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(dtype)


def cut(whole: np.ndarray, size: int) -> np.ndarray:
    return whole[..., : whole.shape[-2] // size * size, : whole.shape[-1] // size * size]


@given(seeds, sizes, st.integers(1, 70), st.integers(1, 70), st.sampled_from([(), (2,), (2, 3)]))
def test_the_inverse_gives_back_whole_blocks(seed, size, height, width, lead):
    x = plane(seed, (*lead, height, width))
    z = forward(x, size)
    assert z.shape == (*lead, height // size, width // size, size, size)
    assert z.dtype == np.float32
    np.testing.assert_allclose(inverse(z), cut(x, size), atol=1e-3)


@given(seeds, sizes)
def test_the_inverse_is_as_exact_as_the_type(seed, size):
    x = plane(seed, (2 * size, 3 * size), np.float64)
    np.testing.assert_allclose(inverse(forward(x, size)), x, atol=1e-9)


@given(seeds, sizes)
def test_energy_is_kept(seed, size):
    x = plane(seed, (2 * size, 3 * size), np.float64)
    np.testing.assert_allclose(np.square(forward(x, size)).sum((-2, -1, -3, -4)), np.square(x).sum(), rtol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_the_basis_is_orthonormal_and_starts_with_the_mean(size):
    matrix = basis(size).astype(np.float64)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(size), atol=1e-6)
    flat = forward(np.full((size, size), 7.0), size)[0, 0]
    assert flat[0, 0] == pytest.approx(7 * size, rel=1e-6)
    assert np.abs(flat.ravel()[1:]).max() < 1e-4


@given(seeds, sizes)
def test_it_is_scipys_of_each_block(seed, size):
    x = plane(seed, (2 * size + 3, 3 * size + 1), np.float64)
    z = forward(x, size)
    for row, column in np.ndindex(2, 3):
        block = x[row * size : (row + 1) * size, column * size : (column + 1) * size]
        np.testing.assert_allclose(z[row, column], dctn(block, norm="ortho"), atol=1e-9)


@given(seeds, sizes)
def test_vertical_detail_is_in_the_first_index(seed, size):
    stripes = np.repeat(plane(seed, (size, 1), np.float64), size, axis=1)
    z = forward(stripes, size)[0, 0]
    assert np.abs(z[:, 1:]).max() < 1e-4 < np.abs(z[1:, 0]).max()


@pytest.mark.parametrize("size", SIZES)
def test_tensors_get_what_arrays_get(size):
    x = plane(1, (2, 2 * size + 5, 3 * size))
    z = forward(torch.from_numpy(x), size)
    assert isinstance(z, torch.Tensor)
    np.testing.assert_allclose(z.numpy(), forward(x, size), atol=1e-3)
    np.testing.assert_allclose(inverse(z).numpy(), cut(x, size), atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_the_gradient_passes_through(size):
    x = torch.from_numpy(plane(2, (size + 3, 2 * size))).requires_grad_()
    forward(x, size).square().sum().backward()  # Parseval: half the gradient is x itself, and zero at the border
    assert x.grad is not None
    np.testing.assert_allclose(x.grad[:size].numpy() / 2, x.detach()[:size].numpy(), atol=1e-3)
    assert not x.grad[size:].any()


def test_zigzag_is_jpegs():
    assert zigzag(8)[:10] == T81_FIRST
    assert zigzag(8)[-3:] == T81_LAST


@pytest.mark.parametrize("size", SIZES)
def test_zigzag_visits_every_frequency_once_a_step_at_a_time(size):
    path = zigzag(size)
    assert sorted(path) == [(u, v) for u in range(size) for v in range(size)]
    steps = np.abs(np.diff(np.array(path), axis=0))
    assert steps.max() == 1
    assert np.all(np.diff([u + v for u, v in path]) >= 0)


@pytest.mark.parametrize("shape", [(64, 88), (61, 90), (16, 16)])
@pytest.mark.parametrize("turn", TURNS)
def test_some_blocks_alone_are_what_they_are_among_all(shape, turn):
    """It also works on a view, without making a copy."""
    plane = facing(np.random.default_rng(0).normal(0, 50, shape).astype(np.float32), turn)
    whole = forward(plane, 8).reshape(-1, 8, 8)
    blocks = np.random.default_rng(1).integers(0, len(whole), 9)
    np.testing.assert_allclose(some(plane, 8, blocks), whole[blocks], atol=1e-3)
    assert some(plane, 8, blocks[:0]).shape == (0, 8, 8)


BAND = ((0, 1), (2, 0), (3, 5))


@pytest.mark.parametrize("size", [8, 16])
def test_a_band_is_its_frequencies_in_their_order_and_comes_back_from_samples(size):
    coefficients = np.random.default_rng(size).normal(0, 9, (2, 4, 5, len(BAND))).astype(np.float32)
    plane = synthesise(coefficients, size, BAND, (4 * size + 3, 5 * size + 1))
    assert plane.shape == (2, 4 * size + 3, 5 * size + 1) and plane.dtype == np.float32
    assert not plane[:, 4 * size :].any() and not plane[..., 5 * size :].any()
    np.testing.assert_allclose(analyse(plane, size, BAND), coefficients, atol=1e-4)
    for number, frequency in enumerate(BAND):
        np.testing.assert_array_equal(analyse(plane, size, BAND)[..., number], forward(plane, size)[..., *frequency])
    assert np.square(plane).sum() == pytest.approx(np.square(coefficients).sum(), rel=1e-5)  # nothing anywhere else


@pytest.mark.parametrize("size", [8, 16])
def test_bands_of_tensors_are_those_of_arrays_and_have_gradients(size):
    coefficients = np.random.default_rng(1).normal(0, 9, (1, 3, 2, len(BAND))).astype(np.float32)
    shape = (3 * size, 2 * size + 5)
    tensor = torch.from_numpy(coefficients).requires_grad_()
    plane = synthesise(tensor, size, BAND, shape)
    np.testing.assert_allclose(plane.detach().numpy(), synthesise(coefficients, size, BAND, shape), atol=1e-5)
    plane.square().sum().backward()
    assert tensor.grad is not None
    np.testing.assert_allclose(tensor.grad.numpy(), 2 * coefficients, atol=1e-3)  # an orthonormal map


@pytest.mark.parametrize("variance", [-0.4, 0.0, 0.7, 1.6])
def test_a_blur_leaves_of_a_frequency_what_the_fourier_transform_of_a_gaussian_says(variance):
    gain = blur_gain(BAND, 8, variance)
    for (down, right), left in zip(BAND, gain, strict=True):
        radians = np.pi * np.hypot(down, right) / 8  # a pixel
        assert left == pytest.approx(np.exp(-variance * radians**2 / 2), rel=1e-6)
    tensor = blur_gain(BAND, 8, torch.tensor([variance, 1.0]))
    assert tensor.shape == (2, len(BAND))
    np.testing.assert_allclose(tensor[0].numpy(), gain, rtol=1e-6)
    np.testing.assert_allclose(tensor[1].numpy(), blur_gain(BAND, 8, 1.0), rtol=1e-6)
