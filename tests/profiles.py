"""Colour profiles made by hand (ICC.1:2001, matrix and curves), and what they say, computed without any of it."""

import struct

import numpy as np

# columns: the primaries' XYZ, adapted to D50
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE_RGB = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
PROPHOTO = np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0000, 0.0000, 0.8249]])

LEVELS = np.linspace(0, 1, 1024)


def srgb_to_linear(v):
    """The curve of IEC 61966-2-1."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(v):
    """Its inverse."""
    v = np.clip(v, 0, 1)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def gamma(exponent):
    """A pure power as curve."""
    return lambda v: v**exponent


# name -> primaries, curve
COLOUR = {
    "Display P3": (DISPLAY_P3, srgb_to_linear),
    "Adobe RGB (1998)": (ADOBE_RGB, gamma(2.2)),
    "ProPhoto RGB": (PROPHOTO, gamma(1.8)),
    "linear sRGB": (SRGB, gamma(1.0)),
}


def profile(name, primaries=None, curve=srgb_to_linear, space=b"RGB "):
    """The bytes of a display profile; of grey, where it has no primaries."""
    text = name.encode("ascii") + b"\0"
    table = np.rint(65535 * curve(LEVELS)).astype(">u2").tobytes()
    trc = b"curv" + bytes(4) + struct.pack(">I", len(LEVELS)) + table
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
    }
    if primaries is None:
        tags[b"kTRC"] = trc
    else:
        tags |= {b"rgb"[k : k + 1] + b"XYZ": _xyz(primaries[:, k]) for k in range(3)}
        tags |= {b"rgb"[k : k + 1] + b"TRC": trc for k in range(3)}
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for key, data in tags.items():
        table += key + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    d50 = struct.pack(">iii", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + d50
    return header.ljust(128, b"\0") + table + body


def in_srgb(rgb, primaries, curve):
    """What (..., 3) uint8 in a profile are in sRGB, as floats of 0 to 255, clipped to its gamut."""
    linear = curve(rgb / 255) @ primaries.T @ np.linalg.inv(SRGB).T
    return 255 * linear_to_srgb(linear)


def _xyz(values):
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(float(v) * 65536) for v in values))
