"""Pictures of the template alone."""

import numpy as np

from stegolab.carrier import blockdct
from stegolab.carrier.sync import template


def drawn(rows, columns):
    """Nothing but the template on grey."""
    coefficients = np.zeros((rows, columns, 16, 16), np.float32)
    for frequency, sign in zip(template.FREQUENCIES, template.signs(rows, columns), strict=True):
        coefficients[..., *frequency] = sign * template.STEP / 4
    return blockdct.inverse(coefficients) + 128
