"""What named platforms do to an uploaded photograph, as far as anybody has published it.

Platforms change without notice and choose their settings by picture, client and network: these presets are
channels to test against, no promise about a service. Every figure carries its source and year, and says
whether it was ``cited`` (the source measured it, or is the platform's own code or word) or is ``assumed``
(commonly reported, or picked by us on the strict side). All strip metadata: no attack lets any through.
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


_TELEGRAM = "Telegram Desktop source code, storage/localimageloader.cpp"
_PHOTO_TACO = "J. Harmon, Photo Taco, Dimensions and Quality for Social Media Photo Sharing (uploads measured)"
_TWITTER = "N. O'Brien, Twitter developer community, Upcoming changes to PNG image support"
_MASTODON = "Mastodon source code, app/models/media_attachment.rb"
_WORDPRESS = "WordPress source code"
_COMMON = "commonly reported by users, no measurement we could verify"
_OURS = "our choice"

PLATFORMS: dict[str, Platform] = {
    platform.name: platform
    for platform in (
        Platform(
            "whatsapp",
            "photograph sent in standard quality",
            (
                Figure("cap:1600", "assumed", _COMMON, 2024),
                Figure("jpeg:75", "assumed", _COMMON, 2024),
            ),
        ),
        Platform(
            "telegram",
            "photograph sent as a photo, not as a file",
            (
                Figure("cap:1280:bilinear", "cited", f"{_TELEGRAM}: 1280 px, Qt's smooth scaling", 2021),
                Figure("jpeg:87:420:progressive", "cited", f"{_TELEGRAM}: quality 87, progressive", 2021),
            ),
        ),
        Platform(
            "facebook",
            "photograph in a post",
            (
                Figure("cap:1920", "cited", _PHOTO_TACO, 2021),
                Figure(
                    "jpeg:85:420:progressive",
                    "cited",
                    "Signal Processing Stack Exchange, question 74275 (one download examined; it varies by picture)",
                    2021,
                ),
            ),
        ),
        Platform(
            "instagram",
            "photograph in the feed",
            (
                Figure("cap:1080", "cited", _PHOTO_TACO, 2021),
                Figure("jpeg:75", "assumed", _COMMON, 2024),
            ),
        ),
        Platform(
            "twitter",
            "photograph in a post, largest size, not uploaded as JPEG (from the web those are kept since 2019)",
            (
                Figure("cap:4096", "cited", _PHOTO_TACO, 2021),
                Figure("jpeg:85", "cited", f"{_TWITTER}: transcoded to 85 % JFIF quality", 2018),
            ),
        ),
        Platform(
            "forum",
            "attachment shrunk by the forum's software",
            (
                Figure("cap:1920", "assumed", _OURS, 2026),
                Figure("jpeg:90", "cited", "Discourse source code, default of recompress_original_jpg_quality", 2025),
            ),
        ),
        Platform(
            "mastodon",
            "photograph in a post",
            (
                Figure("cap:1280", "cited", f"{_MASTODON}: 1,638,400 pixels, the area of 1280 x 1280", 2019),
                Figure("jpeg:90", "cited", f"{_MASTODON}: -quality 90 -strip", 2019),
            ),
        ),
        Platform(
            "wordpress",
            "photograph in a blog that has its pictures made into WebP",
            (
                Figure("cap:2560", "cited", f"{_WORDPRESS}, big_image_size_threshold", 2019),
                Figure("sharpen:1.2", "assumed", _OURS, 2026),
                Figure("webp:86", "cited", f"{_WORDPRESS}, WP_Image_Editor::get_default_quality", 2021),
            ),
        ),
        Platform(
            "cdn",
            "photograph in a feed, delivered by a network that makes it into AVIF for the screen it goes to",
            (
                Figure("cap:2048:lanczos", "assumed", _OURS, 2026),
                Figure("sharpen:1.2", "assumed", _OURS, 2026),
                Figure("avif:60", "assumed", _OURS, 2026),
            ),
        ),
        Platform(
            "email",
            "attachment that the mail program offers to shrink",
            (
                Figure("cap:1280", "assumed", _OURS, 2026),
                Figure("jpeg:75", "assumed", _OURS, 2026),
            ),
        ),
    )
}
