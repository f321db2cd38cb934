"""Mattes of the kinds that people have: turned, moving, folders with gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restrip.jobs.matte import Matte
from restrip.jobs.model.effective_settings import Job
from restrip.timeline import ClipRange, Key, Rate

SIZE = (48, 64)


def job(matte: Path, **settings: object) -> Job:
    clip = ClipRange(("/clip.mp4",), Rate.of(10), 6)
    return Job("job-1", clip, (Key(0),), "neural:1", settings={"matte_feather": 0.0, **settings}, matte=str(matte))


def picture(rows: int) -> Image.Image:
    """White in its first rows."""
    values = np.zeros((64, 48), np.uint8)
    values[:rows] = 255
    return Image.fromarray(values)


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "jpg"])
def test_a_turned_matte_stands_upright(tmp_path: Path, ending: str) -> None:
    """Stored on its side, as a phone or a viewer leaves it, with EXIF's word to turn it clockwise."""
    image = picture(16).rotate(90, expand=True).convert("RGB")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / f"matte.{ending}", exif=exif)
    with Matte(job(tmp_path / f"matte.{ending}"), SIZE) as matte:
        alpha = matte.alpha(0)
    assert alpha[:14].min() > 0.9 and alpha[18:].max() < 0.1


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_a_matte_that_moves_runs_with_the_clip(tmp_path: Path, ending: str) -> None:
    pictures = [picture(8 * n).convert("RGB") for n in range(6)]
    path = tmp_path / f"matte.{ending}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, lossless=True)
    with Matte(job(path), SIZE) as matte:
        assert [round(float(matte.alpha(n).mean()) * 8) for n in range(6)] == list(range(6))


def test_a_folder_with_a_gap_holds_the_one_before(tmp_path: Path) -> None:
    for n in (0, 1, 2, 4, 5):
        picture(8 * n).save(tmp_path / f"m{n}.png")
    (tmp_path / "._m0.png").write_bytes(b"no picture")
    with Matte(job(tmp_path), SIZE) as matte:
        assert [round(float(matte.alpha(n).mean()) * 8) for n in range(6)] == [0, 1, 2, 2, 4, 5]
        assert any("held at 3" in note for note in matte.notes)
