"""A network that was written is read again: the configuration, and the weights to the digits that were kept."""

import pytest
import torch

from stegolab.errors import CannotWrite
from stegolab.related.audio_cnn import network as audio_cnn
from stegolab.related.hide_reveal import network as hide_reveal
from stegolab.related.pixinwav import model as pixinwav
from stegolab.related.storage import save
from stegolab.related.wavinwav import network as wavinwav

NETWORKS = {
    "audio_cnn": lambda: audio_cnn.AudioCNN(audio_cnn.NetworkConfig("stft", side=16, width=4)),
    "hide_reveal": lambda: hide_reveal.HideReveal(hide_reveal.NetworkConfig(2, 8, 16, 4, residual=True)),
    "pixinwav": lambda: pixinwav.PixInWav(pixinwav.ModelConfig("stdct-1024", embedding="luma", side=16, width=8)),
    "wavinwav": lambda: wavinwav.InvertibleNetwork(wavinwav.NetworkConfig(channels=8, couplings=2, growth=8, layers=3)),
}
LOAD = {
    "audio_cnn": audio_cnn.load, "hide_reveal": hide_reveal.load,
    "pixinwav": pixinwav.load, "wavinwav": wavinwav.load,
}  # fmt: skip


@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
@pytest.mark.parametrize("name", NETWORKS)
def test_weights_and_configuration_come_back(name, kind, tmp_path):
    torch.manual_seed(0)
    network, path = NETWORKS[name](), tmp_path / "weights.safetensors"
    save(network, path, kind)
    loaded = LOAD[name](path)
    assert loaded.config == network.config and not loaded.training
    written, read = network.state_dict(), loaded.state_dict()
    assert written.keys() == read.keys()
    for key, value in written.items():
        assert torch.equal(read[key], value.to(kind).to(value.dtype)), key
    save(loaded, tmp_path / "again.safetensors", kind)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_file_ships_in_half_precision_or_not_at_all(tmp_path):
    network = NETWORKS["wavinwav"]()
    for name, kind in (("half", torch.float16), ("whole", torch.float32)):
        save(network, tmp_path / name, kind)
    save(network, tmp_path / "shipped")
    assert (tmp_path / "shipped").read_bytes() == (tmp_path / "half").read_bytes()
    assert (tmp_path / "half").stat().st_size < 0.7 * (tmp_path / "whole").stat().st_size
    with pytest.raises(CannotWrite):
        save(network, tmp_path / "nowhere" / "weights.safetensors")
