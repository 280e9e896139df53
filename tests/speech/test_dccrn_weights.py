"""What was saved comes back: the same network, in half the bytes."""

import pytest
import torch
from safetensors import safe_open

from stegolab.errors import CannotWrite
from stegolab.speech.dccrn import Dccrn, DccrnConfig
from stegolab.speech.dccrn_weights import load, save
from stegolab.speech.frontend import StftConfig
from stegolab.speech.losses import si_sdr

torch.set_num_threads(1)


def noise(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("config", [{}, {"mask": "R", "causal": False, "stft": StftConfig(hop=100, shape="hann")}])
def test_a_saved_network_comes_back_as_it_was(tmp_path, config):
    torch.manual_seed(0)
    model = Dccrn(DccrnConfig(channels=(4, 8), hidden=6, **config))
    model(noise(2, 4000))  # moves the running statistics
    save(model, tmp_path / "exact", torch.float32)
    found = load(tmp_path / "exact")
    assert found.config == model.config
    assert not found.training
    assert found.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in found.state_dict().items())


def test_half_precision_is_half_the_size_and_sounds_the_same(tmp_path):
    torch.manual_seed(0)
    model = Dccrn.from_size("small")
    for _ in range(4):
        model(noise(2, 4000))
    save(model, tmp_path / "half")
    save(model, tmp_path / "exact", torch.float32)
    assert (tmp_path / "half").stat().st_size < 0.6 * (tmp_path / "exact").stat().st_size
    half, exact = (load(tmp_path / name) for name in ("half", "exact"))
    assert {value.dtype for value in half.state_dict().values()} == {torch.float32}
    with torch.no_grad():
        assert si_sdr(half(noise(1, 16_000)), exact(noise(1, 16_000)), ceiling=80).item() > 40


def test_statistics_are_kept_exactly(tmp_path):
    """They span more decades than half precision holds."""
    model = Dccrn(DccrnConfig(channels=(4, 8), hidden=6))
    statistics = "encoder.0.normalise.running_covariance"
    model.get_buffer(statistics).fill_(1e6)
    save(model, tmp_path / "half")
    with safe_open(tmp_path / "half", framework="pt") as file:
        assert file.get_tensor("project.real").dtype == torch.float16
    found = load(tmp_path / "half").get_buffer(statistics)
    assert torch.equal(found, torch.full_like(found, 1e6))


def test_the_largest_size_fits_into_what_ships(tmp_path):
    save(Dccrn.from_size("full"), tmp_path / "full")
    assert (tmp_path / "full").stat().st_size < 16 * 2**20


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(CannotWrite):
        save(Dccrn(DccrnConfig(channels=(4, 8), hidden=6)), tmp_path / "no" / "such" / "folder")
