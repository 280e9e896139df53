"""The counter agrees with torch's own where torch counts, and with arithmetic where it does not."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from stegolab.speech.complexnn import ComplexLSTM
from stegolab.speech.cost import layers, macs_per_second
from stegolab.speech.dccrn import Dccrn

torch.set_num_threads(1)


@pytest.mark.parametrize("causal", [True, False])
def test_convolutions_are_counted_as_torch_counts_them(causal):
    model, x = Dccrn.from_size("small", causal=causal).eval(), torch.zeros(2, 3000)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(x)
    theirs = sum(counter.get_flop_counts()["Global"].values()) / 2  # a multiplication and an addition each
    ours = sum(layer.macs for layer in layers(model, x) if "recurrent" not in layer.name)
    assert ours == pytest.approx(theirs, rel=0.02)  # frames that a deconvolution makes and drops


def test_an_lstm_multiplies_each_weight_twice_a_frame():
    (layer,) = layers(torch.nn.Sequential(ComplexLSTM(3, 5)), torch.zeros(1, 7, 6))
    assert layer.macs == 7 * 2 * 2 * 4 * 5 * (3 + 5)  # frames, LSTMs, parts, gates, hidden, inputs
    assert layer.shape == (1, 7, 10)


def test_layers_come_in_the_order_of_the_network():
    names = [layer.name for layer in layers(Dccrn.from_size("small"), torch.zeros(1, 400))]
    assert [name.split(".")[0] for name in names] == ["encoder"] * 6 + ["recurrent"] * 2 + ["project"] + ["decoder"] * 6


def test_half_the_hop_is_twice_the_work():
    fine, coarse = (macs_per_second(Dccrn.from_size("small", hop=hop)) for hop in (100, 200))
    assert fine == pytest.approx(2 * coarse, rel=0.01)


def test_counting_leaves_the_model_as_it_was():
    model = Dccrn.from_size("small").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    macs_per_second(model)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
