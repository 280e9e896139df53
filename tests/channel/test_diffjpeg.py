"""The differentiable JPEG is libjpeg's: its tables, its coefficients, its pixels, up to the last bit."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from stegolab.channel import attacks, diffjpeg
from stegolab.channel.rounding import ROUNDINGS, nearest
from stegolab.errors import BadSpec

torch.set_num_threads(1)

COFFEE = data.coffee()[100:301, 100:335]  # odd sides
CAMERA = data.camera()[100:356, 150:406]
SUBSAMPLINGS = attacks.SUBSAMPLINGS


def batch(*pictures, dtype=torch.float32):
    return torch.stack([torch.from_numpy(np.array(picture)).permute(2, 0, 1).to(dtype) for picture in pictures])


def grey(plane):
    return np.repeat(plane[..., None], 3, axis=2)


def random_colours(height, width, seed=0):
    """A partly smooth picture, so that neither chroma nor high frequencies are empty."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), dtype=np.uint8))
    return np.clip(np.asarray(coarse.resize((width, height))) + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(
        np.uint8
    )


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_tables_are_those_in_pillows_files(quality):
    file = io.BytesIO()
    Image.fromarray(COFFEE[:16, :16]).save(file, "JPEG", quality=quality)
    luma, chroma = diffjpeg.quantisation_tables(quality)
    theirs = vars(Image.open(file))["quantization"]
    assert luma.flatten().tolist() == theirs[0]
    assert chroma.flatten().tolist() == theirs[1]


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_grey_coefficients_are_libjpegs(quality):
    """Pillow's grey pixels tell libjpeg's coefficients: their DCT, divided by the table, is whole to the rounding."""
    soft = np.clip(CAMERA, 30, 225)  # nothing is clipped, so that nothing is lost
    file = io.BytesIO()
    Image.fromarray(soft).save(file, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(file))
    theirs = diffjpeg.analyse(batch(grey(decoded)), quality, "4:4:4", integers=False)[0]
    told = (theirs - nearest(theirs)).abs() < 0.3  # at quality 90 a few fine ones are not, for all pixels are rounded
    assert told.float().mean() > 0.95
    ours = nearest(diffjpeg.analyse(batch(grey(soft)), quality, "4:4:4")[0])
    assert (ours == nearest(theirs))[told].float().mean() > 0.995
    assert (ours - nearest(theirs))[told].abs().max() <= 1
    assert (ours != 0).float().mean() > 0.05  # there was something to compare


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_colour_pixels_are_pillows(quality, subsampling):
    theirs = batch(attacks.jpeg(COFFEE, quality, subsampling))
    ours = diffjpeg.jpeg(batch(COFFEE), quality, subsampling)
    error = (ours - theirs).abs()
    assert error.mean() < 0.2
    assert error.flatten().quantile(0.99) <= 2
    assert (error == 0).float().mean() > 0.9


@pytest.mark.parametrize(
    ("height", "width"), [(8, 8), (16, 16), (17, 31), (9, 50), (33, 15), (64, 7), (1, 40), (40, 24)]
)
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_the_edges_are_filled_as_libjpeg_fills_them(height, width, subsampling):
    pictures = [random_colours(height, width, seed) for seed in range(6)]
    real = batch(*(attacks.jpeg(picture, 50, subsampling) for picture in pictures))
    error = (diffjpeg.jpeg(batch(*pictures), 50, subsampling) - real).abs()
    assert error.shape == (6, 3, height, width)
    assert error.mean() < 0.25
    assert error[..., -1, :].mean() < 0.5  # the last row and column are where padding shows
    assert error[..., :, -1].mean() < 0.5


@pytest.mark.parametrize("level", [0, 1, 77, 100, 101, 128, 254, 255])
@pytest.mark.parametrize("quality", [10, 50, 75])
def test_flat_pictures_are_exact(level, quality):
    """Their coefficients are often exact halves, which must be rounded as in libjpeg."""
    flat = np.full((24, 24, 3), level, np.uint8)
    assert torch.equal(diffjpeg.jpeg(batch(flat), quality), batch(attacks.jpeg(flat, quality)))


def test_pictures_of_a_batch_do_not_mix():
    one, other = random_colours(24, 40, 1), random_colours(24, 40, 2)
    both = diffjpeg.jpeg(batch(one, other), 60)
    torch.testing.assert_close(both, torch.cat([diffjpeg.jpeg(batch(x), 60) for x in (one, other)]))


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_synthesis_undoes_analysis_but_for_the_chroma(subsampling):
    picture = batch(grey(CAMERA[:41, :51]), dtype=torch.float64)
    levels = diffjpeg.analyse(picture, 50, subsampling, integers=False)
    back = diffjpeg.synthesise(levels, 50, subsampling, (41, 51), integers=False)
    torch.testing.assert_close(back, picture, atol=1e-2, rtol=0)  # JFIF's coefficients are rounded to 2⁻¹⁶


@pytest.mark.parametrize("rounding", ["cubic", "fourier", "none"])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_the_gradient_of_a_smooth_rounding_is_the_slope(rounding, subsampling):
    """The gradient along random directions equals finite differences in double precision."""
    picture = batch(random_colours(24, 31), dtype=torch.float64).requires_grad_()
    weights = torch.randn(1, 3, 24, 31, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def loss(x):
        return (weights * diffjpeg.jpeg(x, 60, subsampling, rounding, integers=False)).sum()

    (gradient,) = torch.autograd.grad(loss(picture), picture)
    for seed in range(3):
        direction = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        with torch.no_grad():
            slope = (loss(picture + 1e-6 * direction) - loss(picture - 1e-6 * direction)) / 2e-6
        torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_straight_through_has_the_gradient_of_no_rounding(subsampling):
    gradients = []
    for rounding, integers in (("straight-through", True), ("none", False)):
        leaf = batch(COFFEE[:40, :48]).requires_grad_()
        (diffjpeg.jpeg(leaf, 50, subsampling, rounding, integers) * batch(COFFEE[50:90, :48])).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().max() > 0


def test_cubic_and_fourier_lie_between_rounding_and_none():
    real = batch(attacks.jpeg(COFFEE, 50))
    error = {name: (diffjpeg.jpeg(batch(COFFEE), 50, rounding=name) - real).square().mean() for name in ROUNDINGS}
    assert error["straight-through"] < error["cubic"] < error["fourier"] < 0.2 * error["none"]


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_nearer_to_pillow_than_kornias(quality):
    """Kornia's, after Reich et al. 2024, is JPEG 4:2:0 with a polynomial for the rounding."""
    kornia = pytest.importorskip("kornia")
    picture = batch(COFFEE[:192, :224])
    theirs = 255 * kornia.enhance.jpeg_codec_differentiable(picture / 255, torch.tensor([float(quality)]))
    real = batch(attacks.jpeg(COFFEE[:192, :224], quality))
    ours = diffjpeg.jpeg(picture, quality)
    assert (theirs - ours).square().mean() < 7  # the same codec: over 39 dB
    assert (ours - real).square().mean() < 0.1 * (theirs - real).square().mean()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0,), "quality"), ((101,), "quality"), ((50, "4:1:1"), "subsampling"), ((50, "4:2:0", "floor"), "rounding")],
)
def test_out_of_range_is_refused_by_name(arguments, named):
    with pytest.raises(BadSpec, match=f"^{named} must be"):
        diffjpeg.jpeg(batch(COFFEE[:16, :16]), *arguments)
