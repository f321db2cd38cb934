"""The whole line, for real: a strip and its markers in Blender, a running engine, strips with crossfades back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.client.client import Client
from restrip.client.job import Manifest
from restrip.media import ClipReader
from restrip.timeline import ClipRange, Rate, mix_at

Blender = Callable[..., Any]
Picture = npt.NDArray[np.uint8]


def seen(path: str) -> Picture:
    """A rendered frame of the sequence, [H, W, 3] RGB."""
    picture = cv2.imread(path)
    assert picture is not None
    return np.ascontiguousarray(picture[:, :, ::-1])


def played(path: str, rate: Rate, length: int) -> list[Picture]:
    """All frames of a movie."""
    with ClipReader(ClipRange((path,), rate, length)) as reader:
        return [reader.frame(n).rgb8() for n in range(length)]


def difference(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Mean difference in code values."""
    return float(np.mean(np.abs(a.astype(np.int16) - b)))


def test_a_trimmed_strip_comes_back_as_preview_shows_it(
    blender: Blender, engine: Client, bikes: Path, tmp_path: Path
) -> None:
    told = blender(
        "line.stylize",
        limit_s=300,
        path=str(bikes),
        folder=str(tmp_path),
        trim=[50, 176],
        marks=[66, 79, 300],
        values={"look.neural": "19", "style_strength": 0.7, "preview": True},
        size=[640, 272],
        fps=25,
    )
    manifest = Manifest.from_json(told["manifest"])
    assert (manifest.clip.trim_in, manifest.clip.length) == (50, 24)
    assert [made.key.frame for made in manifest.keys] == [5, 18]
    assert "1 marker" in told["message"]
    assert told["markers"] == [["F_66", 66], ["F_79", 79], ["F_300", 300]]
    by_name = {strip["name"]: strip for strip in told["strips"]}
    assert by_name["shot restyled"]["span"] == told["span"] == [61, 85]
    assert by_name["shot"]["mute"] is True
    fade = manifest.fades[0].frames
    assert by_name["fade 1 to 2"]["span"] == [61 + fade.first, 61 + fade.end]
    shown = [seen(path) for path in told["pictures"]]
    preview = played(manifest.preview, manifest.clip.rate, 24)
    strips = [played(strip.file, manifest.clip.rate, len(strip.frames)) for strip in manifest.strips]
    first = [strip.frames.first for strip in manifest.strips]
    # What the strips' files hold, mixed as the manifest says: exact but for Blender's own rounding (4.2 rounds more).
    for n in range(24):
        t = mix_at(manifest.fades[0], n)
        sides = [strips[side][n - first[side]] for side in (0, 1) if (1 - t, t)[side]]
        mixed = sides[0] if len(sides) == 1 else np.rint(sides[0] * (1 - t) + sides[1] * t)
        assert difference(shown[n], mixed) < 2, n
    # And what preview.mp4 shows, which was encoded once more.
    apart = [difference(a, b) for a, b in zip(shown, preview, strict=True)]
    assert np.mean(apart) < 2, apart
    # And it is restyled at all: the source looks different.
    with ClipReader(manifest.clip) as source:
        assert min(difference(shown[n], source.frame(n).rgb8()) for n in range(24)) > 8


def test_what_happens_to_a_strip_meanwhile_is_followed(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    told = blender(
        "line.changed_meanwhile", limit_s=400, path=str(carphone), values={"look.neural": "19"}, folder=str(tmp_path)
    )
    assert told["moved"] == [2, 103, 113]
    assert told["gone"] == [2, 201, 213]
    assert "gone" in told["gone said"]
    assert told["first"] == [2, 301, 313]
    assert told["again"] == [[301, 313, 2]]
    assert told["counts"][1]["segments_rendered"] == 2, told["counts"]
    assert told["muted"] is True
    laid, pulled, *kept = told["fades"]
    assert pulled == [laid[0], laid[1] - 1]
    assert kept == [pulled, pulled], "a fade between keys that stay is the editor's"
    assert told["removed"] == [False, "", ["again"]]
    assert told["in another file"] == []
    assert told["offered"] == ["later", "waiting", ["later"]]
    assert told["placed"] == [2, 401, 413]
    assert engine.jobs("*")[0].placed_by.startswith("blender")


def test_keyframes_are_suggested_painted_and_prompted(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    painted = str(tmp_path / "painted.png")
    with ClipReader(ClipRange((str(carphone),), Rate.of(30000, 1001), 30)) as reader:
        rgb = reader.frame(9).rgb
    cv2.imwrite(painted, np.roll(255 - rgb // 2, (2, -5), (0, 1)))
    told = blender("line.keyframes", path=str(carphone), painted=painted, values={"look.neural": "19"})
    assert len(told["suggested"]) == 2
    assert all(51 <= frame < 81 and name.startswith("K (") for frame, name in told["suggested"])
    assert [60, "K: painted.png"] in told["markers"]
    assert [9, painted, None] in told["keys"]
    assert [19, None, "a hare at night"] in told["keys"]
    assert len(told["keys"]) == 4
    assert "was moved 5.0 px left and 2.0 px down: set back." in told["reported"]


def test_what_the_engine_refuses_is_said_with_the_way_out(blender: Blender, engine: Client, carphone: Path) -> None:
    told = blender("line.refused", path=str(carphone), values={"look.family": "neural", "look.neural": "99"})
    code, message, remedy = told["error"]
    assert "99" in message and remedy
    assert code in told["details"] and "Blender" in told["details"]
    assert told["can"] == ""
    assert told["no result"] and told["no seeds"]
    assert told["nothing"] == "Select a strip first"
    assert told["poll"] is False


def test_a_cropped_strip_is_rendered_first_and_only_once(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    values = {"look.neural": "19", "style_strength": 0.0}
    told = blender("line.rendered", path=str(carphone), values=values, folder=str(tmp_path))
    assert told["stages"] == ["rendering"]
    assert "it is cropped" in told["said"]
    assert told["place"] == [2, 61, 71]
    assert told["transform"] == [1.0, 0.0]
    # No style at all: the result is the source as the canvas showed it, crop and place included.
    assert difference(seen(told["source"][0]), seen(told["result"][0])) < 3
    assert told["same pictures"] is True
    assert told["counts"]["segments_rendered"] == told["counts"]["keys_rendered"] == 0


def test_effects_scenes_and_modifiers_come_back_as_they_were_seen(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    values = {"look.neural": "19", "style_strength": 0.0}
    told = blender("line.effects", path=str(carphone), values=values, folder=str(tmp_path))
    assert {"fast", "inserted"} <= set(told)
    muted: set[str] = set()
    for name, seen_of in told.items():
        assert "Rendered through the sequencer first" in seen_of["said"]
        assert seen_of["place"] == seen_of["span"]
        muted |= {"fast", "fast speed"} if name == "fast" else {name}
        assert set(seen_of["muted"]) == muted
        for source, result in zip(seen_of["source"], seen_of["result"], strict=True):
            assert difference(seen(source), seen(result)) < 3, name
        # The two frames are told apart, so it isn't one picture for all.
        assert difference(*map(seen, seen_of["source"])) > 3, name


def test_keyframes_are_suggested_for_strips_that_no_file_shows(
    blender: Blender, engine: Client, carphone: Path
) -> None:
    told = blender("line.asked_of_rendered", path=str(carphone), values={"look.neural": "19"})
    assert told["stages"] == ["rendering"]
    assert len(told["markers"]) == 2
    assert all(61 <= frame < 71 for frame, _ in told["markers"])
    assert told["jobs"] == [["Keyframes for shot", "2 keyframes suggested."]]


def test_an_engine_killed_in_the_middle_loses_nothing(blender: Blender, engine: Client, carphone: Path) -> None:
    told = blender("line.killed", path=str(carphone), values={"look.neural": "19"})
    assert "kept" in told["message"]
    assert told["place"] == [2, 1, 121]
    assert told["jobs"] == 1
