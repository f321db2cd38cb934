"""What the source has is carried through a job: timecode, transparency, damage that is named, the editor's matrix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from job_bench import FRAMES, Hand, Little, frame_of

from restrip.client.job import JobSpec, Manifest, Output
from restrip.jobs.model.cache_keys import Known
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.planner import make_plan
from restrip.jobs.source import open_source
from restrip.media import ClipReader, Frame, MovieWriter, probe, write_picture
from restrip.media.movies.movie import MediaDamaged
from restrip.timeline import ClipRange, Rate


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def of(little: Little, clip: Path, *frames: int, length: int = FRAMES, **more: object) -> Job:
    """A job on another clip with the same number of frames."""
    spec = Job.of(little.job("job-1", *frames, length=length))
    return replace(spec, clip=replace(spec.clip, paths=(str(clip),)), **more)


def frames_of(file: str, length: int) -> list[Frame]:
    with ClipReader(ClipRange((file,), Rate.of(25), length)) as reader:
        return list(reader.frames())


def write(path: Path, frames: list[Frame], name: str, timecode: str = "") -> Path:
    with MovieWriter(path, frames[0].size, Rate.of(25), name, timecode=timecode) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def test_every_file_has_the_timecode_of_its_first_frame(hand: Hand, little: Little, tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mov", [frame_of(n) for n in range(FRAMES)], "prores422hq", "09:59:59:20")
    spec = of(little, clip, 4, 8, length=12, output=Output(baked=True, preview=True))
    manifest = hand.run(replace(spec, clip=replace(spec.clip, trim_in=3)))
    # The clip begins three frames into the media; the second key's strip begins at the first key.
    named = [probe([strip.file]).timecode for strip in manifest.strips]
    assert named == ["09:59:59:23", "10:00:00:02"]
    assert probe([manifest.baked]).timecode == probe([manifest.preview]).timecode == "09:59:59:23"


def test_transparency_is_kept_by_a_format_that_can(hand: Hand, little: Little, tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    clip = write(tmp_path / "clip.mkv", [Frame(frame_of(n).rgb, alpha) for n in range(6)], "ffv1")
    manifest = hand.run(of(little, clip, 2, length=6, output=Output(preview=True)))
    assert any("transparency" in note and "ProRes 4444" in note for note in manifest.notes)
    (strip,) = manifest.strips
    assert strip.file.endswith(".mov")
    for frame in frames_of(strip.file, 6):
        assert frame.alpha is not None
        assert np.abs(frame.with_depth(False).alpha.astype(int) - alpha).max() <= 1
    # An editor shows it over black: on the left there is nothing, on the right all of it.
    shown = frames_of(manifest.preview, 6)[2].rgb
    assert shown[:, 0].max() < 8
    assert abs(shown[:, 63].astype(int) - (255 - frame_of(2).rgb[:, 63])).mean() < 8


def test_the_look_alone_has_the_matte_as_transparency(hand: Hand, little: Little, tmp_path: Path) -> None:
    matte = np.zeros((48, 64, 3), np.uint8)
    matte[:, 32:] = 255
    write_picture(tmp_path / "matte.png", Frame(matte))
    asked = {"matte": str(tmp_path / "matte.png"), "settings": {"matte_feather": 4.0}}
    whole = hand.run(little.job("job-1", 4, length=8, output=Output(format="ffv1"), **asked))
    alone = hand.run(
        little.job("job-2", 4, length=8, output=Output(format="ffv1", look_only=True, preview=True), **asked)
    )
    assert alone.facts["look_only"] and "look_only" not in whole.facts
    assert alone.counts["segments_rendered"] == 2, "another picture than the whole one's"
    pairs = zip(frames_of(whole.strips[0].file, 8), frames_of(alone.strips[0].file, 8), strict=True)
    shown = frames_of(alone.preview, 8)
    for n, (mixed, cut) in enumerate(pairs):
        assert cut.alpha is not None
        assert cut.alpha[:, :24].max() == 0 and cut.alpha[:, 40:].min() == 255
        # Over the source it is the whole picture again, in the editor and in the preview.
        share = cut.alpha[..., None] / 255
        over = frame_of(n).rgb * (1 - share) + cut.rgb * share
        assert np.abs(over - mixed.rgb).max() <= 2
        assert np.abs(shown[n].rgb.astype(int) - mixed.rgb).mean() < 2


def test_the_look_alone_needs_a_format_with_transparency(hand: Hand, little: Little, tmp_path: Path) -> None:
    write_picture(tmp_path / "matte.png", Frame(np.full((48, 64, 3), 128, np.uint8)))
    job = little.job("job-1", 2, length=4, matte=str(tmp_path / "matte.png"), output=Output(look_only=True))
    manifest = hand.run(job)
    assert manifest.facts["format"] == "prores4444"
    assert all(
        frame.alpha is not None and abs(int(frame.with_depth(False).alpha[24, 32]) - 128) <= 1
        for frame in frames_of(manifest.strips[0].file, 4)
    )


def turned(path: Path, frames: list[Frame]) -> Path:
    """A movie stored as `frames`, to be seen turned clockwise by 90 degrees (ISO 14496-12, section 8.3.2)."""
    raw = bytearray(write(path, frames, "h264").read_bytes())
    place = raw.index(b"tkhd") + 44
    for number, value in enumerate((0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)):
        raw[place + 4 * number : place + 4 * number + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(raw)
    return path


def test_keys_mattes_and_results_stand_as_the_source_is_seen(hand: Hand, little: Little, tmp_path: Path) -> None:
    """A phone held upright: the key is painted on the upright picture, and the matte is a movie of the same phone."""
    clip = turned(tmp_path / "clip.mp4", [frame_of(n) for n in range(6)])
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:24] = 255  # Above when stored: on the right when seen.
    matte = turned(tmp_path / "matte.mp4", [Frame(stored)] * 6)
    (tmp_path / "painted").mkdir()
    write_picture(tmp_path / "painted" / "2.png", Frame(np.full((64, 48, 3), 200, np.uint8)))
    job = of(little, clip, 2, length=6, look=f"keys:{tmp_path / 'painted'}", matte=str(matte))
    manifest = hand.run(replace(job, settings={"matte_feather": 0.0}, output=Output(format="ffv1")))
    assert manifest.size == (48, 64)
    for n, frame in enumerate(frames_of(manifest.strips[0].file, 6)):
        upright = np.rot90(frame_of(n).rgb, -1).astype(int)
        assert np.abs(frame.rgb[:, :22] - upright[:, :22]).mean() < 4, "the source where the matte is black"
        assert np.abs(frame.rgb[:, 26:].astype(int) - 200).mean() < 4, "the key where it is white"


def damaged(tmp_path: Path) -> Path:
    """24 frames in groups of 12; frame 14 says that it is longer than the file."""
    path = write(tmp_path / "clip.mp4", [frame_of(n) for n in range(FRAMES)], "h264")
    with av.open(str(path)) as movie:
        packets = [packet for packet in movie.demux(movie.streams.video[0]) if packet.size]
        place = packets[14].pos
    raw = bytearray(path.read_bytes())
    raw[place : place + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(raw)
    return path


def concealed(manifest: Manifest) -> list[int]:
    return list(manifest.facts.get("concealed", []))


def test_concealed_frames_are_listed(hand: Hand, little: Little, tmp_path: Path) -> None:
    job = of(little, damaged(tmp_path), 4, 20)
    manifest = hand.run(job)
    assert concealed(manifest) == [14]
    assert any("14" in note and "concealed" in note for note in manifest.notes)
    assert len(frames_of(manifest.strips[0].file, 20)) == 20
    # What comes from the cache is listed as well; where the clip is trimmed, in the frames of that clip.
    assert concealed(hand.run(replace(job, job_id="job-2"))) == [14]
    assert concealed(hand.run(replace(little.job("job-3", 4, 20)))) == []


def test_damage_is_refused_when_asked_for(hand: Hand, little: Little, tmp_path: Path) -> None:
    job = of(little, damaged(tmp_path), 4, 20)
    hand.run(job)
    with pytest.raises(MediaDamaged) as caught:
        hand.run(replace(job, job_id="job-2", settings={"strict": True}))
    assert caught.value.detail["picture"] == 14
    before = replace(job.clip, length=13)
    assert hand.run(replace(job, job_id="job-3", clip=before, keys=job.keys[:1], settings={"strict": True})).strips


def untagged(path: Path) -> Path:
    """Two frames of one saturated colour, H.264 without a word about its colours."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(2):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane, value in zip(picture.planes, (120, 90, 200), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def test_an_untagged_source_is_read_as_the_editor_shows_it(little: Little, tmp_path: Path) -> None:
    """ITU-R BT.601 and BT.709, R'G'B' of Y' 120, Cb 90, Cr 200."""
    plain = of(little, untagged(tmp_path / "clip.mp4"), length=2)
    as_hd = replace(plain, clip=replace(plain.clip, untagged="bt709"))
    for spec, colour in ((plain, (236, 77, 44)), (as_hd, (250, 91, 41))):
        with open_source(spec) as reader:
            assert np.abs(reader.frame(1).rgb.astype(int) - colour).max() <= 1
    look = {"look": "painted"}
    one, other = (make_plan(spec, Known((64, 48), (), look)) for spec in (plain, as_hd))
    assert set(one.key_hashes).isdisjoint(other.key_hashes), "another picture, another key"
    assert {segment_task.hash for segment_task in one.segment_tasks}.isdisjoint(
        segment_task.hash for segment_task in other.segment_tasks
    )
    assert Job.of(JobSpec.from_json(as_hd.to_json())) == as_hd


def two_streams(path: Path) -> Path:
    """FFV1 with two video streams of 4 frames, grey 60 and grey 180, the first marked as default."""
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("ffv1", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        streams[0].disposition = av.stream.Disposition.default
        for _ in range(4):
            for stream, grey in zip(streams, (60, 180), strict=True):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey, np.uint8), "rgb24")
                out.mux(stream.encode(picture.reformat(format="bgr0")))
        for stream in streams:
            out.mux(stream.encode(None))
    return path


def test_a_job_reads_the_video_stream_that_is_asked_for(hand: Hand, little: Little, tmp_path: Path) -> None:
    plain = of(little, two_streams(tmp_path / "clip.mkv"), 1, length=4)
    second = replace(plain, job_id="job-2", settings={"video_stream": 2})
    for spec, grey in ((plain, 60), (second, 180)):
        with open_source(spec) as reader:
            assert (reader.frame(2).rgb == grey).all()
    manifests = [hand.run(spec) for spec in (plain, second)]
    assert [manifest.counts["segments_rendered"] for manifest in manifests] == [2, 2], "not each other's"
    for manifest, number in zip(manifests, (1, 2), strict=True):
        assert any(f"number {number} is read" in note for note in manifest.notes)
        assert any(f"number {number} is read" in note for note in manifest.facts["media"]["notes"])
