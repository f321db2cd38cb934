"""A picture of a job: source, keys and result side by side.

  frame 0   frame 18   frame 37 ...
source  [      ][      ][      ]
keys    [ key  ]        [ key  ]
result  [      ][      ][      ]
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from restrip.media import Frame, fit_picture, write_picture

Row = Literal["source", "key", "result"]
ROWS: tuple[Row, ...] = ("source", "key", "result")
TITLES = {"source": "source", "key": "keys", "result": "result"}
MOST_COLUMNS = 7
GAP_PX = 8
MARGIN_PX = 64
PAPER = (24, 24, 26)
INK = (225, 225, 225)


def columns_for(keys: Sequence[int], length: int) -> tuple[int, ...]:
    """The frames worth showing: the keys and the frames midway between them, at most seven, evenly thinned."""
    wanted = {key for key in keys if 0 <= key < length}
    wanted |= {(a + b) // 2 for a, b in pairwise(sorted(wanted))}
    if len(wanted) < 3:
        wanted |= {0, length - 1}
    frames = sorted(wanted)
    if len(frames) <= MOST_COLUMNS:
        return tuple(frames)
    picked = np.linspace(0, len(frames) - 1, MOST_COLUMNS).round().astype(int)
    return tuple(frames[i] for i in picked)


@dataclass
class Sheet:
    """Collects small pictures as frames stream by, then draws them; `columns` are frames, `width_px` a picture's."""

    columns: Sequence[int]
    keys: Collection[int]
    width_px: int = 320
    _pictures: dict[tuple[Row, int], npt.NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, row: Row, frame: int, picture: Frame) -> None:
        """Keep a small copy of `picture` when the sheet shows it."""
        if frame not in self.columns or (row == "key" and frame not in self.keys):
            return
        width, height = picture.size
        small = fit_picture(picture, (self.width_px, max(1, round(self.width_px * height / width))))
        self._pictures[row, frame] = small.rgb8()

    def lacks(self, row: Row) -> bool:
        """Is there no picture in a row yet?"""
        return all(of != row for of, _ in self._pictures)

    def write(self, path: Path) -> None:
        """Draw what was added and write it as a PNG."""
        tall = max(picture.shape[0] for picture in self._pictures.values())
        width = MARGIN_PX + len(self.columns) * (self.width_px + GAP_PX)
        height = 32 + len(ROWS) * (tall + GAP_PX)
        image = Image.new("RGB", (width, height), PAPER)
        draw = ImageDraw.Draw(image)
        font = ImageFont.load_default(size=15)
        for column, frame in enumerate(self.columns):
            left = MARGIN_PX + column * (self.width_px + GAP_PX)
            named = f"frame {frame}, key" if frame in self.keys else f"frame {frame}"
            draw.text((left, 8), named, INK, font=font)
            for row, name in enumerate(ROWS):
                top = 32 + row * (tall + GAP_PX)
                draw.text((8, top), TITLES[name], INK, font=font)
                if (name, frame) in self._pictures:
                    image.paste(Image.fromarray(self._pictures[name, frame]), (left, top))
        write_picture(path, Frame(np.ascontiguousarray(image)))
