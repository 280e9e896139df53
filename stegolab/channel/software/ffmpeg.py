"""FFmpeg, through PyAV: the scaler and the JPEG encoder of whatever handles pictures as if they were video.

Compared with the program ``ffmpeg`` 5.1 on one photograph: scaled pictures (``-vf scale=iw*.75:-1``) are equal to the
pixel; JPEG files (``-q:v 5``) have the same tables, and 7 in 10,000 of their coefficients differ between the versions.
FFmpeg's WebP is libwebp's, so ``webp`` stands for it too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import BadImage
from ..attacks import RGB
from .backend import FACTOR, Backend, Software, decoded

FLAGS = ("fast_bilinear", "bilinear", "bicubic", "neighbor", "area", "bicublin", "gauss", "sinc", "lanczos", "spline")
SUBSAMPLINGS = {"4:4:4": "yuvj444p", "4:2:2": "yuvj422p", "4:2:0": "yuvj420p"}
_TIME_BASE = Fraction(1, 25)  # any: a picture has no time


def ffmpeg(rgb: RGB, factor: float, flags: str = "bicubic") -> RGB:
    """Scale by libswscale: the width is cut off to a whole number, and the height rounded to keep the aspect ratio.

    That is ``scale=iw*FACTOR:-1``. ``flags`` is its kernel (``sws_flags``), widened when it shrinks but for neighbor
    and fast_bilinear, which is also rough: grey levels move by a few.
    """
    scaled = _filtered(rgb, ("scale", f"w=iw*{factor:.10g}:h=-1:flags={flags}"), ("format", "rgb24"))
    return np.array(scaled.to_ndarray(format="rgb24"), np.uint8)


def mjpeg(rgb: RGB, qscale: int, subsampling: str = "4:4:4") -> RGB:
    """Compress by FFmpeg's own JPEG encoder at ``qscale`` (``-q:v``) 2, the best, to 31.

    Its table is MPEG-1's for intra blocks, times ``qscale`` / 8, with a dead zone: it sets to zero what libjpeg would
    still round to one. The program keeps the chroma of a picture that was RGB, and halves it in video (4:2:0).
    """
    return decoded(mjpeg_file(rgb, qscale, subsampling)[0])


def mjpeg_file(rgb: RGB, qscale: int, subsampling: str = "4:4:4") -> tuple[bytes, str]:
    """Return the file itself, as :func:`mjpeg` sees it, and its suffix."""
    import av

    pixel_format = SUBSAMPLINGS[subsampling]
    frame = _filtered(rgb, ("scale", "flags=bicubic"), ("format", pixel_format))
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixel_format
    encoder.time_base, encoder.thread_count = _TIME_BASE, 1
    encoder.qmin = encoder.qmax = qscale
    try:
        return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]), ".jpg"
    except av.error.FFmpegError as error:
        raise _refused(error) from error


def _filtered(rgb: RGB, *filters: tuple[str, str]) -> Any:
    """The frame that comes out of a chain of filters, given with their arguments."""
    import av

    height, width = rgb.shape[:2]
    graph: Any = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format="rgb24", time_base=_TIME_BASE)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
    frame.pts, frame.time_base = 0, _TIME_BASE
    try:
        graph.link_nodes(source, *(graph.add(*one) for one in filters), graph.add("buffersink")).configure()
        graph.push(frame)
        return graph.pull()
    except av.error.FFmpegError as error:
        raise _refused(error) from error


def _refused(error: Exception) -> BadImage:
    return BadImage(f"FFmpeg refuses the picture: {error}")


def _version() -> str:
    import av

    return f"{av.ffmpeg_version_info} (PyAV {av.__version__})"


FFMPEG = Backend("FFmpeg", "pip install av", _version)
ATTACKS = {
    "ffmpeg": Software(ffmpeg, FFMPEG, {"factor": FACTOR, "flags": FLAGS}),
    "mjpeg": Software(mjpeg, FFMPEG, {"qscale": (2, 31), "subsampling": SUBSAMPLINGS}, mjpeg_file),
}
