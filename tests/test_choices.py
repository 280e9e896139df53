"""The names that the command line lists are those that the package knows."""

from stegolab import audio, choices
from stegolab.carrier.strengths import STRENGTHS
from stegolab.channel.uploading import BACKGROUNDS
from stegolab.message import codecs


def test_the_names_are_those_of_what_they_choose():
    assert tuple(STRENGTHS) == choices.STRENGTHS
    assert tuple(BACKGROUNDS) == choices.BACKGROUNDS
    assert choices.SUFFIXES == audio.SUFFIXES


def test_every_rung_of_the_ladder_is_a_codec():
    for rung in choices.LADDER:
        assert codecs.seconds_that_fit(rung, 10_000) > 0
