from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures, MissingControlPicture
from restrip.media import Frame, MovieWriter
from restrip.timeline import ClipRange, Rate

CLIP = ClipRange(("/anything.mp4",), Rate.of(25), 10, trim_in=20)


def write(path: Path, value: int) -> None:
    cv2.imwrite(str(path), np.full((48, 64, 3), value, np.uint8))


def value(pictures: ControlPictures, frame: int) -> float:
    return float(pictures.picture("depth", frame).mean())


def test_a_folder_counts_as_the_clips_media_does(tmp_path: Path) -> None:
    for number in (3, 23, 30):
        write(tmp_path / f"clip2_{number:05d}.png", number)
    (tmp_path / "frame 4.txt").write_text("no picture")
    assert value(ControlPictures(tmp_path), 30) == 30
    trimmed = ControlPictures(tmp_path, CLIP)
    assert value(trimmed, 3) == 23
    with pytest.raises(MissingControlPicture, match="frame 24"):
        trimmed.picture("depth", 4)


def test_one_picture_serves_every_frame(tmp_path: Path) -> None:
    write(tmp_path / "depth12.png", 77)
    assert {value(ControlPictures(tmp_path / "depth12.png", CLIP), n) for n in (0, 9)} == {77}


def test_all_that_is_a_picture_elsewhere_is_one_here(tmp_path: Path) -> None:
    """A targa, as renderers write depth, which OpenCV doesn't read: 3x2, its rows from the top."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 3, 2, 24, 0x20)
    (tmp_path / "depth.0007.tga").write_bytes(head + bytes([10, 20, 30] * 6))
    assert ControlPictures(tmp_path).picture("depth", 7).tolist() == [[[30, 20, 10]] * 3] * 2
    deep = np.full((4, 4, 3), 51 * 257, np.uint16)
    cv2.imwrite(str(tmp_path / "depth.0008.png"), deep)
    assert value(ControlPictures(tmp_path), 8) == 51


def test_a_movie_runs_with_the_clips_media(tmp_path: Path) -> None:
    movie = tmp_path / "depth.mkv"
    with MovieWriter(movie, (64, 48), Rate.of(25), "ffv1") as writer:
        for n in range(32):
            writer.write(Frame(np.full((48, 64, 3), 8 * n, np.uint8)))
    assert abs(value(ControlPictures(movie, CLIP), 3) - 8 * 23) <= 1
    assert abs(value(ControlPictures(movie), 5) - 8 * 5) <= 1


def test_what_is_not_there_or_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for path in (None, tmp_path / "gone.png", tmp_path / "broken.png"):
        with pytest.raises(MissingControlPicture):
            ControlPictures(path).picture("depth", 0)


def test_turned_hidden_and_moving_pictures(tmp_path: Path) -> None:
    """Upright as everything is; what file managers hide is none; what moves runs with the clip's media."""
    image = Image.fromarray(np.repeat(np.uint8([[[9], [200]]]), 3, axis=2))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "d_7.png", exif=exif)
    (tmp_path / "._d_7.png").write_bytes(b"no picture")
    assert ControlPictures(tmp_path).picture("depth", 7)[..., 0].tolist() == [[9], [200]]
    pictures = [Image.fromarray(np.full((48, 64, 3), 8 * n, np.uint8)) for n in range(30)]
    path = tmp_path / "moving.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, lossless=True)
    assert abs(value(ControlPictures(path, CLIP), 3) - 8 * 23) <= 1
