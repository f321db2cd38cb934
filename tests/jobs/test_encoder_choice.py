"""Jobs whose movies hardware encodes, with an encoder of the processor in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_bench import FRAMES, Hand, Little

from restrip.client.job import Output
from restrip.jobs import encoder_choice
from restrip.jobs.tasks import segments
from restrip.jobs.tasks.prepare import saved_plan
from restrip.media import ClipReader, probe
from restrip.media.av import mux
from restrip.media.av.copy import encoding_facts
from restrip.media.av.mux import HardwareEncoderFailed
from restrip.media.av.pyav import open_media
from restrip.media.movies.hardware_encoding import HARDWARE, HardwareEncoder
from restrip.timeline import ClipRange, Rate

OPTIONS = {"preset": "ultrafast", "crf": "{q}", "x264-params": "scenecut=0:open-gop=0:threads=1", "profile": "high"}
AUTO = {"encode_on": "auto"}


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HARDWARE, "h264", (HardwareEncoder("libx264", "nv12", OPTIONS, (6,)),))


def shown(path: str) -> list[bytes]:
    count = probe([path]).frames or 0
    with ClipReader(ClipRange((path,), Rate.of(25), count), strict=True) as reader:
        return [reader.frame(n).rgb.tobytes() for n in range(count)]


def encoded_as(path):
    with open_media(path) as container:
        return encoding_facts(container.streams.video[0])


def test_without_the_setting_nothing_is_tried(hand: Hand, little: Little, monkeypatch) -> None:
    monkeypatch.setattr(encoder_choice, "find_hardware", None)
    manifest = hand.run(little.job("job-1", 4, 16))
    assert "encode_on" not in manifest.settings and not [note for note in manifest.notes if "encoded" in note]
    assert saved_plan(hand.folder("job-1"))[0].hardware == ""


def test_strips_of_hardware_are_joined_and_cached_apart(hand: Hand, little: Little, device) -> None:
    plain = hand.run(little.job("job-1", 4, 16))
    made = hand.run(little.job("job-2", 4, 16, settings=AUTO, output=Output(baked=True)))
    assert made.counts["segments_rendered"] == 3, "other files than the processor's"
    assert [note for note in made.notes if "is encoded by libx264, at quality 6" in note]
    assert made.settings["encode_on"] == "auto"
    for strip, other in zip(made.strips, plain.strips, strict=True):
        assert len(shown(strip.file)) == len(strip.frames) and encoded_as(strip.file) != encoded_as(other.file)
    assert len(shown(made.baked)) == FRAMES
    again = hand.again().run(little.job("job-3", 4, 16, settings=AUTO, output=Output(baked=True)))
    assert again.counts["segments_rendered"] == 0


def test_no_device_is_a_note_and_the_same_files(hand: Hand, little: Little, monkeypatch) -> None:
    monkeypatch.setitem(HARDWARE, "h264", (HardwareEncoder("h264_nvenc", "yuv420p", {}, (20,)),))
    plain = hand.run(little.job("job-1", 4, 16))
    manifest = hand.run(little.job("job-2", 4, 16, settings=AUTO))
    assert [note for note in manifest.notes if "encoded by the processor (h264_nvenc: " in note]
    assert [strip.sha256 for strip in manifest.strips] == [strip.sha256 for strip in plain.strips]
    assert manifest.counts["segments_cached"] == 3


def test_a_device_that_gives_up_on_the_way_costs_a_note(hand: Hand, little: Little, device, monkeypatch) -> None:
    whole, failing = mux.Sink._encoded, [False]

    def encoded(self, picture):
        if failing[0] and self._encoding.hardware and self._written == 5:
            raise HardwareEncoderFailed("libx264", "the card fell off the bus")
        return whole(self, picture)

    monkeypatch.setattr(mux.Sink, "_encoded", encoded)
    spec = little.job("job-1", 4, 16, settings=AUTO, output=Output(baked=True))
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    keys = hand.task("keys", "job-1", keys=found["missing_keys"])["rendered"]
    for part in found["missing_parts"]:
        failing[0] = part == 1
        assert hand.task("part", "job-1", part=part)["rendered"] == 1
    hand.task("finish", "job-1", retries=[], made={"keys": keys, "segments": 3})
    plan = saved_plan(hand.folder("job-1"))[0]
    assert plan.hardware == "libx264:6"
    body = hand.folder("job-1") / "manifest.json"
    text = body.read_text()
    assert "the card fell off the bus" in text and "encoded again by the processor" in text
    plain = hand.run(little.job("job-2", 4, 16))
    result = hand.folder("job-1") / "result"
    for strip in plain.strips:
        mine = next(result.glob(f"strip-{strip.key:03d}-*"))
        assert len(shown(str(mine))) == len(strip.frames) and encoded_as(str(mine)) == encoded_as(strip.file)


def test_another_machine_without_the_device_encodes_by_its_processor(
    hand: Hand, little: Little, device, monkeypatch
) -> None:
    spec = little.job("job-1", 4, 16, settings=AUTO)
    hand.put(spec)
    found = hand.task("prepare", "job-1")
    keys = hand.task("keys", "job-1", keys=found["missing_keys"])["rendered"]
    monkeypatch.setattr(segments, "works", lambda *_: False)
    made = sum(hand.task("part", "job-1", part=part)["rendered"] for part in found["missing_parts"])
    hand.task("finish", "job-1", retries=[], made={"keys": keys, "segments": made})
    assert "doesn't encode here" in (hand.folder("job-1") / "manifest.json").read_text()


def test_a_draft_and_a_sequence_try_nothing(hand: Hand, little: Little, device, monkeypatch) -> None:
    monkeypatch.setattr(encoder_choice, "find_hardware", None)
    for job_id, output in (("job-1", Output(draft=True)), ("job-2", Output(format="png"))):
        hand.run(little.job(job_id, 4, 16, settings=AUTO, output=output))
