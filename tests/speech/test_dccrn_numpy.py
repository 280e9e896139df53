"""The network without torch: equal to the one with it, whatever its shape; its memory does not grow with time."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.speech.cost import parameters
from stegolab.speech.dccrn import SIZES, Dccrn, DccrnConfig
from stegolab.speech.dccrn_numpy import NumpyDccrn
from stegolab.speech.dccrn_weights import save
from stegolab.speech.frontend import StftConfig

torch.set_num_threads(1)


def lively(config: DccrnConfig, seed: int = 0) -> Dccrn:
    """Every parameter and statistic differs from its starting value, as after training; in evaluation mode."""
    torch.manual_seed(seed)
    model = Dccrn(config)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
        for _ in range(4):
            model(0.1 * torch.randn(2, 4000))
    return model.eval()


def tiny(seed: int = 0, **config) -> Dccrn:
    return lively(DccrnConfig(channels=(4, 8, 8), hidden=6, **config), seed)


def ported(model: Dccrn, folder) -> NumpyDccrn:
    save(model, folder / "weights.safetensors", torch.float32)
    return NumpyDccrn.load(folder / "weights.safetensors")


def noise(n: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(n)).astype(np.float32)


def assert_equal(model: Dccrn, port: NumpyDccrn, samples: np.ndarray) -> None:
    with torch.no_grad():
        wanted = model(torch.from_numpy(samples)[None])[0].numpy()
    assert np.abs(wanted).max() > 0.01
    assert np.abs(wanted - samples).max() > 0.1 * np.abs(samples).max()  # it does something
    np.testing.assert_allclose(port(samples), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mask", ["E", "C", "R"])
@pytest.mark.parametrize(
    "stft", [StftConfig(), StftConfig(hop=100), StftConfig(hop=160, shape="hann"), StftConfig(window=512, hop=256)]
)
def test_it_is_the_network(tmp_path, mask, stft):
    model = tiny(mask=mask, stft=stft)
    assert_equal(model, ported(model, tmp_path), noise(20_000))


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_network_at_every_size(tmp_path, size):
    channels, hidden = SIZES[size]
    model = lively(DccrnConfig(channels, hidden))
    port = ported(model, tmp_path)
    assert port.parameters == parameters(model)
    assert_equal(model, port, noise(8_000))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    model = tiny()
    return model, ported(model, tmp_path_factory.mktemp("weights"))


@settings(max_examples=12)
@given(n=st.integers(1, 20_000))
def test_it_is_the_network_at_every_length(pair, n):
    model, port = pair
    with torch.no_grad():
        wanted = model(torch.from_numpy(noise(n))[None])[0].numpy()
    assert port(noise(n)).dtype == np.float32
    np.testing.assert_allclose(port(noise(n)), wanted, rtol=0, atol=1e-4)


def test_it_hears_a_second_at_once_and_is_the_network_s_own_stream(pair, monkeypatch):
    model, port = pair
    seen, mask = [], NumpyDccrn._mask

    def watched(self, spectra, state):
        seen.append(spectra.shape[1])
        return mask(self, spectra, state)

    monkeypatch.setattr(NumpyDccrn, "_mask", watched)
    samples = noise(20 * 16_000)
    found = port(samples)
    assert max(seen) <= 80
    assert sum(seen) == model.config.stft.frames(len(samples))
    stream = model.stream()
    wanted = torch.cat([*map(stream.push, torch.from_numpy(samples)[None].split(16_000, -1)), stream.flush()], -1)
    np.testing.assert_allclose(found, wanted[0].numpy(), rtol=0, atol=1e-4)


def test_calls_do_not_remember_one_another(pair):
    first, again = (pair[1](noise(5_000)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_silence_stays_silence(pair):
    assert not pair[1](np.zeros(5_000, np.float32)).any()


def test_a_network_that_looks_ahead_is_refused(tmp_path):
    with pytest.raises(BadSpec, match="causal=True"):
        ported(tiny(causal=False), tmp_path)


def test_it_does_without_torch():
    code = "import sys, stegolab.speech.enhancer; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
