"""Real footage in HLG and PQ through whole jobs: tags, depth and light beyond white survive a look.

One clip is made of footage that every test set-up has, its bright parts graded up beyond white. Where RESTRIP_HDR_CLIPS
names a folder of clips of cameras, all that are in it are used, too. Those that were:

    dolbyVision-hdr.MOV (a phone's HLG with Dolby Vision 8.4, turned by its file), hlg10-color-test.mp4 (a phone's
    HLG), hdr10-av1.mp4, hdr10-video-with-sdr-container.mp4 (HDR10 and HDR10+): test data of AndroidX Media
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from job_bench import Hand

from restrip.client.job import JobSpec, Output
from restrip.media import ClipReader, ColourTags, MovieWriter, probe, read_picture
from restrip.media.curves import srgb_decoded
from restrip.media.highlights import gain_of
from restrip.media.light import BEYOND, LightCoding, SceneLight
from restrip.timeline import ClipRange, Key, Rate

LENGTH = 3
HLG = ColourTags("bt2020nc", "bt2020", "arib-std-b67", "limited")
FOLDER = os.environ.get("RESTRIP_HDR_CLIPS", "")
CLIPS = sorted(path for path in Path(FOLDER).glob("*.[Mm]*") if path.is_file()) if FOLDER else []


@pytest.fixture(params=["graded up", *CLIPS], ids=lambda given: getattr(given, "name", given))
def clip(request: pytest.FixtureRequest, bigbuckbunny: Path, tmp_path: Path) -> ClipRange:
    """Three frames of light beyond white."""
    if request.param == "graded up":
        return graded_up(bigbuckbunny, tmp_path / "clip.mp4")
    info = probe([str(request.param)])
    if info.colour.transfer not in BEYOND:
        pytest.skip("not in PQ or HLG")
    return ClipRange((str(request.param),), info.rate, LENGTH)


def graded_up(footage: Path, path: Path) -> ClipRange:
    """Footage with its bright parts up to four times white, as a camera's HLG: 10 bit, BT.2020, HEVC."""
    coding = LightCoding(HLG)
    with ClipReader(ClipRange((str(footage),), Rate.of(25), LENGTH)) as reader:
        size = (reader.size[0] // 8 * 2, reader.size[1] // 8 * 2)
        with MovieWriter(path, size, Rate.of(25), "hevc", HLG) as writer:
            for frame in reader.frames():
                light = srgb_decoded(frame.rgb / frame.white).astype(np.float32)
                up = 1 + 3 * np.clip((light.max(-1, keepdims=True) - 0.4) / 0.5, 0, 1)
                writer.write(coding.code(SceneLight(light * up).fitted(size)))
    return ClipRange((str(path),), Rate.of(25), LENGTH)


def test_a_look_keeps_tags_depth_and_highlights(clip: ClipRange, tmp_path: Path) -> None:
    hand = Hand(tmp_path / "state")
    output = Output(format="hevc", long_side=256)
    manifest = hand.run(JobSpec("job-1", clip, (Key(0), Key(LENGTH - 1)), "neural:24", {}, cuts=(), output=output))
    source, made = probe(clip.paths), probe([manifest.strips[0].file])
    assert made.colour == source.colour and made.bit_depth == 10 and made.codec == "hevc"
    upright = source.size[0] > source.size[1]
    assert (made.size[0] > made.size[1]) == upright and max(made.size) == 256 and made.rotation == 0
    assert any("comes back onto the result" in note for note in manifest.notes)
    assert not any("as if for a display" in note for note in manifest.notes)
    with ClipReader(clip) as reader:
        graded, coding = reader.mastering, reader.coding
        lights = {n: reader.light(n).fitted(made.size).rgb for n in (0, LENGTH - 1)}
    for place, strip in enumerate(manifest.strips):
        n = manifest.keys[place].key.frame
        frames = strip.frames
        with ClipReader(ClipRange((strip.file,), clip.rate, len(frames))) as reader:
            assert reader.mastering == graded
            shown = reader.light(n - frames.first).rgb.mean(-1)
        gain = gain_of(lights[n])[..., 0]
        key = coding._of_proxy(read_picture(manifest.keys[place].picture)).mean(-1)
        bright = (gain > 1.2) & (key > 0.1)
        assert bright.mean() > 0.005, "the clip has light beyond white"
        # Around a place as much brighter than what the look painted as the clip is than what it saw.
        around = [cv2.GaussianBlur(light, (0, 0), 8) for light in (shown, key * gain)]
        assert abs(np.median((around[0] / around[1])[bright]) - 1) < 0.12
        assert shown.max() > 1.2
