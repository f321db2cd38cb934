"""Which clip, which part of it, and which keys: on every version, with every frame base."""

from __future__ import annotations

from pathlib import Path

import pytest
from double import PROFILES, ItemState
from restrip_resolve.clips.clip import MediaOffline, SourceClip, read_clip
from restrip_resolve.clips.keys import key_of, keys_of
from restrip_resolve.clips.selection import NothingSelected, source_clips
from restrip_resolve.session import NoProject, NoTimeline, rate_of
from restrip_resolve.timecode import BadTimecode, frame_of
from stage import Stage

from restrip.timeline import FrameRange, Key, Rate

VERSIONS = [name for name in PROFILES if PROFILES[name].python]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def marker(name: str = "", note: str = "", color: str = "Cyan") -> dict[str, object]:
    return {"color": color, "name": name, "note": note, "duration": 1, "customData": ""}


def at_playhead(stage: Stage, frame: int) -> SourceClip:
    stage.double.timeline.playhead = stage.double.timeline.start + frame
    clips = source_clips(stage.session())
    assert not stage.double.world.misuse
    assert len(clips) == 1
    return clips[0]


def test_the_clip_at_the_playhead(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    media = stage.footage(tmp_path)
    stage.double.item(media, 0, 50)
    wanted = stage.double.item(media, 50, 100, left=20)
    clip = at_playhead(stage, 60)
    assert (clip.uid, clip.track, clip.start, clip.length, clip.left) == (wanted.id, 1, 86450, 100, 20)
    assert clip.used == FrameRange(0, 100)
    assert clip.render == ()
    assert clip.media is not None and clip.media.paths == (str(tmp_path / "clip.mov"),)


def test_nothing_at_the_playhead(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    stage.double.item(stage.footage(tmp_path), 50, 10)
    with pytest.raises(NothingSelected):
        source_clips(stage.session())


def test_no_project_and_no_timeline() -> None:
    stage = Stage.of("21.1")
    stage.double.project.current = None
    with pytest.raises(NoTimeline):
        stage.session()
    stage.double.project = None  # type: ignore[assignment]
    with pytest.raises(NoProject):
        stage.session()


@pytest.mark.parametrize("profile", ["21.0.4", "21.1"])
def test_a_selection_comes_first(profile: str, tmp_path: Path) -> None:
    stage = Stage.of(profile)
    media = stage.footage(tmp_path)
    first, second = stage.double.item(media, 0, 50), stage.double.item(media, 50, 50)
    stage.double.item(media, 100, 50)
    stage.double.timeline.selected = [first.id, second.id]
    assert [clip.uid for clip in source_clips(stage.session())] == [first.id, second.id]


def test_selected_transitions_and_sound_are_no_clips(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    media = stage.footage(tmp_path)
    first = stage.double.item(media, 0, 50)
    stage.double.item(media, 50, 50, left=50)
    dissolve = stage.double.item(None, 45, 10, kind="transition", properties={})
    sound = ItemState("sound", "clip.wav", 86400, 50)
    stage.double.timeline.audio[0].items.append(sound)
    stage.double.timeline.selected = [dissolve.id, "sound", first.id]
    assert [clip.uid for clip in source_clips(stage.session())] == [first.id]


def test_our_own_strips_mean_the_clip_under_them(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    media = stage.footage(tmp_path)
    below = stage.double.item(media, 0, 100)
    stage.double.item(media, 0, 100, track=2)
    stage.double.timeline.video[1].name = "Restrip (upper)"
    clip = at_playhead(stage, 10)
    assert (clip.uid, clip.track) == (below.id, 1)


MARKED = [name for name in VERSIONS if PROFILES[name].has("Timeline", "GetMarkInOut")]


@pytest.mark.parametrize("profile", MARKED)
@pytest.mark.parametrize(
    ("marks", "used"),
    [
        ({"in": 60, "out": 79}, FrameRange(10, 30)),
        ({"in": 60}, FrameRange(10, 100)),
        ({"out": 59}, FrameRange(0, 10)),
        ({"in": 0, "out": 400}, FrameRange(0, 100)),
        ({"in": 300, "out": 400}, FrameRange(0, 100)),
    ],
)
def test_in_and_out_marks_cut_the_clip(profile: str, marks: dict[str, int], used: FrameRange, tmp_path: Path) -> None:
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path), 50, 100)
    stage.double.timeline.marks = {"video": marks}
    clip = at_playhead(stage, 60)
    assert clip.used == used
    assert clip.first_used == 86450 + used.first
    assert ("outside" in "".join(clip.notes)) == (marks == {"in": 300, "out": 400})


def test_the_out_mark_can_be_left_out(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100)
    stage.double.timeline.marks = {"video": {"in": 60, "out": 80}}
    stage.double.timeline.playhead = 86460
    assert source_clips(stage.session(), out_inclusive=False)[0].used == FrameRange(10, 30)


def test_keys_from_the_timeline_and_from_the_clip(version: str, tmp_path: Path) -> None:
    """Timeline markers count from the timeline's start, an item's own from the start of its media."""
    stage = Stage.of(version, start=108000, start_tc="01:15:00:00")
    item = stage.double.item(stage.footage(tmp_path), 50, 100, left=20)
    stage.double.timeline.markers = {
        55.0: marker(),
        60.0: marker(color="Red"),
        70.0: marker(note="oil"),
        400.0: marker(),
    }
    item.markers = {30.0: marker("a cat", color="Red"), 5.0: marker("before the cut")}
    clip = at_playhead(stage, 55)
    keys = keys_of(stage.session(), clip, "Cyan")
    # 30 in the media is 10 after what is visible begins at 20; 5 lies before it.
    assert [(key.frame, key.prompt) for key in keys] == [(-15, "before the cut"), (5, None), (10, "a cat"), (20, "oil")]
    assert [key.frame for key in keys_of(stage.session(), clip.using(FrameRange(108060, 108150)), "Cyan")] == [
        -25,
        -5,
        0,
        10,
    ]


@pytest.mark.parametrize(
    ("name", "note", "key"),
    [
        ("Marker 1", "", Key(3, name="Marker 1")),
        ("マーカー 12", "", Key(3, name="マーカー 12")),
        ("a cat", "", Key(3, "a cat", name="a cat")),
        ("Marker 1", "a dog, seed: 42", Key(3, "a dog", 42, name="Marker 1")),
        ("x", 'seed=7 image="/my pictures/k.png"', Key(3, None, 7, "/my pictures/k.png", "x")),
        ("Restrip key", "Restrip: motion", Key(3, name="Restrip key")),
        ("Restrip key", "an ink drawing", Key(3, "an ink drawing", name="Restrip key")),
        ("", "seed: none", Key(3, "seed: none", None, name="")),
        ("Marker 1", "seed: 42, oil", Key(3, "oil", 42, name="Marker 1")),
        (
            "image: /my films/key 3.png",
            "for Anna",
            Key(3, "for Anna", None, "/my films/key 3.png", "image: /my films/key 3.png"),
        ),
        ("K2: oil", "", Key(3, "oil", name="K2: oil")),
        ("intro", "seed: 5", Key(3, None, 5, name="intro")),
        (
            "a dog with an image: of a cat",
            "",
            Key(3, "a dog with an image: of a cat", name="a dog with an image: of a cat"),
        ),
    ],
)
def test_what_a_marker_asks_for(name: str, note: str, key: Key) -> None:
    assert key_of(3, marker(name, note)) == key


@pytest.mark.parametrize(
    ("rate", "exact"),
    [
        ("23.976", Rate.of(24000, 1001)),
        ("24", Rate.of(24)),
        ("29.97", Rate.of(30000, 1001)),
        ("59.94", Rate.of(60000, 1001)),
    ],
)
def test_rates_are_exact(version: str, rate: str, exact: Rate) -> None:
    assert Stage.of(version, rate=rate).session().rate == exact


def test_rates_as_resolve_writes_them() -> None:
    assert rate_of("29.97 DF") == (Rate.of(30000, 1001), True)
    assert rate_of(29.97) == (Rate.of(30000, 1001), False)
    assert rate_of(25.0) == (Rate.of(25), False)


@pytest.mark.parametrize(
    ("text", "rate", "drop", "frame"),
    [
        ("01:00:00:00", "24", False, 86400),
        ("01:00:00:00", "23.976", False, 86400),
        ("01:00:00:00", "29.97", False, 108000),
        ("01:00:00;00", "29.97", False, 107892),
        ("01:00:00:00", "29.97", True, 107892),
        ("00:01:00;02", "29.97", True, 1800),
        ("00:10:00;00", "29.97", True, 17982),
        ("01:00:00;00", "59.94", True, 215784),
        ("00:00:01:05", "25", True, 30),
    ],
)
def test_timecode(text: str, rate: str, drop: bool, frame: int) -> None:
    assert frame_of(text, Rate.parse(rate), drop) == frame


def test_what_is_no_timecode() -> None:
    with pytest.raises(BadTimecode):
        frame_of("soon", Rate.of(24))


@pytest.mark.parametrize(
    ("rate", "start_tc", "start"),
    [
        ("29.97", "00:00:00;00", 0),
        ("29.97", "01:00:00;00", 107892),
        ("29.97", "10:00:00;00", 1078920),
        ("59.94", "01:00:00;00", 215784),
        ("59.94", "10:00:00;00", 2157840),
    ],
)
@pytest.mark.parametrize("frame", [0, 1799, 1800, 3599, 3600, 17981, 17982, 20000, 35964, 40000])
def test_the_playhead_on_a_drop_frame_timeline(version: str, rate: str, start_tc: str, start: int, frame: int) -> None:
    stage = Stage.of(version, rate=rate, drop=True, start_tc=start_tc, start=start)
    stage.double.timeline.playhead = start + frame
    assert stage.session().playhead() == start + frame


def reasons(stage: Stage, item: ItemState) -> tuple[str, ...]:
    session = stage.session()
    from restrip_resolve.api import uid

    found = next(i for i in session.items(1) if uid(i) == item.id)
    return read_clip(session, found, 1).render


@pytest.mark.parametrize("clip_rate", ["24", "23.976", "25", "29.97", "50", "60"])
@pytest.mark.parametrize("left", [0, 1, 17, 40])
def test_another_rate_is_no_other_speed(version: str, clip_rate: str, left: int, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path, 600, fps=clip_rate), 0, 90, left=left)
    assert reasons(stage, item) == ()


@pytest.mark.parametrize("speed", [50.0, 90.0, 110.0, 200.0])
def test_a_changed_speed_is_seen(version: str, speed: float, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path, 600), 0, 90, left=30, speed=speed)
    assert reasons(stage, item) == ("its speed is changed",)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"properties": {"ZoomX": 1.5, "ZoomY": 1.5}}, "transformed (ZoomX, ZoomY)"),
        ({"properties": {"CropLeft": 10.0}}, "transformed (CropLeft)"),
        ({"properties": {"FlipX": True}}, "transformed (FlipX)"),
        ({"comps": {"Composition 1": "Composition { }"}}, "Fusion composition"),
    ],
)
def test_what_the_file_alone_doesnt_show(version: str, facts: dict[str, object], why: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path), 0, 90, **facts)
    assert len(reasons(stage, item)) == 1 and why in reasons(stage, item)[0]


def test_a_grade_is_seen_where_the_version_tells(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path), 0, 90, tools=[[], ["Glow"]])
    told = PROFILES[version].has("TimelineItem", "GetNodeGraph")
    assert reasons(stage, item) == (("it is graded",) if told else ())


def test_colour_management_and_grades_of_groups_and_timelines_are_seen(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path), 0, 100)
    stage.double.project.colour_science = "davinciYRGBColorManagedv2"
    assert reasons(stage, item) == ("the project is colour managed (davinciYRGBColorManagedv2)",)
    stage.double.project.colour_science = "davinciYRGB"
    item.group = ([[]], [["Glow"]])
    told = PROFILES[version].has("TimelineItem", "GetColorGroup")
    assert reasons(stage, item) == (("its colour group is graded",) if told else ())
    item.group = ([[]], [[]])
    assert reasons(stage, item) == ()
    stage.double.timeline.tools = [["Film Grain"]]
    told = PROFILES[version].has("Timeline", "GetNodeGraph")
    assert reasons(stage, item) == (("the timeline is graded",) if told else ())


def test_how_a_clip_mixes_with_what_lies_below_is_said(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    item = stage.double.item(stage.footage(tmp_path), 0, 100)
    assert item.properties is not None
    item.properties.update(Opacity=50.0, CompositeMode=3)
    clip = at_playhead(stage, 10)
    assert clip.render == () and "an opacity and a composite mode of its own" in "".join(clip.notes)


def test_generators_titles_and_compounds_have_no_file(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    generator = stage.double.item(None, 0, 50, properties=None)
    compound = stage.double.item(stage.footage(tmp_path, name="c"), 50, 50)
    assert compound.media is not None
    compound.media.properties["File Path"] = ""
    assert "built in Resolve" in reasons(stage, generator)[0]
    assert "built in Resolve" in reasons(stage, compound)[0]


def test_stills_and_picture_sequences(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    still = stage.double.item(stage.footage(tmp_path, 1, "picture.png"), 0, 90)
    assert reasons(stage, still) == ("it is a still picture",)
    for number in range(8, 13):
        (tmp_path / f"s_{number:04d}.png").write_bytes(b"picture")
    pictures = stage.double.media(str(tmp_path / "s_[0008-0012].png"), 5)
    item = stage.double.item(pictures, 100, 5)
    stage.double.timeline.playhead = 86501
    clip = source_clips(stage.session())[0]
    assert clip.uid == item.id and clip.render == ()
    assert clip.media is not None
    assert [Path(p).name for p in clip.media.paths] == [f"s_{n:04d}.png" for n in range(8, 13)]


def test_media_that_is_offline(version: str) -> None:
    stage = Stage.of(version)
    stage.double.item(stage.double.media("/nowhere/clip.mov", 100), 0, 50)
    with pytest.raises(MediaOffline, match="nowhere"):
        source_clips(stage.session())


def test_a_disabled_clip_is_named(tmp_path: Path) -> None:
    stage = Stage.of("20")
    stage.double.item(stage.footage(tmp_path), 0, 50, enabled=False)
    assert "disabled" in at_playhead(stage, 1).notes[0]


def test_locked_tracks_are_read(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    stage.double.item(stage.footage(tmp_path), 0, 50)
    stage.double.timeline.video[0].locked = True
    assert at_playhead(stage, 1).length == 50


@pytest.mark.parametrize("kind", ["title", "own strip on a renamed track", "title over a track that is off"])
def test_without_a_selection_footage_under_titles_is_meant(version: str, kind: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    media = stage.footage(tmp_path)
    below = stage.double.item(media, 0, 100)
    if kind == "own strip on a renamed track" and PROFILES[version].has("MediaPoolItem", "SetThirdPartyMetadata"):
        strip = stage.footage(tmp_path, name="strip.mp4")
        strip.third["Restrip job"] = "20260101-000000-abcd1234"
        stage.double.item(strip, 0, 100, track=2)
    elif kind == "title over a track that is off":
        stage.double.item(media, 0, 100, track=2)
        stage.double.timeline.video[1].enabled = False
        stage.double.item(None, 0, 100, track=3, properties=None, name="Title")
    else:
        stage.double.item(None, 0, 100, track=2, properties=None, name="Title")
        stage.double.item(None, 0, 100, track=3, properties=None, name="Adjustment Clip")
    clip = at_playhead(stage, 10)
    assert (clip.uid, clip.track) == (below.id, 1)
    assert "clip.mov on video track 1" in stage.text()


def test_a_title_alone_is_meant_itself(version: str, tmp_path: Path) -> None:
    stage = Stage.of(version)
    title = stage.double.item(None, 0, 100, properties=None, name="Title")
    assert at_playhead(stage, 10).uid == title.id
