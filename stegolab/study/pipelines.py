"""What real programs do to pictures, as whole pipelines: the study's set ``software`` (notebook 08).

Each ends as a platform's does, in a file; a family is one program, or what is done with several. Nothing is promised
for them by name: they show how far the promise holds that was made with Pillow's attacks.
"""

from __future__ import annotations

from ..channel.platforms import SOFTWARE_PLATFORMS
from .sweep import Sweep


def _sizes(scale: str, file: str, *factors: float) -> tuple[str, ...]:
    """``scale``, then ``file``, at each factor; at factor 1 ``file`` alone."""
    return tuple(file if factor == 1 else f"{scale.format(f'{factor:g}')},{file}" for factor in factors)


def _canvas(smoothing: str, file: str, *factors: float) -> tuple[str, ...]:
    return tuple(f"canvas:{factor:g}:{smoothing}:{file}" for factor in factors)


def _shown(scale: float, margins: tuple[float, ...], ratios: tuple[float, ...] = (1, 1.25, 1.5)) -> tuple[str, ...]:
    return tuple(f"screenshot:{scale:g}:{margin:g}:{ratio:g}" for margin in margins for ratio in ratios)


_VIPS, _LIBJPEG = "vips:{}", "jpeg:75"
_CANVAS_JPEG, _CANVAS_WEBP = "jpeg:0.8", "webp:0.8"
#: unsharp masks as they are commonly set: WordPress's, Discourse's, and that of ImageMagick's guide to thumbnails
_UNSHARP = ("unsharp:0.25:0.25:8:0.065", "unsharp:2:0.5:0.7:0", "unsharp:0:0.75:0.75:0.008")
_PICA = "unsharp:0:0.6:1.6:0.004"  # pica's own, as its documentation recommends it: 160 %, .6 pixels, 1 grey level

PIPELINES: tuple[Sweep, ...] = (
    Sweep(
        "libvips, mozjpeg",
        (),
        (
            *("mozjpeg:90", "mozjpeg:80", "mozjpeg:75", "mozjpeg:75:444"),
            *_sizes(_VIPS, "mozjpeg:80", 0.8, 0.713, 0.6),
            *_sizes(_VIPS, "mozjpeg:75", 0.8, 0.675, 0.6, 0.5),
            *("vips:0.6:cubic,mozjpeg:80", "vips:0.6:mks2013,mozjpeg:80"),
        ),
    ),
    Sweep("libvips, mozjpeg 60", (), _sizes(_VIPS, "mozjpeg:60", 1, 0.8, 0.675, 0.5)),
    Sweep(
        "libvips, WebP",
        (),
        (*_sizes(_VIPS, "vipswebp:80", 1, 0.8, 0.6, 0.5), *_sizes(_VIPS, "vipswebp:75", 1, 0.8, 0.6, 0.5)),
    ),
    Sweep("libvips, AVIF 50", (), _sizes(_VIPS, "avif:50", 1, 0.8, 0.6, 0.5)),
    Sweep(
        "canvas, JPEG",
        (),
        (
            *_canvas("low", _CANVAS_JPEG, 1, 0.8, 0.713, 0.675, 0.6, 0.5),
            *_canvas("medium", _CANVAS_JPEG, 0.6),
            *_canvas("high", _CANVAS_JPEG, 0.6),
        ),
    ),
    Sweep("canvas, JPEG 60", (), _canvas("low", "jpeg:0.6", 1, 0.8)),
    Sweep("canvas, WebP", (), _canvas("low", _CANVAS_WEBP, 1, 0.8, 0.6)),
    Sweep(
        "createImageBitmap",
        (),
        tuple(f"bitmap:0.6:{quality},canvas:1:low:{_CANVAS_JPEG}" for quality in ("low", "medium", "high")),
    ),
    Sweep(
        "compressed in the browser",
        (),
        (
            *_canvas("low", "jpeg:0.75", 0.6),
            *_canvas("low", "jpeg:0.6", 0.6),
            *_canvas("high", "jpeg:0.6", 0.6),
        ),
    ),
    Sweep(
        "compressed in the browser, sharpened",
        (),
        tuple(f"vips:0.6:{kernel},{_PICA},canvas:1:low:{_CANVAS_JPEG}" for kernel in ("mks2013", "lanczos3")),
    ),
    Sweep(
        "OpenCV",
        (),
        tuple(
            f"opencv:{factor}:{kernel},{_LIBJPEG}"
            for factor in (0.7, 0.5)
            for kernel in ("area", "linear", "cubic", "lanczos4")
        ),
    ),
    Sweep(
        "ImageMagick",
        (),
        (
            "magickjpeg:75",
            "magick:0.75,magickjpeg:75",
            "magick:0.75:triangle,magickjpeg:82",
            "magick:0.5,magickjpeg:75",
        ),
    ),
    Sweep("ImageMagick, sharpened", (), tuple(f"magick:0.75,{unsharp},magickjpeg:82" for unsharp in _UNSHARP)),
    Sweep("GraphicsMagick", (), _sizes("gm:{}", "gmjpeg:75", 1, 0.75, 0.5)),
    Sweep("GraphicsMagick, sharpened", (), tuple(f"gm:0.75,gm{unsharp},gmjpeg:82" for unsharp in _UNSHARP[1:])),
    Sweep(
        "GD",
        (),
        (
            *_sizes("gd:{}", _LIBJPEG, 0.75, 0.5),
            *_sizes("gd:{}:bilinear", _LIBJPEG, 0.75, 0.675, 0.5),
            *_sizes("gd:{}:bicubic", _LIBJPEG, 0.75, 0.5),
        ),
    ),
    Sweep(
        "FFmpeg",
        (),
        (
            "mjpeg:5",
            "ffmpeg:0.75:lanczos,mjpeg:3",
            "ffmpeg:0.75,mjpeg:5",
            "ffmpeg:0.6:bilinear,webp:75",
            "ffmpeg:0.5,mjpeg:5",
        ),
    ),
    Sweep("jpegli", (), ("jpegli:80", "jpegli:75", "vips:0.75,jpegli:75")),
    Sweep("jpegli 60", (), ("jpegli:60",)),
    Sweep("HEIC", (), ("heic:50", "vips:0.75,heic:50")),
    Sweep("JPEG XL", (), ("jxl:75", "vips:0.75,jxl:75")),
    Sweep(
        "two steps, one size",
        (),
        (
            *("mozjpeg:80,vipswebp:80", "canvas:1:low:jpeg:0.8,mozjpeg:80", "magickjpeg:82,jpegli:80"),
            *("mozjpeg:80,canvas:0.8:low:jpeg:0.8", "canvas:0.8:low:jpeg:0.8,mozjpeg:80"),
            *("vips:0.75,mozjpeg:80,vipswebp:80", "magick:0.75,magickjpeg:82,jpegli:80"),
        ),
    ),
    Sweep(
        "two steps, both rescale",
        (),
        (
            *("vips:1.25,mozjpeg:80,vips:0.6,mozjpeg:80", "vips:0.8,mozjpeg:80,canvas:0.8:low:jpeg:0.8"),
            *("canvas:0.8:low:jpeg:0.8,vips:0.8,mozjpeg:80", "canvas:0.75:low:jpeg:0.85,magick:0.8,magickjpeg:82"),
            *("vips:0.8,vipswebp:80,vips:0.75,mozjpeg:80", "opencv:0.8:linear,jpeg:85,vips:0.75,vipswebp:80"),
            "ffmpeg:0.75,mjpeg:3,canvas:0.8:low:jpeg:0.8",
        ),
    ),
    Sweep("screenshot, the picture alone", (), _shown(1, (0,))),
    Sweep("screenshot, stretched", (), (*_shown(0.78, (0,), (1, 1.5)), *_shown(1.17, (0,), (1, 1.5)))),
    # The page is 1.3 and 2 times as wide and high as the picture.
    Sweep("screenshot, with the page", (), _shown(1, (0.15, 0.5))),
    Sweep("platform's own software", (), tuple(f"platform:{name}" for name in SOFTWARE_PLATFORMS)),
)
