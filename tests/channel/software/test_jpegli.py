"""jpegli: its table and dead zone; the program where it is, else the wheel."""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stegolab.channel.software import jpegli
from stegolab.channel.spec import parse
from stegolab.errors import BadImage

from . import jpeg, luma_and_table, only_with, steps_of

COFFEE = data.coffee()[:384, :512]
# Stands in for cjpegli: keeps its arguments, and writes a JPEG by Pillow or refuses. A first line with the interpreter
# itself would do only where its path has no spaces.
PROGRAM = """#!/bin/sh
''':'
exec '{python}' "$0" "$@"
'''
import json, pathlib, sys
from PIL import Image
if sys.argv[1] == "--version":
    print("cjpegli v0.99")
elif {refuses}:
    sys.exit("Failed to decode input image")
else:
    source, result, *options = sys.argv[1:]
    pathlib.Path("{asked}").write_text(json.dumps(options))
    Image.open(source).save(result, "JPEG", quality=50)
"""


@only_with(jpegli.JPEGLI)
def test_finer_where_the_eye_looks_and_coarser_elsewhere_than_libjpeg():
    contents, suffix = parse("jpegli:75").encode(COFFEE)
    reference = io.BytesIO()
    Image.fromarray(COFFEE).save(reference, "JPEG", quality=75)
    _, table = luma_and_table(contents)
    _, libjpeg = luma_and_table(reference.getvalue())
    assert suffix == ".jpg" and jpeg(contents).layer[0][1:3] == (2, 2)
    assert table[0, 0] <= libjpeg[0, 0] and table[7, 7] < libjpeg[7, 7]
    assert len(contents) < len(reference.getvalue())


@only_with(jpegli.JPEGLI)
def test_it_sets_to_zero_what_libjpeg_keeps_with_the_same_table():
    contents = jpegli.jpegli_file(COFFEE, 75)[0]
    theirs, table = luma_and_table(contents)
    file = io.BytesIO()
    Image.fromarray(COFFEE).save(file, "JPEG", qtables=jpeg(contents).quantization, subsampling="4:2:0")
    kept, wanted = steps_of(theirs, table), steps_of(luma_and_table(file.getvalue())[0], table)
    assert np.mean((kept == 0) & (wanted != 0)) > 0.02 > 10 * np.mean((kept != 0) & (wanted == 0))


@only_with(jpegli.JPEGLI)
def test_more_quality_is_more_bytes_and_less_loss():
    sizes = [len(jpegli.jpegli_file(COFFEE, quality)[0]) for quality in (30, 60, 75, 90)]
    losses = [np.abs(jpegli.jpegli(COFFEE, quality).astype(int) - COFFEE).mean() for quality in (30, 60, 75, 90)]
    assert sizes == sorted(sizes) and losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("refuses", [False, True])
def test_the_program_is_asked_where_it_is_on_the_path(refuses, tmp_path, monkeypatch):
    program = tmp_path / "cjpegli"
    program.write_text(PROGRAM.format(python=sys.executable, asked=tmp_path / "asked", refuses=refuses))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert jpegli.JPEGLI.version() == "cjpegli v0.99" and parse("jpegli:80").missing == ()
    if refuses:
        with pytest.raises(BadImage, match="cjpegli refuses the picture: Failed to decode input image"):
            parse("jpegli:80")(COFFEE)
    else:
        contents, _ = parse("jpegli:80").encode(COFFEE)
        assert (tmp_path / "asked").read_text() == '["--quality=80", "--chroma_subsampling=420"]'
        expected = io.BytesIO()
        Image.fromarray(COFFEE).save(expected, "JPEG", quality=50)
        assert contents == expected.getvalue()
