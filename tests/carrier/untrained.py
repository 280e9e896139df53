"""The learned carrier with the weights that training starts from, the same ones each time.

But for the attention, which is set to what training soon makes of it: at its start, coefficients stay so close to the
edge of their cells that a blur cannot be measured on them.
"""

import numpy as np
import torch

from stegolab.carrier.learned import LearnedCarrier
from stegolab.carrier.networks.config import ModelConfig
from stegolab.carrier.networks.model import CarrierModel


def fresh(strength, **changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CarrierModel(ModelConfig.start(strength, **changes)).eval()
    with torch.no_grad():
        model.network.attention.level.fill_(np.log(0.9 / 0.1))
    return LearnedCarrier(strength, model)
