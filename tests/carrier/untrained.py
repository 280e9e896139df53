"""The learned carrier with the weights from which training starts, always the same ones.

Only the attention is set to the value that training soon reaches. At its start, coefficients stay so close to the edge
of their cells that a blur cannot be measured.
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
