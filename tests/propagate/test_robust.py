"""Awkward segments: what must not break, and what must not be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes import Pictures, brighter, inside, negative, occluder, psnr, sliding, styled, swapped, texture

from restrip.looks import open_look
from restrip.media import ClipReader, Frame, fit_picture
from restrip.progress import silent
from restrip.propagate import FadeScore, PropagateSettings, StyledKey, propagate, propose_fade
from restrip.timeline import ClipRange, FrameRange, Key, Rate

SIZE = (113, 71)
LAST = 8


def between(frames, look=swapped, keys=(0, LAST), **settings):
    """All frames from the left key on, carried from both keys, styled by `look`."""
    pair = tuple(None if k is None else styled(frames, k, look(frames[k])) for k in keys)
    first, end = keys[0] or 0, len(frames) if keys[1] is None else keys[1]
    window = Pictures(frames, FrameRange(first, end))
    return list(propagate(window, pair, PropagateSettings(baked=True, **settings), silent))


def worst(out, frames, look=swapped, border=0) -> list[float]:
    """For each frame the PSNR of its worst rendition."""
    cut = (lambda p: inside(p, border)) if border else (lambda p: p)
    found = []
    for one, frame in zip(out, frames, strict=False):
        pictures = [p for p in (one.left, one.right, one.baked) if p is not None]
        found.append(min(psnr(cut(p.rgb8()), cut(look(frame))) for p in pictures))
    return found


@pytest.fixture(scope="module")
def slide() -> list[np.ndarray]:
    return sliding(LAST + 1, SIZE, (2, 1))


@pytest.mark.parametrize("times, plus", [(0.3, 170.0), (0.0, 255.0), (1.0, 60.0)], ids=["bright", "white", "lifted"])
def test_a_flash_is_followed_and_leaves_no_trace(slide, times, plus):
    frames = list(slide)
    frames[4] = brighter(slide[4], times, plus)
    plain, flashed = worst(between(slide), slide), worst(between(frames), frames)
    assert flashed[4] > 34
    for n in (1, 2, 3, 5, 6, 7):
        assert flashed[n] > plain[n] - 4, n


def test_a_flash_is_not_followed_by_a_look_that_should_not(slide):
    frames = list(slide)
    frames[4] = brighter(slide[4], 0.3, 170)
    out = between(frames, shading=0.0)
    made = out[4].baked.rgb
    assert psnr(made, swapped(slide[4])) > psnr(made, swapped(frames[4])) + 4
    assert abs(made.mean() - slide[4].mean()) < 8 < frames[4].mean() - slide[4].mean()


@pytest.mark.parametrize(
    "lights",
    [(1, 0.9, 0.8, 0.7, 0.55, 0.4, 0.25, 0.1, 0), (1, 0.7, 0.4, 0.2, 0, 0.2, 0.4, 0.7, 1)],
    ids=["to black", "through black"],
)
def test_fades_of_the_source_fade_the_result(slide, lights):
    frames = [brighter(f, light) for f, light in zip(slide, lights, strict=True)]
    assert min(worst(between(frames), frames)) > 38
    only_left = between(frames, keys=(0, None))
    assert min(worst(only_left[:5], frames)) > 38
    for one, frame in zip(only_left, frames, strict=True):
        assert abs(float(one.left.rgb.mean()) - frame.mean()) < 4  # however lost the motion is after black


@pytest.mark.parametrize("keys", [(0, LAST), (0, None), (None, LAST)])
@pytest.mark.parametrize("deep", [False, True])
def test_a_still_shot_is_the_key(keys, deep):
    frames = [texture(SIZE, 3)] * (LAST + 1)
    painted = negative(texture(SIZE, 9))  # nothing to do with the frame
    picture = painted.astype(np.uint16) * np.uint16(257) if deep else painted
    for one in between(frames, look=lambda f: picture, keys=keys):
        for made in (one.left, one.right, one.baked):
            assert made is None or (made.rgb == picture).all()


def test_a_still_shot_with_grain_keeps_the_strokes_of_the_key():
    rng, scene = np.random.default_rng(4), texture(SIZE, 3)
    frames = [np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8) for _ in range(LAST + 1)]
    strokes = negative(texture(SIZE, 9, grain=1.0))
    for one in between(frames, look=lambda f: strokes):
        assert np.abs(one.baked.rgb.astype(int) - strokes).mean() < 2.5


def test_blur_of_a_whole_frame_passes(slide):
    frames = list(slide)
    for n, width in ((3, 7), (4, 13), (5, 7)):
        frames[n] = cv2.blur(slide[n], (width, 1))
    found, plain = worst(between(frames), frames), worst(between(slide), slide)
    for n in (3, 4, 5):
        assert found[n] > 10 + psnr(swapped(frames[0]), swapped(frames[n]))
    for n in (1, 2, 6, 7):
        assert found[n] > plain[n] - 3


def seen_apart(one) -> float:
    return float(np.abs(one.left.rgb8().astype(int) - one.right.rgb8()).mean())


def test_keys_of_different_colour_meet_in_the_fade(slide):
    looks = {0: lambda f: brighter(swapped(f), 0.5, 100), LAST: negative}
    keys = tuple(styled(slide, k, look(slide[k])) for k, look in looks.items())
    fade = FrameRange(2, 6)
    window, settings = Pictures(slide, FrameRange(0, LAST)), PropagateSettings(fade=fade, baked=True)
    out = list(propagate(window, keys, settings, silent))
    assert seen_apart(out[4]) < 1  # the middle: both strips are the joint mix
    assert psnr(out[1].left.rgb, looks[0](slide[1])) > 25
    assert psnr(out[7].right.rgb, negative(slide[7])) > 25
    played = [one.left.rgb.astype(int) for one in out[:4]] + [one.right.rgb.astype(int) for one in out[4:]]
    steps = [float(np.abs(a - b).mean()) for a, b in pairwise(played)]
    assert max(steps) < 3 * np.mean(steps)


def test_neural_looks_of_different_styles_on_neighbouring_keys(bikes):
    size, count = (160, 68), 7
    with ClipReader(ClipRange((str(bikes),), Rate.of(25), count, trim_in=40)) as reader:
        frames = [fit_picture(reader.frame(n), size) for n in range(count)]
    keys = []
    for n, look in ((0, "neural:19"), (count - 1, "neural:3")):
        picture = open_look(look, {}).stylize([frames[n]], [Key(n)], silent)[0].picture
        keys.append(StyledKey(n, frames[n], picture))
    window = Pictures([f.rgb for f in frames], FrameRange(0, count - 1))
    fade = propose_fade(window, tuple(keys), 4, PropagateSettings(), silent)
    out = list(propagate(window, tuple(keys), PropagateSettings(fade=fade), silent))
    apart = PropagateSettings(fade=fade, lean=0.0)
    independent = list(propagate(window, tuple(keys), apart, silent))
    scores = FadeScore(), FadeScore()
    for n in fade:
        for score, one in zip(scores, (out[n], independent[n]), strict=True):
            score.add(one.left, one.right)
    between_keys = float(np.abs(keys[0].picture.rgb8().astype(int) - keys[1].picture.rgb8()).mean())
    assert scores[0].value < scores[1].value < between_keys
    assert seen_apart(out[fade.first + 2]) < 1 < seen_apart(independent[fade.first + 1])
    for key, one in ((keys[0], out[1]), (keys[1], out[-1])):
        shown, other = (one.left, keys[1]) if key is keys[0] else (one.right, keys[0])
        cast = [float(np.abs(shown.rgb8().mean((0, 1)) - k.picture.rgb8().mean((0, 1))).mean()) for k in (key, other)]
        assert cast[0] < 0.5 * cast[1]  # beside its key a strip has that key's colours


@pytest.mark.parametrize(
    "size", [(33, 47), (47, 33), (71, 113), (1, 1), (2, 3), (1, 40), (15, 16), (17, 16), (48, 47), (300, 9)]
)
def test_any_size_and_portrait(size):
    frames = sliding(4, size, (1, 1), seed=2)
    out = between(frames, keys=(0, 3))
    for n, one in enumerate(out):
        for made in (one.left, one.right, one.baked):
            assert made.size == size
        if min(size) > 30:
            assert psnr(one.baked.rgb, swapped(frames[n])) > 35


@pytest.mark.parametrize("keys", [(0, None), (None, 4), (0, 4)])
def test_what_keys_there_are_decides_the_renditions(slide, keys):
    for one in between(slide, keys=keys):
        assert (one.left is None) == (keys[0] is None)
        assert (one.right is None) == (keys[1] is None)
        assert one.baked is not None


@pytest.mark.parametrize("keys", [(3, 4), (3, None), (None, 4)])
def test_segments_of_one_frame(slide, keys):
    window = Pictures(slide, FrameRange(3, 4))
    pair = tuple(None if k is None else styled(slide, k, swapped(slide[k])) for k in keys)
    (one,) = propagate(window, pair, PropagateSettings(baked=True), silent)
    assert worst([one], [slide[3]])[0] > 34
    if keys[0] is not None:
        assert (one.left.rgb == swapped(slide[3])).all()


def test_a_left_key_may_lie_before_the_window(slide):
    key = styled(slide, 1, swapped(slide[1]))
    window = Pictures(slide, FrameRange(4, 7))
    out = list(propagate(window, (key, None), PropagateSettings(), silent))
    assert len(out) == 3
    assert min(worst(out, slide[4:])) > 32


def test_no_key_at_all_is_an_error_of_the_caller(slide):
    with pytest.raises(ValueError, match="at least one key"):
        next(propagate(Pictures(slide), (None, None), PropagateSettings(), silent))


def test_alpha_is_the_sources_frame_by_frame(slide):
    class Cut(Pictures):
        def frame(self, n):
            return Frame(super().frame(n).rgb, np.full((SIZE[1], SIZE[0]), 20 * n, np.uint8))

    keys = tuple(StyledKey(n, Frame(slide[n]), Frame(swapped(slide[n]))) for n in (0, LAST))
    window = Cut(slide, FrameRange(0, LAST))
    for n, one in enumerate(propagate(window, keys, PropagateSettings(baked=True), silent)):
        for made in (one.left, one.right, one.baked):
            assert (made.alpha == 20 * n).all()
    assert between(slide)[1].left.alpha is None


def test_what_one_key_cant_know_comes_from_the_other():
    frames, masks = occluder(LAST + 1, SIZE, (5, 0))
    settings = {"fade": FrameRange(6, 8)}
    out = between(frames, **settings)
    alone = between(frames, keys=(0, None))
    revealed = cv2.erode((masks[0] & ~masks[4]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    truth = swapped(frames[4])[revealed]
    assert psnr(out[4].left.rgb[revealed], truth) > psnr(alone[4].left.rgb[revealed], truth) + 3
    assert min(worst(out, frames)) > 19


def test_the_same_work_gives_the_same_pictures(slide):
    one, again = between(slide), between(slide)
    for a, b in zip(one, again, strict=True):
        for name in ("left", "right", "baked"):
            assert (getattr(a, name).rgb == getattr(b, name).rgb).all()


SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import cv2
cv2.setNumThreads(1)
from scenes import Pictures, sliding, styled, swapped
from restrip.progress import silent
from restrip.propagate import PropagateSettings, propagate
from restrip.timeline import FrameRange
frames = sliding(4, (113, 71), (2, 1))
keys = tuple(styled(frames, n, swapped(frames[n])) for n in (0, 3))
total = hashlib.sha256()
for strokes in ("smooth", "crisp"):
    settings = PropagateSettings(baked=True, strokes=strokes)
    for one in propagate(Pictures(frames, FrameRange(0, 3)), keys, settings, silent):
        for made in (one.left, one.right, one.baked):
            total.update(made.rgb.tobytes())
import numba
print(numba.get_num_threads(), total.hexdigest())
"""


def test_the_number_of_threads_of_the_kernels_does_not_matter():
    said = []
    for threads in ("1", "3"):
        command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
        environment = os.environ | {"NUMBA_NUM_THREADS": threads}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.split())
    assert [threads for threads, _ in said] == ["1", "3"]
    assert said[0][1] == said[1][1]
