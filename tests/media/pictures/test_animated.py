"""Pictures that move, under the names of single pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from makers import number_in, numbered
from PIL import Image, features

from restrip.media import ClipReader, probe, read_picture
from restrip.media.pictures.animated import is_still, moves, webp_parts
from restrip.timeline import ClipRange, Rate

KINDS = ["webp", "png", *(["avif"] if features.check("avif") else [])]


def save(path: Path, count: int, duration: int | list[int] = 100, alpha: bool = False) -> Path:
    """An animated file of numbered pictures; with alpha the left eighth is transparent from picture 2 on."""
    pictures = []
    for number in range(count):
        values = np.dstack([numbered(number), np.full((48, 64), 255, np.uint8)])
        if alpha and number >= 2:
            values[:, :8, 3] = 0
        pictures.append(Image.fromarray(values if alpha else values[..., :3].copy()))
    options = {"webp": {"lossless": True}, "png": {}, "avif": {"quality": 90, "speed": 9}}[path.suffix[1:]]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=duration, loop=0, **options)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_movies(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / f"a.{kind}", 12)
    assert moves(str(path)) and not is_still(str(path))
    info = probe([str(path)])
    assert (info.frames, info.rate, info.pictures, info.size) == (12, Rate.of(10), 12, (64, 48))
    assert (info.vfr, info.alpha, info.audio) == (False, False, False)
    with ClipReader(ClipRange((str(path),), Rate.of(10), 12)) as reader:
        assert [number_in(reader.frame(n)) for n in (0, 11, 3, 7, 2, 2, 10, 1)] == [0, 11, 3, 7, 2, 2, 10, 1]
    with ClipReader(ClipRange((str(path),), Rate.of(20), 24)) as reader:
        assert [number_in(frame) for frame in reader.frames()] == [n // 2 for n in range(24)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_picture_is_shown_as_long_as_it_says(tmp_path: Path, kind: str) -> None:
    lengths = [100, 100, 300, 50, 50, 200]
    path = save(tmp_path / f"a.{kind}", 6, lengths, alpha=True)
    info = probe([str(path)])
    assert (info.vfr, info.alpha, round(info.duration_s, 3)) == (True, True, 0.8)
    with ClipReader(ClipRange((str(path),), Rate.of(20), 16)) as reader:
        seen = [number_in(reader.frame(n)) & 63 for n in range(16)]
        clear = reader.frame(14)
    # Bit 0 lies in the eighth that is transparent from picture 2 on, where colours may be lost.
    assert [number & 62 for number in seen] == [0] * 4 + [2] * 6 + [2, 4] + [4] * 4
    assert clear.alpha is not None and clear.alpha[:, :6].max() < 30 and clear.alpha[:, 10:].min() > 225


def test_a_webp_that_leaves_out_what_doesnt_change_is_opaque(tmp_path: Path) -> None:
    """Its encoder marks the file as transparent, as it writes only what changed."""
    path = save(tmp_path / "a.webp", 4)
    with Image.open(path) as image:
        marked = image.mode
    assert not webp_parts(str(path)).alpha, marked
    assert webp_parts(str(save(tmp_path / "b.webp", 4, alpha=True))).alpha


def test_what_doesnt_move_is_a_picture(tmp_path: Path) -> None:
    for kind in KINDS:
        path = tmp_path / f"a.{kind}"
        Image.fromarray(numbered(5)).save(path)
        assert is_still(str(path))
    for name, raw in (("cut.webp", b"RIFF\0\0\0\0WEBPVP8X"), ("cut.png", b"\x89PNG\r\n\x1a\n\0\0"), ("a.avif", b"")):
        (tmp_path / name).write_bytes(raw)
        assert not moves(str(tmp_path / name))
    assert not moves(str(tmp_path / "missing.png")) and not is_still("movie.mp4")


def test_of_a_moving_picture_read_as_a_picture_the_first_is_taken(tmp_path: Path) -> None:
    assert number_in(read_picture(save(tmp_path / "a.webp", 3))) == 0


def test_time_runs_on_its_own_clock(tmp_path: Path) -> None:
    path = save(tmp_path / "a.webp", 30, [33, 33, 34] * 10)
    info = probe([str(path)])
    assert (info.rate, info.vfr, info.frames) == (Rate.of(30), False, 30)
    assert abs(Fraction(info.duration_s).limit_denominator(1000) - 1) < Fraction(1, 500)
