"""Whole jobs on a little clip: what comes out, what is rendered again, what is refused."""

from __future__ import annotations

import base64
import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from job_bench import FRAMES, Hand, Little, frame_of

from restrip.client.job import Manifest, Output
from restrip.errors import RestripError
from restrip.jobs.frame_source import Window
from restrip.jobs.outputs.delivery import OutputMoved
from restrip.jobs.outputs.preview import Playback, mixed
from restrip.jobs.resources.throughput import Throughput
from restrip.jobs.tasks import finish
from restrip.jobs.tasks import segments as parts_module
from restrip.jobs.tasks.prepare import job_spec, saved_plan
from restrip.media import ClipReader, Frame, MovieWriter, probe, read_picture, write_picture
from restrip.media.movies.decoded_frame import DecodedFrame
from restrip.propagate.device_choice import NoGpu
from restrip.storage.json_files import file_sha256
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def counts(manifest: Manifest) -> tuple[int, int, int, int]:
    c = manifest.counts
    return c["keys_rendered"], c["keys_cached"], c["segments_rendered"], c["segments_cached"]


def read(path: str, length: int) -> list[Frame]:
    with ClipReader(ClipRange((path,), Rate.of(25), length)) as reader:
        return list(reader.frames(FrameRange(0, length)))


def difference(a: Frame, b: Frame) -> float:
    return float(np.abs(a.rgb8().astype(int) - b.rgb8().astype(int)).mean())


def code_of(caught: pytest.ExceptionInfo[RestripError]) -> str:
    return caught.value.code


def test_strips_cover_their_spans_and_look_like_their_keys(hand: Hand, little: Little) -> None:
    manifest = hand.run(little.job("job-1", 4, 16))
    assert [(s.key, s.frames) for s in manifest.strips] == [(0, FrameRange(0, 16)), (1, FrameRange(4, FRAMES))]
    assert counts(manifest) == (2, 0, 3, 0)
    (fade,) = manifest.fades
    assert fade.frames == FrameRange(4, 16)
    assert fade.score is not None and fade.score < 10
    for strip in manifest.strips:
        assert file_sha256(Path(strip.file)) == strip.sha256
        info = probe([strip.file])
        assert (info.frames, info.size, str(info.rate)) == (len(strip.frames), (64, 48), "25")
        frames = read(strip.file, len(strip.frames))
        key = manifest.keys[strip.key].key.frame
        negative = Frame(np.ascontiguousarray(255 - frame_of(key).rgb))
        assert difference(frames[key - strip.frames.first], negative) < 4
        for n in strip.frames:
            truth = Frame(np.ascontiguousarray(255 - frame_of(n).rgb))
            assert difference(frames[n - strip.frames.first], truth) < 15
    assert manifest.strips[0].visible == FrameRange(0, fade.frames.end)
    assert manifest.strips[1].visible == FrameRange(fade.frames.first, FRAMES)


def test_the_second_run_renders_nothing_and_gives_the_same_files(hand: Hand, little: Little) -> None:
    first = hand.run(little.job("job-1", 4, 16))
    second = hand.run(little.job("job-2", 4, 16))
    assert counts(second) == (0, 2, 0, 3)
    assert [s.sha256 for s in first.strips] == [s.sha256 for s in second.strips]
    assert first.fades == second.fades


def test_moving_one_key_renders_it_and_two_segments(hand: Hand, little: Little) -> None:
    hand.run(little.job("job-1", 4, 12, 20))
    assert counts(hand.run(little.job("job-2", 4, 13, 20))) == (1, 2, 2, 2)


def test_repainting_one_key_renders_it_and_two_segments(hand: Hand, little: Little, tmp_path: Path) -> None:
    painted = tmp_path / "painted"
    painted.mkdir()
    for n in (4, 12, 20):
        (painted / f"{n:05d}.png").write_bytes((little.painted / f"{n:05d}.png").read_bytes())
    look = f"keys:{painted}"
    hand.run(little.job("job-1", 4, 12, 20, look=look))
    write_picture(painted / "00012.png", Frame(np.full((48, 64, 3), 90, np.uint8)))
    assert counts(hand.run(little.job("job-2", 4, 12, 20, look=look))) == (1, 2, 2, 2)


def test_a_look_by_its_older_name_finds_what_was_made_under_its_present_one(hand: Hand, little: Little) -> None:
    hand.run(little.job("job-1", 4, 12, 20, look=f"painted:{little.painted}"))
    again = hand.run(little.job("job-2", 4, 12, 20, look=f"keys:{little.painted}"))
    assert counts(again) == (0, 3, 0, 4)
    assert counts(hand.run(little.job("job-3", 4, 12, 20, look=f"painted:{little.painted}"))) == (0, 3, 0, 4)
    assert hand.run(little.job("job-4", 4, look=f"painted:{little.painted}")).look == f"painted:{little.painted}"


def test_preview_is_what_an_editor_plays(hand: Hand, little: Little, tmp_path: Path) -> None:
    out = Output(folder=str(tmp_path / "out"), preview=True, baked=True, fade=4)
    manifest = hand.run(little.job("job-1", 4, 16, output=out))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("baked.mp4", "manifest.json", "preview.mp4"),
        *("strip-000-frame-00004.mp4", "strip-001-frame-00016.mp4"),
    ]
    shown = read(manifest.preview, FRAMES)
    left, right = (read(s.file, len(s.frames)) for s in manifest.strips)
    (fade,) = manifest.fades
    assert len(fade.frames) == 4
    for n in range(FRAMES):
        if n < fade.frames.first:
            expected = left[n]
        elif n >= fade.frames.end:
            expected = right[n - 4]
        else:
            t = (n - fade.frames.first) / 4
            mix = left[n].rgb * (1 - t) + right[n - 4].rgb * t
            expected = Frame(np.rint(mix).astype(np.uint8))
        assert difference(shown[n], expected) < 2
    assert len(read(manifest.baked, FRAMES)) == FRAMES


def test_baked_asked_for_later_renders_parts_once_more_and_then_serves_both(hand: Hand, little: Little) -> None:
    plain = hand.run(little.job("job-1", 4, 16))
    assert counts(hand.run(little.job("job-2", 4, 16, output=Output(baked=True)))) == (0, 2, 3, 0)
    again = hand.run(little.job("job-3", 4, 16))
    assert counts(again) == (0, 2, 0, 3)
    assert len(plain.strips) == len(again.strips)


def test_parts_are_filed_under_where_they_were_carried(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned where there is a GPU, carried by a worker that has none; then the other way about."""
    spec = little.job("job-1", 4, 16)
    hand.put(spec)
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 24_000)
    found = hand.task("prepare", "job-1")
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 0)
    hand.task("keys", "job-1", keys=found["missing_keys"])
    for n in found["missing_parts"]:
        assert hand.task("part", "job-1", part=n) == {"rendered": 1}
    hand.task("finish", "job-1", retries=[], made={})
    assert counts(hand.run(little.job("job-2", 4, 16, settings={"propagate_on": "cpu"}))) == (0, 2, 0, 3)
    # The CPU does the work that these parts say a GPU did.
    monkeypatch.setattr("restrip.jobs.tasks.segments.chosen", lambda asked, size: "cuda" if asked == "auto" else asked)
    monkeypatch.setattr("restrip.propagate.segment_walk.chosen", lambda asked, size: "cpu")
    assert counts(hand.run(little.job("job-3", 4, 18))) == (1, 1, 2, 1)
    assert counts(hand.run(little.job("job-4", 4, 18))) == (0, 2, 0, 3)
    assert counts(hand.run(little.job("job-5", 4, 18, settings={"propagate_on": "cpu"}))) == (0, 2, 2, 1)
    would = hand.task("discard", job_id="job-4", others=["job-1", "job-2", "job-3"], really=False)
    assert not [path for path in would["would_delete"] if "/cache/" in path]
    would = hand.task("discard", job_id="job-4", others=[], really=False)
    assert len({Path(path).parent for path in would["would_delete"] if "/segments/" in path}) >= 4


@pytest.mark.parametrize(("source", "to"), [("h264", "h264"), ("prores422hq", "prores422hq"), ("prores422hq", "h264")])
def test_frames_as_they_are_decoded_for_a_gpu_give_the_same_files(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, to: str
) -> None:
    """The processor does the work that these parts say a GPU did, as it does where the GPU's memory is taken."""
    clip = tmp_path / "clip.mov"
    with MovieWriter(clip, (64, 48), Rate.of(25), source) as writer:
        for n in range(FRAMES):
            writer.write(frame_of(n))
    here = Little(clip, little.painted)
    plain = hand.run(here.job("job-1", 4, 10, settings={"propagate_on": "cpu"}, output=Output(format=to)))
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 24_000)
    monkeypatch.setattr("restrip.propagate.segment_walk.chosen", lambda asked, size: "cpu")
    kept: list[Frame] = []
    real = parts_module.propagate
    monkeypatch.setattr(
        parts_module, "propagate", lambda window, *rest: kept.append(window.frame(4)) or real(window, *rest)
    )
    decoded = hand.run(here.job("job-2", 4, 10, settings={"propagate_on": "cuda"}, output=Output(format=to)))
    assert kept and all(isinstance(frame, DecodedFrame) for frame in kept)
    for one, other in zip(plain.strips, decoded.strips, strict=True):
        clips = [ClipRange((strip.file,), Rate.of(25), len(one.frames)) for strip in (one, other)]
        with ClipReader(clips[0]) as a, ClipReader(clips[1]) as b:
            for n in clips[0].frames:
                np.testing.assert_array_equal(a.frame(n).rgb, b.frame(n).rgb)


def test_a_part_that_has_no_gpu_to_itself_is_the_processors(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restrip.propagate.device_choice.gpu_mib", lambda: 24_000)
    for job_id, on in (("job-1", "auto"), ("job-2", "cuda")):
        hand.put(little.job(job_id, 4, settings={"propagate_on": on}))
        found = hand.task("prepare", job_id)
        if job_id == "job-1":
            hand.task("keys", job_id, keys=found["missing_keys"])
            assert hand.task("part", job_id, part=0, gpu=False) == {"rendered": 1}
    with pytest.raises(NoGpu):
        hand.task("part", "job-2", part=0, gpu=False)


def test_what_propagation_remarks_is_in_the_manifest(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = parts_module.propagate

    def remarks(window: Any, keys: Any, settings: Any, report: Any) -> Any:
        report(0, 1, "The CPU carries these frames.")
        yield from real(window, keys, settings, report)

    monkeypatch.setattr(parts_module, "propagate", remarks)
    notes = hand.run(little.job("job-1", 4, 16)).notes
    assert notes.count("The CPU carries these frames.") == 1


def test_a_mix_is_made_in_coded_values() -> None:
    black, white = Frame(np.zeros((2, 2, 3), np.uint8)), Frame(np.full((2, 2, 3), 200, np.uint8))
    fade = Crossfade(0, 1, FrameRange(10, 14))
    assert [int(mixed(black, white, fade, n).rgb[0, 0, 0]) for n in range(9, 16)] == [0, 0, 50, 100, 150, 200, 200]


def test_a_cut_and_a_fade_over_the_gap(hand: Hand, little: Little) -> None:
    cut = hand.run(little.job("job-1", 4, 16, output=Output(fade=0)))
    assert len(cut.fades[0].frames) == 0
    assert cut.strips[0].visible.end == cut.strips[1].visible.first
    gap = hand.run(little.job("job-2", 4, 16, output=Output(fade="gap")))
    assert gap.fades[0].frames == FrameRange(4, 16)


def test_every_nth_frame(hand: Hand, little: Little) -> None:
    manifest = hand.run(little.job("job-1", mode="every", step=5, cuts=(12,)))
    assert [key.key.frame for key in manifest.keys] == [0, 5, 10, 12, 17, 22]
    assert [(s.frames, s.visible) for s in manifest.strips] == [(FrameRange(a, b),) * 2 for a, b in ((0, 12), (12, 24))]
    for strip in manifest.strips:
        frames = read(strip.file, 12)
        for n in strip.frames:
            truth = Frame(np.ascontiguousarray(255 - frame_of(n).rgb))
            assert difference(frames[n - strip.frames.first], truth) < 12
    assert counts(manifest)[2:] == (6, 0)


def test_pictures_instead_of_a_movie(hand: Hand, little: Little, tmp_path: Path) -> None:
    out = Output(folder=str(tmp_path / "out"), format="png", preview=True)
    manifest = hand.run(little.job("job-1", 4, 16, output=out))
    folder = Path(manifest.strips[0].file)
    assert folder.is_dir() and len(list(folder.iterdir())) == 16
    again = hand.run(little.job("job-2", 4, 16, output=out))
    assert [s.sha256 for s in again.strips] == [s.sha256 for s in manifest.strips]


def test_rendered_smaller(hand: Hand, little: Little) -> None:
    manifest = hand.run(little.job("job-1", 4, 16, output=Output(long_side=32)))
    assert manifest.size == (32, 24)
    assert probe([manifest.strips[0].file]).size == (32, 24)


def test_a_key_from_a_picture_of_another_size_is_resampled_and_said_so(
    hand: Hand, little: Little, tmp_path: Path
) -> None:
    own = tmp_path / "own.png"
    write_picture(own, Frame(np.full((96, 128, 3), 77, np.uint8)))
    manifest = hand.run(little.job("job-1", 4, keys=(Key(4, image=str(own)),)))
    assert int(read_picture(manifest.keys[0].picture).rgb[0, 0, 0]) == 77
    assert any("128x96" in note for note in manifest.notes)


def test_outside_the_matte_the_source_stays(hand: Hand, little: Little, tmp_path: Path) -> None:
    matte = np.zeros((48, 64, 3), np.uint8)
    matte[:, 32:] = 255
    write_picture(tmp_path / "matte.png", Frame(matte))
    spec = little.job("job-1", 4, 16, matte=str(tmp_path / "matte.png"), output=Output(format="ffv1"))
    manifest = hand.run(replace(spec, settings={"matte_feather": 0.0}))
    for n, frame in enumerate(read(manifest.strips[0].file, 16)):
        assert np.array_equal(frame.rgb[:, :32], frame_of(n).rgb[:, :32])
        assert abs(frame.rgb[:, 33:].astype(int) - (255 - frame_of(n).rgb[:, 33:])).mean() < 15


def test_a_folder_of_mattes_runs_with_the_visible_frames(hand: Hand, little: Little, tmp_path: Path) -> None:
    folder = tmp_path / "mattes"
    folder.mkdir()
    for n in range(12):
        matte = np.zeros((48, 64, 3), np.uint8)
        matte[:, 32 * (n % 2) : 32 * (n % 2) + 32] = 255
        write_picture(folder / f"f_{n:06d}.png", Frame(matte))
    spec = little.job("job-1", 4, 12, matte=str(folder), output=Output(format="ffv1"))
    spec = replace(spec, clip=replace(spec.clip, trim_in=4, length=12), settings={"matte_feather": 0.0})
    manifest = hand.run(spec)
    for n, frame in enumerate(read(manifest.strips[0].file, 12)):
        kept = slice(32, 64) if n % 2 == 0 else slice(0, 32)
        assert np.array_equal(frame.rgb[:, kept], frame_of(n + 4).rgb[:, kept]), n
    # Another picture in the folder is another matte.
    write_picture(folder / "f_000003.png", Frame(np.full((48, 64, 3), 255, np.uint8)))
    assert hand.run(replace(spec, job_id="job-2")).counts["segments_rendered"] > 0
    (tmp_path / "none").mkdir()
    with pytest.raises(RestripError) as caught:
        hand.run(replace(spec, job_id="job-3", matte=str(tmp_path / "none")))
    assert code_of(caught) == "media-unreadable"


def test_an_empty_matte_is_refused(hand: Hand, little: Little, tmp_path: Path) -> None:
    write_picture(tmp_path / "matte.png", Frame(np.zeros((48, 64, 3), np.uint8)))
    with pytest.raises(RestripError) as caught:
        hand.run(little.job("job-1", 4, matte=str(tmp_path / "matte.png")))
    assert code_of(caught) == "empty-matte"


def test_a_timeline_and_a_sheet(hand: Hand, little: Little, tmp_path: Path) -> None:
    out = Output(folder=str(tmp_path), otio=str(tmp_path / "a.otio"), sheet=str(tmp_path / "b" / "sheet.png"))
    manifest = hand.run(little.job("job-1", 4, 16, output=out))
    assert Path(manifest.otio).stat().st_size > 1000
    assert read_picture(manifest.sheet).size[0] > 600


def bad(little: Little, **change: Any) -> Any:
    spec = little.job("job-1", 4, 16)
    clip = {name: change.pop(name) for name in ("paths", "length", "trim_in") if name in change}
    return replace(spec, clip=replace(spec.clip, **clip), **change)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"paths": ("/nowhere/clip.mp4",)}, "media-missing"),
        ({"paths": ("{text}",)}, "media-unreadable"),
        ({"paths": ("{truncated}",)}, "media-unreadable"),
        ({"length": 500}, "outside-media"),
        ({"trim_in": 500}, "outside-media"),
        ({"look": "painted:/nowhere"}, "painted-folder-missing"),
        ({"matte": "/nowhere/matte.png"}, "media-missing"),
        ({"output": Output(folder="{text}")}, "output-unwritable"),
        ({"output": Output(folder="{text}/below")}, "output-unwritable"),
    ],
)
def test_bad_input_is_named_before_anything_is_rendered(
    hand: Hand, little: Little, tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    (tmp_path / "text.mp4").write_text("This is no movie." * 100)
    (tmp_path / "truncated.mkv").write_bytes(little.clip.read_bytes()[:300])
    names = {"text": str(tmp_path / "text.mp4"), "truncated": str(tmp_path / "truncated.mkv")}
    if "paths" in change:
        change = {**change, "paths": tuple(path.format(**names) for path in change["paths"])}
    if "output" in change:
        change = {**change, "output": Output(folder=change["output"].folder.format(**names))}
    hand.put(bad(little, **change))
    with pytest.raises(RestripError) as caught:
        hand.task("prepare", "job-1")
    assert (code_of(caught), caught.value.bad_input) == (code, True)
    assert caught.value.remedy
    assert not (hand.state / "cache" / "keys").exists()


def test_a_missing_painted_key_is_named_before_anything_is_rendered(hand: Hand, little: Little, tmp_path: Path) -> None:
    (tmp_path / "painted").mkdir()
    (tmp_path / "painted" / "00004.png").write_bytes((little.painted / "00004.png").read_bytes())
    hand.put(little.job("job-1", 4, 16, look=f"painted:{tmp_path / 'painted'}"))
    with pytest.raises(RestripError) as caught:
        hand.task("prepare", "job-1")
    assert code_of(caught) == "painted-keys-missing"


def test_what_is_there_and_not_ours_is_never_written_over(hand: Hand, little: Little, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "strip-000-frame-00004.mp4"
    theirs.parent.mkdir()
    theirs.write_text("precious")
    hand.put(little.job("job-1", 4, 16, output=Output(folder=str(tmp_path / "out"))))
    with pytest.raises(RestripError) as caught:
        hand.task("prepare", "job-1")
    assert code_of(caught) == "output-exists"
    # Also when it appears between the plan and the writing.
    hand.put(little.job("job-2", 4, 16, output=Output(folder=str(tmp_path / "later"))))
    found = hand.task("prepare", "job-2")
    hand.task("keys", "job-2", keys=found["missing_keys"])
    for n in found["missing_parts"]:
        hand.task("part", "job-2", part=n)
    (tmp_path / "later" / "preview.mp4").write_text("somebody's, but not in our way")
    (tmp_path / "later" / "strip-000-frame-00004.mp4").write_text("precious")
    with pytest.raises(RestripError) as caught:
        hand.task("finish", "job-2", retries=[], made={})
    assert code_of(caught) == "output-exists"
    assert theirs.read_text() == (tmp_path / "later" / "strip-000-frame-00004.mp4").read_text() == "precious"


def test_a_source_that_changes_in_the_middle_is_told(hand: Hand, little: Little, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    clip.write_bytes(little.clip.read_bytes())
    hand.put(bad(little, paths=(str(clip),)))
    found = hand.task("prepare", "job-1")
    clip.write_bytes(little.clip.read_bytes() + b"more")
    with pytest.raises(RestripError) as caught:
        hand.task("keys", "job-1", keys=found["missing_keys"])
    assert code_of(caught) == "source-changed"


def test_what_is_read_through_a_path_that_was_swapped_is_not_kept(
    hand: Hand, little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link takes the clip's place after it was looked at and before it is opened."""
    clip, secret = tmp_path / "clip.mkv", tmp_path / "secret.mkv"
    clip.write_bytes(little.clip.read_bytes())
    secret.write_bytes(little.clip.read_bytes())
    hand.put(bad(little, paths=(str(clip),)))
    found = hand.task("prepare", "job-1")
    hand.task("keys", "job-1", keys=found["missing_keys"])
    enter = Window.__enter__

    def swapped(self: Window) -> Window:
        clip.unlink()
        clip.symlink_to(secret)
        return enter(self)

    monkeypatch.setattr(Window, "__enter__", swapped)
    with pytest.raises(RestripError) as caught:
        hand.task("part", "job-1", part=0)
    assert code_of(caught) == "source-changed"
    assert list((hand.state / "cache" / "segments").glob("??/*")) == []


def test_a_part_that_went_missing_is_told_and_made_again(hand: Hand, little: Little) -> None:
    hand.run(little.job("job-1", 4, 16))
    hand.put(little.job("job-2", 4, 16))
    hand.task("prepare", "job-2")
    hand.task("cache", prune_mib=0, protected_jobs=[])
    with pytest.raises(RestripError) as caught:
        hand.task("finish", "job-2", retries=[], made={})
    assert code_of(caught) == "part-lost"
    assert counts(hand.run(little.job("job-3", 4, 16))) == (2, 0, 3, 0)


def test_the_size_of_the_cache_and_what_discarding_would_delete(hand: Hand, little: Little) -> None:
    for job_id, frames in (("job-1", (4, 12)), ("job-2", (4, 16))):
        hand.run(little.job(job_id, *frames))
    shown = hand.task("cache", protected_jobs=["job-1"], prune_mib=0)
    # Two keys and three segments of job-1 stay; the cuts were given, so that there are no facts.
    assert shown["entries"] == 5 and shown["mib"] == shown["protected_mib"]
    hand.run(little.job("job-3", 4, 16))
    would = hand.task("discard", job_id="job-1", others=["job-2", "job-3"], really=False)
    segments = {Path(path).parent.name for path in would["would_delete"] if "segments" in path}
    # The first segment and the key on frame 4 are also the other jobs'.
    assert len(segments) == 2
    assert would["files"] == len(would["would_delete"]) and would["mib"] > 0
    assert all(Path(path).exists() for path in would["would_delete"])
    hand.task("discard", job_id="job-1", others=["job-2", "job-3"], really=True)
    assert not any(Path(path).exists() for path in would["would_delete"] if "/cache/" in path)
    assert counts(hand.run(little.job("job-4", 4, 16))) == (0, 2, 0, 3)


def test_pruning_takes_no_picture_away_from_a_manifest(hand: Hand, little: Little) -> None:
    manifest = hand.run(little.job("job-1", 2, 12))
    before = [Path(key.picture).read_bytes() for key in manifest.keys]
    assert all(before) and all(Path(key.picture).parent == hand.folder("job-1") / "keys" for key in manifest.keys)
    freed = hand.task("cache", prune_mib=0, protected_jobs=[])
    assert freed["entries"] == 0 and freed["freed_mib"] > 0
    assert [Path(key.picture).read_bytes() for key in manifest.keys] == before
    # The job is finished once more, from parts that are rendered anew: the pictures are those of this time.
    again = hand.task("prepare", "job-1")
    hand.task("keys", "job-1", keys=again["missing_keys"])
    for segment_task in again["missing_parts"]:
        hand.task("part", "job-1", part=segment_task)
    hand.task("finish", "job-1", retries=[], made={})
    assert [Path(key.picture).read_bytes() for key in manifest.keys] == before
    pictures = {str(path) for path in (hand.folder("job-1") / "keys").iterdir()}
    assert pictures <= set(hand.task("discard", job_id="job-1", others=[], really=False)["would_delete"])


def test_a_picture_is_copied_where_the_disk_knows_no_second_name(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    manifest = hand.run(little.job("job-1", 2))
    hand.task("cache", prune_mib=0, protected_jobs=[])
    assert Path(manifest.keys[0].picture).stat().st_size > 0


def test_a_folder_that_is_gone_in_the_middle_of_a_file_says_so(
    hand: Hand, little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def join(pieces: list[Path], target: Path) -> None:
        out.rename(tmp_path / "away")
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(target))

    monkeypatch.setattr(finish, "join", join)
    with pytest.raises(OutputMoved, match="is gone"):
        hand.run(little.job("job-1", 2, output=Output(folder=str(out))))


def test_check_says_what_a_job_takes_and_keeps_nothing(hand: Hand, little: Little) -> None:
    spec = little.job("job-1", 4, 16)
    before = hand.task("check", job=spec.to_json())
    assert (before["segments"], before["segments_cached"], before["keys"], before["frames"]) == (3, 0, 2, FRAMES)
    assert before["fits"] and before["estimate_s"] is None
    assert not (hand.state / "jobs").exists()
    hand.run(spec)
    after = hand.task("check", job=spec.to_json())
    assert (after["segments_cached"], after["keys_cached"], after["estimate_s"]) == (3, 2, 0.0)
    moved = hand.task("check", job=little.job("job-2", 4, 17).to_json())
    assert moved["segments_cached"] == 1 and moved["estimate_s"] is None
    frames, mpx = moved["frames"], 64 * 48 / 1e6
    Throughput(hand.state / "pace.json", {"keys painted": 3000.0, "parts": 1000.0}).save()
    known = hand.task("check", job=little.job("job-2", 4, 17).to_json())
    assert known["estimate_s"] == round((3000 + 1000 * frames) * mpx, 1)


def test_progress_has_phases_and_a_preview_of_each_key(hand: Hand, little: Little) -> None:
    hand.run(little.job("job-1", 4, 16))
    phases = list(dict.fromkeys(phase for phase, *_ in hand.reports))
    assert phases == ["reading", "loading", "keys", "motion", "propagating", "writing"] or set(phases) == {
        *("reading", "loading", "keys", "motion", "propagating", "writing")
    }
    previews = [(more["frame"], base64.b64decode(more["preview"])) for *_, more in hand.reports if "preview" in more]
    assert [frame for frame, _ in previews] == [4, 16]
    for _, jpeg in previews:
        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None and decoded.shape == (48, 64, 3)


def test_playback_opens_two_strips_at_most(hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = hand.run(little.job("job-1", 2, 8, 14, 20))
    playback = Playback(manifest)
    most = max(len(playback._open) for _ in playback.frames())
    assert most == 2
    assert playback._open == {}


@pytest.mark.parametrize(("small_bytes", "again"), [(1 << 26, 0), (0, 1)])
def test_small_frames_are_read_once_for_both_walks(
    hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch, small_bytes: int, again: int
) -> None:
    monkeypatch.setattr("restrip.jobs.frame_source.SMALL_BYTES", small_bytes)
    spec = little.job("job-1", 0, FRAMES)
    hand.put(spec)
    hand.task("prepare", "job-1")
    plan, _ = saved_plan(hand.folder("job-1"))
    read: list[int] = []
    frame = ClipReader.frame
    monkeypatch.setattr(ClipReader, "frame", lambda self, n: (read.append(n), frame(self, n))[1])
    with Window(job_spec(hand.folder("job-1")), plan, FrameRange(2, 12)) as window:
        back = {n: window.frame(n) for n in range(11, 1, -1)}
        assert all(np.array_equal(window.frame(n).rgb, back[n].rgb) for n in range(2, 12))
    assert sorted(read) == sorted([*range(2, 12)] * (1 + again))


def test_strips_that_are_alike_in_a_fade_are_one_file_and_one_is_read(hand: Hand, little: Little) -> None:
    spec = little.job("job-1", 2, 12, 20, settings={"strokes": "crisp"}, output=Output(preview=True))
    manifest = hand.run(spec)
    pairs = [(left, left.with_name("right.mp4")) for left in sorted((hand.state / "cache").rglob("left.mp4"))]
    twins = [(left, right) for left, right in pairs if right.exists()]
    assert len(twins) == 2 and all(left.read_bytes() == right.read_bytes() for left, right in twins)
    alike = [fade.right for fade in manifest.fades]
    both, one = (list(Playback(manifest, alike=known).frames()) for known in ((), alike))
    assert len(alike) == 2 and all(np.array_equal(a.rgb, b.rgb) for a, b in zip(both, one, strict=True))
    assert [fade.score for fade in manifest.fades] == [0.0, 0.0]
    with ClipReader(ClipRange((manifest.preview,), manifest.clip.rate, manifest.clip.length)) as reader:
        assert all(np.abs(reader.frame(n).rgb.astype(int) - a.rgb).mean() < 4 for n, a in enumerate(both))


@pytest.mark.parametrize("preview", [True, False])
def test_strips_are_played_once_for_preview_and_sheet(
    hand: Hand, little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    played, frames = [], Playback.frames

    def counted(playback: Playback) -> Iterator[Frame]:
        for frame in frames(playback):
            played.append(frame)
            yield frame

    monkeypatch.setattr(Playback, "frames", counted)
    output = Output(folder=str(tmp_path / "out"), preview=preview, sheet=str(tmp_path / "sheet.png"))
    manifest = hand.run(little.job("job-1", 4, 16, output=output))
    assert len(played) == manifest.clip.length
    sheet = read_picture(manifest.sheet).rgb
    assert sheet[-60:-40, 80:380].std() > 10  # the row of the result


def test_seeds_of_a_look_without_any_show_the_one_picture(hand: Hand, little: Little) -> None:
    spec = little.job("seeds-1", 4)
    hand.folder("seeds-1").mkdir(parents=True)
    from restrip.storage import json_files

    look = {"name": spec.look, "settings": {}}
    body = {"kind": "seeds", "source": spec.to_json()["source"], "frame": 4, "n": 4, "prompt": None, "look": look}
    json_files.write_json(hand.folder("seeds-1") / "job.json", body)
    result = hand.task("seeds", "seeds-1")
    assert [picture["seed"] for picture in result["pictures"]] == [0]
    assert read_picture(result["sheet"]).size[0] > 300
    picture = read_picture(result["pictures"][0]["file"])
    assert np.array_equal(picture.rgb, 255 - frame_of(4).rgb)
    # The picture is the key that a job would make.
    assert counts(hand.run(little.job("job-1", 4)))[:2] == (0, 1)


def test_a_clip_with_sound_is_heard_in_the_preview(hand: Hand, bigbuckbunny: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.png"
    write_picture(own, Frame(np.full((36, 64, 3), 77, np.uint8)))
    clip = ClipRange((str(bigbuckbunny),), Rate.of(25), 6, trim_in=30)
    out = Output(preview=True, baked=True, long_side=64)
    spec = Little(bigbuckbunny, tmp_path).job("job-1", clip=clip, keys=(Key(3, image=str(own)),), output=out)
    manifest = hand.run(spec)
    for path in (manifest.preview, manifest.baked):
        info = probe([path])
        assert info.audio and info.frames == 6
    assert not probe([manifest.strips[0].file]).audio


def test_movie_writer_is_what_the_bench_thinks(little: Little) -> None:
    """The little clip is lossless: what tests compare with is what the jobs read."""
    assert MovieWriter is not None
    for n, frame in enumerate(read(str(little.clip), FRAMES)):
        assert np.array_equal(frame.rgb, frame_of(n).rgb)
