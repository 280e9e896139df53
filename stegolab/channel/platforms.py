"""What named platforms do to an uploaded photograph, as far as it has been published.

Platforms change without notice and choose their settings by picture, client and network: these presets are channels to
test against, not statements about a service. Every figure has its source and year, and says whether it is ``cited``
(the source measured it, or is the platform's own code or statement) or ``assumed`` (commonly reported, or chosen by us
to be strict). All platforms strip metadata, and so does every attack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One step of a preset, written as in an attack specification, and where it comes from."""

    step: str
    status: Literal["cited", "assumed"]
    source: str
    year: int


@dataclass(frozen=True)
class Platform:
    """A named channel; ``spec`` is what the parser of attack specifications reads."""

    name: str
    what: str
    figures: tuple[Figure, ...]

    @property
    def spec(self) -> str:
        """The steps in order, for example ``cap:1280,jpeg:87``."""
        return ",".join(figure.step for figure in self.figures)


_PHOTO_TACO = "J. Harmon, Photo Taco, Dimensions and Quality for Social Media Photo Sharing (uploads measured)"
_STACK_EXCHANGE = "Signal Processing Stack Exchange, question 74275 (one download examined; it varies by picture)"
_TELEGRAM_SIDE = "Telegram Desktop source code, storage/localimageloader.cpp: 1280 px, Qt's smooth scaling"
_TELEGRAM_JPEG = "Telegram Desktop source code, storage/localimageloader.cpp: quality 87, progressive"
_TWITTER_JPEG = (
    "N. O'Brien, Twitter developer community, Upcoming changes to PNG image support: transcoded to 85 % JFIF quality"
)
_DISCOURSE = "Discourse source code, default of recompress_original_jpg_quality"
_MASTODON_SIDE = "Mastodon source code, app/models/media_attachment.rb: 1,638,400 pixels, the area of 1280 x 1280"
_MASTODON_JPEG = "Mastodon source code, app/models/media_attachment.rb: -quality 90 -strip"
_WORDPRESS_SIDE = "WordPress source code, big_image_size_threshold"
_WORDPRESS_WEBP = "WordPress source code, WP_Image_Editor::get_default_quality"
_COMMON = "commonly reported by users, no measurement we could verify"
_OURS = "our choice"

_MASTODON_AREA = "as remembered of Mastodon's code, not looked up: 8,294,400 pixels, the area of 2880 x 2880"
_MASTODON_VIPS = (
    "Mastodon source code, lib/paperclip/vips_lazy_thumbnail.rb: no quality for a JPEG that stays one; libvips takes 75"
)
_DISCOURSE_WIDTH = "Discourse source code, config/site_settings.yml: max_image_width 690"
_DISCOURSE_UNSHARP = "Discourse source code, app/models/optimized_image.rb: -unsharp 2x0.5+0.7+0"
_DISCOURSE_PREVIEW = "Discourse source code, config/site_settings.yml: image_preview_jpg_quality 90"
_DISCOURSE_WORKER = "Discourse source code, media-optimization-worker.js: width 1920, Lanczos 3, Squoosh (here libvips)"
_DISCOURSE_MOZJPEG = "Discourse source code, media-optimization-worker.js: mozjpeg, table 3, encode_quality 75"
_WORDPRESS_LARGE = (
    "as remembered of WordPress, not looked up: large_size_w 1024; WP_Image_Editor_Imagick, FILTER_TRIANGLE"
)
_WORDPRESS_UNSHARP = "WordPress source code, WP_Image_Editor_Imagick: unsharpMaskImage( 0.25, 0.25, 8, 0.065 )"
_WORDPRESS_JPEG = "WordPress source code, WP_Image_Editor: default_quality 82"
_CANVAS = "Mastodon source code, javascript/mastodon/utils/resize_image.js: canvas of 1280, toBlob without a quality"

_WHAT = {
    "whatsapp": "photograph sent in standard quality",
    "telegram": "photograph sent as a photo, not as a file",
    "facebook": "photograph in a post",
    "instagram": "photograph in the feed",
    "twitter": "photograph in a post, largest size, not uploaded as JPEG (from the web those are kept since 2019)",
    "forum": "attachment shrunk by the forum's software",
    "mastodon": "photograph in a post",
    "wordpress": "photograph in a blog that has its pictures made into WebP",
    "cdn": "photograph in a feed, delivered by a network that makes it into AVIF for the screen it goes to",
    "email": "attachment that the mail program offers to shrink",
}
_FIGURES = (
    ("whatsapp", Figure("cap:1600", "assumed", _COMMON, 2024)),
    ("whatsapp", Figure("jpeg:75", "assumed", _COMMON, 2024)),
    ("telegram", Figure("cap:1280:bilinear", "cited", _TELEGRAM_SIDE, 2021)),
    ("telegram", Figure("jpeg:87:420:progressive", "cited", _TELEGRAM_JPEG, 2021)),
    ("facebook", Figure("cap:1920", "cited", _PHOTO_TACO, 2021)),
    ("facebook", Figure("jpeg:85:420:progressive", "cited", _STACK_EXCHANGE, 2021)),
    ("instagram", Figure("cap:1080", "cited", _PHOTO_TACO, 2021)),
    ("instagram", Figure("jpeg:75", "assumed", _COMMON, 2024)),
    ("twitter", Figure("cap:4096", "cited", _PHOTO_TACO, 2021)),
    ("twitter", Figure("jpeg:85", "cited", _TWITTER_JPEG, 2018)),
    ("forum", Figure("cap:1920", "assumed", _OURS, 2026)),
    ("forum", Figure("jpeg:90", "cited", _DISCOURSE, 2025)),
    ("mastodon", Figure("cap:1280", "cited", _MASTODON_SIDE, 2019)),
    ("mastodon", Figure("jpeg:90", "cited", _MASTODON_JPEG, 2019)),
    ("wordpress", Figure("cap:2560", "cited", _WORDPRESS_SIDE, 2019)),
    ("wordpress", Figure("sharpen:1.2", "assumed", _OURS, 2026)),
    ("wordpress", Figure("webp:86", "cited", _WORDPRESS_WEBP, 2021)),
    ("cdn", Figure("cap:2048:lanczos", "assumed", _OURS, 2026)),
    ("cdn", Figure("sharpen:1.2", "assumed", _OURS, 2026)),
    ("cdn", Figure("avif:60", "assumed", _OURS, 2026)),
    ("email", Figure("cap:1280", "assumed", _OURS, 2026)),
    ("email", Figure("jpeg:75", "assumed", _OURS, 2026)),
)
PLATFORMS: dict[str, Platform] = {
    name: Platform(name, what, tuple(figure for platform, figure in _FIGURES if platform == name))
    for name, what in _WHAT.items()
}

_BY_SOFTWARE = {
    "mastodon_vips": "photograph uploaded as a JPEG to a server of Mastodon 4.3 or later, where it uses libvips",
    "discourse": "photograph as it is shown in a post of a forum",
    "discourse_upload": "photograph that a forum's page shrinks in the browser before it uploads it",
    "wordpress_imagick": "photograph in a blog, uploaded as a JPEG, at the largest size that a post shows",
    "canvas_upload": "photograph that a page shrinks in a canvas before it uploads it as a JPEG",
}
_STEPS_OF_SOFTWARE = (
    ("mastodon_vips", Figure("vipscap:2880", "assumed", _MASTODON_AREA, 2023)),
    ("mastodon_vips", Figure("jpeg:75", "cited", _MASTODON_VIPS, 2024)),
    ("discourse", Figure("magickcap:690", "cited", _DISCOURSE_WIDTH, 2023)),
    ("discourse", Figure("unsharp:2:0.5:0.7:0", "cited", _DISCOURSE_UNSHARP, 2019)),
    ("discourse", Figure("magickjpeg:90", "cited", _DISCOURSE_PREVIEW, 2023)),
    ("discourse_upload", Figure("vipscap:1920", "cited", _DISCOURSE_WORKER, 2023)),
    ("discourse_upload", Figure("mozjpeg:75", "cited", _DISCOURSE_MOZJPEG, 2023)),
    ("wordpress_imagick", Figure("magickcap:1024:triangle", "assumed", _WORDPRESS_LARGE, 2020)),
    ("wordpress_imagick", Figure("unsharp:0.25:0.25:8:0.065", "cited", _WORDPRESS_UNSHARP, 2020)),
    ("wordpress_imagick", Figure("magickjpeg:82", "cited", _WORDPRESS_JPEG, 2020)),
    ("canvas_upload", Figure("canvascap:1280", "cited", _CANVAS, 2018)),
)
#: Presets in the platform's own software (:mod:`.software`), where its code is public. No study set of the published
#: results holds them.
SOFTWARE_PLATFORMS: dict[str, Platform] = {
    name: Platform(name, what, tuple(figure for platform, figure in _STEPS_OF_SOFTWARE if platform == name))
    for name, what in _BY_SOFTWARE.items()
}
#: Everything that ``platform:NAME`` may name.
PRESETS = PLATFORMS | SOFTWARE_PLATFORMS
