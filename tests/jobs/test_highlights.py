"""Light beyond white through whole jobs: EXR, PQ and HLG, by a built-in look and by painted keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from job_bench import Hand, Little

from restrip.client.job import JobSpec, Manifest, Output, clip_to_json
from restrip.jobs.model.planner import make_plan
from restrip.media import ClipReader, ColourTags, Frame, MovieWriter, probe, read_picture, write_picture
from restrip.media.highlights import gain_of
from restrip.media.light import LightCoding, SceneLight
from restrip.media.pictures.exr import read_linear
from restrip.timeline import ClipRange, Key, Rate

SIZE = (96, 64)
LENGTH = 4
PQ = ColourTags("bt2020nc", "bt2020", "smpte2084", "limited")
HLG = ColourTags("bt2020nc", "bt2020", "arib-std-b67", "limited")
DIM = np.float32([0.7, 0.6, 0.5])


def light_of(n: int) -> np.ndarray:
    """Above, bars of colour at 1 and 2; below, a ramp from 0 to 16 that moves; a lamp of 4 in the corner."""
    width, height = SIZE
    light = np.empty((height, width, 3), np.float32)
    ramp = np.roll(np.linspace(0, 16, width, dtype=np.float32), 0)
    light[height // 2 :] = ramp[None, :, None]
    bars = np.float32([[1, 1, 1], [1, 1, 0.1], [0.1, 1, 1], [0.1, 1, 0.1], [1, 0.1, 1], [1, 0.1, 0.1], [0.1, 0.1, 1]])
    light[: height // 4] = bars[np.arange(width) * 7 // width]
    light[height // 4 : height // 2] = 2 * bars[np.arange(width) * 7 // width]
    cv2.circle(light, (20 + 2 * n, height // 2), 7, (4.0, 3.0, 1.5), -1)
    return light


def exr_clip(folder: Path, scale: float = 1.0) -> ClipRange:
    with MovieWriter(folder, SIZE, Rate.of(25), "exr") as writer:
        for n in range(LENGTH):
            writer.write_light(SceneLight(light_of(n) * np.float32(scale)))
    return ClipRange(tuple(str(path) for path in sorted(folder.iterdir())), Rate.of(25), LENGTH)


def movie_clip(path: Path, tags: ColourTags, format_name: str = "ffv1") -> ClipRange:
    """In HLG the brightest is 4.9 times white, so the ramp ends at 4."""
    coding, scale = LightCoding(tags), np.float32(0.25 if tags is HLG else 1)
    with MovieWriter(path, SIZE, Rate.of(25), format_name, tags) as writer:
        for n in range(LENGTH):
            writer.write(coding.code(SceneLight(light_of(n) * scale)))
    return ClipRange((str(path),), Rate.of(25), LENGTH)


def job(clip: ClipRange, look: str, format_name: str, name: str = "job-1", **settings: object) -> JobSpec:
    return JobSpec(name, clip, (Key(0), Key(3)), look, settings, cuts=(), output=Output(format=format_name))


def painted(hand: Hand, clip: ClipRange, folder: Path, tint: np.ndarray) -> str:
    """Keys as a user makes them: the frames that the engine exports, tinted, in light."""
    body = {"source": clip_to_json(clip), "frames": [0, 3], "folder": str(folder), "first": 0, "replace": False}
    hand.task("export_keys", **body)
    for path in folder.glob("*.png"):
        frame = read_picture(path)
        coding = LightCoding(ColourTags("rgb"))
        write_picture(path, coding.code(SceneLight(coding.of_frame(frame).rgb * tint)))
    return f"keys:{folder}"


def lights(manifest: Manifest, strip: int = 0) -> list[np.ndarray]:
    path = Path(manifest.strips[strip].file)
    if path.is_dir():
        return [read_linear(str(picture))[0] for picture in sorted(path.iterdir())]
    length = len(manifest.strips[strip].frames)
    with ClipReader(ClipRange((str(path),), Rate.of(25), length)) as reader:
        return [reader.light(n).rgb for n in range(length)]


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def test_a_ramp_to_sixteen_in_exr_keeps_its_ratios(hand: Hand, tmp_path: Path) -> None:
    clip = exr_clip(tmp_path / "clip")
    look = painted(hand, clip, tmp_path / "keys", DIM)
    shown = read_picture(tmp_path / "keys" / "key_00000.png").rgb16()
    assert shown.max() < 65535  # Nothing was clipped in what is painted on.
    manifest = hand.run(job(clip, look, "exr", key_registration="off"))
    assert any("comes back onto the result" in note for note in manifest.notes)
    assert not any("clipped" in note for note in manifest.notes)
    for n, made in enumerate(lights(manifest)):
        wanted = light_of(n) * DIM
        ramp, bright = slice(SIZE[1] * 3 // 4, None), light_of(n)[-1, :, 0] > 1
        assert np.abs(made[ramp][:, bright] / wanted[ramp][:, bright] - 1).max() < 0.06
        assert made[ramp].max() > 10
        rows = np.diff(made[-1, :, 1])
        assert (rows > 0).all()  # Smooth: no step back, no plateau.
        assert np.median(np.abs(made - wanted)) < 0.02


@pytest.mark.parametrize(("tags", "format_name"), [(PQ, "prores4444"), (HLG, "hevc")])
def test_movies_keep_their_light_and_their_tags(hand: Hand, tmp_path: Path, tags: ColourTags, format_name: str) -> None:
    clip = movie_clip(tmp_path / "clip.mkv", tags)
    look = painted(hand, clip, tmp_path / "keys", DIM)
    manifest = hand.run(job(clip, look, format_name, key_registration="off"))
    colour = probe([manifest.strips[0].file]).colour
    assert (colour.primaries, colour.transfer) == (tags.primaries, tags.transfer)
    with ClipReader(clip) as reader:
        source = [reader.light(n).rgb for n in range(LENGTH)]
    for n, made in enumerate(lights(manifest)):
        greys = source[n][-6, :, 1] > 1
        # Tinting in Rec. 709's primaries: its luminance is what is compared.
        luma = np.float32([0.2627, 0.678, 0.0593])
        ratio = (made[-6, greys] @ luma) / (source[n][-6, greys] @ luma)
        assert ratio.std() / ratio.mean() < 0.06 and abs(ratio.mean() - float(DIM @ [0.2126, 0.7152, 0.0722])) < 0.06


def test_a_look_that_changes_nothing_gives_the_clip(hand: Hand, tmp_path: Path) -> None:
    clip = movie_clip(tmp_path / "clip.mkv", PQ)
    look = painted(hand, clip, tmp_path / "keys", np.ones(3, np.float32))
    manifest = hand.run(job(clip, look, "ffv1", key_registration="off"))
    with ClipReader(clip) as source, ClipReader(replace(clip, paths=(manifest.strips[0].file,))) as made:
        for n in range(LENGTH):
            apart = np.abs(source.frame(n).rgb.astype(int) - made.frame(n).rgb)
            assert np.percentile(apart, 90) <= 64 and np.percentile(apart[: SIZE[1] // 2], 50) <= 8


def test_a_built_in_look_keeps_highlights(hand: Hand, tmp_path: Path) -> None:
    clip = exr_clip(tmp_path / "clip")
    manifest = hand.run(job(clip, "neural:3", "exr"))
    kept = [lights(manifest, strip)[n] for strip, n in ((0, 0), (0, 1), (0, 2), (1, 2))]
    lost = lights(hand.run(job(clip, "neural:3", "exr", "job-2", highlights="off")))
    assert max(made.max() for made in lost) <= 1.001 and max(made.max() for made in kept) > 6
    # On every pixel as much brighter than the styled proxy as the clip is than its own.
    for n in (0, 3):
        gain = gain_of(light_of(n))[..., 0]
        key = read_picture(manifest.keys[n // 3].picture)
        seen = LightCoding(ColourTags("rgb")).of_frame(key).rgb.mean(-1)
        bright = (gain > 1.2) & (seen > 0.1)
        ratio = kept[n].mean(-1)[bright] / seen[bright] / gain[bright]
        assert bright.sum() > 500 and abs(np.median(ratio) - 1) < 0.05


def test_what_has_none_is_left_as_it_is(hand: Hand, little: Little, tmp_path: Path) -> None:
    """Movies for displays, pictures of light that ends at white: on or off, the same plan and the same files."""
    spec = little.job("job-1", 4, 16)
    on, off = hand.run(spec), hand.run(replace(spec, job_id="job-2", settings={"highlights": "off"}))
    assert [s.sha256 for s in on.strips] == [s.sha256 for s in off.strips] and off.counts["segments_rendered"] == 0
    assert "highlights" not in on.settings
    clip = exr_clip(tmp_path / "clip", 1 / 16)
    first = hand.run(job(clip, "neural:3", "exr", "job-3"))
    second = hand.run(job(clip, "neural:3", "exr", "job-4", highlights="off"))
    assert second.counts["segments_rendered"] == 0
    assert [s.sha256 for s in first.strips] == [s.sha256 for s in second.strips]


def test_formats_that_end_at_white_say_so(hand: Hand, tmp_path: Path) -> None:
    clip = exr_clip(tmp_path / "clip")
    manifest = hand.run(job(clip, "neural:3", "prores4444"))
    assert any("OpenEXR pictures keep it" in note for note in manifest.notes)
    assert (probe([manifest.strips[0].file]).colour.transfer) == "bt709"
    movie = movie_clip(tmp_path / "clip.mkv", HLG)
    manifest = hand.run(job(movie, "neural:3", "h264", "job-2"))
    assert any("steps in HDR" in note for note in manifest.notes)


@pytest.mark.parametrize("tags", [PQ, HLG, None], ids=["pq", "hlg", "exr"])
def test_previews_and_sheets_are_for_a_usual_display(hand: Hand, tmp_path: Path, tags: ColourTags | None) -> None:
    """Of a look that changes nothing all of them show the proxy, in which white is bright and keeps its colour."""
    clip = exr_clip(tmp_path / "clip") if tags is None else movie_clip(tmp_path / "clip.mkv", tags)
    form = "exr" if tags is None else "ffv1"
    look = painted(hand, clip, tmp_path / "keys", np.ones(3, np.float32))
    output = Output(format=form, preview=True, sheet=str(tmp_path / "sheet.png"))
    manifest = hand.run(replace(job(clip, look, form, key_registration="off"), output=output))
    with ClipReader(clip) as source:
        proxy = source.coding.proxy(source.light(0)).rgb8().astype(int)
    assert probe([manifest.preview]).colour.transfer == "bt709"
    with ClipReader(ClipRange((manifest.preview,), clip.rate, clip.length)) as reader:
        assert np.abs(reader.frame(0).rgb8().astype(int) - proxy).mean() < 6
    sheet = read_picture(manifest.sheet).rgb8().astype(int)
    width, height = 320, round(320 * SIZE[1] / SIZE[0])
    wanted = cv2.resize(proxy.astype(np.uint8), (width, height)).astype(int)
    for row in range(3):
        top = 32 + row * (height + 8)
        assert np.abs(sheet[top : top + height, 64 : 64 + width] - wanted).mean() < 6, row


@pytest.mark.parametrize("format_name", ["hevc", "prores4444"])
def test_ten_bit_output_has_no_bands(hand: Hand, tmp_path: Path, format_name: str) -> None:
    """A shallow gradient of 10 bit, dimmed: as many levels as the format has there, each next to the last."""
    width, height = 256, 64
    ramp = np.linspace(0.40, 0.55, width)[None, :, None] * np.ones((height, 1, 3))
    frame = Frame(np.rint(ramp * 65535).astype(np.uint16))
    path = tmp_path / "clip.mov"
    with MovieWriter(path, (width, height), Rate.of(25), "prores4444", ColourTags("bt709", "bt709", "bt709")) as writer:
        for _ in range(LENGTH):
            writer.write(frame)
    clip = ClipRange((str(path),), Rate.of(25), LENGTH)
    (tmp_path / "keys").mkdir()
    for n in (0, 3):
        write_picture(tmp_path / "keys" / f"{n}.png", Frame(np.rint(ramp * 0.9 * 65535).astype(np.uint16)))
    for n, look in enumerate([f"keys:{tmp_path / 'keys'}", "neural:3"]):
        manifest = hand.run(job(clip, look, format_name, f"job-{n}", key_registration="off"))
        with ClipReader(replace(clip, paths=(manifest.strips[0].file,))) as reader:
            grey = reader.frame(1).rgb[8:-8, 8:-8, 1].astype(float) / 65535 * 1023
        levels = len(np.unique(np.rint(grey)))
        if n == 0:
            assert levels > 0.8 * 0.15 * 0.9 * 1023 * 219 / 255
            smooth = grey.mean(axis=0)
            assert (
                np.abs(np.diff(smooth)).max() < 2.5
                and (np.diff(np.convolve(smooth, np.ones(9) / 9, "valid")) > 0).mean() > 0.9
            )
        else:
            assert levels > 64  # 8 bit would leave a quarter of the codes.


def test_a_gradient_in_hlg_has_no_bands(hand: Hand, tmp_path: Path) -> None:
    """From below white to beyond it in 10 bit, dimmed by painted keys: nearly as many levels as before, no step."""
    width, height = 256, 64
    ramp = np.rint(np.linspace(0.68, 0.82, width)[None, :, None] * np.ones((height, 1, 3)) * 65535).astype(np.uint16)
    path = tmp_path / "clip.mov"
    with MovieWriter(path, (width, height), Rate.of(25), "prores4444", HLG) as writer:
        for _ in range(LENGTH):
            writer.write(Frame(ramp))
    clip = ClipRange((str(path),), Rate.of(25), LENGTH)
    look = painted(hand, clip, tmp_path / "keys", np.full(3, 0.7, np.float32))
    manifest = hand.run(job(clip, look, "hevc", key_registration="off"))
    assert probe([manifest.strips[0].file]).bit_depth == 10
    with ClipReader(replace(clip, paths=(manifest.strips[0].file,))) as reader:
        for n in range(LENGTH - 1):
            grey = reader.frame(n).rgb[8:-8, 8:-8, 1].astype(float) / 65535 * 1023
            steps = np.diff(grey.mean(axis=0))
            # Half a code a column: each is the next code or so, none is two behind.
            assert len(np.unique(np.rint(grey))) > 0.8 * np.ptp(grey.mean(axis=0)) * 219 / 255
            assert np.abs(steps).max() < 2.5 and (np.diff(np.convolve(grey.mean(0), np.ones(9) / 9, "valid")) > 0).all()


def test_plans_of_clips_with_highlights_have_hashes_of_their_own(tmp_path: Path, little: Little) -> None:
    from restrip.jobs.model.cache_keys import Known
    from restrip.jobs.model.effective_settings import Job

    spec = Job.of(little.job("job-1", 4, 16))
    known = Known((64, 48), (), {"look": "painted"})
    plain, kept = make_plan(spec, known), make_plan(spec, replace(known, highlights=True))
    assert kept.highlights and not set(plain.key_hashes) & set(kept.key_hashes)
    assert all(a.hash != b.hash for a, b in zip(plain.segment_tasks, kept.segment_tasks, strict=True))
