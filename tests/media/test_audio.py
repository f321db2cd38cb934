"""The source's sound beside the result: in sync to the sample, never stretched."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from makers import Recipe, make

from restrip.media import ClipReader, Frame, MovieWriter, mux_audio, probe, write_picture
from restrip.media.files import MediaMissing, OutputUnwritable
from restrip.timeline import ClipRange, Rate

RATE = Rate.of(25)
SAMPLES = 48000


def clicks(seconds: float) -> np.ndarray:
    """[1, n] float32: silence with a click of 1 ms at each whole half second."""
    sound = np.zeros((1, int(seconds * SAMPLES)), np.float32)
    for place in range(0, sound.shape[1], SAMPLES // 2):
        sound[0, place : place + 48] = 0.8
    return sound


def source(path: Path, picture_shift: int = 0) -> Path:
    """Four seconds of pictures and of clicks; pictures may begin some frames after the sound."""
    silent = make(path.with_suffix(".silent.mov"), Recipe(ticks=range(100), shift=picture_shift))
    with av.open(str(silent)) as pictures, av.open(str(path), "w") as out:
        template = pictures.streams.video[0]
        video = out.add_stream_from_template(template)
        audio = out.add_stream("pcm_s16le", rate=SAMPLES, layout="mono")
        frame = av.AudioFrame.from_ndarray((clicks(4) * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLES, 0, Fraction(1, SAMPLES)
        for packet in pictures.demux(template):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    return path


def movie(path: Path, count: int, name: str) -> Path:
    with MovieWriter(path, (64, 48), RATE, name, timecode="10:00:00:00") as writer:
        for n in range(count):
            writer.write(Frame(np.full((48, 64, 3), n, np.uint8)))
    return path


def heard(path: Path) -> tuple[np.ndarray, Fraction]:
    """([n] float32, seconds at which the sound begins, from the first picture)."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("flt", layout="mono", rate=SAMPLES)
        frames = list(container.decode(stream))
        begin = frames[0].pts * frames[0].time_base
        parts = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    return np.concatenate(parts), begin


def onsets(sound: np.ndarray, begin: Fraction) -> list[float]:
    """Seconds at which a click begins."""
    loud = np.flatnonzero(np.abs(sound) > 0.3)
    first = [place for place, before in zip(loud, [-SAMPLES, *loud[:-1]], strict=True) if place - before > 4800]
    return [place / SAMPLES + float(begin) for place in first]


@pytest.mark.parametrize(("name", "ending"), [("h264", ".mp4"), ("prores4444", ".mov"), ("ffv1", ".mkv")])
def test_sound_stays_in_sync(tmp_path: Path, name: str, ending: str) -> None:
    """From 0.7 s on, for 2 s: the clicks of 1.0, 1.5, 2.0 and 2.5 s are at 0.3, 0.8, 1.3 and 1.8."""
    origin = source(tmp_path / "source.mov")
    silent = movie(tmp_path / f"silent{ending}", 50, name)
    out = tmp_path / f"out{ending}"
    assert mux_audio(silent, origin, Fraction(7, 10), Fraction(2), out)
    sound, begin = heard(out)
    assert onsets(sound, begin) == pytest.approx([0.3, 0.8, 1.3, 1.8], abs=0.001 if name == "h264" else 2 / SAMPLES)
    info = probe([str(out)])
    assert (info.frames, info.rate, info.audio, info.timecode) == (50, RATE, True, "10:00:00:00")
    with ClipReader(ClipRange((str(out),), RATE, 50)) as a, ClipReader(ClipRange((str(silent),), RATE, 50)) as b:
        assert all((one.rgb == other.rgb).all() for one, other in zip(a.frames(), b.frames(), strict=True))


def test_media_time_counts_from_the_first_picture(tmp_path: Path) -> None:
    """Pictures that begin 0.4 s after the sound: media time 0 hears the sound of 0.4 s."""
    origin = source(tmp_path / "source.mov", picture_shift=10)
    out = tmp_path / "out.mov"
    mux_audio(movie(tmp_path / "silent.mov", 50, "prores4444"), origin, Fraction(0), Fraction(2), out)
    assert onsets(*heard(out)) == pytest.approx([0.1, 0.6, 1.1, 1.6], abs=2 / SAMPLES)


def test_silence_where_the_source_has_no_sound(tmp_path: Path) -> None:
    origin = source(tmp_path / "source.mov")
    out = tmp_path / "out.mkv"
    mux_audio(movie(tmp_path / "silent.mkv", 50, "ffv1"), origin, Fraction(3), Fraction(2), out)
    sound, begin = heard(out)
    assert onsets(sound, begin) == pytest.approx([0.0, 0.5], abs=0.002)
    assert len(sound) == 2 * SAMPLES


def test_sources_without_sound(tmp_path: Path) -> None:
    silent = movie(tmp_path / "silent.mp4", 5, "h264")
    quiet = make(tmp_path / "quiet.mp4", Recipe(ticks=range(10)))
    write_picture(tmp_path / "still.png", Frame(np.zeros((4, 4, 3), np.uint8)))
    for origin in (quiet, tmp_path / "still.png"):
        assert not mux_audio(silent, origin, 0, Fraction(1, 5), tmp_path / "out.mp4")
        assert not probe([str(tmp_path / "out.mp4")]).audio
        assert probe([str(tmp_path / "out.mp4")]).frames == 5


def test_the_movie_may_be_replaced(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mp4", 25, "h264")
    assert mux_audio(path, source(tmp_path / "source.mov"), 0, 1, path)
    assert probe([str(path)]).audio
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "source.mov", "source.silent.mov"]


def test_the_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    origin, silent = source(tmp_path / "source.mov"), movie(tmp_path / "silent.mp4", 25, "h264")
    for name in ("a.mp4", "b.mp4"):
        mux_audio(silent, origin, 0, 1, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_bad_input(tmp_path: Path) -> None:
    silent = movie(tmp_path / "silent.mp4", 2, "h264")
    with pytest.raises(MediaMissing):
        mux_audio(silent, tmp_path / "missing.mp4", 0, 1, tmp_path / "out.mp4")
    with pytest.raises(OutputUnwritable):
        mux_audio(silent, silent, 0, 1, tmp_path / "out.wav")


def test_real_footage(tmp_path: Path, bigbuckbunny: Path) -> None:
    """Six channels of AAC, from 0.4 s on: the result's samples are the source's."""
    silent = movie(tmp_path / "silent.mp4", 50, "h264")
    mux_audio(silent, bigbuckbunny, Fraction(2, 5), Fraction(2), tmp_path / "out.mp4")
    (was, was_begin), (now, now_begin) = heard(bigbuckbunny), heard(tmp_path / "out.mp4")
    start = int((Fraction(2, 5) - was_begin) * SAMPLES)
    assert now_begin == 0
    a, b = was[start + 2000 : start + 80000], now[2000:80000]
    assert np.corrcoef(a, b)[0, 1] > 0.97
