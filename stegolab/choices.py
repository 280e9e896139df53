"""The names that options choose from. Nothing is imported here, so that the command line lists them at once."""

#: What a picture must survive; see ``carrier.strengths``.
STRENGTHS = ("file", "jpeg", "social")

#: The learned carrier, the classical one, and the one whose steps follow the texture.
CARRIERS = ("inn", "lattice", "textured")

#: How visible the carrier that follows the texture may be, in multiples of what the texture masks.
VISIBILITIES = {"unseen": 1.0, "faint": 1.25, "loud": 1.6}
#: The levels that there are: a sender takes the largest that is not above what was asked for, a receiver tries all.
VISIBILITY_LEVELS = (0.5, 0.7, 1.0, 1.25, 1.6, 2.5)

#: Codecs of speech, best first, by PESQ-WB over 17 clips of clean speech. All of these can be decoded everywhere.
LADDER: tuple[str, ...] = (
    *("flac", "opus:24000", "opus:16000", "opus:12000", "opus:8000"),
    *("amrnb:12200", "amrnb:10200", "amrnb:7950", "amrnb:7400", "amrnb:6700"),
    *("opus:6000", "amrnb:5900", "amrnb:5150", "amrnb:4750"),
    *("codec2:3200", "codec2:2400", "codec2:1600", "codec2:1400", "codec2:1200", "codec2:1300", "codec2:700"),
)

#: What the names of sound files end in that are written; see ``audio.writing``.
SUFFIXES = (".wav", ".aiff", ".aif", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac")

#: What a platform lays transparent parts onto; see ``channel.uploading``.
BACKGROUNDS = ("white", "black")
