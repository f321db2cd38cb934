"""A row as a sheet: whole pictures from key to key, and crops of the middle at twice their size beside both keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from between.footage import Picture

CROP = 128
ZOOM = 2
GAP = 4
CAPTION = 22
WHOLE = 360
"""Width of the whole pictures."""


def write_sheet(
    path: Path,
    caption: str,
    frames: Sequence[Picture],
    keys: tuple[Picture, Picture],
    pictures: Mapping[str, Sequence[Picture]],
) -> None:
    """A PNG: the source and `pictures` a quarter, a half and three quarters into the gap; then crops of the middle.

    A row of crops: the source, the left key at the same place of the picture, each of the pictures, the right key. The
    places are where most is painted, where most moves, and the middle.
    """
    last = len(frames) - 1
    shown = {"source": frames, **pictures}
    rows = [_line(f"{name}, frame {n}", shown[name][n]) for name in shown for n in _quarters(last)]
    whole = [side_by_side(rows[begin : begin + 3]) for begin in range(0, len(rows), 3)]
    middle = last // 2
    crops = []
    for y, x in places(frames, keys):
        cut = {
            "source": frames[middle],
            "left key": keys[0],
            **{name: of[middle] for name, of in pictures.items()},
            "right key": keys[1],
        }
        crops.append(side_by_side([_zoomed(f"{name} at {x},{y}", one, y, x) for name, one in cut.items()]))
    parts = [*whole, *crops]
    width = max(part.shape[1] for part in parts)
    parts = [_band(width, caption), *(_padded(part, width) for part in parts)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(parts)[..., ::-1]))


def places(frames: Sequence[Picture], keys: tuple[Picture, Picture]) -> list[tuple[int, int]]:
    """Corners (y, x) of crops that overlap by no more than half: most detail in the keys, most motion, the middle."""
    height, width = frames[0].shape[:2]
    detail = sum(np.abs(key.astype(np.float32) - cv2.GaussianBlur(key.astype(np.float32), (0, 0), 2)) for key in keys)
    moved = np.abs(frames[len(frames) // 2].astype(np.float32) - frames[len(frames) // 2 - 1])
    out: list[tuple[int, int]] = []
    for found in (moved.sum(2), detail.sum(2)):
        sums = cv2.boxFilter(found, -1, (CROP, CROP), anchor=(0, 0), normalize=True)[: height - CROP, : width - CROP]
        for y, x in out:
            sums[max(0, y - CROP // 2) : y + CROP // 2, max(0, x - CROP // 2) : x + CROP // 2] = -1
        out.append(divmod(int(sums.argmax()), sums.shape[1]))
    return [*out, ((height - CROP) // 2, (width - CROP) // 2)]


def _quarters(last: int) -> list[int]:
    return [last // 4, last // 2, 3 * last // 4]


def _zoomed(caption: str, picture: Picture, y: int, x: int) -> Picture:
    cut = picture[y : y + CROP, x : x + CROP]
    return captioned(caption, cv2.resize(cut, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST))


def _line(caption: str, picture: Picture) -> Picture:
    height = round(picture.shape[0] * WHOLE / picture.shape[1])
    kind = cv2.INTER_AREA if picture.shape[1] > WHOLE else cv2.INTER_CUBIC
    return captioned(caption, cv2.resize(picture, (WHOLE, height), interpolation=kind))


def captioned(caption: str, picture: Picture) -> Picture:
    """A picture under its words."""
    return np.vstack([_band(picture.shape[1], caption), picture])


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """Pictures of one height in a row."""
    white = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for picture in pictures for part in (picture, white)])


def _padded(picture: Picture, width: int) -> Picture:
    return cv2.copyMakeBorder(picture, 0, GAP, 0, width - picture.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3)


def _band(width: int, text: str) -> Picture:
    band = np.full((CAPTION, width, 3), 255, np.uint8)
    return cv2.putText(band, text, (4, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
