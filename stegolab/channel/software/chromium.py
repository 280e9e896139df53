"""Chromium, driven by Playwright: what web pages do to a picture before they upload it, and what a screenshot sees.

Measured with Chromium 150 without a GPU: a canvas is bilinear with two taps an axis, whatever
``imageSmoothingQuality`` says, in steps of a sixteenth of a pixel; from half the size down the picture is halved first.
``createImageBitmap`` is bilinear with two taps for low, takes mipmaps for medium and high, and enlarges by Mitchell's
cubic for high. The browser is launched without a GPU, so that machines agree.
"""

from __future__ import annotations

import base64
from typing import Any

from ..attacks import RGB
from .backend import FACTOR, PLATFORMS_EXTRA, Backend, Software, decoded, first_line, found, half_up, png

SMOOTHINGS = ("low", "medium", "high", "off")
FORMATS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
RESIZE_QUALITIES = ("pixelated", "low", "medium", "high")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

_FUNCTIONS = """
async function blobOf(text) {
  return new Blob([Uint8Array.from(atob(text), letter => letter.charCodeAt(0))], {type: 'image/png'});
}
async function imageOf(text) {
  const image = new Image();
  image.src = URL.createObjectURL(await blobOf(text));
  try { await image.decode(); } finally { URL.revokeObjectURL(image.src); }
  return image;
}
function canvasOf(width, height) {
  return Object.assign(document.createElement('canvas'), {width, height});
}
async function fileOf(canvas, format, quality) {
  const blob = await new Promise(done => canvas.toBlob(done, 'image/' + format, quality));
  if (!blob || blob.type !== 'image/' + format) throw new Error('the canvas holds no ' + format);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
"""
_CANVAS = """
  const canvas = canvasOf(given.width, given.height), context = canvas.getContext('2d');
  context.imageSmoothingEnabled = given.smoothing !== 'off';
  if (given.smoothing !== 'off') context.imageSmoothingQuality = given.smoothing;
  context.drawImage(await imageOf(given.picture), 0, 0, given.width, given.height);
  return await fileOf(canvas, given.format, given.quality);
"""
_BITMAP = """
  const bitmap = await createImageBitmap(await blobOf(given.picture),
    {resizeWidth: given.width, resizeHeight: given.height, resizeQuality: given.resizing});
  const canvas = canvasOf(given.width, given.height);
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  return await fileOf(canvas, 'png');
"""
_PAGE = """<!doctype html><body style="margin: 0; background: white; overflow: hidden">
<img style="position: absolute; left: {left}px; top: {top}px; width: {width}px; height: {height}px"
 src="data:image/png;base64,{picture}">"""


def canvas(rgb: RGB, factor: float, smoothing: str = "low", format: str = "png", quality: float = 0.92) -> RGB:
    """Draw the picture into a smaller (or larger) canvas, each side rounded as JavaScript does, halves up.

    ``smoothing`` is ``imageSmoothingQuality``, or off. What the canvas hands out is a PNG, or a JPEG or WebP of
    ``quality`` 0 to 1, as ``toBlob`` counts it; a WebP of quality 1 is lossless.
    """
    return decoded(canvas_file(rgb, factor, smoothing, format, quality)[0])


def canvas_file(
    rgb: RGB, factor: float, smoothing: str = "low", format: str = "png", quality: float = 0.92
) -> tuple[bytes, str]:
    """Return the file itself, as :func:`canvas` sees it, and its suffix."""
    height, width = (half_up(side * factor) for side in rgb.shape[:2])
    return _drawn(_CANVAS, rgb, width, height, smoothing=smoothing, format=format, quality=quality), FORMATS[format]


def canvascap(rgb: RGB, side: int, smoothing: str = "low", format: str = "jpeg", quality: float = 0.92) -> RGB:
    """Draw it so that the longer side has at most ``side`` pixels; else as :func:`canvas`, smaller pictures too."""
    return decoded(canvascap_file(rgb, side, smoothing, format, quality)[0])


def canvascap_file(
    rgb: RGB, side: int, smoothing: str = "low", format: str = "jpeg", quality: float = 0.92
) -> tuple[bytes, str]:
    """Return the file itself, as :func:`canvascap` sees it, and its suffix."""
    return canvas_file(rgb, min(1.0, side / max(rgb.shape[:2])), smoothing, format, quality)


def bitmap(rgb: RGB, factor: float, quality: str = "low") -> RGB:
    """Scale by ``createImageBitmap``, ``quality`` being its ``resizeQuality``; sides as :func:`canvas` rounds them."""
    height, width = (half_up(side * factor) for side in rgb.shape[:2])
    return decoded(_drawn(_BITMAP, rgb, width, height, resizing=quality))


def screenshot(rgb: RGB, scale: float, margin: float = 0.0, ratio: float = 1.0) -> RGB:
    """Show the picture on a white page, and return the page as the screen has it.

    The picture is ``scale`` times as large as its pixels, in CSS pixels, and has ``margin`` times its width beside it
    on either side, and ``margin`` times its height above and below, all rounded. ``ratio`` is the screen's
    ``devicePixelRatio``: the result is so many times larger than the page.
    """
    from . import browser

    height, width = (half_up(side * scale) for side in rgb.shape[:2])
    top, left = (int(side * margin + 0.5) for side in (height, width))
    content = _PAGE.format(left=left, top=top, width=width, height=height, picture=_text(rgb))
    size = {"width": width + 2 * left, "height": height + 2 * top}

    def take(page: Any) -> bytes:
        page.set_viewport_size(size)
        page.set_content(content)
        page.evaluate("document.querySelector('img').decode()")
        return page.screenshot(type="png", scale="device", timeout=browser.PATIENCE_MS)

    return decoded(browser.ask(executable(), take, ratio))


def executable() -> str:
    """The path of the browser.

    Raises:
        FileNotFoundError: there is none.
    """
    return found(*NAMES)


def _drawn(script: str, rgb: RGB, width: int, height: int, **given: object) -> bytes:
    """What a script returns of a picture: a file."""
    from . import browser

    given |= {"picture": _text(rgb), "width": width, "height": height}

    def draw(page: Any) -> str:
        return page.evaluate(f"async given => {{ {_FUNCTIONS} {script} }}", given)

    return base64.b64decode(browser.ask(executable(), draw))


def _text(rgb: RGB) -> str:
    return base64.b64encode(png(rgb)).decode()


def _version() -> str:
    import playwright  # noqa: F401

    return first_line(executable(), "--version").partition(" built ")[0].strip()


CHROMIUM = Backend("Chromium with Playwright", f"{PLATFORMS_EXTRA}; apt install chromium", _version)
_QUALITY = (0, 1)
ATTACKS = {
    "canvas": Software(
        canvas,
        CHROMIUM,
        {"factor": FACTOR, "smoothing": SMOOTHINGS, "format": FORMATS, "quality": _QUALITY},
        canvas_file,
    ),
    "canvascap": Software(
        canvascap,
        CHROMIUM,
        {"side": (16, 16384), "smoothing": SMOOTHINGS, "format": FORMATS, "quality": _QUALITY},
        canvascap_file,
    ),
    "bitmap": Software(bitmap, CHROMIUM, {"factor": FACTOR, "quality": RESIZE_QUALITIES}),
    "screenshot": Software(screenshot, CHROMIUM, {"scale": FACTOR, "margin": (0, 2), "ratio": (0.5, 4)}),
}
