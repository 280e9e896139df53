from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from stegolab import files
from stegolab.detect import pictures
from stegolab.detect.pictures import Setting, embed, held_out, prepare, read, sender_on
from stegolab.errors import BadData, BadSpec, CapacityExceeded
from stegolab.images import from_array, luma, psnr
from stegolab.pipeline import EveryCarrier
from stegolab.receiver import receive
from tests.covers import larger

FULL, LITTLE = Setting("lattice", "jpeg"), Setting("lattice", "jpeg", 0.1)
COVER = larger()["coffee"][:256, :256]


@pytest.fixture
def covers(tmp_path):
    paths = {f"set/{name}": tmp_path / f"{name}.png" for name in larger()}
    for path in paths.values():
        Image.fromarray(larger()[path.stem]).save(path)
    return paths


@pytest.mark.parametrize("setting", [FULL, LITTLE, Setting("lattice", "social", 0.3), Setting("lattice", "file")])
def test_what_a_detector_learns_from_is_what_a_receiver_reads(setting):
    stego, bits = embed(COVER, setting, seed=4)
    message, report = receive(from_array(stego), pictures.KEY, EveryCarrier())
    assert message == np.random.default_rng(4).bytes(bits // 8)
    assert report["strength"] == setting.strength
    assert bits == pytest.approx(8 * setting.payload * sender_on(from_array(COVER), setting).capacity(), abs=8)


def test_less_is_less_visible_and_another_seed_is_another_message():
    full, little = (embed(COVER, setting)[0] for setting in (FULL, LITTLE))
    assert psnr(COVER, full) + 4 < psnr(COVER, little)
    assert (embed(COVER, LITTLE, seed=1)[0] != little).any()
    np.testing.assert_array_equal(embed(COVER, LITTLE)[0], little)


def test_the_luma_rounded_to_bytes_loses_nothing_of_the_payload():
    stego, _ = embed(COVER, FULL)
    moved = stego.astype(int) - COVER
    free = ((stego > 0) & (stego < 255)).all(axis=2)
    assert free.mean() > 0.5 and (np.ptp(moved, axis=2)[free] == 0).all()
    change = np.rint(luma(stego)) - np.rint(luma(COVER))
    assert (change[free] == moved[..., 0][free]).mean() > 0.999  # a luma of exactly a half may fall on either side


def test_carriers_and_strengths_that_do_not_go_together_are_refused():
    with pytest.raises(BadSpec):
        sender_on(from_array(COVER), Setting("inn", "enormous"))
    with pytest.raises(CapacityExceeded):
        embed(COVER[:64, :64], Setting("lattice", "social"))


def test_crops_are_kept_with_their_source_and_what_is_too_small_left_out(covers, tmp_path):
    kept = list(prepare(covers, [FULL, LITTLE], tmp_path / "kept", side=320, crops=2))
    assert [file.name for file in kept] == ["set_coffee.0.npz", "set_coffee.1.npz"]
    one, other = read(kept, [FULL, LITTLE])
    assert one.source == other.source == "set/coffee"
    assert one.cover.shape == (320, 320) and (one.cover != other.cover).any()
    assert one.stego.keys() == {FULL.name, LITTLE.name} and one.bits[FULL.name] > 9 * one.bits[LITTLE.name]
    whole = np.rint(luma(larger()["coffee"])).astype(np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(whole, (320, 320))[:, :, ::64, ::64]
    assert (windows == one.cover[::64, ::64]).all(axis=(2, 3)).any()
    error = 10 * np.log10(255**2 / np.square(one.stego[FULL.name] - one.cover.astype(float)).mean())
    assert one.psnr_db[FULL.name] == pytest.approx(error, abs=0.3)


def test_what_was_interrupted_goes_on_and_gives_the_same(covers, tmp_path, monkeypatch):
    whole = list(prepare(covers, [FULL, LITTLE], tmp_path / "whole", side=256))
    stopped = prepare(covers, [FULL], tmp_path / "cut", side=256)
    first = next(stopped)
    del stopped
    untouched = tmp_path / "cut" / "kept"
    untouched.write_bytes(first.read_bytes())
    made = Mock(wraps=embed)
    monkeypatch.setattr(pictures, "embed", made)
    resumed = list(prepare(covers, [FULL, LITTLE], tmp_path / "cut", side=256))
    assert [call.args[1] for call in made.call_args_list] == [FULL, LITTLE] * 2  # the first crop lacked a setting
    for one, same in zip(*(read(kept, [LITTLE]) for kept in (whole, resumed)), strict=True):
        np.testing.assert_array_equal(one.stego[LITTLE.name], same.stego[LITTLE.name])
        assert (one.source, one.bits, one.psnr_db) == (same.source, same.bits, same.psnr_db)
    made.reset_mock()
    assert list(prepare(covers, [LITTLE], tmp_path / "cut", side=256)) == resumed and not made.called


def test_a_crop_is_written_whole_or_not_at_all(covers, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "savez", lambda path, **_: path.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(prepare(covers, [LITTLE], tmp_path / "kept", side=256))
    assert not list(files.folder(tmp_path / "kept").iterdir())


def test_no_picture_is_on_both_sides():
    held_out(["a", "a", "b"], ["c", "d"])
    with pytest.raises(BadData, match="b is trained on"):
        held_out(["a", "a", "b"], ["c", "b"])


def test_other_files_are_refused(tmp_path):
    (tmp_path / "other.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "another.npz", cover=np.zeros(3))
    for name in ("other.npz", "another.npz", "missing.npz"):
        with pytest.raises(BadData, match=name):
            list(read([tmp_path / name], []))
