"""PSNR, SSIM and LPIPS behave like distances and equal their papers' formulas."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data, metrics

from stegolab.errors import BadData, BadImage
from stegolab.images import lpips, luma, psnr, ssim

COFFEE = data.coffee()


def noisy(rgb, amplitude):
    steps = np.random.default_rng(0).integers(-amplitude, amplitude + 1, rgb.shape)
    return np.clip(rgb + steps, 0, 255).astype(np.uint8)


def test_luma_is_what_pillow_rounds_to_grey():
    assert np.abs(luma(COFFEE) - np.asarray(Image.fromarray(COFFEE).convert("L"))).max() <= 0.501
    assert luma(COFFEE).dtype == np.float32


def test_psnr_of_one_level_everywhere_is_48_13_db():
    picture = np.full((32, 32, 3), 100, np.uint8)
    assert psnr(picture, picture + 1) == pytest.approx(20 * math.log10(255))
    assert psnr(picture + 1, picture) == psnr(picture, picture + 1)  # no wrap-around of unsigned differences


def test_psnr_equals_the_reference():
    assert psnr(COFFEE, noisy(COFFEE, 5)) == pytest.approx(
        metrics.peak_signal_noise_ratio(COFFEE, noisy(COFFEE, 5)), 1e-5
    )


def test_equal_pictures_are_as_near_as_can_be():
    assert psnr(COFFEE, COFFEE) == math.inf
    assert ssim(COFFEE, COFFEE) == pytest.approx(1)


@pytest.mark.parametrize("distance", [psnr, ssim])
def test_more_noise_is_less_alike(distance):
    grades = [distance(COFFEE, noisy(COFFEE, amplitude)) for amplitude in (1, 3, 10, 30)]
    assert grades == sorted(grades, reverse=True)
    assert len(set(grades)) == 4


def test_ssim_equals_wangs_formula_written_out():
    """Gaussian-weighted means, variances and covariance; C1 = (.01 L)^2, C2 = (.03 L)^2; border of 5 left out."""
    from scipy.ndimage import gaussian_filter

    def mean(z):
        return gaussian_filter(z, 1.5, truncate=3.5)

    x, y = luma(COFFEE).astype(float), luma(noisy(COFFEE, 10)).astype(float)
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 2.55**2, 7.65**2
    index = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert ssim(COFFEE, noisy(COFFEE, 10)) == pytest.approx(index[5:-5, 5:-5].mean(), abs=1e-4)


@pytest.mark.parametrize("shape", [(11, 11), (40, 23), (128, 131)])
def test_ssim_equals_scikit_images_to_the_last_digit(shape):
    rng = np.random.default_rng(shape[1])
    a = rng.integers(0, 256, (*shape, 3), np.uint8)
    b = np.clip(a.astype(int) + rng.integers(-9, 10, a.shape), 0, 255).astype(np.uint8)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    assert ssim(a, b) == metrics.structural_similarity(luma(a), luma(b), **settings)


def test_ssim_refuses_what_is_smaller_than_its_window():
    with pytest.raises(BadImage, match="11 x 11"):
        ssim(COFFEE[:10], COFFEE[:10])


@pytest.mark.parametrize("distance", [psnr, ssim, lpips])
def test_pictures_of_two_shapes_are_not_compared(distance):
    with pytest.raises(BadImage, match="resize"):
        distance(COFFEE, COFFEE[1:])


def test_lpips_without_its_backbone_names_the_script(monkeypatch, tmp_path):
    monkeypatch.setenv("STEGOLAB_CACHE", str(tmp_path))
    with pytest.raises(BadData, match=r"data_scripts/lpips_backbones\.py"):
        lpips(COFFEE, COFFEE)


def test_lpips_is_the_papers_formula_on_the_backbone_from_the_cache(monkeypatch, tmp_path):
    """Zhang et al. 2018, eq. 1: unit-normalised features, squared difference, weighted by the heads, averaged."""
    import lpips as package
    import torch
    from safetensors.torch import save_file
    from torchvision.models import alexnet

    torch.manual_seed(0)
    backbone = alexnet(weights=None).features.eval()
    (tmp_path / "lpips").mkdir()
    weights = {f"features.{key}": value for key, value in backbone.state_dict().items()}
    save_file(weights, tmp_path / "lpips" / "alex.safetensors")
    monkeypatch.setenv("STEGOLAB_CACHE", str(tmp_path))

    a, b = COFFEE[:96, :128], noisy(COFFEE[:96, :128], 20)
    heads = torch.load(Path(package.__file__).parent / "weights" / "v0.1" / "alex.pth", map_location="cpu")
    mean, std = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    x = ((torch.from_numpy(np.stack([a, b])) / 127.5 - 1 - mean) / std).permute(0, 3, 1, 2)
    expected = 0.0
    with torch.no_grad():
        for number, layer in enumerate(backbone[:12]):
            x = layer(x)
            if number in (1, 4, 7, 9, 11):  # after each rectifier
                unit = x / (x.norm(dim=1, keepdim=True) + 1e-10)
                head = heads[f"lin{(1, 4, 7, 9, 11).index(number)}.model.1.weight"]
                expected += ((unit[:1] - unit[1:]) ** 2 * head[0]).sum(dim=1).mean().item()
    assert lpips(a, b) == pytest.approx(expected, rel=1e-4)
    assert lpips(a, a) == 0
