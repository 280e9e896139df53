"""The front end: exact inverse at every length and hop, equal to torch's own STFT, the same in chunks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stegolab.errors import BadSpec
from stegolab.speech.frontend import (
    Stft,
    StftConfig,
    StreamingAnalyser,
    StreamingSynthesiser,
    as_channels,
    as_complex,
    compress,
)

torch.set_num_threads(1)

CONFIGS = [StftConfig(hop=hop, shape=shape) for hop in (100, 133, 160, 200) for shape in ("sqrt_hann", "hann")]
configs = st.sampled_from(CONFIGS)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def complex_noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.complex(noise(*shape, seed=seed), noise(*shape, seed=seed + 1))


def chunks(x: torch.Tensor, sizes: list[int]) -> list[torch.Tensor]:
    """``x`` cut after each size, then the rest."""
    cuts = torch.tensor(sizes, dtype=torch.long).cumsum(0).clamp_max(x.shape[-1])
    return list(x.tensor_split(cuts, dim=-1))


@given(configs, st.integers(1, 3000))
def test_the_inverse_is_exact_up_to_the_edges(config, n):
    stft, x = Stft(config), noise(2, n)
    spectrogram = stft(x)
    assert spectrogram.shape == (2, 257, config.frames(n))
    torch.testing.assert_close(stft.synthesise(spectrogram, n), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [StftConfig(), StftConfig(640, 160, 1024, "hann"), StftConfig(320, 120, 320)])
def test_analysis_is_torchs_own(config):
    x = noise(2, 2345)
    window = torch.nn.functional.pad(Stft(config).window, (0, config.fft - config.window))
    after = (config.frames(2345) - 1) * config.hop + config.fft - config.overlap - 2345
    padded = torch.nn.functional.pad(x, (config.overlap, after))
    theirs = torch.stft(padded, config.fft, config.hop, window=window, center=False, return_complex=True)
    torch.testing.assert_close(Stft(config)(x), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_frame_ends_where_it_says(config):
    """Sample n has an effect from frame n // hop on, and not earlier."""
    for n in (0, 399, 400, 1234):
        impulse = torch.zeros(1, 2000)
        impulse[0, n] = 1
        heard = Stft(config)(impulse).abs().sum(1)[0] > 1e-3  # the window begins at zero
        first = int(heard.nonzero()[0])
        assert first in (n // config.hop, n // config.hop + 1)
        assert not Stft(config)(impulse)[..., : n // config.hop].abs().any()


@pytest.mark.parametrize("config", CONFIGS)
def test_synthesis_is_the_least_squares_inverse(config):
    stft, n = Stft(config), 1500
    wild = complex_noise(1, 257, config.frames(n))  # no waveform has this spectrogram
    wild.imag[:, [0, -1]] = 0
    best = stft.synthesise(wild, n)

    def distance(waveform: torch.Tensor) -> float:
        power = (stft(waveform) - wild).abs().double().square()
        return float(2 * power.sum() - power[:, [0, -1]].sum())  # the inner bins stand for two frequencies

    for seed in range(5):
        for size in (0.01, 1.0):
            assert distance(best + size * noise(1, n, seed=seed)) > distance(best)


@given(configs, st.integers(1, 2500), st.lists(st.integers(0, 700), max_size=6))
def test_frames_of_a_stream_are_those_of_the_whole(config, n, sizes):
    stft, x = Stft(config), noise(2, n)
    analyser = StreamingAnalyser(stft, batch=2)
    frames = [analyser.push(chunk) for chunk in chunks(x, sizes)] + [analyser.flush()]
    torch.testing.assert_close(torch.cat(frames, -1), stft(x), rtol=1e-5, atol=1e-5)


@given(configs, st.integers(1, 2500), st.lists(st.integers(0, 7), max_size=6))
def test_samples_of_a_stream_are_those_of_the_whole(config, n, sizes):
    stft = Stft(config)
    spectrogram = complex_noise(2, 257, config.frames(n))
    synthesiser = StreamingSynthesiser(stft, batch=2)
    samples = torch.cat([synthesiser.push(chunk) for chunk in chunks(spectrogram, sizes)], -1)
    assert samples.shape[-1] >= n
    torch.testing.assert_close(samples[:, :n], stft.synthesise(spectrogram, n), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"window": 300}, "20 to 40 ms"),
        ({"window": 700, "hop": 350, "fft": 1024}, "20 to 40 ms"),
        ({"hop": 99}, "50 to 75 %"),
        ({"hop": 201}, "50 to 75 %"),
        ({"fft": 256}, "does not hold"),
        ({"shape": "boxcar"}, "sqrt_hann, hann"),
    ],
)
def test_sizes_that_speech_is_not_analysed_with_are_refused(sizes, said):
    with pytest.raises(BadSpec, match=said):
        StftConfig(**sizes)


def test_autocast_changes_nothing():
    x = noise(1, 1000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        spectrogram = Stft()(x)
        back = Stft().synthesise(spectrogram, 1000)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-5)


def test_compression_keeps_phase_and_takes_the_power():
    z = complex_noise(50)
    quiet = compress(z, 0.3)
    torch.testing.assert_close(quiet.abs(), z.abs() ** 0.3)
    torch.testing.assert_close(quiet.angle(), z.angle())


def test_compression_of_silence_has_a_finite_gradient():
    z = torch.zeros(3, dtype=torch.complex64, requires_grad=True)
    compress(z).abs().sum().backward()
    assert z.grad is not None and torch.isfinite(torch.view_as_real(z.grad)).all()


def test_channels_and_complex_numbers_are_two_names_of_one_thing():
    z = complex_noise(2, 5, 7)
    assert as_channels(z).shape == (2, 2, 5, 7)
    assert torch.equal(as_channels(z)[:, 0], z.real)
    assert torch.equal(as_complex(as_channels(z)), z)
