"""Comparison with libraries that steganalysts trust, conseal and sealwatch (extra ``detect``)."""

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stegolab import data
from stegolab.detect import features
from tests.covers import larger

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STORED = Path(__file__).with_name("sealwatch_spam.json")  # what sealwatch 2025.9 makes of plane()
STRAIGHT, DIAGONAL = ((0, 1), (1, 0)), ((1, 1), (1, -1))


def plane():
    """Smooth, with a little noise: differences of every size up to the cut occur."""
    rng = np.random.default_rng(7)
    rows, columns = np.indices((41, 53))
    return (120 + 40 * np.sin(rows / 9) + 30 * np.cos(columns / 7) + rng.normal(0, 1.2, rows.shape)).astype(np.uint8)


def together(x):
    """Our counts in sealwatch's form: how often three differences occur together, the mean over four directions."""
    tables = []
    for ways in (STRAIGHT, DIAGONAL):
        counts = [table for way in ways for table in features._occurrences(x.astype(np.int16), way)]
        tables.append(np.mean([table / table.sum() for table in counts], axis=0))
    return np.array(tables).transpose(0, 3, 2, 1)  # its first difference runs fastest


def test_the_counts_behind_spam_are_sealwatchs():
    stored = np.array(json.loads(STORED.read_text())).reshape(2, 7, 7, 7)
    np.testing.assert_allclose(together(plane()), stored, atol=5e-9)  # it is stored with eight decimals
    assert np.count_nonzero(stored) > 200


def test_what_is_stored_is_what_sealwatch_says_today():
    sealwatch = pytest.importorskip("sealwatch")
    found = np.array([np.ravel(part) for part in sealwatch.spam.extract(plane()).values()])
    np.testing.assert_allclose(found.ravel(), json.loads(STORED.read_text()), atol=5e-9)
    for cover in larger().values():
        x = np.ascontiguousarray(cover[..., 1])
        ours = together(x).reshape(2, -1)
        np.testing.assert_allclose([np.ravel(p) for p in sealwatch.spam.extract(x).values()], ours, atol=1e-12)


@pytest.fixture
def baselines(monkeypatch):
    for name in ("conseal", "sealwatch"):
        pytest.importorskip(name)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import detection_baselines

    yield detection_baselines
    for name in ("detection_baselines", "detectability"):
        sys.modules.pop(name, None)


def test_baselines_change_what_they_should(baselines):
    x = np.ascontiguousarray(larger()["coffee"][:128, :128, 1])
    cover, stego, bits = baselines.hill(x, 0.4, seed=1)
    assert np.array_equal(cover, x) and bits == 0.4 * x.size
    assert set(np.unique(stego.astype(int) - x)) == {-1, 0, 1}
    cover, stego, bits = baselines.juniward(x, 0.4, seed=1)
    buffer = io.BytesIO()
    Image.fromarray(x).save(buffer, "JPEG", quality=baselines.QUALITY)
    assert np.array_equal(cover, np.asarray(Image.open(buffer))) and 0 < bits < 0.4 * x.size
    assert 0 < np.mean(cover != stego) < 0.5
    assert baselines.srmq1(x).shape == (12753,)


def test_baselines_are_measured_and_published(baselines, tmp_path, monkeypatch):
    found: dict[str, dict[str, Path]] = {}
    for number, split in enumerate(("train", "valid", "eval")):
        found[split] = {}
        for name, rgb in larger().items():
            path = tmp_path / f"{split}_{name}.png"
            Image.fromarray(np.roll(rgb, 100 * number, axis=1)).save(path)
            found[split][path.stem] = path
    monkeypatch.setattr(data, "covers", found.__getitem__)
    asked = ["--side", "128", "--crops", "1", "--hill", "0.4", "--juniward", "0.4", "--srmq1"]
    printed = io.StringIO()
    with redirect_stdout(printed):
        baselines.main([*asked, "--out", str(tmp_path / "detection_baselines.json")])
    rows = json.loads((tmp_path / "detection_baselines.json").read_text())["metrics"]["rows"]
    kinds = [(row["carrier"], row["detector"]) for row in rows]
    assert kinds == [("HILL", "features"), ("J-UNIWARD", "features"), ("inn", "features"), ("inn", "SRMQ1")]
    assert rows[0]["bits_per_pixel"] == pytest.approx(0.4) and rows[0]["psnr_db"] > 50
    assert 0 < rows[1]["bits_per_pixel"] < 0.4
    assert printed.getvalue().count("\n| ") == 4
