"""Laying a picture out and reading it back are inverse; so are folding a spectrogram and unfolding it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.related.pixinwav.layout import EMBEDDINGS, Embedding


def picture(colours=3, side=16):
    return torch.rand((2, colours, side, side), generator=torch.Generator().manual_seed(0))


@given(st.sampled_from(EMBEDDINGS), st.integers(1, 2), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
def test_unfolding_inverts_folding(name, channels, rows, frames, colours):
    shape = (channels, rows, frames)
    planes = torch.arange(2.0 * channels * rows * frames).reshape(2, *shape)
    embedding = Embedding(name, colours, 16)
    stack = embedding.fold(planes)
    assert tuple(stack.shape[1:]) == embedding.stack(shape)
    assert torch.equal(embedding.unfold(stack, shape), planes)


@pytest.mark.parametrize("name", EMBEDDINGS)
@pytest.mark.parametrize("colours", [1, 3])
def test_reading_inverts_laying_where_nothing_is_stretched(name, colours):
    embedding = Embedding(name, colours, 16)
    size = (32, 32) if embedding.shuffled else (16, 16)
    laid = embedding.lay(picture(colours), size)
    assert tuple(laid.shape) == (2, embedding.channels, *size)
    torch.testing.assert_close(embedding.read(laid), picture(colours))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_stretching_comes_back_smooth_but_alike(name):
    embedding = Embedding(name, 3, 16)
    back = embedding.read(embedding.lay(picture(), (96, 80)))
    assert (back - picture()).abs().mean() < 0.1


def test_pixel_shuffle_sets_each_pixel_beside_its_own_colours():
    laid = Embedding("luma", 3, 16).lay(picture(), (32, 32)) + 0.5
    red, green, blue = picture()[0, :, 5, 7]
    block = laid[0, 0, 10:12, 14:16]
    torch.testing.assert_close(
        block, torch.stack([red, green, blue, 0.299 * red + 0.587 * green + 0.114 * blue]).view(2, 2)
    )
    assert torch.allclose(Embedding("stretched", 3, 16).lay(picture(), (32, 32))[:, :, 1::2, 1::2], torch.zeros(1))


def test_brightness_that_came_twice_is_averaged():
    """An error of the fourth value changes the picture by half as much; ``stretched`` does not read it."""
    moved = {}
    for name in ("luma", "stretched"):
        embedding = Embedding(name, 3, 16)
        laid = embedding.lay(picture(), (32, 32))
        laid[:, :, 1::2, 1::2] += 0.2
        moved[name] = float((embedding.read(laid) - picture()).mean())
    assert moved == pytest.approx({"luma": 0.1, "stretched": 0.0}, abs=1e-5)


def test_in_multichannel_every_pixel_has_a_coefficient_in_every_band():
    embedding = Embedding("multichannel", 3, 4)
    rows = torch.arange(12.0)[:, None].expand(1, 1, 12, 8)
    assert sorted(embedding.fold(rows)[0, :, 1, 2].tolist()) == [1, 1, 5, 5, 9, 9]
    frames = torch.arange(8.0).expand(1, 1, 12, 8)
    assert sorted(embedding.fold(frames)[0, :, 1, 2].tolist()) == [4, 4, 4, 5, 5, 5]


def test_what_does_not_exist_is_refused():
    with pytest.raises(BadSpec, match="multichannel"):
        Embedding("folded")
    with pytest.raises(BadSpec, match="grey"):
        Embedding("luma", 4)
