import numpy as np
import pytest

from stegolab.audio import RATE
from stegolab.data import cache_dir
from stegolab.errors import BadSpec, CannotWrite
from stegolab.speech import rooms as module
from stegolab.speech.rooms import EARLY, Room, rooms


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return rooms(3, seed=5, folder=tmp_path_factory.mktemp("rooms"))


def energy(samples):
    return float(np.sum(np.square(samples, dtype=np.float64)))


def decay_time(response):
    """RT60 in seconds, from the line through 5 to 25 dB of the decay."""
    left = 10 * np.log10(np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1] / energy(response))
    begin, end = np.argmax(left < -5), np.argmax(left < -25)
    return 60 / 20 * (end - begin) / RATE


def test_the_early_part_is_where_the_whole_begins(three):
    for room in three:
        assert room.early.shape == (EARLY,) and room.whole.dtype == np.float32
        assert np.array_equal(room.early, room.whole[:EARLY])
        assert np.array_equal(room.early, (room.whole - room.late)[:EARLY]) and not room.late[:EARLY].any()
        assert np.array_equal(room.late[EARLY:], room.whole[EARLY:])


def test_the_first_sample_is_the_direct_sound(three):
    """The direct sound is loudest, complete (not cut off with the part before it), and followed by a gap."""
    for room in three:
        assert np.argmax(np.abs(room.whole)) == 0 and room.whole[0] > 0
        assert np.abs(room.whole[1:8]).max() < 0.1 * room.whole[0]


def test_a_voice_in_a_room_is_in_time_with_the_dry_voice(three):
    voice = np.random.default_rng(0).normal(size=4000)
    for room in three:
        for response in (room.whole, room.early):
            match = np.correlate(np.convolve(voice, response)[: len(voice)], voice, mode="full")
            assert np.argmax(np.abs(match)) == len(voice) - 1


def test_levels_and_lengths(three):
    for room in three:
        assert np.isfinite(room.whole).all()
        assert energy(room.early) == pytest.approx(1, rel=1e-5)
        assert 0 < energy(room.late) < 4
        assert EARLY < len(room.whole) < 1.5 * RATE


def test_rooms_sound_as_long_as_they_were_asked_to(monkeypatch):
    for wanted in (0.2, 0.6):
        monkeypatch.setattr(module, "RT60", (wanted, wanted))
        assert decay_time(module.simulate(np.random.default_rng(1)).whole) == pytest.approx(wanted, rel=0.35)


def test_the_same_seed_gives_the_same_rooms_and_another_one_others(three):
    again = module.simulate(np.random.default_rng((5, 1)))  # without those before it
    assert np.array_equal(again.whole, three[1].whole)
    lengths = {len(room.whole) for room in three}
    assert len(lengths) == 3
    assert len(module.simulate(np.random.default_rng((6, 1))).whole) not in lengths


def test_rooms_are_made_once(tmp_path, monkeypatch, three):
    made = []

    def simulate(random):
        made.append(random)
        return Room(np.arange(EARLY + len(made), dtype=np.float32))

    monkeypatch.setattr(module, "simulate", simulate)
    folder = tmp_path / "new" / "folder"
    first, second = rooms(3, 1, folder), rooms(3, 1, folder)
    assert len(made) == 3
    assert all(np.array_equal(a.whole, b.whole) for a, b in zip(first, second, strict=True))
    rooms(2, 1, folder), rooms(3, 2, folder)
    assert len(made) == 8  # another count or seed is another set
    monkeypatch.setattr(module, "_VERSION", module._VERSION + 1)
    rooms(3, 1, folder)
    assert len(made) == 11  # and so is another recipe
    assert len(list(folder.iterdir())) == 4  # nothing temporary is left


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"no zip"])
def test_a_damaged_cache_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(module, "simulate", lambda random: Room(random.random(EARLY, np.float32)))
    expected = rooms(2, 0, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    for _ in range(2):
        assert np.array_equal(rooms(2, 0, tmp_path)[1].whole, expected[1].whole)


def test_the_cache_is_where_the_others_are(monkeypatch):
    monkeypatch.setattr(module, "simulate", lambda random: Room(np.ones(EARLY, np.float32)))
    rooms(1, 987)
    assert list((cache_dir() / "rooms").glob("*seed987*"))


def test_what_cannot_be(tmp_path):
    with pytest.raises(BadSpec, match="at least one"):
        rooms(0, 0, tmp_path)
    with pytest.raises(BadSpec, match="seed"):
        rooms(1, -1, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite):
        rooms(1, 0, tmp_path / "file")
