"""Attacks by other software, each against what is known of it in closed form; skipped where it is not installed."""

import io

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from scipy.fft import dctn

from stegolab.channel.software import SOFTWARE, Backend


def only_with(backend: Backend) -> pytest.MarkDecorator:
    """A mark: these tests need a software."""
    return pytest.mark.skipif(not backend.here(), reason=f"{backend.name} is not installed: {backend.remedy}")


def only_where(name: str) -> pytest.MarkDecorator:
    """A mark: these tests need the software of an attack."""
    return only_with(SOFTWARE[name].needs)


def line_of(light: int, *, height: int = 48, width: int = 64, column: int = 32, ground: int = 100) -> np.ndarray:
    """A grey picture (height, width, 3) with one column of another grey level: what comes out is the kernel."""
    rgb = np.full((height, width, 3), ground, np.uint8)
    rgb[:, column] = light
    return rgb


def ramp(step: int = 2, *, height: int = 40, width: int = 100) -> np.ndarray:
    """Grey levels that grow by ``step`` a column: what comes out tells where each column was read."""
    return np.tile((np.arange(width) * step).astype(np.uint8)[None, :, None], (height, 1, 3))


def response(
    kernel, count: int, scale: float, *, widened: bool = True, width: int = 64, column: int = 32
) -> np.ndarray:
    """The weights (count,) of one column of ``width`` in a picture that is ``scale`` times smaller, centres on centres.

    ``kernel(distance)`` is in pixels of the result where it is widened when it shrinks, else in pixels of the source.
    """
    places = (np.arange(count) + 0.5) * scale - 0.5
    weights = kernel((np.arange(width)[None] - places[:, None]) / (max(scale, 1) if widened else 1))
    return weights[:, column] / weights.sum(axis=1)


def steps_of(luma: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The quantised coefficients (blocks, 8, 8) of a decoded luma plane, both sides multiples of 8."""
    height, width = luma.shape
    blocks = luma.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8) - 128.0
    return np.rint(dctn(blocks, axes=(1, 2), norm="ortho") / table).astype(int)


def jpeg(contents: bytes) -> JpegImagePlugin.JpegImageFile:
    """A JPEG, not decoded yet."""
    picture = Image.open(io.BytesIO(contents))
    assert isinstance(picture, JpegImagePlugin.JpegImageFile)
    return picture


def luma_and_table(contents: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The luma plane as the JPEG holds it, and its quantisation table (8, 8)."""
    picture = jpeg(contents)
    table = np.reshape(picture.quantization[0], (8, 8))
    picture.draft("YCbCr", picture.size)
    return np.asarray(picture)[..., 0].astype(float), table
