"""Strips as clips: exactly the frames that Blender shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from restrip.client.job import clip_from_json
from restrip.media import ClipReader
from restrip.timeline import ClipRange

Blender = Callable[..., Any]
Counting = Callable[..., Path]

# rate of the movie, rate of the scene, trim at both ends, stretched to the scene's rate?
CASES = {
    "same rate": ("25", 25, (0, 70), False),
    "trimmed": ("25", 25, (17, 60), False),
    "frame by frame at another rate": ("30000/1001", 24, (31, 45), False),
    "stretched, slower scene": ("25", 24, (10, 60), True),
    "stretched, faster scene": ("24", 30, (7, 95), True),
    "stretched, NTSC in 25": ("30000/1001", 25, (33, 30), True),
}


@pytest.mark.parametrize("case", CASES)
def test_a_trimmed_strip_is_the_frames_that_blender_shows(
    case: str, blender: Blender, counting: Counting, number_on: Callable[[str], int], tmp_path: Path
) -> None:
    rate, fps, trim, stretch = CASES[case]
    movie = counting(rate)
    told = blender(
        "clips.movie",
        path=str(movie),
        media={"rate": rate, "frames": 100},
        folder=str(tmp_path),
        fps=fps,
        trim=trim,
        stretch=stretch,
    )
    clip = clip_from_json(told["clip"])
    assert told["reasons"] == []
    assert [clip.timeline_start, clip.timeline_start + clip.length] == told["span"]
    expected = [math.floor(clip.media_time(n) * Fraction(rate)) for n in range(clip.length)]
    assert [number_on(path) for path in told["pictures"]] == expected


def test_frames_hidden_before_the_content_count(
    blender: Blender, counting: Counting, number_on: Callable[[str], int], tmp_path: Path
) -> None:
    told = blender(
        "clips.movie",
        path=str(counting("25")),
        media={"rate": "25", "frames": 100},
        folder=str(tmp_path),
        trim=(3, 80),
        hide=6,
    )
    assert clip_from_json(told["clip"]).trim_in == 9
    assert number_on(told["pictures"][0]) == 9


def test_colours_of_a_movie_without_tags_are_blenders(blender: Blender, tmp_path: Path) -> None:
    movie = tmp_path / "untagged.mp4"
    rows = np.linspace(0, 255, 720, dtype=np.uint8)[:, None].repeat(1280, 1)
    colours = np.stack([rows, rows[::-1], np.full_like(rows, 40)], axis=-1)
    with av.open(str(movie), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(colours, format="rgb24")))
        container.mux(stream.encode())
    media = {"rate": "25", "frames": 4}
    told = blender("clips.movie", path=str(movie), media=media, folder=str(tmp_path), size=[1280, 720])
    clip = clip_from_json(told["clip"])
    seen = cv2.imread(told["pictures"][1])
    assert seen is not None

    def apart(clip: ClipRange) -> float:
        with ClipReader(clip) as reader:
            return float(np.abs(reader.frame(1).rgb8().astype(int) - seen[:, :, ::-1]).mean())

    assert apart(clip) < 2
    assert apart(replace(clip, untagged="bt709")) > 5


def test_a_row_of_pictures_is_taken_as_it_is(blender: Blender, counting_pictures: list[str]) -> None:
    clip = clip_from_json(blender("clips.pictures", paths=counting_pictures, trim=(2, 1)))
    assert clip.paths == tuple(counting_pictures)
    assert (clip.trim_in, clip.length) == (2, len(counting_pictures) - 3)


def test_a_still_lasts_as_long_as_its_strip(blender: Blender, counting_pictures: list[str]) -> None:
    clip = clip_from_json(blender("clips.pictures", paths=counting_pictures[:1]))
    assert clip.paths == (counting_pictures[0],) * 10
    assert (clip.trim_in, clip.length) == (0, 10)


def test_what_a_file_alone_does_not_show_is_rendered(blender: Blender, counting: Counting) -> None:
    told = blender("clips.reasons", path=str(counting("25")))
    assert told.pop("plain") == []
    assert told.pop("faded") == []
    assert told["effect"] == ["it is a speed strip"]
    assert told["cropped"] == ["it is cropped"]
    assert all(len(reasons) == 1 for reasons in told.values()), told


def test_a_missing_file_is_named(blender: Blender, tmp_path: Path) -> None:
    said = blender("clips.missing", folder=str(tmp_path))
    assert "gone.mp4" in said
