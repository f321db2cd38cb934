"""Contact sheets: what a clip was, what it should have become, what it became."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from truths import Case, Picture, swapped

WIDTH = 360
CAPTION = 22
TIMES = 3  # differences are shown so many times stronger


def write_sheet(case: Case, out: Sequence[Picture], caption: str, path: Path) -> None:
    """A JPEG with a row a frame, a quarter, a half and three quarters into the first gap.

    Columns: source, truth, ours, the difference of the last two.
    """
    first, end = case.keys[:2]
    rows = [_band(WIDTH * 4 + 12, caption), _headings()]
    for n in sorted({first + (end - first) * share // 4 for share in (1, 2, 3)}):
        apart = np.clip(cv2.absdiff(out[n], case.truth[n]).astype(int) * TIMES, 0, 255).astype(np.uint8)
        rows.append(np.hstack([_padded(p) for p in (case.frames[n], case.truth[n], out[n], apart)])[:, :-4])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), swapped(np.vstack(rows)), [cv2.IMWRITE_JPEG_QUALITY, 82])


def _padded(picture: Picture) -> Picture:
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    small = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, 4, 0, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _headings() -> Picture:
    names = ("source", "truth", "carried", f"difference x {TIMES}")
    return np.hstack([_band(WIDTH + 4, name) for name in names])[:, :-4]


def _band(width: int, text: str) -> Picture:
    band = np.full((CAPTION, width, 3), 255, np.uint8)
    return cv2.putText(band, text, (4, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
