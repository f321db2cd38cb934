"""Encoders in hardware, by stand-ins: what is taken, what is refused, and what is said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import ClipReader, Frame, MovieWriter, probe
from restrip.media.av import mux
from restrip.media.av.mux import HardwareEncoderFailed
from restrip.media.movies import hardware_encoding
from restrip.media.movies.encoding import GROUP
from restrip.media.movies.hardware import EncoderFound, Likeness, find_hardware, works
from restrip.media.movies.hardware_encoding import HARDWARE, HardwareEncoder, encoding_of
from restrip.timeline import ClipRange, Rate

PLAIN = {"preset": "ultrafast", "crf": "{q}", "x264-params": "scenecut=0:open-gop=0:threads=1", "profile": "high"}
GOOD = HardwareEncoder("libx264", "nv12", PLAIN, (44, 30, 8))
ABSENT = HardwareEncoder("h264_nvenc", "yuv420p", {"preset": "p5"}, (20,))


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    rng = np.random.default_rng(0)
    rough = cv2.GaussianBlur(rng.integers(0, 256, (80, 112, 3)).astype(np.uint8), (0, 0), 1.5)
    return [Frame(np.ascontiguousarray(np.roll(rough, n, 1)[:64, :96])) for n in range(2)]


def having(monkeypatch: pytest.MonkeyPatch, *encoders: HardwareEncoder) -> None:
    monkeypatch.setitem(HARDWARE, "h264", encoders)


def test_the_coarsest_quality_that_is_as_good_as_the_processors_is_taken(monkeypatch, frames):
    having(monkeypatch, GOOD)
    assert find_hardware("h264", frames).hardware == "libx264:8"
    assert works("h264", "libx264:8", (96, 64))


def test_what_is_never_as_good_is_not_taken_and_neither_is_what_isnt_there(monkeypatch, frames):
    having(monkeypatch, ABSENT, HardwareEncoder("libx264", "nv12", PLAIN, (44, 38)))
    found = find_hardware("h264", frames)
    assert found.hardware == "" and "not as good as the processor" in found.note and "h264_nvenc: " in found.note
    assert not works("h264", "h264_nvenc:20", (96, 64))


def test_this_machines_own_hardware_never_raises(frames):
    """Whatever there is or isn't: what is found can be written with, and a reason is said otherwise."""
    for format_name in ("h264", "hevc"):
        found = find_hardware(format_name, frames)
        assert found.note.endswith(".")
        assert not found.hardware or works(format_name, found.hardware, frames[0].size)


def test_formats_without_such_encoders_say_so(frames):
    assert find_hardware("prores4444", frames) == EncoderFound(
        "", "ProRes 4444 (10 bit, alpha) is encoded by the processor: nothing else can."
    )


def test_an_encoder_that_loses_pictures_is_refused(monkeypatch, frames):
    having(monkeypatch, GOOD)
    whole = mux.Sink._encoded
    monkeypatch.setattr(
        mux.Sink,
        "_encoded",
        lambda self, picture: whole(self, picture)[: 0 if self._encoding.hardware and self._written == 2 else None],
    )
    assert find_hardware("h264", frames).hardware == ""


def test_interleaved_layouts_hold_the_same_pictures(monkeypatch, tmp_path: Path, frames):
    having(monkeypatch, HardwareEncoder("libx264", "nv12", {**PLAIN, "profile": "high", "crf": "{q}"}, (4,)))
    shown = []
    for name, hardware in (("planes", ""), ("pairs", "libx264:4")):
        path = tmp_path / f"{name}.mp4"
        with MovieWriter(path, (96, 64), Rate.of(25), "h264", hardware=hardware) as writer:
            for frame in frames:
                writer.write(frame)
        with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
            shown.append([reader.frame(n) for n in range(2)])
        assert probe([str(path)]).size == (96, 64)
    for one, other, frame in zip(*shown, frames, strict=True):
        assert min(Likeness.of(one, frame).db, Likeness.of(other, frame).db) > 30


def test_a_device_that_gives_up_is_named_and_leaves_no_file(monkeypatch, tmp_path: Path, frames):
    having(monkeypatch, ABSENT)
    with (
        pytest.raises(HardwareEncoderFailed, match="h264_nvenc") as caught,
        MovieWriter(tmp_path / "a.mp4", (96, 64), Rate.of(25), "h264", hardware="h264_nvenc:20") as writer,
    ):
        writer.write(frames[0])
    assert caught.value.code == "hardware-encoder" and "encode_on" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_name", sorted(HARDWARE))
def test_every_encoder_is_asked_for_what_strips_have_to_be(format_name):
    for encoder in HARDWARE[format_name]:
        encoding = encoding_of(format_name, encoder.named(encoder.qualities[0]))
        assert (encoding.options["g"], encoding.options["bf"]) == (GROUP, "0")
        assert encoding.hardware and encoding.fine == {} and encoding.container == "mp4"
        assert not [text for text in encoding.options.values() if "{" in text]
        assert encoding.tag == encoding_of(format_name).tag
    assert hardware_encoding.encoding_of(format_name).hardware is False


def test_likeness_of_a_picture_and_itself_and_of_a_worse_one(frames):
    same = Likeness.of(frames[0], frames[0])
    assert same.db == 99 and same.ssim == pytest.approx(1)
    blurred = Likeness.of(Frame(cv2.GaussianBlur(frames[0].rgb, (0, 0), 2)), frames[0])
    assert not blurred.holds(same) and same.holds(blurred)
