"""A network that was written is read again: the configuration, and the weights to the digits that were kept."""

import pytest
import torch
from safetensors.torch import save_file

from stegolab.errors import BadData, CannotWrite, NotTrained
from stegolab.related import weights as shipped_weights
from stegolab.related.audio_cnn import network as audio_cnn
from stegolab.related.hide_reveal import network as hide_reveal
from stegolab.related.pixinwav import network as pixinwav
from stegolab.related.wavinwav import network as wavinwav
from stegolab.related.weights import save

NETWORKS = {
    "audio_cnn": lambda: audio_cnn.AudioCNN(audio_cnn.NetworkConfig("stft", side=16, width=4)),
    "hide_reveal": lambda: hide_reveal.HideReveal(hide_reveal.NetworkConfig(2, 8, 16, 4, residual=True)),
    "pixinwav": lambda: pixinwav.PixInWav(pixinwav.NetworkConfig("stdct-1024", embedding="luma", side=16, width=8)),
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


# --- one way to get weights, and one error when there are none ---------------------------------------------------


@pytest.mark.parametrize("name", LOAD)
def test_weights_that_do_not_ship_are_one_error_that_says_how_to_make_some(name, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped_weights, "FOLDER", tmp_path)
    with pytest.raises(NotTrained, match=r"does not ship .* python -m stegolab\.related\.NAME --out DIR"):
        {"audio_cnn": audio_cnn, "hide_reveal": hide_reveal, "pixinwav": pixinwav, "wavinwav": wavinwav}[name].shipped()


@pytest.mark.parametrize("name", LOAD)
def test_a_file_that_is_missing_or_holds_something_else_is_named(name, tmp_path):
    with pytest.raises(NotTrained, match=r"nowhere\.safetensors does not exist"):
        LOAD[name](tmp_path / "nowhere.safetensors")
    other = "wavinwav" if name != "wavinwav" else "audio_cnn"
    save(NETWORKS[other](), tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights at all")
    save_file({"x": torch.zeros(1)}, tmp_path / "bare.safetensors")
    for path in ("other", "text", "bare"):
        with pytest.raises(BadData, match=rf"{path}\.safetensors holds no weights of \w+: name the file") as said:
            LOAD[name](tmp_path / f"{path}.safetensors")
        assert len(str(said.value).splitlines()) == 1
