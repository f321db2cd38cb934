"""Photoshop documents: what is stored, by a writer of the tests' own; and what isn't one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_files import write_psd

from restrip.media import probe, read_picture
from restrip.media.curves import srgb_decoded
from restrip.media.files import MediaUnreadable
from restrip.media.pictures.painting import read_painting

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("psd_tools"), reason="needs psd-tools")

RNG = np.random.default_rng(3)
DEEP = RNG.integers(0, 65536, (9, 13, 3)).astype(np.uint16)
BYTES = (DEEP >> 8).astype(np.uint8)


@pytest.mark.parametrize("ending", ["psd", "psb", "png"])
@pytest.mark.parametrize("values", [BYTES, DEEP], ids=["8", "16"])
def test_every_bit_of_colour(tmp_path: Path, values: np.ndarray, ending: str) -> None:
    """By what is in it, whatever its name says."""
    path = tmp_path / f"a.{ending}"
    write_psd(path, values)
    frame = read_picture(path)
    assert frame.rgb.dtype == values.dtype and (frame.rgb == values).all() and frame.alpha is None
    assert (read_painting(path).frame.rgb == values).all() and not read_painting(path).notes
    info = probe([str(path)])
    assert (info.size, info.bit_depth, info.alpha) == ((13, 9), 8 * values.dtype.itemsize, False)


@pytest.mark.parametrize("values", [BYTES[..., :1], DEEP[..., :1]], ids=["8", "16"])
def test_grey(tmp_path: Path, values: np.ndarray) -> None:
    write_psd(tmp_path / "a.psd", values, "grey")
    assert (read_picture(tmp_path / "a.psd").rgb == values).all()


def test_light_of_32_bit_goes_through_the_curve_of_srgb(tmp_path: Path) -> None:
    light = srgb_decoded(DEEP / 65535).astype(np.float32)
    light[0, 0] = 7.5
    write_psd(tmp_path / "a.psd", light)
    wanted = DEEP.copy()
    wanted[0, 0] = 65535
    assert np.abs(read_picture(tmp_path / "a.psd").rgb.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("values", [BYTES, DEEP], ids=["8", "16"])
def test_ink_and_lab(tmp_path: Path, values: np.ndarray) -> None:
    """Ink is stored as what it leaves: full values are white paper. L*a*b* of a grey is that grey."""
    white = np.iinfo(values.dtype).max
    ink = np.full((4, 5, 4), white, values.dtype)
    ink[0, 0] = (0, white, white, white)
    write_psd(tmp_path / "ink.psd", ink, "cmyk")
    picture = read_painting(tmp_path / "ink.psd")
    assert (picture.frame.rgb[1:] == white).all() and picture.frame.rgb[0, 0].tolist() == [0, white, white]
    assert "without a printer's profile" in picture.notes[0]
    grey = np.full((4, 5, 3), round(white * 128 / 255), values.dtype)
    grey[..., 0] = round(white * 0.5)  # L* 50 is a reflectance of .184, which sRGB codes as .466.
    write_psd(tmp_path / "lab.psd", grey, "lab")
    shown = read_picture(tmp_path / "lab.psd").rgb[0, 0] / white
    assert np.abs(shown - 0.466).max() < 0.004


@pytest.mark.parametrize("values", [BYTES, DEEP], ids=["8", "16"])
@pytest.mark.parametrize("over_white", [True, False])
def test_transparency(tmp_path: Path, values: np.ndarray, over_white: bool) -> None:
    """Photoshop stores the colours over white, other programs as they are: both come out straight."""
    white = np.iinfo(values.dtype).max
    part = np.linspace(0.2, 1, 13)[None, :, None] * np.ones((9, 1, 1))
    stored = values * part + white * (1 - part) if over_white else values
    planes = np.rint(np.dstack([stored, part * white])).astype(values.dtype)
    write_psd(tmp_path / "a.psd", planes, alpha=True)
    frame = read_picture(tmp_path / "a.psd")
    assert frame.alpha is not None and np.abs(frame.alpha / white - part[..., 0]).max() < 0.003
    assert np.abs(frame.rgb.astype(float) - values).max() / white < (0.02 if over_white else 0.005)
    assert probe([str(tmp_path / "a.psd")]).alpha


def test_without_a_flattened_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_psd(tmp_path / "a.psd", BYTES, merged=False)
    picture = read_painting(tmp_path / "a.psd")
    assert (picture.frame.rgb == BYTES).all() and "put together here" in picture.notes[0]
    monkeypatch.setitem(sys.modules, "psd_tools.composite", None)
    with pytest.raises(MediaUnreadable, match="flattened") as caught:
        read_picture(tmp_path / "a.psd")
    assert "Maximize compatibility" in caught.value.remedy


def test_what_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_psd(tmp_path / "whole.psd", BYTES)
    whole = (tmp_path / "whole.psd").read_bytes()
    for cut in (0, 5, 30, len(whole) - 40):
        (tmp_path / "cut.psd").write_bytes(whole[:cut])
        with pytest.raises(MediaUnreadable):
            read_picture(tmp_path / "cut.psd")
    write_psd(tmp_path / "many.psd", BYTES, "multichannel")
    with pytest.raises(MediaUnreadable, match="multichannel"):
        read_picture(tmp_path / "many.psd")
    Image.fromarray(BYTES).save(tmp_path / "really.psd", format="PNG")
    assert (read_picture(tmp_path / "really.psd").rgb == BYTES).all()
    monkeypatch.setitem(sys.modules, "psd_tools", None)
    with pytest.raises(MediaUnreadable, match="psd-tools") as caught:
        read_picture(tmp_path / "whole.psd")
    assert "pip install psd-tools" in caught.value.remedy
