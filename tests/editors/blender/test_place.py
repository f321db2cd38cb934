"""Results on the timeline: where the strips lie, what shows, and that nothing else is touched."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate, mix_at

Blender = Callable[..., Any]
LENGTH, FADE = 60, FrameRange(24, 32)


@pytest.fixture
def manifest(counting: Callable[..., Path]) -> dict[str, Any]:
    """Keys at 15 and 40 of 0..60; the second key's strip counts on from 100."""
    first, second = counting("25", 0, 40), counting("25", 115, 45)
    return Manifest(
        job_id="test-place",
        engine_version="0.1.0",
        clip=ClipRange((str(first),), Rate.of(25), LENGTH, name="shot"),
        size=(320, 180),
        look="neural:19",
        settings={},
        keys=(KeyResult(Key(15), "a.png"), KeyResult(Key(40), "b.png")),
        strips=(
            StripFile(0, FrameRange(0, 40), FrameRange(0, FADE.end), str(first), ""),
            StripFile(1, FrameRange(15, 60), FrameRange(FADE.first, 60), str(second), ""),
        ),
        fades=(Crossfade(0, 1, FADE, 0.5),),
    ).to_json()


def test_strips_alternate_and_fade_where_the_manifest_says(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], number_on: Any, tmp_path: Path
) -> None:
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path))
    by_name = {strip["name"]: strip for strip in told["strips"]}
    assert told["meta"] == "shot restyled"
    assert (by_name["shot restyled"]["channel"], by_name["shot restyled"]["span"]) == (3, [101, 161])
    assert (by_name["key 1"]["channel"], by_name["key 1"]["span"]) == (1, [101, 133])
    assert (by_name["key 2"]["channel"], by_name["key 2"]["span"]) == (2, [125, 161])
    assert (by_name["fade 1 to 2"]["type"], by_name["fade 1 to 2"]["span"]) == ("CROSS", [125, 133])
    assert told["handles"] == [8, 9]
    assert told["muted"] == ["shot"] and by_name["shot"]["mute"]
    for n in range(LENGTH):
        if n not in FADE:
            assert number_on(told["pictures"][n]) == (n if n < FADE.first else n + 100), n


def test_a_fade_mixes_by_the_frame(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path))
    fade = Crossfade(0, 1, FADE)
    for n in FADE:
        seen = cv2.imread(told["pictures"][n], cv2.IMREAD_GRAYSCALE)
        assert seen is not None
        for bit in range(8):
            left, right = (235 if number >> bit & 1 else 16 for number in (n, n + 100))
            expected = left + (right - left) * mix_at(fade, n)
            assert abs(float(np.mean(seen[80:100, bit * 40 + 15 : bit * 40 + 25])) - expected) < 3, (n, bit)


def test_a_strip_that_was_moved_and_trimmed_shows_its_own_frames(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], number_on: Any, tmp_path: Path
) -> None:
    source = str(counting("25"))
    told = blender("places.two_keys", manifest=manifest, source=source, folder=str(tmp_path), start=7, trim=(10, 5))
    meta = next(strip for strip in told["strips"] if strip["name"] == "shot restyled")
    assert meta["span"] == [17, 62]
    assert number_on(told["pictures"][0]) == 10
    assert number_on(told["pictures"][-1]) == 154


def test_what_lay_above_the_source_lies_above_the_result(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    source = str(counting("25"))
    told = blender("places.two_keys", manifest=manifest, source=source, folder=str(tmp_path), crowd=[3, 4, 6])
    assert next(strip for strip in told["strips"] if strip["name"] == "shot restyled")["channel"] == 3
    assert told["others"] == {"other 3": 4, "other 4": 5, "other 6": 6}


def test_no_free_channel_changes_nothing(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path), over=128)
    assert told == {"error": "no-channel", "unchanged": True}


def test_a_result_file_that_is_gone_leaves_no_half_result(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    manifest["strips"][1]["file"] = str(tmp_path / "gone.mp4")
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path))
    assert told == {"error": "media-unreadable", "unchanged": True}


def test_pictures_are_placed_like_movies(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], bars: Any, number_on: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "key 2"
    folder.mkdir()
    for n in range(45):
        cv2.imwrite(str(folder / f"{n:06d}.png"), bars(115 + n))
    manifest["strips"][1]["file"] = str(folder)
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path))
    by_name = {strip["name"]: strip for strip in told["strips"]}
    assert (by_name["key 2"]["type"], by_name["key 2"]["span"]) == ("IMAGE", [125, 161])
    assert by_name["fade 1 to 2"]["span"] == [125, 133]
    assert [number_on(told["pictures"][n]) for n in (0, FADE.end, 59)] == [0, 132, 159]


def test_the_place_and_the_mix_of_the_source_are_kept(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    look = [
        ("transform.scale_x", 2.0),
        ("transform.scale_y", 1.5),
        ("transform.offset_x", 40.0),
        ("use_flip_x", True),
        ("blend_type", "ADD"),
        ("blend_alpha", 0.5),
        ("color_tag", "COLOR_02"),
    ]
    source = str(counting("25"))
    told = blender(
        "places.two_keys", manifest=manifest, source=source, folder=str(tmp_path), look=look, size=[1280, 720]
    )
    assert told["transform"] == [2.0, 1.5, 40.0]
    assert told["flip"] is True
    assert told["blend"] == ["ADD", 0.5, "COLOR_02"]


@pytest.mark.parametrize(
    ("look", "rotation", "flip"),
    [
        ([("transform.rotation", 3.1)], round(3.1 - math.pi, 4), False),
        ([("use_flip_x", True), ("use_flip_y", True)], 0.0, False),
        ([("transform.rotation", 0.2), ("use_flip_x", True)], 0.2, True),
    ],
)
def test_what_was_stood_up_by_hand_stands(
    look: Any, rotation: float, flip: bool, blender: Blender, manifest: dict[str, Any], counting: Any, tmp_path: Path
) -> None:
    given = {"manifest": manifest, "source": str(counting("25")), "folder": str(tmp_path), "trim": (28, 28)}
    told = blender("places.two_keys", look=[*look, ("restrip.turned", 180)], **given)
    if told["turns"]:  # Then Blender stood it up itself, and the editor turned it further on purpose.
        assert (told["rotation"], told["flip"]) == (dict(look).get("transform.rotation", 0), "use_flip_x" in dict(look))
    else:
        assert (told["rotation"], told["flip"]) == (pytest.approx(rotation, abs=1e-3), flip)


def test_a_source_that_fades_in_gives_a_result_that_fades_in(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    fade = [[101, 0.0], [111, 1.0]]
    told = blender("places.two_keys", manifest=manifest, source=str(counting("25")), folder=str(tmp_path), fade=fade)
    brightest = []
    for n in (0, 5, 10, 20):
        seen = cv2.imread(told["pictures"][n], cv2.IMREAD_GRAYSCALE)
        assert seen is not None
        brightest.append(int(seen.max()))
    assert brightest[0] == 0
    assert 60 < brightest[1] < 200
    assert brightest[2:] == pytest.approx([235, 235], abs=6)


def test_a_look_alone_lies_over_its_source(
    blender: Blender, manifest: dict[str, Any], counting: Callable[..., Path], tmp_path: Path
) -> None:
    alone = {**manifest, "facts": {"look_only": True}}
    source = str(counting("25"))
    told = blender("places.two_keys", manifest=alone, source=source, folder=str(tmp_path), look=[("blend_type", "ADD")])
    assert told["blend"][0] == "ALPHA_OVER"
