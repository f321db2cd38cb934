"""The timeline file, read back with OpenTimelineIO and played frame by frame."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from otio_player import Shown, play

from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.timeline import (
    ClipRange,
    Crossfade,
    FrameRange,
    Key,
    Rate,
    keys_for_shots,
    keys_from_markers,
    mix_at,
    seams_of,
    segments_of,
    strips_of,
    visible_of,
)
from restrip.timeline.otio import TimelineUnwritable, build_timeline, cut_of, write_timeline

CLIP = ClipRange(("/media/fox.mov",), Rate.of(30000, 1001), 30, trim_in=12, timeline_start=107892, name="Fox runs")
KEYS = (Key(3), Key(10, prompt="a fox in ink", seed=4, name="K: a fox in ink"), Key(20))


def made(
    clip: ClipRange = CLIP,
    keys: tuple[Key, ...] = KEYS,
    cuts: tuple[int, ...] = (),
    fades: dict[int, tuple[int, int]] | None = None,
    **more: Any,
) -> Manifest:
    """A finished job; `fades` are by their right key, the whole gap where none is given."""
    segments = segments_of(keys, clip.length, cuts)
    placed = tuple(
        replace(
            seam, frames=FrameRange(*(fades or {}).get(seam.right, (seam.frames.first, seam.frames.end))), score=1.5
        )
        for seam in seams_of(keys, segments)
    )
    strips = strips_of(keys, segments)
    shown = visible_of(strips, placed)
    return Manifest(
        job_id="20260101-fox",
        engine_version="0.1.0",
        clip=clip,
        size=(640, 360),
        look="neural:19",
        settings={},
        keys=tuple(KeyResult(key, f"/cache/{key.frame}.png") for key in keys),
        strips=tuple(
            StripFile(strip.key, strip.frames, part, f"/results/key_{strip.key:04d}.mp4", "")
            for strip, part in zip(strips, shown, strict=True)
        ),
        fades=placed,
        cuts=cuts,
        **more,
    )


def read_back(manifest: Manifest, folder: Path) -> Any:
    write_timeline(manifest, folder / "out.otio")
    return otio.adapters.read_from_file(str(folder / "out.otio"))


def items(timeline: Any, name: str) -> list[Any]:
    return list(next(track for track in timeline.tracks if track.name == name))


def frames(time_range: Any) -> tuple[float, float]:
    return time_range.start_time.value, time_range.duration.value


def expected(manifest: Manifest, frame: int) -> list[Shown]:
    """What an editor shows of the strips at a frame."""
    shown = []
    for strip in manifest.strips:
        share = Fraction(1)
        if frame not in strip.frames:
            continue
        for fade in manifest.fades:
            mix = Fraction(mix_at(fade, frame)).limit_denominator(10**6)
            share *= mix if fade.right == strip.key else 1 - mix if fade.left == strip.key else 1
        if share:
            shown.append(Shown(strip.file, Fraction(frame - strip.frames.first), share))
    return shown


def test_the_strips_meet_in_the_middle_of_their_fades(tmp_path):
    timeline = read_back(made(fades={1: (4, 9), 2: (12, 16)}), tmp_path)
    first, fade, second, other, third = items(timeline, "Restrip")
    assert [frames(clip.source_range) for clip in (first, second, third)] == [(0, 6), (3, 8), (4, 16)]
    assert [frames(clip.media_reference.available_range) for clip in (first, second, third)] == [
        (0, 10),
        (0, 17),
        (0, 20),
    ]
    assert [(t.in_offset.value, t.out_offset.value) for t in (fade, other)] == [(2, 3), (2, 2)]
    assert {t.transition_type for t in (fade, other)} == {"SMPTE_Dissolve"}
    assert fade.metadata["restrip"]["score"] == 1.5
    assert timeline.video_tracks()[1].duration().value == 30


STARTS = [
    ("25", "00:00:00:00", 0),
    ("25", "01:00:00:00", 90000),
    ("30000/1001", "10:00:00;00", 1078920),
    ("60000/1001", "01:00:00;00", 215784),
    ("24000/1001", "23:59:59:23", 2073599),
    ("25", "", 0),
]


@pytest.mark.parametrize(("rate", "timecode", "start"), STARTS)
def test_strips_with_a_timecode_are_counted_from_it(tmp_path, rate, timecode, start):
    """An editor finds nothing of a range that lies before the file's own first frame."""
    manifest = made(replace(CLIP, rate=Rate.parse(rate)), fades={1: (4, 9), 2: (12, 16)})
    manifest = replace(manifest, strips=tuple(replace(strip, timecode=timecode) for strip in manifest.strips))
    timeline = read_back(manifest, tmp_path)
    clips = [item for item in items(timeline, "Restrip") if isinstance(item, otio.schema.Clip)]
    assert [frames(c.media_reference.available_range) for c in clips] == [(start, 10), (start, 17), (start, 20)]
    assert [frames(c.source_range) for c in clips] == [(start, 6), (start + 3, 8), (start + 4, 16)]
    assert [c.markers[0].marked_range.start_time.value for c in clips] == [start + 3, start + 7, start + 10]
    assert list(play(timeline, "Restrip")) == [expected(manifest, frame) for frame in range(30)]


def test_paths_are_bare_and_clips_are_named_like_their_files(tmp_path):
    clip = items(read_back(made(), tmp_path), "Restrip")[0]
    assert clip.media_reference.target_url == "/results/key_0000.mp4"
    assert clip.name == clip.media_reference.name == "key_0000.mp4"


def test_it_starts_where_the_clip_lies_on_its_timeline_and_has_its_name(tmp_path):
    timeline = read_back(made(), tmp_path)
    assert timeline.name == "Fox runs"
    assert timeline.global_start_time == otio.opentime.RationalTime(107892, 30000 / 1001)
    assert timeline.metadata["restrip"] == {"job": "20260101-fox", "look": "neural:19"}


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "60", "25/2"])
def test_rates_are_exact(tmp_path, rate):
    timeline = read_back(made(replace(CLIP, rate=Rate.parse(rate))), tmp_path)
    assert timeline.global_start_time.rate == float(Fraction(rate))
    for clip in timeline.find_clips():
        assert clip.source_range.duration.rate == float(Fraction(rate))


def test_each_key_is_a_marker_on_its_strip_with_its_prompt(tmp_path):
    clips = [item for item in items(read_back(made(), tmp_path), "Restrip") if isinstance(item, otio.schema.Clip)]
    markers = [[(m.name, m.marked_range.start_time.value) for m in clip.markers] for clip in clips]
    assert markers == [[("Key 3", 3)], [("K: a fox in ink", 7)], [("Key 20", 10)]]
    second = clips[1].markers[0]
    assert second.metadata["restrip"] == {
        "frame": 10,
        "prompt": "a fox in ink",
        "seed": 4,
        "picture": "/cache/10.png",
    }
    assert second.metadata["Resolve_OTIO"]["Note"] == "a fox in ink"
    assert second.marked_range.duration.value == 1


def test_a_strip_over_many_keys_has_them_all_as_markers(tmp_path):
    whole = StripFile(0, FrameRange(0, 30), FrameRange(0, 30), "/results/every.mp4", "")
    timeline = read_back(replace(made(), strips=(whole,), fades=()), tmp_path)
    (clip,) = items(timeline, "Restrip")
    assert [marker.marked_range.start_time.value for marker in clip.markers] == [3, 10, 20]


def test_the_source_lies_on_the_track_below(tmp_path):
    timeline = read_back(made(), tmp_path)
    assert [track.name for track in timeline.video_tracks()] == ["Source", "Restrip"]
    (clip,) = items(timeline, "Source")
    assert clip.media_reference.target_url == "/media/fox.mov"
    assert frames(clip.source_range) == (12, 30)
    assert frames(clip.media_reference.available_range) == (0, 42)


def test_the_sources_timecode_length_and_sound_are_used_where_known(tmp_path):
    media = {"frames": 500, "rate": "25", "timecode": "10:00:00:00", "audio": True}
    timeline = read_back(made(replace(CLIP, rate=Rate.of(25)), facts={"media": media}), tmp_path)
    (clip,) = items(timeline, "Source")
    assert frames(clip.media_reference.available_range) == (900000, 500)
    assert frames(clip.source_range) == (900012, 30)
    assert [track.name for track in timeline.audio_tracks()] == ["Sound"]
    shown = [shot for at in play(timeline, "Source") for shot in at]
    assert [shot.frame for shot in shown] == list(range(12, 42))


def test_a_source_of_another_rate_is_found_by_time(tmp_path):
    media = {"frames": 500, "rate": "50", "timecode": "", "audio": False}
    timeline = read_back(made(replace(CLIP, rate=Rate.of(25)), facts={"media": media}), tmp_path)
    (clip,) = items(timeline, "Source")
    assert frames(clip.media_reference.available_range) == (0, 500)
    assert clip.media_reference.available_range.duration.rate == 50
    assert clip.source_range.start_time == otio.opentime.RationalTime(12, 25)


def test_a_source_played_frame_by_frame_says_how_fast(tmp_path):
    clip = replace(CLIP, rate=Rate.of(25), source_rate=Rate.of(50))
    timeline = read_back(made(clip), tmp_path)
    assert items(timeline, "Source")[0].effects[0].time_scalar == 0.5
    shown = [shot for at in play(timeline, "Source") for shot in at]
    assert [shot.frame for shot in shown] == list(range(12, 42))


def test_a_picture_sequence_with_a_hole_is_one_item_a_run(tmp_path):
    numbers = [*range(95, 102), *range(110, 118)]
    paths = tuple(f"/seq/fox.{number:04d}.exr" for number in numbers)
    clip = ClipRange(paths, Rate.of(24), 16, trim_in=2)
    timeline = read_back(made(clip, (Key(4),)), tmp_path)
    first, second = items(timeline, "Source")
    assert frames(first.source_range) == (2, 5)
    assert frames(second.source_range) == (0, 11)  # Eight pictures; the last is held for three more frames.
    assert first.media_reference.target_url_for_image_number(2) == "/seq/fox.0097.exr"
    assert second.media_reference.target_url_for_image_number(0) == "/seq/fox.0110.exr"
    assert first.name == "fox.[0095-0101].exr"


def test_pictures_without_numbers_are_items_of_their_own(tmp_path):
    clip = ClipRange(("/seq/one.png", "/seq/two.png"), Rate.of(24), 2)
    timeline = read_back(made(clip, (Key(1),)), tmp_path)
    assert [item.media_reference.target_url for item in items(timeline, "Source")] == ["/seq/one.png", "/seq/two.png"]


def test_strips_that_are_folders_of_pictures_are_sequences(tmp_path):
    folder = tmp_path / "key_0000"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:06d}.png").touch()
    whole = StripFile(0, FrameRange(0, 30), FrameRange(0, 30), str(folder), "")
    (clip,) = items(read_back(replace(made(), strips=(whole,), fades=()), tmp_path), "Restrip")
    assert clip.media_reference.target_url_for_image_number(29) == f"{folder}/000029.png"
    assert frames(clip.media_reference.available_range) == (0, 30)


@pytest.mark.parametrize(("fade", "cut"), [((5, 5), 5), ((5, 6), 6), ((5, 7), 6), ((5, 8), 6), ((5, 13), 9)])
def test_where_a_fade_is_cut(fade, cut):
    assert cut_of(Crossfade(0, 1, FrameRange(*fade))) == cut


@st.composite
def jobs(draw: st.DrawFn) -> Manifest:
    """Finished jobs with keys, cuts and fades anywhere that they may be."""
    length = draw(st.integers(1, 50))
    cuts = tuple(sorted(set(draw(st.lists(st.integers(1, length), max_size=3)))))
    keys, _ = keys_from_markers([Key(n) for n in draw(st.lists(st.integers(0, length - 1), max_size=7))], length)
    keys, _ = keys_for_shots(keys, length, cuts)
    fades = {}
    for seam in seams_of(keys, segments_of(keys, length, cuts)):
        first = draw(st.integers(seam.frames.first, seam.frames.end))
        fades[seam.right] = (first, draw(st.integers(first, seam.frames.end)))
    return made(replace(CLIP, length=length, rate=Rate.of(25)), keys, cuts, fades)


@given(jobs())
def test_played_frame_by_frame_it_is_what_the_manifest_says(manifest):
    text = json.dumps(build_timeline(manifest))
    played = list(play(otio.adapters.read_from_string(text, "otio_json"), "Restrip"))
    assert len(played) == manifest.clip.length
    for frame, shown in enumerate(played):
        assert shown == expected(manifest, frame)


def test_a_place_that_cant_be_written_is_named_and_nothing_stays(tmp_path):
    (tmp_path / "taken").write_text("not a folder")
    with pytest.raises(TimelineUnwritable) as refused:
        write_timeline(made(), tmp_path / "taken" / "out.otio")
    assert str(tmp_path / "taken" / "out.otio") in refused.value.message
    (tmp_path / "folder.otio").mkdir()
    with pytest.raises(TimelineUnwritable):
        write_timeline(made(), tmp_path / "folder.otio")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.otio", "taken"]


def test_without_the_package_it_is_written_all_the_same(monkeypatch, tmp_path):
    write_timeline(made(), tmp_path / "with.otio")
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    write_timeline(made(), tmp_path / "without.otio")
    assert (tmp_path / "without.otio").read_bytes() == (tmp_path / "with.otio").read_bytes()


SCHEMAS = (
    otio.schema.Timeline(),
    otio.schema.Stack(),
    otio.schema.Track(),
    otio.schema.Clip(),
    otio.schema.Transition(),
    otio.schema.Marker(),
    otio.schema.LinearTimeWarp(),
    otio.schema.ExternalReference(),
    otio.schema.ImageSequenceReference(),
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All schema objects in a file."""
    if isinstance(value, dict) and "OTIO_SCHEMA" in value:
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)


@pytest.mark.parametrize(
    "manifest",
    [
        made(facts={"media": {"frames": 500, "rate": "30000/1001", "timecode": "10:00:00;00", "audio": True}}),
        made(replace(CLIP, source_rate=Rate.of(24), name="Füchse 狐"), fades={1: (4, 9)}),
        made(ClipRange(("/seq/f.0007.exr", "/seq/f.0008.exr", "/seq/a.exr"), Rate.of(24), 3), (Key(1),)),
    ],
    ids=["movie", "other speed", "pictures"],
)
def test_every_object_has_the_fields_that_the_package_would_write(manifest, tmp_path):
    timeline = read_back(manifest, tmp_path)
    # The package's parser may miss a number's last bit.
    body, again = (
        json.loads(text, parse_float=lambda digits: float(f"{float(digits):.14g}"))
        for text in ((tmp_path / "out.otio").read_text("utf-8"), timeline.to_json_string())
    )
    assert again == body
    # Also by their names: a schema that the package doesn't know would come back as it was.
    known = [json.loads(thing.to_json_string()) for thing in SCHEMAS]
    fields = {thing["OTIO_SCHEMA"]: set(thing) for thing in known}
    fields |= {"RationalTime.1": {"OTIO_SCHEMA", "rate", "value"}}
    fields |= {"TimeRange.1": {"OTIO_SCHEMA", "duration", "start_time"}}
    for thing in objects(body):
        assert set(thing) == fields[thing["OTIO_SCHEMA"]], thing


def test_a_path_that_is_no_text_spoils_no_file(tmp_path):
    timeline = read_back(made(replace(CLIP, paths=("/media/caf\udce9.mov",))), tmp_path)
    (clip,) = items(timeline, "Source")
    assert clip.media_reference.target_url == "/media/caf?.mov"


def test_a_rate_that_no_timecode_is_made_for_keeps_the_files_length(tmp_path):
    media = {"frames": 500, "rate": "25/2", "timecode": "00:00:02:05", "audio": False}
    (clip,) = items(read_back(made(replace(CLIP, rate=Rate.of(25, 2)), facts={"media": media}), tmp_path), "Source")
    assert frames(clip.media_reference.available_range) == (29, 500)
